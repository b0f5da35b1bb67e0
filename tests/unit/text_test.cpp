// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/observe/text.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/latency_histograms.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/trace.hpp>

#include "catch.hpp"
#include "exposition_rules.hpp"

#include <chrono>
#include <clocale>
#include <string>

namespace {

using faf::fire_and_forget;
using faf::detail::decimal;
using faf::detail::json_string;
using namespace std::chrono_literals;

TEST_CASE("a time is a decimal fraction with all of its digits") {
    CHECK(decimal(0ns, 9) == "0.000000000");
    CHECK(decimal(1ns, 9) == "0.000000001");
    CHECK(decimal(1024ns, 9) == "0.000001024");
    CHECK(decimal(17'179'869'184ns, 9) == "17.179869184");
    CHECK(decimal(999ns, 3) == "0.999");
    CHECK(decimal(1000ns, 3) == "1.000");
    CHECK(decimal(-1500ns, 3) == "-1.500");
    CHECK(decimal(std::chrono::nanoseconds::max(), 9) == "9223372036.854775807");
    CHECK(decimal(std::chrono::nanoseconds::min(), 9) == "-9223372036.854775808");
}

TEST_CASE("a text in JSON has its quotes, backslashes and control characters escaped") {
    CHECK(json_string("") == R"("")");
    CHECK(json_string("a \xc3\xbc") == "\"a \xc3\xbc\"");
    CHECK(json_string(R"(say "a\b")") == R"("say \"a\\b\"")");
    CHECK(json_string("1\n2\x1f") == R"("1\u000a2\u001f")");
}

/// Until its end, printf writes 0.5 as 0,5; if the system has a locale for that.
class decimal_commas {
public:
    decimal_commas() {
        for (const char* const name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"}) {
            has_them_ = has_them_ || std::setlocale(LC_NUMERIC, name) != nullptr;
        }
    }
    ~decimal_commas() { std::setlocale(LC_NUMERIC, "C"); }
    decimal_commas(const decimal_commas&) = delete;
    decimal_commas& operator=(const decimal_commas&) = delete;

    bool has_them() const { return has_them_; }

private:
    bool has_them_ = false;
};

TEST_CASE("what other programs read has points in its numbers where the locale has commas") {
    const decimal_commas here;
    if (!here.has_them()) {
        WARN("there is no locale with commas here");
    }
    faf::latency_histograms latency;
    faf::trace_recorder trace;
    {
        faf::thread_pool measured({.threads = 1, .observer = &latency});
        faf::thread_pool traced({.threads = 1, .observer = &trace});
        fire_and_forget(measured, [] {});
        fire_and_forget(traced, [] {});
        REQUIRE(measured.drain(60s));
        REQUIRE(traced.drain(60s));
    }
    CHECK(faf_test::exposition_rules::broken_in(latency.prometheus()) == "");
    const std::string json = trace.json();
    const std::size_t time = json.find("\"ts\":") + 5;
    CHECK(json[json.find_first_not_of("0123456789", time)] == '.');
}

TEST_CASE("a trace keeps as many runs as it may, with what became of them, and counts the others") {
    const faf::testing::error_recorder errors;
    faf::trace_recorder trace(1);
    {
        faf::thread_pool traced({.threads = 1, .observer = &trace});
        fire_and_forget(traced, [] { throw 1; });
        fire_and_forget(traced, [] {});
        fire_and_forget(traced, [] {});
        REQUIRE(traced.drain(60s));
    }
    CHECK(errors.count() == 1);
    CHECK(trace.left_out() == 2);
    const std::string json = trace.json();
    CHECK(json.find("\"left_out\":2") != std::string::npos);
    CHECK(json.find("\"failed\"") != std::string::npos);
    CHECK(json.find("\"succeeded\"") == std::string::npos);
}

} // namespace
