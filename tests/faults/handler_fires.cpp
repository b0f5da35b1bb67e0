// SPDX-License-Identifier: MIT
// A signal handler that fires tasks while its thread is anywhere in the library.

#include "child.hpp"
#include "eventually.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <utility>

#include <sys/time.h>
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

} // namespace
