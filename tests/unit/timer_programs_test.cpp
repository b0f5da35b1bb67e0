// SPDX-License-Identifier: MIT
// Random programs with timers on a manual executor, and a sorted list that says what must run when.

#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <map>
#include <random>
#include <stop_token>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int no_source = -1;

class timer_program {
public:
    explicit timer_program(unsigned seed) : random_(seed) {}

    void run(int steps) {
        for (int step = 0; step < steps; ++step) {
            CAPTURE(step);
            const int what = roll(100);
            if (what < 70) {
                const milliseconds every = what < 7 ? milliseconds(1 + roll(50)) : 0ms;
                fire(some_time(), every);
            } else if (what < 98) {
                const milliseconds pause = some_time() / 4;
                ex_.advance(pause);
                expect_what_is_due();
            } else {
                stop(roll(static_cast<int>(sources_.size())));
                ex_.run_all();
                expect_what_is_due();
            }
            REQUIRE(ex_.pending() == waiting_.size());
        }
        ex_.advance(1h);
        expect_what_is_due();
        CHECK(waiting_.empty());
    }

private:
    struct timer {
        int number;
        milliseconds every;
        int runs_left;
        int source;
    };
    using run_at = std::pair<int, steady_clock::time_point>;

    int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }

    /// One of a few lengths, or any.
    milliseconds some_time() {
        constexpr std::array<int, 6> usual{0, 1, 5, 20, 30, 60};
        const int which = roll(2 * static_cast<int>(usual.size()));
        return milliseconds(which < 6 ? usual[static_cast<std::size_t>(which)] : roll(60));
    }

    void fire(milliseconds after, milliseconds every) {
        const int drawn = roll(24);
        const int source = drawn < 6 ? drawn : no_source;
        const int runs = every > 0ms ? 1 + roll(5) : 1;
        const timer fresh{++fired_, every, runs, source};
        faf::options how{.after = after, .every = every};
        if (source != no_source) {
            how.stop = sources_[static_cast<std::size_t>(source)].get_token();
        }
        faf::fire_and_forget(ex_, std::move(how),
                             [this, number = fresh.number, left = runs]() mutable {
                                 ran_.emplace_back(number, ex_.now());
                                 return --left > 0 ? faf::keep_repeating : faf::stop_repeating;
                             });
        waiting_.emplace(ex_.now() + after, fresh);
    }

    void stop(int source) {
        auto& its = sources_[static_cast<std::size_t>(source)];
        its.request_stop();
        its = {};
        for (auto it = waiting_.begin(); it != waiting_.end();) {
            it = it->second.source == source ? waiting_.erase(it) : std::next(it);
        }
    }

    void expect_what_is_due() {
        std::vector<run_at> expected;
        while (!waiting_.empty() && waiting_.begin()->first <= ex_.now()) {
            auto [due, one] = *waiting_.begin();
            waiting_.erase(waiting_.begin());
            expected.emplace_back(one.number, due);
            if (--one.runs_left > 0) {
                waiting_.emplace(due + one.every, one);
            }
        }
        REQUIRE((ran_ == expected));
        ran_.clear();
    }

    std::mt19937 random_;
    faf::testing::error_recorder errors_;
    std::vector<run_at> ran_;
    std::array<std::stop_source, 6> sources_;
    std::multimap<steady_clock::time_point, timer> waiting_; // equal ones as they came
    int fired_ = 0;
    faf::testing::manual_executor ex_;
};

} // namespace

TEST_CASE("timers on a manual executor run in the order of a sorted list, whatever else waits") {
    for (unsigned seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        timer_program(seed).run(500);
    }
}
