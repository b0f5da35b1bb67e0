// SPDX-License-Identifier: MIT
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/stats_text.hpp>
#include <fire_and_forget/task_scope.hpp>

#include "catch.hpp"
#include "exposition_rules.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>

namespace {

using faf::fire_and_forget;
using faf_test::exposition_rules;
using namespace std::chrono_literals;

constexpr faf::stats each_differs{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

bool has_line(const std::string& text, const std::string& line) {
    return ('\n' + text).find('\n' + line + '\n') != std::string::npos;
}

TEST_CASE("the line of a pool has each counter behind its name") {
    CHECK(faf::to_string(each_differs) ==
          "accepted 1: succeeded 2, failed 3, dropped 4 (cancelled 6, expired 7), pending 9, "
          "running 10; refused 5, skipped 8, resumptions 12, threads 11");
}

TEST_CASE("the line of a scope has each counter behind its name") {
    CHECK(faf::to_string(faf::scope_stats{1, 2, 3, 4}) ==
          "pending 1, running 2; cancelled 3, refused 4");
}

TEST_CASE("each pool and each scope has a line, what is added under one name is added up") {
    faf::stats_text page;
    page.add("session", faf::scope_stats{1, 2, 3, 4});
    page.add("writers", {.accepted = 20, .succeeded = 20});
    page.add("default", {.accepted = 1, .pending = 1});
    page.add("writers", {.accepted = 3, .failed = 3});
    page.add("session", faf::scope_stats{10, 20, 30, 40});
    CHECK(page.text() ==
          "writers: " + faf::to_string(faf::stats{.accepted = 23, .succeeded = 20, .failed = 3}) +
              "\ndefault: " + faf::to_string(faf::stats{.accepted = 1, .pending = 1}) +
              "\nsession: pending 11, running 22; cancelled 33, refused 44\n");
}

TEST_CASE("Prometheus's text of counters keeps the rules of the format") {
    faf::stats_text page;
    CHECK(page.prometheus().empty());
    page.add("only a scope", faf::scope_stats{});
    CHECK(exposition_rules::broken_in(page.prometheus()) == "");
    page.add("writers", each_differs);
    page.add("a \"quoted\" \\ name\nof two lines, or }", each_differs);
    page.add("writers", each_differs);
    page.add("session", faf::scope_stats{1, 2, 3, 4});
    CHECK(exposition_rules::broken_in(page.prometheus()) == "");
}

TEST_CASE("Prometheus's text has each counter under its name") {
    faf::stats_text page;
    page.add("p", each_differs);
    page.add("s", faf::scope_stats{1, 2, 3, 4});
    const std::string text = page.prometheus();
    const char* const lines[] = {"tasks_accepted_total{pool=\"p\"} 1",
                                 "tasks_succeeded_total{pool=\"p\"} 2",
                                 "tasks_failed_total{pool=\"p\"} 3",
                                 "tasks_dropped_total{pool=\"p\"} 4",
                                 "tasks_refused_total{pool=\"p\"} 5",
                                 "tasks_cancelled_total{pool=\"p\"} 6",
                                 "tasks_expired_total{pool=\"p\"} 7",
                                 "runs_skipped_total{pool=\"p\"} 8",
                                 "tasks_pending{pool=\"p\"} 9",
                                 "tasks_running{pool=\"p\"} 10",
                                 "threads{pool=\"p\"} 11",
                                 "resumptions_total{pool=\"p\"} 12",
                                 "scope_tasks_pending{scope=\"s\"} 1",
                                 "scope_tasks_running{scope=\"s\"} 2",
                                 "scope_tasks_cancelled_total{scope=\"s\"} 3",
                                 "scope_tasks_refused_total{scope=\"s\"} 4"};
    for (const std::string line : lines) {
        INFO(line);
        CHECK(has_line(text, "fire_and_forget_" + line));
    }
}

TEST_CASE("the counters of a pool and of a scope on it are shown as they are") {
    faf::thread_pool pool({.threads = 1, .on_error = [](const faf::error_report&) {}});
    {
        faf::task_scope scope(pool);
        fire_and_forget(scope, [] {});
        fire_and_forget(scope, [] { throw std::runtime_error("as planned"); });
        REQUIRE(scope.drain(60s));
        fire_and_forget(scope, {.after = 1h}, [] {});
        CHECK(faf::to_string(scope.snapshot()) == "pending 1, running 0; cancelled 0, refused 0");
    }
    REQUIRE(pool.shutdown(60s));
    CHECK(faf::to_string(pool.snapshot()) ==
          "accepted 3: succeeded 1, failed 1, dropped 1 (cancelled 1, expired 0), pending 0, "
          "running 0; refused 0, skipped 0, resumptions 0, threads 0");
}

TEST_CASE("the rules of Prometheus's format see what breaks them") {
    const std::string head = "# HELP a_total Some.\n# TYPE a_total counter\n";
    const std::string both = "# HELP h Some.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\n";
    CHECK(exposition_rules::broken_in(head + "a_total{x=\"\\\"\\\\\\n\"} 1\n") == "");
    CHECK(exposition_rules::broken_in(both + "h_bucket{le=\"+Inf\"} 2\nh_sum{} 1\n") != "");
    CHECK(exposition_rules::broken_in(both + "h_bucket{le=\"+Inf\"} 2\nh_sum 1.5\nh_count 2\n") ==
          "");
    const std::string broken[] = {
        head,                                                 // no sample
        head + "a_total 1",                                   // no end
        head + "a_total 1\n\n",                               // an empty line
        head + "a_total 1\na_total 2\n",                      // twice
        head + "a_total 1\n" + head + "a_total{x=\"y\"} 2\n", // in two places
        head + "a_total{x=\"\"\"} 1\n",                       // a quote
        head + "a_total{x=\"\\t\"} 1\n",                      // an escape that there is none of
        head + "a_total{x=\"1\",x=\"2\"} 1\n",                // a label twice
        head + "a_total 0,5\n",                               // a comma
        head + "a_total 1e\n",                                // no number
        head + "b_total 1\n",                                 // another metric
        "a_total 1\n",                                        // without a head
        "# HELP a Some.\n# TYPE a counter\na 1\n",            // without _total
        "# HELP a_total Some.\n# TYPE a_total gauge\na_total 1\n", // a gauge with it
        both + "h_bucket{le=\"0.5\"} 2\nh_sum 1\nh_count 2\n",     // a smaller one behind
        both + "h_bucket{le=\"+Inf\"} 0\nh_sum 1\nh_count 0\n",    // fewer in it
        both + "h_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 3\n",    // another count
        both + "h_count 1\n",                                      // no last bucket
    };
    for (const std::string& text : broken) {
        INFO(text);
        CHECK(exposition_rules::broken_in(text) != "");
    }
}

} // namespace
