// SPDX-License-Identifier: MIT
#pragma once

// How long the tasks of each place wait and run, as text or for Prometheus.

#include "detail/observe/exposition.hpp"
#include "detail/observe/kept_place.hpp"
#include "detail/observe/log_histogram.hpp"
#include "detail/observe/text.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/library_memory.hpp"
#include "detail/platform/reentry.hpp"
#include "observer.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Histograms of the delay and the run time of the tasks of each place, with a name or without.
///
///     static faf::latency_histograms latency;
///     faf::thread_pool pool({.observer = &latency});
///     ...
///     std::fputs(latency.text().c_str(), stdout);
///     response.set_content(latency.prometheus(), "text/plain; version=0.0.4");
///
/// The delay of a run is from the time when the task could start to its start; a coroutine has one,
/// for its first stretch. The run time of a coroutine is that of each of its stretches.
///
/// Thread safety: all members may be called by any thread.
/// Lifetime: it must outlive the pools that it observes.
/// Cost: two looks at the clock, two locks that are seldom contended and an allocation for each
/// task; 5 KB for each place.
class latency_histograms final : public task_observer {
public:
    /// No tasks as yet.
    latency_histograms() = default;
    latency_histograms(const latency_histograms&) = delete;
    latency_histograms& operator=(const latency_histograms&) = delete;
    /// After the pools that it observes.
    ~latency_histograms() override {
        const detail::inside_library giving_back;
        decltype(sites_)().swap(sites_);
    }

    /// A line for each place, by the file's name and line: how many runs, and in microseconds the
    /// median, the 99th percentile and the longest, of the delays and then of the runs. Percentiles
    /// are at most an eighth too high.
    ///
    /// Throws: std::bad_alloc.
    std::string text() const {
        const detail::inside_library writing; // whose strings allocate
        std::string all = "    runs  delay p50       p99       max    run p50       p99       max  "
                          "task, in microseconds\n";
        for_each([&](const detail::kept_place& place, const site& one) {
            char line[128];
            std::snprintf(line, sizeof line, "%8llu %10.1f %9.1f %9.1f %10.1f %9.1f %9.1f  ",
                          static_cast<unsigned long long>(one.run.count()), us(one.delay, 0.5),
                          us(one.delay, 0.99), us(one.delay, 1), us(one.run, 0.5),
                          us(one.run, 0.99), us(one.run, 1));
            all += line;
            all += place.name.empty() ? "" : place.name + " ";
            all += '(' + place.where() + ")\n";
        });
        return all;
    }

    /// The same in Prometheus's text format, version 0.0.4: the histograms
    /// fire_and_forget_delay_seconds and fire_and_forget_run_seconds, with the labels `task` and
    /// `where`, and buckets of powers of two from 1 us to 17 s.
    ///
    /// Throws: std::bad_alloc.
    std::string prometheus() const {
        const detail::inside_library writing; // as above
        detail::exposition page;
        page.begin("fire_and_forget_delay_seconds", "histogram",
                   "From when a task could start to its start.");
        add_samples(page, &site::delay);
        page.begin("fire_and_forget_run_seconds", "histogram",
                   "From the start of a run to its end.");
        add_samples(page, &site::run);
        return page.text();
    }

private:
    void* fired(const observed_task& task) override { return new visit(site_of(task)); }

    void begin(const observed_task& task, void* context) override {
        visit& its = *static_cast<visit*>(context);
        its.begun = std::chrono::steady_clock::now();
        const bool is_first = std::exchange(its.due, task.due) != task.due;
        if (is_first) { // else a coroutine goes on
            const detail::library_lock lock(its.at->mutex);
            its.at->delay.add(its.begun - task.due);
        }
    }

    void end(const observed_task&, void* context, run_result) override {
        const visit& its = *static_cast<visit*>(context);
        const auto now = std::chrono::steady_clock::now();
        const detail::library_lock lock(its.at->mutex);
        its.at->run.add(now - its.begun);
    }

    void gone(void* context) override { delete static_cast<visit*>(context); }

    struct site {
        mutable std::mutex mutex;
        detail::log_histogram delay;
        detail::log_histogram run;
    };

    /// Of one task.
    struct visit : detail::library_memory {
        explicit visit(site* of) : at(of) {}
        site* at;
        std::chrono::steady_clock::time_point due{};
        std::chrono::steady_clock::time_point begun{};
    };

    site* site_of(const observed_task& task) {
        detail::place_view place = detail::place_of(task);
        place.function = {}; // that of a template is another one for each type
        place.file = detail::base_name(place.file); // as it is told: no series comes twice
        const detail::library_lock lock(mutex_);
        const auto known = sites_.find(place);
        return known != sites_.end() ? &known->second
                                     : &sites_.try_emplace(detail::kept_place(place)).first->second;
    }

    template <class Use>
    void for_each(Use use) const {
        const detail::library_lock lock(mutex_);
        for (const auto& [place, one] : sites_) {
            const detail::library_lock its(one.mutex);
            use(place, one);
        }
    }

    static double us(const detail::log_histogram& times, double share) {
        return static_cast<double>(times.percentile(share).count()) / 1e3;
    }

    void add_samples(detail::exposition& page, detail::log_histogram site::*which) const {
        constexpr unsigned least = 10; // 2^10 ns
        constexpr unsigned most = 34;
        for_each([&](const detail::kept_place& place, const site& one) {
            const detail::log_histogram& times = one.*which;
            const std::string labels =
                detail::label("task", place.name) + ',' + detail::label("where", place.where());
            for (unsigned power = least; power <= most; ++power) {
                const std::chrono::nanoseconds end(std::int64_t{1} << power);
                page.add("_bucket", labels + ',' + detail::label("le", detail::decimal(end, 9)),
                         times.below_power(power));
            }
            page.add("_bucket", labels + ',' + detail::label("le", "+Inf"), times.count());
            page.add("_sum", labels, times.sum());
            page.add("_count", labels, times.count());
        });
    }

    mutable std::mutex mutex_;
    std::map<detail::kept_place, site, detail::by_place> sites_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/platform/library_memory.ipp"
#endif
