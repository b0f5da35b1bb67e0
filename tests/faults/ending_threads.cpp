// SPDX-License-Identifier: MIT
// How the library's threads end. glibc's pthread_detach first marks the thread and then looks
// whether it is ending: if it ends in between, another thread's stack and control block are torn
// down.

#include "child.hpp"
#include "eventually.hpp"
#include "load.hpp"

#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <filesystem>
#include <iterator>
#include <latch>
#include <thread>

#include <dlfcn.h>
#include <pthread.h>

namespace {

std::atomic<long> detached{0};
std::atomic<long> started{0};
std::atomic<long> joined{0};

using start_routine = void* (*)(void*);

/// The function behind the one of this program, by way of a sanitizer where one is linked in.
template <class Function>
Function* next(Function* interceptor, const char* name) {
    return interceptor != nullptr ? interceptor
                                  : reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

} // namespace

extern "C" {

[[gnu::weak]] int __interceptor_pthread_detach(pthread_t);
[[gnu::weak]] int __interceptor_pthread_create(pthread_t*, const pthread_attr_t*, start_routine,
                                               void*);
[[gnu::weak]] int __interceptor_pthread_join(pthread_t, void**);
[[gnu::weak]] int __interceptor_pthread_tryjoin_np(pthread_t, void**);

int pthread_detach(pthread_t thread) {
    static auto* const real = next(&__interceptor_pthread_detach, "pthread_detach");
    ++detached;
    return real(thread);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* how, start_routine run, void* with) {
    static auto* const real = next(&__interceptor_pthread_create, "pthread_create");
    const int error = real(thread, how, run, with);
    started += error == 0 ? 1 : 0;
    return error;
}

int pthread_join(pthread_t thread, void** result) {
    static auto* const real = next(&__interceptor_pthread_join, "pthread_join");
    const int error = real(thread, result);
    joined += error == 0 ? 1 : 0;
    return error;
}

int pthread_tryjoin_np(pthread_t thread, void** result) {
    static auto* const real = next(&__interceptor_pthread_tryjoin_np, "pthread_tryjoin_np");
    const int error = real(thread, result);
    joined += error == 0 ? 1 : 0;
    return error;
}

} // extern "C"

namespace {

using namespace faf_test;
using faf::fire_and_forget;

TEST_CASE("no thread of the library is detached, which might tear down another one") {
    std::atomic<int> ran{0};
    faf::thread_pool pool({.threads = 1, .max_threads = 8, .starvation_after = 1ms});
    std::latch all_here(6); // the pool grows, and lets go of the threads again
    for (int i = 0; i < 6; ++i) {
        fire_and_forget(pool, [&] {
            all_here.arrive_and_wait();
            ++ran;
        });
    }
    for (int i = 0; i < 100; ++i) {
        fire_and_forget(faf::own_thread, [&] { ++ran; });
    }
    fire_and_forget({.after = 1ms}, [&] { ++ran; });
    fire_and_forget(pool, [&] {
        ++ran;
#if !(defined(_LIBCPP_VERSION) && defined(__linux__)) // see thread_ended_by_task.cpp
        pthread_exit(nullptr);
#endif
    });
    CHECK(eventually([&] { return ran == 6 + 100 + 1 + 1; }));
    CHECK(eventually([&] { return pool.snapshot().threads <= 1; }));
    {
        faf::thread_pool starving({.threads = 1, .max_threads = 2, .starvation_after = 1ms});
        static std::atomic<int> heard{0}; // a report may still be under way at the end
        const faf::error_sink before = faf::set_error_sink([](const auto&) {
            ++heard;
            heard.notify_all();
        });
        for (int i = 0; i < 3; ++i) {
            fire_and_forget(starving, [] { heard.wait(0); });
        }
        CHECK(eventually([] { return heard > 0; }));
        CHECK(starving.shutdown(patience));
        faf::set_error_sink(before);
    }
    CHECK(pool.shutdown(patience));
    CHECK(detached == 0);
}

TEST_CASE("threads that have ended are joined by those that end after them") {
    for (int i = 0; i < load(5'000, 500); ++i) {
        CHECK(fire_and_forget(faf::own_thread, [] {}));
        if (i % 8 == 0) {
            CHECK(faf::drain(patience));
        }
    }
    CHECK(faf::drain(patience));
    // The keeper, workers of the default pool and those that are just about to end.
    CHECK(eventually([] {
        CHECK(fire_and_forget(faf::own_thread, [] {}));
        CHECK(faf::drain(patience));
        return started - joined < 10;
    }));
    CHECK(detached == 0);
}

TEST_CASE("a thread_local destructor that blocks holds up no other thread") {
    static std::atomic<bool> may_end{false};
    static std::atomic<bool> is_blocked{false};
    struct blocking {
        bool is_used = false;
        ~blocking() {
            is_blocked = true;
            may_end.wait(false);
        }
    };
    CHECK(fire_and_forget(faf::own_thread, [] {
        thread_local blocking at_the_end;
        at_the_end.is_used = true;
    }));
    CHECK(eventually([] { return is_blocked.load(); }));
    const long unjoined = started - joined;
    for (int i = 0; i < 200; ++i) {
        CHECK(fire_and_forget(faf::own_thread, [] {}));
        CHECK(faf::drain(patience));
    }
    CHECK(eventually([=] {
        CHECK(fire_and_forget(faf::own_thread, [] {}));
        CHECK(faf::drain(patience));
        return started - joined <= unjoined + 3;
    }));
    may_end = true;
    may_end.notify_all();
}

long threads_now() {
    const std::filesystem::directory_iterator all("/proc/self/task");
    return std::distance(begin(all), end(all));
}

void use_all(faf::thread_pool& pool, std::atomic<int>& ran) {
    fire_and_forget([&] { ++ran; });
    fire_and_forget({.after = 1ms}, [&] { ++ran; });
    fire_and_forget(faf::own_thread, [&] { ++ran; });
    fire_and_forget(pool, [&] { ++ran; });
    fire_and_forget(pool, {.after = 1ms}, [&] { ++ran; });
    fire_and_forget(pool, [&]() -> faf::task<> {
        co_await faf::sleep_for(1ms);
        ++ran;
    });
}

const child shuts_all_down("shuts all down", [](ledger& book) {
    std::thread([] {}).join(); // with the first one a sanitizer starts one of its own
    const long before = threads_now();
    std::atomic<int> ran{0};
    faf::thread_pool pool({.threads = 2});
    use_all(pool, ran);
    CHECK(pool.drain(patience));
    CHECK(faf::drain(patience));
    CHECK(pool.shutdown(patience));
    CHECK(faf::shutdown(patience));
    book.notes[0] = ran;
    // The system shows a thread for a moment that has been joined.
    const auto is_alone = [=] { return threads_now() == before; };
    CHECK(eventually(is_alone));
    for (int i = 0; i < load(200, 20); ++i) { // and there may be others afterwards
        faf::thread_pool later({.threads = 1});
        fire_and_forget(later, {.after = 100us}, [&] { ++ran; });
        CHECK(later.drain(patience));
        CHECK(later.shutdown(patience));
        CHECK(eventually(is_alone));
    }
    book.notes[1] = ran;
});

TEST_CASE("when the last executor has been shut down no thread of the library is left") {
    const outcome end = run(shuts_all_down);
    check_exit(end);
    CHECK(end->notes[0] == 6);
    CHECK(end->notes[1] == 6 + load(200, 20));
}

} // namespace
