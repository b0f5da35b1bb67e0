// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/task/asked_list.hpp>

#include "catch.hpp"

using namespace faf::detail;

namespace {

struct waiting_item {
    timer_node node;
    watched watch{node};
};

} // namespace

TEST_CASE("what is asked to stop before it is in the heap stays asked until it is there") {
    asked_list all;
    waiting_item early;
    waiting_item there;
    there.node.is_in_heap = true;
    for (waiting_item* one : {&early, &there}) {
        all.arm(one->watch);
        CHECK(all.ask(one->watch));
    }
    CHECK(all.take_from_heap() == &there.node);
    CHECK(all.take_from_heap() == nullptr);
    early.node.is_in_heap = true;
    CHECK(all.take_from_heap() == &early.node);
    CHECK(all.take_from_heap() == nullptr);
}

TEST_CASE("only what is armed is asked to stop, and only once") {
    asked_list all;
    waiting_item one;
    one.node.is_in_heap = true;
    CHECK_FALSE(all.ask(one.watch));
    all.arm(one.watch);
    CHECK(all.ask(one.watch));
    CHECK_FALSE(all.ask(one.watch));
    all.disarm(one.watch);
    CHECK(all.take_from_heap() == nullptr);
    CHECK_FALSE(all.ask(one.watch));
    all.arm(one.watch);
    CHECK(all.ask(one.watch));
    CHECK(all.take_from_heap() == &one.node);
    CHECK_FALSE(all.ask(one.watch));
}
