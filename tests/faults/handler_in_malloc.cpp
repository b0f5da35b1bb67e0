// SPDX-License-Identifier: MIT
// A signal handler that fires while its thread allocates for the library, and so has malloc's lock.

#include "catch.hpp"
#include "eventually.hpp"
#include "replaced_new.hpp"

#include <fire_and_forget/cancellable.hpp>
#include <fire_and_forget/channel.hpp>
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/latency_histograms.hpp>
#include <fire_and_forget/observer.hpp>
#include <fire_and_forget/own_thread.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/trace.hpp>
#include <fire_and_forget/when_all.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace faf_test {
namespace {

faf::thread_pool* pool_of_handler = nullptr;
thread_local bool is_interrupted = false;
thread_local int refused = 0;
thread_local int accepted = 0;

/// As a handler does, in malloc or free.
void fire_as_handler() noexcept {
    if (std::exchange(is_interrupted, false)) {
        const bool is_in = static_cast<bool>(fire_and_forget(*pool_of_handler, [] {}));
        ++(is_in ? accepted : refused);
        is_interrupted = true;
    }
}

} // namespace

inline void* new_memory(std::size_t size, std::size_t alignment) noexcept {
    fire_as_handler();
    return allocate_from_system(size, alignment);
}

inline void delete_memory(void* memory) noexcept {
    if (memory != nullptr) {
        fire_as_handler();
        release_to_system(memory);
    }
}

} // namespace faf_test

namespace {

using namespace faf_test;
using faf::fire_and_forget;

struct large {
    std::array<char, 200> content{};
    void operator()() const {}
};

struct alignas(64) overaligned {
    faf::task<int> operator()() const;
};

// None of them is inlined: clang makes no frame on the heap for one that is.

[[gnu::noinline]] faf::task<int> answer() {
    co_return 42;
}

[[gnu::noinline]] faf::task<int> overaligned::operator()() const {
    return answer();
}

[[gnu::noinline]] faf::task<int> large_answer() {
    std::array<char, 2000> kept{};
    co_await faf::yield();
    co_return kept[0];
}

[[gnu::noinline]] faf::task<int> both_answers() {
    const auto [one, other] = co_await faf::when_all(answer(), answer());
    co_return one + other;
}

[[gnu::noinline]] faf::task<int> first_answer() {
    const auto first = co_await faf::when_any(answer(), answer());
    co_return static_cast<int>(first.index());
}

class quiet_observer : public faf::task_observer {};

struct outcome_of_calls {
    int refused = 0;
    int accepted = 0;
};

template <class Call>
outcome_of_calls interrupt(Call call) {
    refused = accepted = 0;
    is_interrupted = true;
    call();
    is_interrupted = false;
    return {refused, accepted};
}

TEST_CASE("a handler that fires does not wait for malloc, which its own thread is in") {
    faf::thread_pool pool({.threads = 1});
    faf::thread_pool other({.threads = 1});
    pool_of_handler = &other;
    const faf::detail::stop_source stop = faf::detail::make_stop_source();
    const faf::error_sink sink = [](const faf::error_report&) {};
    const faf::options timed{.after = 1us, .stop = stop.get_token()};
    const faf::options repeated{.every = 1ms, .stop = stop.get_token()};
    const faf::options asked{.stop = stop.get_token()};
    // A copied std::function allocates as it likes, but for what is in it.
    const faf::options heard{.stop = stop.get_token(), .on_error = sink};
    faf::pool_options full{.threads = 1,
                           .max_pending = 2,
                           .when_full = faf::overflow::drop_oldest,
                           .on_error = [](const faf::error_report&) {}};
    const auto check = [&](const char* what, auto call) {
        for (int i = 0; i < 3; ++i) { // the first one has more to make
            CAPTURE(what, i);
            const outcome_of_calls seen = interrupt(call);
            CHECK(seen.accepted == 0);
            CHECK(seen.refused + i > 0);
            CHECK(pool.drain(patience));
        }
    };
    check("a large task", [&] { fire_and_forget(pool, large()); });
    check("options", [&] { fire_and_forget(pool, timed, [] {}); });
    check("a thread of its own", [&] { fire_and_forget(faf::own_thread, timed, large()); });
    check("a handle", [&] { fire_and_forget(faf::cancellable(pool), [] {}).cancel(); });
    check("a pool", [&] {
        faf::thread_pool own({.threads = 1});
        fire_and_forget(own, large());
    });
    check("a pool that displaces", [&] {
        faf::thread_pool own(full);
        own.pause();
        for (int i = 0; i < 4; ++i) {
            fire_and_forget(own, large());
        }
        own.resume();
    });
    quiet_observer none;
    check("an observer", [&] {
        faf::thread_pool own({.threads = 1, .observer = &none});
        fire_and_forget(own, [] {});
    });
    constexpr faf::literal named = "a name that is too long for a string without memory";
    check("a trace", [&] {
        faf::trace_recorder trace;
        {
            faf::thread_pool own({.threads = 1, .observer = &trace});
            fire_and_forget(own, {.name = named}, [] {});
        }
        {
            const std::string text = trace.json();
            is_interrupted = false; // that is the caller's
        }
        is_interrupted = true;
    });
    check("histograms", [&] {
        faf::latency_histograms latency;
        {
            faf::thread_pool own({.threads = 1, .observer = &latency});
            fire_and_forget(own, {.name = named}, [] {});
        }
        {
            const std::string lines = latency.text();
            const std::string all = latency.prometheus();
            is_interrupted = false;
        }
        is_interrupted = true;
    });
    check("a coroutine", [&] {
        for (int i = 0; i < 100; ++i) { // more than a thread keeps
            const faf::task<int> made = answer();
        }
    });
    check("many coroutines", [&] {
        std::array<std::optional<faf::task<int>>, 200> made;
        for (std::optional<faf::task<int>>& one : made) {
            one.emplace(answer());
        }
    });
    check("a large coroutine", [&] { const faf::task<int> made = large_answer(); });
    check("the coroutine of what is overaligned",
          [&] { fire_and_forget(faf::inline_executor(), overaligned()); });
    check("a coroutine that is waited for", [&] { faf::sync_wait(answer()); });
    check("coroutines beside each other", [&] { faf::sync_wait(both_answers()); });
    check("the first of coroutines", [&] { faf::sync_wait(first_answer()); });
    check("a channel", [&] {
        faf::channel<int> numbers(4);
        numbers.try_push(1);
    });
    // Of a size that no coroutine above has left behind.
    check("a completion", [&] { const faf::completion<std::array<char, 600>> done; });
    check("a serial executor", [&] {
        faf::serial_executor own(pool);
        fire_and_forget(own, large());
    });
    check("conflation", [&] {
        faf::conflating_executor<int> own(pool);
        fire_and_forget(own[1], large());
        fire_and_forget(own[1], [] {});
    });
    check("a scope", [&] {
        faf::task_scope own(pool);
        fire_and_forget(own, [] {});
        fire_and_forget(own, large());
        fire_and_forget(own, asked, [] {});
        fire_and_forget(own, timed, large());
        fire_and_forget(own, repeated, [] {});
        own.cancel_pending();
        own.request_stop();
    });
#if defined(__GLIBCXX__)
    check("a sink of a task in a scope", [&] {
        faf::task_scope own(pool);
        fire_and_forget(own, heard, [] {});
    });
#endif
    const faf::error_sink before = faf::set_error_sink(sink);
    check("the global sink", [&] { faf::set_error_sink(sink); });
    faf::set_error_sink(before);
}

TEST_CASE(
    "a profiler's handler that fires on a worker does not wait for malloc, which that is in") {
    faf::thread_pool pool({.threads = 1});
    faf::thread_pool other({.threads = 1});
    pool_of_handler = &other;
    pool.pause();
    outcome_of_calls seen; // of the worker
    CHECK(fire_and_forget(pool, [] {
        refused = accepted = 0;
        is_interrupted = true;
    }));
    for (int i = 0; i < 1000; ++i) { // in more blocks than are kept
        CHECK(fire_and_forget(pool, [] {}));
    }
    CHECK(fire_and_forget(pool, [&seen] {
        is_interrupted = false;
        seen = {refused, accepted};
    }));
    pool.resume();
    CHECK(pool.drain(patience));
    CHECK(seen.accepted == 0);
    CHECK(seen.refused > 0);
}

} // namespace
