// SPDX-License-Identifier: MIT
#include <fire_and_forget/error_report.hpp>

#include "catch.hpp"

#include <chrono>
#include <cstddef>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>
#include <type_traits>

namespace {

static_assert(std::is_aggregate_v<faf::error_report>);
static_assert(std::is_same_v<faf::error_sink::result_type, void>);

constexpr faf::failure all_kinds[] = {faf::failure::exception,   faf::failure::error_result,
                                      faf::failure::refused,     faf::failure::expired,
                                      faf::failure::cancelled,   faf::failure::abandoned,
                                      faf::failure::worker_lost, faf::failure::sink_failed,
                                      faf::failure::starvation,  faf::failure::displaced};

} // namespace

TEST_CASE("every kind of failure has words of its own") {
    std::set<std::string_view> words;
    for (const faf::failure kind : all_kinds) {
        CHECK_FALSE(to_string(kind).empty());
        words.insert(to_string(kind));
    }
    CHECK(words.size() == std::size(all_kinds));
    CHECK(to_string(static_cast<faf::failure>(200)) == "failed");
}

TEST_CASE("the words of a failure can be printed by C and by a stream") {
    for (const faf::failure kind : all_kinds) {
        CHECK(to_string(kind).c_str() == std::string_view(to_string(kind)));
    }
    std::ostringstream out;
    out << to_string(faf::failure::expired);
    CHECK(out.str() == "expired");
}

TEST_CASE("a report that says nothing is of an exception of one task at no place") {
    const faf::error_report nothing{};
    CHECK(nothing.kind == faf::failure::exception);
    CHECK(nothing.exception == nullptr);
    CHECK(nothing.type.empty());
    CHECK(nothing.what.empty());
    CHECK(nothing.task.empty());
    CHECK(nothing.where.line() == 0);
    CHECK(nothing.waited == std::chrono::nanoseconds(0));
    CHECK(nothing.ran == std::chrono::nanoseconds(0));
    CHECK(nothing.suppressed == 0);
}
