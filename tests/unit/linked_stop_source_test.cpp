// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/linked_stop_source.hpp>

#include "catch.hpp"

#include <optional>
#include <utility>

using namespace faf::detail;

TEST_CASE("a token linked with two others stops with either of them") {
    for (const bool is_first : {true, false}) {
        stop_source first;
        stop_source second;
        const linked_stop_source both(first.get_token(), second.get_token());
        const stop_token token = both.get_token();
        CHECK_FALSE(token.stop_requested());
        (is_first ? first : second).request_stop();
        CHECK(token.stop_requested());
    }
}

TEST_CASE("a token linked with one that has stopped has stopped") {
    stop_source stopped;
    stopped.request_stop();
    const linked_stop_source both(stop_source().get_token(), stopped.get_token());
    CHECK(both.get_token().stop_requested());
}

TEST_CASE("a task that comes to several executors has one linked token for each") {
    stop_source own;
    stop_source here;
    stop_source there;
    linked_stop_sources all;
    const stop_token on_here = all.get_token(own.get_token(), here.get_token());
    const stop_token on_there = all.get_token(own.get_token(), there.get_token());
    CHECK_FALSE(on_here == on_there);
    CHECK(all.get_token(own.get_token(), here.get_token()) == on_here);
    CHECK(all.get_token(own.get_token(), there.get_token()) == on_there);
    there.request_stop();
    CHECK(on_there.stop_requested());
    CHECK_FALSE(on_here.stop_requested());
    own.request_stop();
    CHECK(on_here.stop_requested());
}

TEST_CASE("a linked token that outlives its source stays as it was") {
    stop_source own;
    stop_source executor;
    std::optional<linked_stop_source> both(std::in_place, own.get_token(), executor.get_token());
    const stop_token token = both->get_token();
    both.reset();
    own.request_stop();
    CHECK_FALSE(token.stop_requested());
}
