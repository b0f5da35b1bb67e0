// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/errors/sink_slot.hpp>
#include <fire_and_forget/error_sink.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

using faf::detail::kept_sink;
using faf::detail::sink_slot;

/// A sink that can be watched from outside.
struct watched_sink {
    std::shared_ptr<int> alive = std::make_shared<int>(4711);
    std::weak_ptr<int> watched = alive;

    bool is_gone() const { return watched.expired(); }

    std::unique_ptr<kept_sink> give() {
        auto keeps = std::exchange(alive, nullptr);
        auto fresh = std::make_unique<kept_sink>();
        fresh->sink = [keeps](const faf::error_report&) {};
        return fresh;
    }
};

void put(sink_slot& slot, std::unique_ptr<kept_sink> fresh) {
    for (bool is_done = false; !is_done;) {
        const sink_slot::use before(slot);
        is_done = slot.replace(before, fresh);
    }
}

} // namespace

TEST_CASE("a sink that is replaced lives until all have left it, however many they are") {
    constexpr std::size_t many = 150; // some have no pin
    sink_slot slot;
    watched_sink first;
    put(slot, first.give());
    std::atomic<std::size_t> inside{0};
    std::atomic<std::size_t> may_leave{0};
    std::atomic<bool> has_other{false};
    std::vector<std::thread> threads;
    for (std::size_t number = 0; number < many; ++number) {
        threads.emplace_back([&, number] {
            const sink_slot::use mine(slot);
            has_other = has_other || mine.sink() == nullptr;
            ++inside;
            while (may_leave <= number) {
                std::this_thread::yield();
            }
        });
    }
    CHECK(faf_test::eventually([&] { return inside == many; }));
    watched_sink second;
    put(slot, second.give());
    CHECK_FALSE(first.is_gone());
    for (std::size_t number = many; number-- > 0;) { // one after the other leaves
        CHECK_FALSE(first.is_gone());
        if (number == 0) {
            may_leave = many;
        } else {
            may_leave = may_leave + 1;
            threads[many - 1 - number].join();
        }
    }
    threads.back().join();
    CHECK(first.is_gone());
    CHECK_FALSE(has_other);
    CHECK_FALSE(second.is_gone());
    slot.clear();
    CHECK(second.is_gone());
}

TEST_CASE("who uses a sink twice keeps it until the last time, whichever that is") {
    for (const bool is_outer_first : {true, false}) {
        CAPTURE(is_outer_first);
        sink_slot slot;
        watched_sink first;
        put(slot, first.give());
        std::optional<sink_slot::use> outer(slot);
        std::optional<sink_slot::use> inner(slot);
        std::unique_ptr<kept_sink> none;
        CHECK(slot.replace(*inner, none));
        (is_outer_first ? outer : inner).reset();
        CHECK_FALSE(first.is_gone());
        (is_outer_first ? inner : outer).reset();
        CHECK(first.is_gone());
        CHECK(sink_slot::use(slot).sink() == nullptr);
    }
}

TEST_CASE("a sink is not replaced by who has not seen the one in force") {
    sink_slot slot;
    watched_sink first;
    watched_sink second;
    const sink_slot::use before(slot);
    std::unique_ptr<kept_sink> fresh = first.give();
    CHECK(slot.replace(before, fresh));
    fresh = second.give();
    CHECK_FALSE(slot.replace(before, fresh));
    CHECK(fresh != nullptr);
    CHECK_FALSE(first.is_gone());
    slot.clear();
    CHECK(first.is_gone());
}
