// SPDX-License-Identifier: MIT
#include <fire_and_forget/call_site.hpp>

#include "catch.hpp"

#include <string_view>
#include <type_traits>

namespace {

static_assert(std::is_nothrow_default_constructible_v<faf::call_site>);
static_assert(std::is_trivially_copyable_v<faf::call_site>);
static_assert(faf::call_site{}.line() == 0);
static_assert(faf::call_site::current().line() == __LINE__);

faf::call_site here() {
    return faf::call_site::current();
}
constexpr auto line_of_here = __LINE__ - 2;

faf::call_site place_of_caller(faf::call_site where = faf::call_site::current()) {
    return where;
}

} // namespace

TEST_CASE("a call_site names the file, the line and the function it was made in") {
    const faf::call_site where = here();
    CHECK(std::string_view(where.file_name()) == __FILE__);
    CHECK(where.line() == line_of_here);
    CHECK(std::string_view(where.function_name()).find("here") != std::string_view::npos);
}

TEST_CASE("a call_site that is a default argument names the caller") {
    const auto line = __LINE__ + 1;
    const faf::call_site where = place_of_caller();
    CHECK(where.line() == line);
    CHECK(std::string_view(where.function_name()).find("place_of_caller") ==
          std::string_view::npos);
    CHECK(std::string_view(where.function_name()).find(__func__) != std::string_view::npos);
}

TEST_CASE("a call_site that names no place has empty names") {
    const faf::call_site nowhere;
    CHECK(std::string_view(nowhere.file_name()).empty());
    CHECK(std::string_view(nowhere.function_name()).empty());
}
