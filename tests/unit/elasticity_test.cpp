// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/pool/elasticity.hpp>

#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using namespace faf::detail;
using namespace std::chrono_literals;

/// A pool as the policy sees it, looked at every five milliseconds. Whoever is hired takes a task
/// at once, and is blocked by it.
class simulated_pool {
public:
    simulated_pool(unsigned base, unsigned most, std::chrono::nanoseconds starvation_after = 1s,
                   std::chrono::nanoseconds grow_after = 0s)
        : policy(base, most, starvation_after, grow_after) {
        seen.now = steady_time(1h);
        seen.threads = base;
        seen.taken = base;
        seen.hired = base;
        seen.waiting = 1'000'000;
    }

    elasticity::verdict look(std::chrono::microseconds pause = 5ms) {
        seen.now += pause;
        const elasticity::verdict what =
            policy.when_saturated(seen, [this](unsigned) { return able; });
        seen.threads += what.to_hire;
        seen.hired += what.to_hire;
        seen.taken += what.to_hire;
        seen.waiting -= what.to_hire;
        return what;
    }

    /// Looks when the policy wants to, and otherwise at the next tick.
    elasticity::verdict look_in_time() {
        const steady_time next = earlier_of(policy.next_look(), seen.now + 5ms);
        return look(std::chrono::duration_cast<std::chrono::microseconds>(next - seen.now));
    }

    std::vector<unsigned> hire(int looks) {
        std::vector<unsigned> hired;
        for (int i = 0; i < looks; ++i) {
            hired.push_back(look().to_hire);
        }
        return hired;
    }

    /// The number of the look at which something was hired, from 1; 0 if it was not within `most`.
    int looks_until_hired(int most) {
        for (int i = 1; i <= most; ++i) {
            if (look().to_hire > 0) {
                return i;
            }
        }
        return 0;
    }

    unsigned at_ease(std::chrono::milliseconds step, unsigned idle, unsigned extra) {
        seen.now += step;
        return policy.when_at_ease(seen.now, idle, extra);
    }

    elasticity policy;
    elasticity::sight seen;
    unsigned able = 0;
};

} // namespace

TEST_CASE("one look hires nobody: those who are busy may be about to take the next task") {
    simulated_pool pool(2, 512);
    CHECK(pool.look().to_hire == 0);
    CHECK(pool.look().to_hire == 1);
}

TEST_CASE("as long as all are blocked each look hires twice as many, thirty-two at most") {
    simulated_pool pool(2, 512);
    CHECK(pool.hire(9) == std::vector<unsigned>{0, 1, 2, 4, 8, 16, 32, 32, 32});
}

TEST_CASE("a hundred tasks that block at once have their threads within forty-five milliseconds") {
    simulated_pool pool(2, 512);
    pool.seen.waiting = 98;
    pool.hire(9);
    CHECK(pool.seen.threads == 100);
    CHECK(pool.seen.waiting == 0);
}

TEST_CASE(
    "a hundred tasks that block at once have their threads sooner if the keeper can be quick") {
    simulated_pool pool(2, 512);
    pool.seen.waiting = 98;
    pool.look();
    const steady_time begin = pool.seen.now;
    while (pool.seen.waiting > 0) {
        pool.look_in_time();
        REQUIRE(pool.seen.now <= begin + 2ms);
    }
}

TEST_CASE(
    "when nobody is free any more looks come soon, and ever more rarely until ticks will do") {
    simulated_pool pool(2, 512);
    pool.able = 2;
    pool.look();
    const steady_time begin = pool.seen.now;
    std::chrono::nanoseconds pause = elasticity::soonest;
    CHECK(pool.policy.next_look() == begin + pause);
    int looks = 0;
    while (pool.policy.next_look() != never) {
        REQUIRE(pool.policy.next_look() >= pool.seen.now + pause);
        pause = pool.policy.next_look() - pool.seen.now;
        CHECK(pause <=
              std::max<std::chrono::nanoseconds>(elasticity::soonest, (pool.seen.now - begin) / 3));
        pool.look_in_time();
        REQUIRE(++looks < 20);
    }
    CHECK(pool.seen.now <= begin + 20ms);
    for (unsigned i = 0; i < 50; ++i) { // still busy
        pool.seen.taken += i % 2;
        pool.look();
        REQUIRE(pool.policy.next_look() == never);
    }
    pool.policy.note_free();
    pool.look(1us);
    CHECK(pool.policy.next_look() == pool.seen.now + elasticity::soonest);
}

TEST_CASE("looks that follow each other at once are one") {
    simulated_pool pool(2, 512);
    CHECK(pool.look().to_hire == 0);
    CHECK(pool.look(elasticity::soonest - 1us).to_hire == 0);
    CHECK(pool.look(1us).to_hire == 1);
    CHECK(pool.look(1us).to_hire == 0);
}

TEST_CASE("tasks that block for less than a quick look takes have nobody hired") {
    simulated_pool pool(2, 512);
    for (int i = 0; i < 1000; ++i) {
        ++pool.seen.taken;
        REQUIRE(pool.look_in_time().to_hire == 0);
    }
}

TEST_CASE(
    "while all are known to be blocked each that comes has somebody hired after a quick look") {
    simulated_pool pool(2, 512);
    pool.seen.waiting = 1;
    CHECK(pool.look().to_hire == 0);
    CHECK(pool.look(elasticity::soonest).to_hire == 1);
    for (int i = 0; i < 20; ++i) {
        CHECK(pool.policy.next_look() == pool.seen.now + elasticity::soonest_for_next);
        CHECK(pool.look(elasticity::soonest_for_next).to_hire == 0); // the new one has taken it
        pool.seen.waiting = 1;
        CHECK(pool.look(elasticity::soonest_for_next).to_hire == 1);
    }
    ++pool.seen.taken; // somebody gets on
    CHECK(pool.look(elasticity::soonest_for_next).to_hire == 0);
    pool.seen.waiting = 1;
    CHECK(pool.look(elasticity::soonest_for_next).to_hire == 0);
    CHECK(pool.look(elasticity::soonest - elasticity::soonest_for_next).to_hire == 1);
}

TEST_CASE("looks do not come sooner while more wait than somebody was hired for") {
    simulated_pool pool(2, 512);
    pool.seen.waiting = 3;
    CHECK(pool.look().to_hire == 0);
    CHECK(pool.look(elasticity::soonest).to_hire == 1);
    CHECK(pool.policy.next_look() == pool.seen.now + elasticity::soonest);
    CHECK(pool.look(elasticity::soonest - 1us).to_hire == 0);
    CHECK(pool.look(1us).to_hire == 2);
    CHECK(pool.policy.next_look() == pool.seen.now + elasticity::soonest_for_next);
}

TEST_CASE("looks do not come sooner while enough can run, or where nothing has waited yet") {
    simulated_pool pool(2, 512);
    pool.able = 2;
    for (unsigned i = 0; i < 20; ++i) {
        pool.seen.waiting = i % 2;
        CHECK(pool.look_in_time().to_hire == 0);
        CHECK(pool.policy.next_look() >= pool.seen.now + elasticity::soonest);
    }
}

TEST_CASE("for a task that comes when all have been blocked for a while one is hired at once") {
    simulated_pool pool(2, 512);
    pool.seen.waiting = 0;
    CHECK(pool.hire(3) == std::vector<unsigned>{0, 0, 0});
    pool.seen.waiting = 1;
    CHECK(pool.look().to_hire == 1);
    CHECK(pool.look().to_hire == 0);
    pool.seen.waiting = 3;
    CHECK(pool.hire(3) == std::vector<unsigned>{1, 2, 0}); // as at first
}

TEST_CASE("a new worker may take a moment before another is hired for the same task") {
    elasticity policy(2, 512, 1s);
    elasticity::sight seen{steady_time(1h), 2, 2, 1, 2};
    const auto look = [&](std::chrono::nanoseconds pause) {
        seen.now += pause;
        return policy.when_saturated(seen, [](unsigned) { return 0U; }).to_hire;
    };
    CHECK(look(0ns) == 0);
    CHECK(look(250us) == 1);
    ++seen.hired;
    ++seen.threads;
    CHECK(look(250us) == 0);
    seen.waiting = 2;
    CHECK(look(250us) == 1); // for the other
    ++seen.hired;
    ++seen.threads;
    CHECK(look(4ms) == 0);
    CHECK(look(1ms) == 2); // they don't come
}

TEST_CASE("where no thread can be had, nobody hurries") {
    elasticity policy(2, 512, 1s);
    elasticity::sight seen{steady_time(1h), 2, 2, 1, 2};
    int looks = 0;
    do {
        policy.when_saturated(seen, [](unsigned) { return 0U; });
        seen.now = policy.next_look();
        REQUIRE(++looks < 30);
    } while (seen.now != never);
}

TEST_CASE("a pool that may not grow is looked at no sooner than usual") {
    simulated_pool pool(2, 2);
    pool.look();
    CHECK(pool.policy.next_look() == never);
}

TEST_CASE("nobody is hired while tasks are taken, though all wait behind others") {
    simulated_pool pool(2, 512);
    for (int i = 0; i < 1000; ++i) {
        ++pool.seen.taken;
        REQUIRE(pool.look().to_hire == 0);
    }
}

TEST_CASE("what only those took that were just hired does not count as getting on") {
    simulated_pool pool(2, 512);
    CHECK(pool.hire(3) == std::vector<unsigned>{0, 1, 2});
    CHECK(pool.look().to_hire == 4); // each of the three has taken one
    ++pool.seen.taken;               // and one of the others
    CHECK(pool.look().to_hire == 0);
}

TEST_CASE("when somebody gets on, hiring begins again with one") {
    simulated_pool pool(2, 512);
    CHECK(pool.hire(5) == std::vector<unsigned>{0, 1, 2, 4, 8});
    ++pool.seen.taken;
    CHECK(pool.hire(4) == std::vector<unsigned>{0, 1, 2, 4});
}

TEST_CASE("when the pool was at ease for a look, hiring begins again with one") {
    simulated_pool pool(2, 512);
    CHECK(pool.hire(4) == std::vector<unsigned>{0, 1, 2, 4});
    pool.at_ease(5ms, 0, 7);
    CHECK(pool.hire(3) == std::vector<unsigned>{0, 1, 2});
}

TEST_CASE("no more are hired than tasks wait") {
    simulated_pool pool(2, 512);
    pool.seen.waiting = 5;
    CHECK(pool.hire(5) == std::vector<unsigned>{0, 1, 2, 2, 0});
}

TEST_CASE("no more are hired than there may be") {
    simulated_pool pool(2, 10);
    CHECK(pool.hire(7) == std::vector<unsigned>{0, 1, 2, 4, 1, 0, 0});
    CHECK(pool.seen.threads == 10);
}

TEST_CASE("where enough can run, one more comes after half a second, and then one each") {
    simulated_pool pool(2, 512);
    pool.able = 2;
    CHECK(pool.look().to_hire == 0);
    CHECK(pool.looks_until_hired(200) == 100);
    CHECK(pool.looks_until_hired(200) == 100);
    CHECK(pool.seen.threads == 4);
}

TEST_CASE("where fewer can run than the pool was made for, that is made up for") {
    simulated_pool pool(4, 512);
    pool.able = 3;
    CHECK(pool.hire(2) == std::vector<unsigned>{0, 1});
    pool.able = 4;
    CHECK(pool.looks_until_hired(99) == 0);
    pool.able = 3;
    CHECK(pool.look().to_hire == 2);
}

TEST_CASE("it need not be counted further than the pool was made for") {
    elasticity policy(3, 512, 1s);
    std::vector<unsigned> asked;
    const auto count = [&](unsigned enough) {
        asked.push_back(enough);
        return 3U;
    };
    elasticity::sight seen{steady_time(1h), 3, 3, 10, 3};
    policy.when_saturated(seen, count);
    CHECK(asked.empty());
    seen.now += 5ms;
    policy.when_saturated(seen, count);
    CHECK(asked == std::vector<unsigned>{3});
}

TEST_CASE("that nobody gets on and nobody may be hired is said once, after the time for it") {
    simulated_pool pool(2, 2, 100ms);
    CHECK_FALSE(pool.look().is_starving);
    const steady_time since = pool.seen.now;
    while (pool.seen.now + 5ms < since + 100ms) {
        REQUIRE_FALSE(pool.look().is_starving);
    }
    CHECK(pool.look().is_starving);
    CHECK(pool.policy.stuck_since() == since);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE_FALSE(pool.look().is_starving);
    }
}

TEST_CASE("a further episode of starvation is said again") {
    simulated_pool pool(2, 2, 100ms);
    int said = 0;
    for (int episode = 1; episode <= 3; ++episode) {
        ++pool.seen.taken; // somebody got on
        for (int i = 0; i < 100; ++i) {
            said += pool.look().is_starving ? 1 : 0;
        }
        CHECK(said == episode);
    }
}

TEST_CASE("starvation is not said while somebody may still be hired") {
    simulated_pool pool(2, 40, 10ms);
    while (pool.seen.threads < 40) {
        REQUIRE_FALSE(pool.look().is_starving);
    }
    CHECK(pool.look().is_starving);
}

TEST_CASE("who does not want to hear of starvation does not") {
    simulated_pool pool(2, 2, 0s);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE_FALSE(pool.look().is_starving);
    }
}

TEST_CASE("those that were asleep for half a second leave, as far as they are too many") {
    simulated_pool pool(2, 512);
    CHECK(pool.at_ease(5ms, 10, 8) == 0);
    CHECK(pool.at_ease(499ms, 10, 8) == 0);
    CHECK(pool.at_ease(1ms, 10, 8) == 8);
}

TEST_CASE("of those that are too many only those leave that were asleep without a break") {
    simulated_pool pool(2, 512);
    CHECK(pool.at_ease(5ms, 10, 8) == 0);
    CHECK(pool.at_ease(100ms, 3, 8) == 0); // seven had something to do
    CHECK(pool.at_ease(400ms, 10, 8) == 3);
    CHECK(pool.at_ease(250ms, 7, 5) == 0);
    CHECK(pool.at_ease(250ms, 7, 5) == 5);
}

TEST_CASE("nobody leaves of those the pool was made for") {
    simulated_pool pool(4, 512);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(pool.at_ease(5ms, 4, 0) == 0);
    }
    CHECK(pool.at_ease(5ms, 5, 1) == 0); // the time before does not count for the one that is new
    CHECK(pool.at_ease(495ms, 5, 1) == 0);
    CHECK(pool.at_ease(5ms, 5, 1) == 1);
}

TEST_CASE("nobody leaves before all was quiet for half a second since the pool was saturated") {
    simulated_pool pool(2, 512);
    pool.hire(4);
    std::chrono::milliseconds quiet{0};
    while (pool.at_ease(5ms, 7, 5) == 0) {
        quiet += 5ms;
        REQUIRE(quiet < 2s);
    }
    CHECK(quiet >= 500ms);
    CHECK(quiet <= 1000ms);
}

TEST_CASE("what has waited too long gets threads though all others compute") {
    simulated_pool pool(8, 64, 1s, 2ms);
    pool.able = 1000;
    pool.seen.waiting = 20;
    CHECK(pool.look().to_hire == 0); // from here on it counts
    CHECK(pool.policy.next_look() == pool.seen.now + 250us);
    CHECK(pool.look(1ms).to_hire == 0);
    pool.seen.taken += 5; // by those who were there
    pool.seen.waiting += 10 - 5;
    CHECK(pool.look(1ms).to_hire == 15);
    CHECK(pool.look(1ms).to_hire == 0);
    CHECK(pool.look(1ms).to_hire == 10); // which have come meanwhile
}

TEST_CASE("what is taken in time gets no threads, however much waits") {
    simulated_pool pool(8, 64, 1s, 2ms);
    pool.able = 1000;
    pool.seen.waiting = 20;
    for (int i = 0; i < 100; ++i) {
        CHECK(pool.look(1ms).to_hire == 0);
        pool.seen.taken += 20; // and as many come
    }
}

TEST_CASE("the next look comes when something may have waited too long") {
    simulated_pool pool(8, 64, 1s, 20ms);
    pool.able = 1000;
    pool.seen.waiting = 1;
    static_cast<void>(pool.look());
    const steady_time noted = pool.seen.now;
    while (pool.look_in_time().to_hire == 0) {
        REQUIRE(pool.seen.now < noted + 20ms);
    }
    CHECK(pool.seen.now == noted + 20ms);
}

TEST_CASE("for a wait that is too long no more are hired than may be, nor many at a time") {
    simulated_pool pool(8, 50, 1s, 2ms);
    pool.able = 1000;
    static_cast<void>(pool.look());
    CHECK(pool.look(2ms).to_hire == 32);
    CHECK(pool.look(250us).to_hire == 10);
    CHECK(pool.look(2ms).to_hire == 0);
}

TEST_CASE("what waited when somebody was still free has not waited too long") {
    simulated_pool pool(8, 64, 1s, 2ms);
    pool.able = 1000;
    static_cast<void>(pool.look());
    pool.policy.note_free();
    CHECK(pool.look(1s).to_hire == 0);
    CHECK(pool.look(2ms).to_hire == 32);
}
