// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/native_thread.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

using namespace std::chrono_literals;
using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf_test::eventually;

#if defined(__linux__) && !defined(__ANDROID__)

namespace {

std::size_t stack_of_this_thread() {
    std::size_t size = 0;
    pthread_attr_t mine;
    if (pthread_getattr_np(pthread_self(), &mine) == 0) {
        pthread_attr_getstacksize(&mine, &size);
        pthread_attr_destroy(&mine);
    }
    return size;
}

/// Of a pool's thread that was made with `asked`.
std::size_t stack_with(std::size_t asked) {
    std::size_t size = 0;
    faf::thread_pool pool({.threads = 1, .stack_size = asked});
    fire_and_forget(pool, [&] { size = stack_of_this_thread(); });
    pool.drain();
    return size;
}

/// The same for own threads.
std::size_t own_stack_with(std::size_t asked, faf::options how = {}) {
    std::size_t size = 0;
    faf::set_own_thread_stack_size(asked);
    CHECK(fire_and_forget(faf::own_thread, how, [&] { size = stack_of_this_thread(); }));
    CHECK(faf::drain());
    faf::set_own_thread_stack_size(0);
    return size;
}

std::string name_of_own_thread(faf::options how) {
    std::array<char, 16> name{};
    CHECK(fire_and_forget(faf::own_thread, how,
                          [&] { pthread_getname_np(pthread_self(), name.data(), name.size()); }));
    CHECK(faf::drain());
    return name.data();
}

} // namespace

TEST_CASE("a pool's threads have the stack that is asked for, and what the library needs") {
    constexpr std::size_t large = 32 * 1024 * 1024;
    CHECK(stack_with(large) >= large);
    CHECK(stack_with(large) < stack_with(2 * large));
    CHECK(stack_with(large + 1) >= large + 1);
    CHECK(stack_with(1) >= 64 * 1024);
    CHECK(stack_with(1) < large);
}

TEST_CASE("own threads have the stack that is asked for") {
    constexpr std::size_t large = 32 * 1024 * 1024;
    CHECK(own_stack_with(large) >= large);
    CHECK(own_stack_with(large) < own_stack_with(2 * large));
    CHECK(own_stack_with(large, {.after = 1ms}) >= large);
}

TEST_CASE("an own thread has the name of its task, as far as the system shows it") {
    CHECK(name_of_own_thread({.name = "accept"}) == "accept");
    CHECK(name_of_own_thread({.name = "accept later", .after = 1ms}) == "accept later");
    CHECK(name_of_own_thread({.name = "exactly fifteen"}) == "exactly fifteen");
    CHECK(name_of_own_thread({.name = "a name of seventeen"}) == "a name of seven");
    CHECK(name_of_own_thread({}) == "faf/own");
}

#endif

#if defined(FIRE_AND_FORGET_HAS_POSIX)

/// A part of all addresses that no system gives.
constexpr std::size_t too_large = (SIZE_MAX / 16 + 1) * (sizeof(std::size_t) > 4 ? 1 : 15);

TEST_CASE("an own thread whose stack the system does not give is refused") {
    const error_recorder errors;
    faf::set_own_thread_stack_size(too_large);
    CHECK(fire_and_forget(faf::own_thread, [] {}).why() == faf::refusal::no_thread);
    faf::set_own_thread_stack_size(0);
    CHECK(errors.count() == 1);
    CHECK(fire_and_forget(faf::own_thread, [] {}));
    CHECK(faf::drain());
}

TEST_CASE("a stack that the system does not give is reported, and the tasks wait") {
    const error_recorder errors;
    bool has_run = false;
    {
        faf::thread_pool pool({.threads = 1, .exit_timeout = 0s, .stack_size = too_large});
        fire_and_forget(pool, [&] { has_run = true; });
        CHECK(eventually([&] { return !errors.empty(); }));
        CHECK(pool.snapshot().pending == 1);
    }
    CHECK_FALSE(has_run);
    const auto reports = errors.errors();
    REQUIRE_FALSE(reports.empty());
    CHECK(reports[0].kind == faf::failure::starvation);
    CHECK(reports[0].what.find("it waits for one with a stack of " + std::to_string(too_large) +
                               " bytes") != std::string::npos);
    CHECK(reports.back().kind == faf::failure::abandoned);
}

#endif
