// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/thread_start.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <csignal>
#include <exception>
#include <stdexcept>
#include <string>

#include <pthread.h>

using namespace faf::detail;
using faf::testing::error_recorder;

namespace {

std::exception_ptr refused() {
    return std::make_exception_ptr(std::runtime_error("no more threads"));
}

/// Of the only thread of `executor`.
void wait_for_end(const void* executor) {
    CHECK(faf_test::eventually([=] {
        library_threads::instance().join_left(executor);
        return !library_threads::instance().has_any(executor);
    }));
}

} // namespace

TEST_CASE("a thread that is started runs its body with what it was given") {
    int executor = 0;
    int record = 0;
    const thread_body body = [](void* first, void* second) {
        *static_cast<int*>(first) = 1;
        *static_cast<int*>(second) = 2;
    };
    std::exception_ptr why;
    CHECK(start_thread(body, &executor, &record, why));
    wait_for_end(&executor);
    CHECK(why == nullptr);
    CHECK(executor == 1);
    CHECK(record == 2);
}

#if defined(__linux__)

TEST_CASE("a thread that is started keeps the program's signals off, the starter gets them back") {
    bool is_blocked = false;
    const thread_body body = [](void* result, void*) {
        sigset_t mask;
        sigemptyset(&mask);
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        *static_cast<bool*>(result) = sigismember(&mask, SIGTERM) == 1;
    };
    std::exception_ptr why;
    REQUIRE(start_thread(body, &is_blocked, nullptr, why));
    wait_for_end(&is_blocked);
    CHECK(is_blocked);
    body(&is_blocked, nullptr);
    CHECK_FALSE(is_blocked);
}

#endif

TEST_CASE("trouble that is none reports nothing") {
    const error_recorder errors;
    thread_trouble().report("it waits", nullptr);
    CHECK(errors.empty());
}

TEST_CASE("trouble is reported with its cause and what becomes of the task") {
    const error_recorder errors;
    const faf::call_site where = faf::call_site::current();
    thread_trouble(where, refused()).report("it waits for one", nullptr);
    REQUIRE(errors.count() == 1);
    const auto error = errors.errors()[0];
    CHECK(error.kind == faf::failure::starvation);
    CHECK(error.type == "std::runtime_error");
    CHECK(error.what == "no more threads; it waits for one");
    CHECK(error.where.line() == where.line());
    CHECK(error.exception != nullptr);
}

TEST_CASE("trouble without an exception is a lack of memory") {
    const error_recorder errors;
    thread_trouble({}, nullptr).report("it waits for one", nullptr);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == "no memory to start a thread; it waits for one");
}

TEST_CASE("trouble is reported to the pool's sink first") {
    const error_recorder global;
    int of_pool = 0;
    const faf::error_sink note = [&](const faf::error_report&) { ++of_pool; };
    thread_trouble({}, nullptr).report("it waits for one", &note);
    CHECK(of_pool == 1);
    CHECK(global.empty());
}

TEST_CASE("a row of refused threads is reported once, and again after a success") {
    const error_recorder errors;
    hiring_pause pause;
    CHECK(pause.is_over());
    pause.begin({}, refused()).report("first", nullptr);
    pause.begin({}, refused()).report("second", nullptr);
    CHECK(errors.count() == 1);
    pause.end();
    CHECK(pause.is_over());
    pause.begin({}, refused()).report("third", nullptr);
    CHECK(errors.count() == 2);
}

#if defined(__linux__)

TEST_CASE("a worker's thread is named by its pool and its number") {
    char before[16] = {};
    pthread_getname_np(pthread_self(), before, sizeof before);
    const auto name_of = [](const char* prefix, unsigned number) {
        name_worker_thread(prefix, number);
        char name[16] = {};
        pthread_getname_np(pthread_self(), name, sizeof name);
        return std::string(name);
    };
    CHECK(name_of("faf", 1) == "faf/1");
    CHECK(name_of(nullptr, 2) == "faf/2");
    CHECK(name_of("a very long name", 999) == "a very lon/999");
    CHECK(name_of("", 1000) == "/0");
    name_this_thread(before);
}

#endif
