// SPDX-License-Identifier: MIT
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/literal.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace {

using faf::fire_and_forget;
using faf::literal;
using faf::testing::error_recorder;
using faf::testing::manual_executor;

static_assert(std::is_trivially_copyable_v<literal>, "it costs a pointer and a length");
static_assert(sizeof(literal) == sizeof(std::string_view));
static_assert(std::is_nothrow_default_constructible_v<literal>);
static_assert(literal().empty());
static_assert(literal("four").size() == 4);
static_assert(literal("four") == "four");

constexpr char letters[] = "in an array";
static_assert(literal(letters) == "in an array");

constexpr literal names[] = {"first", "second"};

void fail() {
    throw std::runtime_error("task");
}

} // namespace

TEST_CASE("a literal is printed by C and by a stream") {
    CHECK(literal("text").c_str() == std::string("text"));
    CHECK(literal().c_str() == std::string());
    std::ostringstream out;
    out << literal("text") << literal();
    CHECK(out.str() == "text");
}

TEST_CASE("a task is named by a literal that was chosen at run time") {
    const error_recorder errors;
    manual_executor ex;
    for (const literal name : names) {
        CHECK(fire_and_forget(ex, {.name = name}, fail));
    }
    CHECK(ex.run_all() == 2);
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[0].task == "first");
    CHECK(errors.errors()[1].task == "second");
}

TEST_CASE("a task is named by text made at run time that its maker keeps for ever") {
    static const std::string kept = "order " + std::to_string(17);
    const error_recorder errors;
    fire_and_forget(faf::inline_executor(), {.name = literal::from_static(kept.c_str())}, fail);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].task == "order 17");
    CHECK(literal::from_static(nullptr).empty());
}
