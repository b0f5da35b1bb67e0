// SPDX-License-Identifier: MIT
// A signal handler that fires tasks while its thread is anywhere in the library.

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/testing.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <thread>
#include <utility>

#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::refusal;

enum note : std::size_t { by_main, by_handler, handled, interrupted, counted_refused, adds_up };

ledger* book_of_handler = nullptr;
faf::thread_pool* other_pool = nullptr;

void count(faf::submission answer, note whose) {
    ledger& book = *book_of_handler;
    if (answer) {
        ++book.notes[whose];
        ++book.accepted;
    } else {
        ++book.refused;
        // At a limit, also one that would wait for the place which the interrupted call has.
        const bool is_in_the_way =
            answer.why() == refusal::in_signal_handler || answer.why() == refusal::queue_full;
        book.notes[interrupted] += is_in_the_way ? 1 : 0;
    }
}

void fire_from_handler(int) {
    ++book_of_handler->notes[handled];
    for (int i = 0; i < 2; ++i) { // twice, so that the lane at hand is another one's in between
        count(fire_and_forget([] { ++book_of_handler->ran; }), by_handler);
        count(fire_and_forget(*other_pool, [] { ++book_of_handler->ran; }), by_handler);
    }
}

/// Rings once; for good no more after 0.
void ring_after(std::chrono::microseconds time) {
    itimerval once{};
    once.it_value.tv_usec = time.count();
    setitimer(ITIMER_REAL, &once, nullptr);
}

/// Rings again when main has got on since the last time: what the handler fires may have to wait
/// for what main is about to store, and would fill the pool on a machine that is slow.
class bell_for_main {
public:
    explicit bell_for_main(std::chrono::microseconds pause) noexcept : pause_(pause) {}

    void set() {
        const long now = book_of_handler->notes[handled];
        if (std::exchange(seen_, now) != now) {
            ring_after(pause_);
        }
    }

private:
    std::chrono::microseconds pause_;
    long seen_ = -1;
};

/// What main does meanwhile. No allocation of its own, which a handler must not meet.
enum work : long { plain, alternating, at_a_limit, with_care, all };

void fire_as_main(long what, int i) {
    const auto run = [] { ++book_of_handler->ran; };
    struct large {
        std::array<char, 200> content{};
        void operator()() const { ++book_of_handler->ran; }
    };
    switch (what) {
    case plain:
        count(fire_and_forget(run), by_main);
        break;
    case alternating:
        count(i % 2 == 0 ? fire_and_forget(run) : fire_and_forget(*other_pool, run), by_main);
        break;
    case at_a_limit: // and main waits for room, mostly
        count(fire_and_forget(*other_pool, run), by_main);
        break;
    default:
        count(fire_and_forget({.name = "named"}, run), by_main);
        count(fire_and_forget({.priority = faf::priority::high}, run), by_main);
        count(fire_and_forget({.after = 1us}, run), by_main);
        count(fire_and_forget(large{}), by_main);
        static_cast<void>(faf::snapshot());
        break;
    }
}

const child handler_fires("handler fires", [](ledger& book) {
    book_of_handler = &book;
    faf::thread_pool other({.threads = 1,
                            .max_pending = book.argument == at_a_limit ? 4U : 0U,
                            .when_full = faf::overflow::wait,
                            .full_wait = patience,
                            .refusals = faf::refusals::quiet});
    other_pool = &other;
    struct sigaction action {};
    action.sa_handler = fire_from_handler;
    sigaction(SIGALRM, &action, nullptr);
    bell_for_main bell(book.argument == plain ? 1000us : 200us);
    const auto begin = std::chrono::steady_clock::now();
    const auto end = begin + load(3s, 1s);
    const auto is_enough = [&] { // on a busy machine several signals become one
        return book.notes[handled] > 100 && book.notes[by_handler] > 0;
    };
    for (int i = 0; std::chrono::steady_clock::now() < (is_enough() ? end : begin + patience);
         ++i) {
        for (int k = 0; k < 200; ++k) {
            bell.set();
            fire_as_main(book.argument, k);
        }
        // In between the queues run empty, so that workers have to be called again.
        static_cast<void>(i % 4 == 0 ? faf::drain(patience) : other.drain(patience));
    }
    ring_after(0us);
    CHECK(faf::drain(patience));
    CHECK(other.drain(patience));
    faf::stats both = faf::snapshot();
    both += other.snapshot();
    book.notes[counted_refused] = static_cast<long>(both.refused);
    book.notes[adds_up] = both.accepted == book.accepted && both.succeeded == book.ran &&
                          both.pending == 0 && both.running == 0;
});

TEST_CASE("a signal handler may fire while its thread does: each task runs once or is refused") {
#if defined(FIRE_AND_FORGET_HAS_TSAN)
    WARN("left out: ThreadSanitizer reports that the handler allocates, which is so");
    return;
#endif
    for (long what = 0; what < all; ++what) {
        CAPTURE(what);
        const outcome end = run(handler_fires, what);
        check_exit(end);
        CHECK(end->notes[handled] > 100);
        CHECK(end->notes[by_handler] > 0);
        CHECK(end->accepted == end->ran);
        CHECK(end->notes[counted_refused] == static_cast<long>(end->refused.load()));
        CHECK(end->notes[interrupted] == static_cast<long>(end->refused.load()));
        CHECK(end->notes[adds_up] == 1);
        CHECK(end.errors.empty());
    }
}

#if defined(__linux__) && defined(__x86_64__)

/// Has the processor stop after each instruction of this thread, and calls once, in between two of
/// them, as a handler of a signal.
class interruption {
public:
    /// `fire` is called after `step` instructions of `act`; false if that has fewer.
    template <class Act>
    static bool after(long step, void (*fire)(), Act act) {
        left = step;
        call = fire;
        asm volatile("pushfq; orq $0x100, (%%rsp); popfq" : : : "memory", "cc");
        act();
        asm volatile("pushfq; andq $~0x100, (%%rsp); popfq" : : : "memory", "cc");
        return left <= 0;
    }

    /// The same on a worker: after `step` instructions from the end of its task on.
    static void begin_in_task(long step, void (*fire)()) {
        left = step;
        call = fire;
        asm volatile("pushfq; orq $0x100, (%%rsp); popfq" : : : "memory", "cc");
    }

    interruption() {
        struct sigaction action {};
        action.sa_sigaction = handle;
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGTRAP, &action, &before_);
    }
    ~interruption() { sigaction(SIGTRAP, &before_, nullptr); }
    interruption(const interruption&) = delete;
    interruption& operator=(const interruption&) = delete;

private:
    static void handle(int, siginfo_t*, void* at) {
        if (--left == 0) {
            constexpr long long single_step = 0x100;
            static_cast<ucontext_t*>(at)->uc_mcontext.gregs[REG_EFL] &= ~single_step;
            call();
        }
    }

    static inline long left = 0;
    static inline void (*call)() = nullptr;
    struct sigaction before_ {};
};

faf::thread_pool* pool_of_handler = nullptr;
faf::submission answer_to_handler;

TEST_CASE("a task gets to its pool, with a place there, wherever a handler fires in between") {
#if defined(FIRE_AND_FORGET_HAS_TSAN)
    WARN("left out: ThreadSanitizer puts signals off");
    return;
#endif
    constexpr std::size_t most = 4096;
    std::atomic<bool> may_end{false};
    faf::thread_pool plain({.threads = 1});
    faf::thread_pool limited(
        {.threads = 1, .fixed = true, .max_pending = most, .refusals = faf::refusals::quiet});
    std::array<faf::thread_pool*, 2> const pools{&plain, &limited};
    const interruption steps;
    std::atomic<std::uint64_t> ran{0};
    const auto fire_at = [&](faf::thread_pool& pool) {
        return fire_and_forget(pool, [&ran] { ++ran; });
    };
    std::uint64_t all = 0;
    for (unsigned kind = 0; kind < 4; ++kind) {
        faf::thread_pool& used_last = *pools[kind % 2];
        faf::thread_pool& target = *pools[kind / 2];
        pool_of_handler = pools[1 - kind % 2]; // so that another lane comes to hand
        CAPTURE(kind);
        for (faf::thread_pool* const one : pools) { // so that nothing depends on their workers
            CHECK(one->drain(patience));
            one->pause();
        }
        bool is_within = true;
        long step = 1;
        for (; is_within && step < 400; step += load(1, 17)) {
            CHECK(fire_at(used_last));
            const std::uint64_t before[2] = {plain.snapshot().accepted,
                                             limited.snapshot().accepted};
            answer_to_handler = faf::submission(refusal::queue_full);
            faf::submission answer;
            is_within = interruption::after(
                step, [] { answer_to_handler = fire_and_forget(*pool_of_handler, [] {}); },
                [&] { answer = fire_at(target); });
            CHECK(answer);
            all += 2;
            for (std::size_t i = 0; i < 2; ++i) {
                const bool is_one_of_handler = answer_to_handler && pool_of_handler == pools[i];
                CAPTURE(step, i, is_one_of_handler, answer_to_handler.why());
                CHECK(pools[i]->snapshot().accepted ==
                      before[i] + (&target == pools[i] ? 1 : 0) + (is_one_of_handler ? 1 : 0));
            }
        }
        CHECK(step > 20);
        for (faf::thread_pool* const one : pools) {
            one->resume();
            CHECK(one->drain(patience));
        }
        CHECK(ran == all);
    }
    CHECK(fire_and_forget(limited, [&may_end] { may_end.wait(false); }));
    CHECK(eventually([&] { return limited.snapshot().running == 1; }));
    std::size_t places = 0;
    while (places <= most && fire_at(limited)) {
        ++places;
    }
    CHECK(places == most);
    may_end = true;
    may_end.notify_one();
    CHECK(limited.drain(patience));
}

TEST_CASE("a handler that fires at a full pool may interrupt one that does, at any instruction") {
#if defined(FIRE_AND_FORGET_HAS_TSAN)
    WARN("left out: ThreadSanitizer puts signals off");
    return;
#endif
    faf::thread_pool full({.threads = 1,
                           .max_pending = 1,
                           .when_full = faf::overflow::wait,
                           .full_wait = 1us,
                           .refusals = faf::refusals::quiet});
    full.pause();
    CHECK(fire_and_forget(full, [] {}));
    pool_of_handler = &full;
    const interruption steps;
    bool is_within = true;
    for (long step = 1; is_within && step < 400; ++step) {
        faf::submission answer;
        is_within = interruption::after(
            step, [] { answer_to_handler = fire_and_forget(*pool_of_handler, [] {}); },
            [&] { answer = fire_and_forget(full, [] {}); });
        CAPTURE(step);
        CHECK(answer.why() == refusal::queue_full);
        CHECK((answer_to_handler.why() == refusal::queue_full ||
               answer_to_handler.why() == refusal::in_signal_handler));
    }
    full.resume();
    CHECK(full.drain(patience));
    CHECK(full.snapshot().accepted == 1);
}

faf::testing::manual_executor* manual_of_handler = nullptr;

/// What main does at an executor that the handler fires at, too.
enum held : long { displacing, draining, resuming, by_hand, kinds_of_held };

/// Whether the handler has come in between. Pool and executor are as after the first call.
bool fire_within(long what, long step, faf::thread_pool& pool) {
    pool_of_handler = &pool;
    const auto at_pool = [] { answer_to_handler = fire_and_forget(*pool_of_handler, [] {}); };
    switch (what) {
    case displacing:
        return interruption::after(step, at_pool, [&] { fire_and_forget(pool, [] {}); });
    case draining:
        return interruption::after(step, at_pool, [&] { pool.drain(0s); });
    case resuming: {
        const bool is_within = interruption::after(step, at_pool, [&] { pool.resume(); });
        pool.pause();
        return is_within;
    }
    default:
        return interruption::after(
            step, [] { answer_to_handler = fire_and_forget(*manual_of_handler, [] {}); },
            [] { manual_of_handler->run_one(); });
    }
}

const child handler_is_not_kept("handler is not kept", [](ledger& book) {
    constexpr std::size_t most = 4;
    faf::thread_pool pool({.threads = 1,
                           .max_pending = most,
                           .when_full = book.argument == draining ? faf::overflow::run_in_caller
                                                                  : faf::overflow::drop_oldest,
                           .refusals = faf::refusals::quiet,
                           .on_error = [](const faf::error_report&) {}});
    faf::testing::manual_executor by_main;
    manual_of_handler = &by_main;
    CHECK(fire_and_forget(pool, [] {}));
    CHECK(pool.drain(patience));
    pool.pause();
    const interruption steps;
    long step = 1;
    for (bool is_within = true; is_within && step < 20'000; step += 1 + step / 64) {
        while (pool.snapshot().pending < most) {
            fire_and_forget(pool, [] {});
        }
        fire_and_forget(by_main, [] {});
        is_within = fire_within(book.argument, step, pool);
        ++book.notes[answer_to_handler.why() == refusal::in_signal_handler ? interrupted
                                                                           : by_handler];
    }
    book.notes[handled] = step;
    pool.resume();
    by_main.run_all();
});

TEST_CASE("a handler that fires does not wait for what its own thread holds") {
#if defined(FIRE_AND_FORGET_HAS_TSAN)
    WARN("left out: ThreadSanitizer puts signals off");
    return;
#endif
    for (long what = 0; what < kinds_of_held; ++what) {
        CAPTURE(what);
        const outcome end = run(handler_is_not_kept, what);
        check_exit(end);
        CHECK(end->notes[handled] > 100);
        CHECK(end->notes[interrupted] > 0);
        CHECK(end->notes[by_handler] > 0);
    }
}

std::atomic<long> steps_made{0};

/// One task of a pool that is full when the next one is taken, and a handler in between.
void fire_on_worker(faf::thread_pool& pool, long step, std::size_t most) {
    std::atomic<bool> is_full{false};
    pool_of_handler = &pool;
    steps_made = 0;
    fire_and_forget(pool, [&is_full, step] {
        is_full.wait(false);
        interruption::begin_in_task(step, [] {
            answer_to_handler = fire_and_forget(*pool_of_handler, [] {});
            ++steps_made;
        });
    });
    while (pool.snapshot().running == 0) {
        std::this_thread::yield();
    }
    for (std::size_t i = 0; i < most; ++i) {
        fire_and_forget(pool, [] {});
    }
    is_full = true;
    is_full.notify_one();
    CHECK(eventually([] { return steps_made > 0; }));
    CHECK(pool.drain(patience));
}

const child handler_on_worker("handler on worker", [](ledger& book) {
    constexpr std::size_t most = 4;
    faf::thread_pool pool({.threads = 1,
                           .max_pending = most,
                           .when_full = static_cast<faf::overflow>(book.argument.load()),
                           .full_wait = patience,
                           .refusals = faf::refusals::quiet,
                           .on_error = [](const faf::error_report&) {}});
    const interruption steps;
    for (long step = 20; step < load(700, 4000); step += load(3, 17)) {
        fire_on_worker(pool, step, most);
        ++book.notes[answer_to_handler.why() == refusal::in_signal_handler ? interrupted
                                                                           : by_handler];
    }
});

TEST_CASE("a profiler's handler that fires on a worker does not wait for what that holds") {
#if defined(FIRE_AND_FORGET_HAS_TSAN)
    WARN("left out: ThreadSanitizer puts signals off");
    return;
#endif
    for (const faf::overflow when_full :
         {faf::overflow::refuse, faf::overflow::drop_oldest, faf::overflow::wait}) {
        CAPTURE(when_full);
        const outcome end = run(handler_on_worker, static_cast<long>(when_full));
        check_exit(end);
        CHECK(end->notes[interrupted] > 0);
        CHECK(end->notes[by_handler] > 0);
    }
}

#endif

} // namespace
