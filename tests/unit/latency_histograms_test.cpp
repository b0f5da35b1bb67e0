// SPDX-License-Identifier: MIT
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/latency_histograms.hpp>

#include "catch.hpp"
#include "exposition_rules.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <sstream>
#include <string>

namespace {

using faf::fire_and_forget;
using namespace std::chrono_literals;

std::ptrdiff_t count_lines(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
}

TEST_CASE("the tasks of each place and name are counted on their own") {
    faf::latency_histograms latency;
    {
        faf::thread_pool pool({.threads = 2, .observer = &latency});
        for (int i = 0; i < 7; ++i) {
            fire_and_forget(pool, [] {});
            const auto name = i < 3 ? faf::literal("few") : faf::literal("more");
            fire_and_forget(pool, {.name = name}, [] {});
        }
        REQUIRE(pool.drain(60s));
    }
    const std::string text = latency.text();
    CHECK(count_lines(text) == 1 + 3);
    CHECK(text.find("       7 ") != std::string::npos);
    CHECK(text.find("       3 ") != std::string::npos);
    CHECK(text.find("       4 ") != std::string::npos);
    CHECK(text.find("few (latency_histograms_test.cpp:") != std::string::npos);
}

TEST_CASE("Prometheus's text has cumulative buckets, a sum and a count of each place") {
    faf::latency_histograms latency;
    {
        faf::thread_pool pool({.threads = 1, .observer = &latency});
        for (int i = 0; i < 5; ++i) {
            fire_and_forget(pool, {.name = "a \"quoted\" \\ name"}, [] {});
        }
        REQUIRE(pool.drain(60s));
    }
    CHECK(faf_test::exposition_rules::broken_in(latency.prometheus()) == "");
    std::istringstream text(latency.prometheus());
    int buckets = 0;
    int metrics = 0;
    long last = 0;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("# TYPE")) {
            ++metrics;
            last = 0;
            CHECK(line.ends_with(" histogram"));
        } else if (line.find("_bucket{") != std::string::npos) {
            ++buckets;
            const long now = std::stol(line.substr(line.rfind(' ') + 1));
            CHECK(now >= last);
            last = now;
            CHECK(line.find(
                      "task=\"a \\\"quoted\\\" \\\\ name\",where=\"latency_histograms_test.cpp:") !=
                  std::string::npos);
        } else if (line.find("_count{") != std::string::npos) {
            CHECK(line.ends_with("} 5"));
            CHECK(last == 5);
        }
    }
    CHECK(metrics == 2);
    CHECK(buckets == 2 * 26);
}

// Two files of one name, for the compiler.
#line 1 "here/tasks.cpp"
constexpr faf::call_site in_here = faf::call_site::current();
#line 1 "there/tasks.cpp"
constexpr faf::call_site in_there = faf::call_site::current();
#line 84 "latency_histograms_test.cpp"

TEST_CASE("lines of two files that have one name are one series, as they have one label") {
    faf::latency_histograms latency;
    {
        faf::thread_pool pool({.threads = 1, .observer = &latency});
        fire_and_forget(pool, {.where = in_here}, [] {});
        fire_and_forget(pool, {.where = in_there}, [] {});
        REQUIRE(pool.drain(60s));
    }
    CHECK(faf_test::exposition_rules::broken_in(latency.prometheus()) == "");
    CHECK(count_lines(latency.text()) == 1 + 1);
}

} // namespace
