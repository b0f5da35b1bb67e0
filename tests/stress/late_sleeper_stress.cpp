// SPDX-License-Identifier: MIT
// A worker is called in the instant in which it falls asleep, and another one takes the task that
// it was called for: the call must not be left standing, or the next task is not called for. The
// worker is stopped in that instant, and the keeper, which would mend it, is held up.

#define FIRE_AND_FORGET_STRESS

#include <fire_and_forget/fire_and_forget.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "held_keeper.hpp"

#include <atomic>
#include <thread>

namespace {

using namespace faf_test;
using faf::fire_and_forget;

/// Stops a worker where it has entered as asleep and is about to look once more.
struct stopping_place {
    std::atomic<std::thread::id> who{};
    std::atomic<const faf::detail::doorbell*> bell{nullptr};
    std::atomic<int> passes{0};
    std::atomic<bool> may_go_on{false};

    void pass() noexcept {
        const faf::detail::doorbell* const its = bell;
        if (its != nullptr && who.load() == std::this_thread::get_id() && its->sleepers() == 1) {
            ++passes;
            static_cast<void>(eventually([this] { return may_go_on.load(); }));
        }
    }
};
stopping_place place;

class gate {
public:
    void open() {
        is_open_ = true;
        is_open_.notify_all();
    }
    void pass() { is_open_.wait(false); }

private:
    std::atomic<bool> is_open_{false};
};

} // namespace

void faf::detail::stress_point() noexcept {
    place.pass();
}

namespace {

TEST_CASE("a call that meets a worker falling asleep is not left standing when another one comes") {
    gate first;
    gate second;
    std::atomic<int> begun{0};
    std::atomic<bool> has_run{false};
    faf::thread_pool pool({.threads = 2, .max_threads = 2});
    {
        const held_keeper nobody_helps;
        faf::detail::doorbell& bell = faf::detail::core_access::of(pool).lanes().bell;
        fire_and_forget(pool, [&] {
            ++begun;
            first.pass();
        });
        CHECK(eventually([&] { return begun == 1; }));
        fire_and_forget(pool, [&] { // on the other worker, which then falls asleep
            place.who = std::this_thread::get_id();
            place.bell = &bell;
        });
        CHECK(eventually([&] { return place.passes == 1; }));
        fire_and_forget(pool, [&] { // calls it, but goes to the first worker, and is long
            ++begun;
            second.pass();
        });
        first.open();
        CHECK(eventually([&] { return begun == 2; }));
        place.may_go_on = true;
        CHECK(eventually([&] { return place.passes == 2; })); // it has come, and looked in vain
        fire_and_forget(pool, [&] { has_run = true; });
        CHECK(eventually([&] { return has_run.load(); }));
        second.open();
        place.bell = nullptr;
    }
    CHECK(pool.drain(patience));
}

} // namespace
