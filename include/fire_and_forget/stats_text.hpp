// SPDX-License-Identifier: MIT
#pragma once

// The counters of stats.hpp as text: a line for a log, or a page for Prometheus.

#include "detail/observe/exposition.hpp"
#include "detail/platform/abi.hpp"
#include "stats.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// The counters as one line, without a line feed, always with the same words in the same order:
///
///     std::puts(faf::to_string(pool.snapshot()).c_str());
///
///     accepted 7: succeeded 4, failed 1, dropped 1 (cancelled 1, expired 0), pending 1, running 0;
///     refused 2, skipped 0, resumptions 0, threads 2
///
/// Throws: std::bad_alloc.
inline std::string to_string(const stats& counted) {
    const auto word = [](const char* name, std::uint64_t count) {
        return name + std::to_string(count);
    };
    return word("accepted ", counted.accepted) + word(": succeeded ", counted.succeeded) +
           word(", failed ", counted.failed) + word(", dropped ", counted.dropped) +
           word(" (cancelled ", counted.cancelled) + word(", expired ", counted.expired) +
           word("), pending ", counted.pending) + word(", running ", counted.running) +
           word("; refused ", counted.refused) + word(", skipped ", counted.skipped) +
           word(", resumptions ", counted.resumptions) + word(", threads ", counted.threads);
}

/// The same of a task_scope: "pending 3, running 1; cancelled 0, refused 0".
///
/// Throws: std::bad_alloc.
inline std::string to_string(const scope_stats& counted) {
    return "pending " + std::to_string(counted.pending) + ", running " +
           std::to_string(counted.running) + "; cancelled " + std::to_string(counted.cancelled) +
           ", refused " + std::to_string(counted.refused);
}

/// Counters of several pools and scopes, under the names that are given here.
///
///     faf::stats_text page;
///     page.add("default", faf::snapshot());
///     page.add("writers", writers.snapshot());
///     page.add("session", session.tasks.snapshot());      // a task_scope
///     response.set_content(page.prometheus() + latency.prometheus(),
///                          "text/plain; version=0.0.4");
///
/// Make one for each answer. Counters that are added under one name are added up: so the scopes of
/// all sessions can be one line.
///
/// Throws: std::bad_alloc, all members.
/// Thread safety: as of a std::string.
/// Cost: that of the texts; a pool pays for its snapshot() only.
class stats_text {
public:
    /// Adds what a pool, or all pools together, have counted. pool: any text.
    void add(std::string_view pool, const stats& counted) { of(pools_, pool) += counted; }

    /// Adds what a task_scope has counted. scope: any text.
    void add(std::string_view scope, const scope_stats& counted) { of(scopes_, scope) += counted; }

    /// A line for each, as to_string() makes it, behind its name: first the pools, in the order in
    /// which they were added, then the scopes.
    std::string text() const {
        std::string all;
        for (const auto& [name, counted] : pools_) {
            all += name + ": " + to_string(counted) + '\n';
        }
        for (const auto& [name, counted] : scopes_) {
            all += name + ": " + to_string(counted) + '\n';
        }
        return all;
    }

    /// All of it in Prometheus's text format, version 0.0.4. Of pools, with the label `pool`, the
    /// counters fire_and_forget_tasks_accepted_total, and so on as the fields of stats are called,
    /// fire_and_forget_runs_skipped_total and fire_and_forget_resumptions_total, and as gauges
    /// fire_and_forget_tasks_pending, fire_and_forget_tasks_running and fire_and_forget_threads; of
    /// scopes, with the label `scope`, those that begin with fire_and_forget_scope_tasks_.
    ///
    /// A counter is one as long as what it counts is there: the cancelled and refused tasks of a
    /// scope begin again with the next scope of its name.
    std::string prometheus() const {
        detail::exposition page;
        const auto of_pools = [&](const char* metric, const char* type, const char* help,
                                  auto stats::*field) {
            add_samples(page, metric, type, help, "pool", pools_, field);
        };
        of_pools("fire_and_forget_tasks_accepted_total", counter,
                 "Tasks that were accepted; each has one fate.", &stats::accepted);
        of_pools("fire_and_forget_tasks_succeeded_total", counter, "Tasks that ran to the end.",
                 &stats::succeeded);
        of_pools("fire_and_forget_tasks_failed_total", counter,
                 "Tasks that threw, returned an error, or ended their thread.", &stats::failed);
        of_pools("fire_and_forget_tasks_dropped_total", counter,
                 "Tasks that never ran, or were still running at the end.", &stats::dropped);
        of_pools("fire_and_forget_tasks_cancelled_total", counter,
                 "Of those dropped: asked to stop before they started.", &stats::cancelled);
        of_pools("fire_and_forget_tasks_expired_total", counter,
                 "Of those dropped: had not started in time.", &stats::expired);
        of_pools("fire_and_forget_tasks_refused_total", counter, "Tasks that were never accepted.",
                 &stats::refused);
        of_pools("fire_and_forget_runs_skipped_total", counter,
                 "Starts of repeated tasks that were left out.", &stats::skipped);
        of_pools("fire_and_forget_resumptions_total", counter,
                 "Times a coroutine went on, or an executor above had its turn.",
                 &stats::resumptions);
        of_pools("fire_and_forget_tasks_pending", gauge,
                 "Tasks that wait for a worker, for their time, or in a co_await.",
                 &stats::pending);
        of_pools("fire_and_forget_tasks_running", gauge, "Tasks that run.", &stats::running);
        of_pools("fire_and_forget_threads", gauge, "Threads that are alive.", &stats::threads);

        const auto of_scopes = [&](const char* metric, const char* type, const char* help,
                                   auto scope_stats::*field) {
            add_samples(page, metric, type, help, "scope", scopes_, field);
        };
        of_scopes("fire_and_forget_scope_tasks_pending", gauge,
                  "Tasks of the scope that have not begun.", &scope_stats::pending);
        of_scopes("fire_and_forget_scope_tasks_running", gauge,
                  "Tasks of the scope that have begun and are not gone.", &scope_stats::running);
        of_scopes("fire_and_forget_scope_tasks_cancelled_total", counter,
                  "Tasks of the scope that were taken back.", &scope_stats::cancelled);
        of_scopes("fire_and_forget_scope_tasks_refused_total", counter,
                  "Tasks that the scope did not accept.", &scope_stats::refused);
        return page.text();
    }

private:
    template <class Stats>
    struct named {
        std::string name;
        Stats counted;
    };
    template <class Stats>
    using list = std::vector<named<Stats>>;

    static constexpr const char* counter = "counter";
    static constexpr const char* gauge = "gauge";

    template <class Stats>
    static Stats& of(list<Stats>& all, std::string_view name) {
        for (named<Stats>& one : all) {
            if (one.name == name) {
                return one.counted;
            }
        }
        all.push_back({std::string(name), {}});
        return all.back().counted;
    }

    /// Nothing if there are none.
    template <class Stats, class Number>
    static void add_samples(detail::exposition& page, const char* metric, const char* type,
                            const char* help, const char* label, const list<Stats>& all,
                            Number Stats::*field) {
        if (!all.empty()) {
            page.begin(metric, type, help);
        }
        for (const named<Stats>& one : all) {
            page.add("", detail::label(label, one.name), std::uint64_t{one.counted.*field});
        }
    }

    list<stats> pools_;
    list<scope_stats> scopes_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI
