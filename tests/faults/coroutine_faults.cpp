// SPDX-License-Identifier: MIT
// Coroutines without memory, and in threads that end under them.
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/when_all.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <pthread.h>

namespace {

using faf::fire_and_forget;
using faf::testing::error_recorder;
using namespace std::chrono_literals;

/// How many pieces of memory without an exception are still to be had; negative: any number.
std::atomic<int> pieces_left{-1};

bool may_allocate() noexcept {
    return pieces_left < 0 || pieces_left.fetch_sub(1) > 0;
}

struct scarce_memory {
    explicit scarce_memory(int pieces) { pieces_left = pieces; }
    ~scarce_memory() { pieces_left = -1; }
    scarce_memory(const scarce_memory&) = delete;
    scarce_memory& operator=(const scarce_memory&) = delete;
};

faf::task<> do_nothing() {
    co_return;
}

faf::detached start_by_itself(bool& has_run) {
    has_run = true;
    co_return;
}

} // namespace

// Frames are asked for in this form.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return may_allocate() ? std::malloc(size) : nullptr;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (void* const memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}

TEST_CASE("a coroutine without memory for itself is reported as refused") {
    error_recorder errors;
    faf::testing::manual_executor time;
    bool has_run = false;
    char large[800]{}; // of a size that no frame had before
    fire_and_forget(time, [&has_run, large]() -> faf::task<> {
        has_run = large[0] == 0;
        co_return;
    });
    {
        const scarce_memory none(0);
        time.run_all();
    }
    CHECK(!has_run);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::refused);
}

TEST_CASE("a coroutine without memory for its frame is reported as failed") {
    error_recorder errors;
    faf::testing::manual_executor time;
    bool has_run = false;
    fire_and_forget(time, [&has_run]() -> faf::task<> {
        volatile char large[700]{};
        co_await do_nothing();
        has_run = large[1] == 0;
    });
    {
        const scarce_memory one(1);
        time.run_all();
    }
    CHECK(!has_run);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].type == "std::bad_alloc");
}

TEST_CASE("a detached coroutine without memory is reported as refused") {
    error_recorder errors;
    faf::default_pool();
    bool has_run = false;
    {
        const scarce_memory none(0);
        start_by_itself(has_run);
    }
    CHECK(!has_run);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::refused);
}

#if defined(__GLIBCXX__)
faf::task<> end_thread_after(std::chrono::nanoseconds delay) {
    co_await faf::sleep_for(delay);
    ::pthread_exit(nullptr);
}

bool adds_up(const faf::stats& books) {
    return books.accepted == books.succeeded + books.failed + books.dropped && books.pending == 0;
}

/// What waits on `home` for such a part, or goes to `other`, and ends the thread there.
template <class Home>
void end_threads_beside(Home&& home, faf::thread_pool& other) {
    fire_and_forget(home, []() -> faf::task<> {
        const auto first = co_await faf::when_any(end_thread_after(1ms), faf::sleep_for(9ms));
        static_cast<void>(first);
    });
    fire_and_forget(home, [&other]() -> faf::task<> {
        co_await faf::resume_on(other);
        ::pthread_exit(nullptr);
    });
}

TEST_CASE("the counters add up where a coroutine ends a thread that is not its own task's") {
    error_recorder errors;
    faf::thread_pool other({.threads = 1});
    {
        faf::thread_pool pool({.threads = 1});
        faf::serial_executor serial(pool);
        end_threads_beside(pool, other);
        end_threads_beside(serial, other);
        CHECK(pool.drain(faf_test::patience));
        CHECK(faf_test::eventually([&] { return adds_up(pool.snapshot()); }));
    }
    end_threads_beside(faf::own_thread, other);
    CHECK(faf::drain(faf_test::patience));
    CHECK(other.drain(faf_test::patience));
    CHECK(faf_test::eventually([&] { return adds_up(other.snapshot()); }));
    CHECK(faf_test::eventually([&] { return adds_up(faf::snapshot()); }));
    CHECK(errors.count() == 6);
}

TEST_CASE("a coroutine that ends its thread is reported, and its frames are destroyed") {
    error_recorder errors;
    std::atomic<int> ended{0};
    struct counter {
        std::atomic<int>& count;
        explicit counter(std::atomic<int>& in) noexcept : count(in) {}
        counter(const counter&) = delete;
        counter& operator=(const counter&) = delete;
        ~counter() { ++count; }
    };
    {
        faf::thread_pool pool({.threads = 1});
        fire_and_forget(pool, [&ended]() -> faf::task<> {
            const counter outer(ended);
            const auto inner = [&ended]() -> faf::task<> {
                const counter inmost(ended);
                co_await faf::sleep_for(1ms);
                ::pthread_exit(nullptr);
            };
            co_await inner();
        });
        CHECK(pool.drain(faf_test::patience));
    }
    CHECK(ended == 2);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::worker_lost);
}
#endif
