// SPDX-License-Identifier: MIT
#include <fire_and_forget/options.hpp>

#include "catch.hpp"

#include <chrono>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

namespace {

// Aggregates, so that {.name = "x"} works.
static_assert(std::is_aggregate_v<faf::options>);
static_assert(std::is_aggregate_v<faf::pool_options>);

static_assert(std::is_nothrow_default_constructible_v<faf::submission>);
static_assert(!std::is_convertible_v<faf::submission, bool>, "a submission is no number");
static_assert(std::is_constructible_v<bool, faf::submission>);
static_assert(!std::is_convertible_v<faf::refusal, faf::submission>);
static_assert(faf::submission());
static_assert(faf::submission(faf::refusal::none));
static_assert(!faf::submission(faf::refusal::queue_full));
static_assert(faf::submission(faf::refusal::copy_threw).why() == faf::refusal::copy_threw);
static_assert(faf::submission().why() == faf::refusal::none);

static_assert(faf::keep_repeating == faf::repetition::go_on);
static_assert(faf::stop_repeating == faf::repetition::stop);

// The queue's lists are indexed by it.
static_assert(static_cast<int>(faf::priority::high) == 0);
static_assert(static_cast<int>(faf::priority::normal) == 1);
static_assert(static_cast<int>(faf::priority::low) == 2);

constexpr faf::refusal all_refusals[] = {
    faf::refusal::none,          faf::refusal::queue_full,      faf::refusal::shutting_down,
    faf::refusal::out_of_memory, faf::refusal::no_thread,       faf::refusal::empty_callable,
    faf::refusal::copy_threw,    faf::refusal::executor_failed, faf::refusal::invalid_options};

} // namespace

TEST_CASE("every refusal has words of its own") {
    std::set<std::string_view> words;
    for (const faf::refusal why : all_refusals) {
        words.insert(to_string(why));
        CHECK_FALSE(to_string(why).empty());
    }
    CHECK(words.size() == std::size(all_refusals));
    CHECK(words.count(to_string(static_cast<faf::refusal>(200))) == 0);
}

TEST_CASE("the words of a refusal can be printed by C and by a stream") {
    for (const faf::refusal why : all_refusals) {
        CHECK(to_string(why).c_str() == std::string_view(to_string(why)));
    }
    std::ostringstream out;
    out << to_string(faf::refusal::queue_full);
    CHECK(out.str() == "the queue is full");
}

TEST_CASE("a pool's name lives on when the text it was given is gone") {
    faf::pool_options how;
    {
        std::string made = "writer of " + std::to_string(1'234'567);
        how.name = made;
        made.assign(made.size(), 'x');
    }
    CHECK(how.name == std::string_view("writer of "));
    how.name = static_cast<const char*>(nullptr);
    CHECK(how.name == std::string_view("faf"));
    how.name = "";
    CHECK(how.name == std::string_view());
}

TEST_CASE("options that say nothing ask for a nameless task of normal priority") {
    const faf::options nothing;
    CHECK(nothing.name.empty());
    CHECK(nothing.priority == faf::priority::normal);
    CHECK_FALSE(nothing.stop.stop_possible());
    CHECK(nothing.after == std::chrono::nanoseconds(0));
    CHECK(nothing.every == std::chrono::nanoseconds(0));
    CHECK(nothing.expires == std::chrono::nanoseconds(0));
    CHECK_FALSE(nothing.on_error);
    CHECK(nothing.where.line() == 0);
}

TEST_CASE("pool_options that say nothing set no limit, and give exit five seconds") {
    const faf::pool_options nothing;
    CHECK(nothing.threads == 0);
    CHECK(nothing.max_threads == 0);
    CHECK_FALSE(nothing.fixed);
    CHECK(nothing.grow_after == std::chrono::seconds(0));
    CHECK(nothing.max_pending == 0);
    CHECK(nothing.when_full == faf::overflow::refuse);
    CHECK(nothing.full_wait == std::chrono::seconds(1));
    CHECK(nothing.starvation_after == std::chrono::seconds(1));
    CHECK(nothing.exit_timeout == std::chrono::seconds(5));
    CHECK(std::string_view(nothing.name) == "faf");
    CHECK_FALSE(nothing.on_error);
}
