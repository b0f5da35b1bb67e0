// SPDX-License-Identifier: MIT
#pragma once

// What the tasks of a pool did when, to be looked at in Perfetto or in Chrome's about:tracing.

#include "detail/observe/kept_place.hpp"
#include "detail/observe/text.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/library_memory.hpp"
#include "detail/platform/reentry.hpp"
#include "observer.hpp"
#include "worker_info.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Records each run of each task, with an arrow from the call that fired it.
///
///     static faf::trace_recorder trace;
///     faf::configure_default_pool({.observer = &trace});
///     ...
///     std::ofstream("trace.json") << trace.json();     // then open it in ui.perfetto.dev
///
/// Thread safety: all members may be called by any thread.
/// Lifetime: it must outlive the pools that it observes.
/// Cost: two looks at the clock, a lock that is seldom contended and 72 bytes for each run.
class trace_recorder final : public task_observer {
public:
    /// Keeps `most_runs` at most; what comes then is counted and left out.
    explicit trace_recorder(std::size_t most_runs = 1'000'000) : most_runs_(most_runs) {}
    trace_recorder(const trace_recorder&) = delete;
    trace_recorder& operator=(const trace_recorder&) = delete;
    /// After the pools that it observes.
    ~trace_recorder() override {
        const detail::inside_library giving_back;
        decltype(runs_)().swap(runs_);
        decltype(places_)().swap(places_);
        decltype(tracks_)().swap(tracks_);
    }

    /// All runs that have ended, in Chrome's trace event format: a slice on the track of its thread
    /// for each run, with its place, its delay and what became of it; an instant event for each
    /// call; an arrow from the one to the other.
    ///
    /// Throws: std::bad_alloc.
    std::string json() const {
        const detail::library_lock lock(mutex_);
        std::string all = R"({"displayTimeUnit":"ns","traceEvents":[)"
                          "\n";
        for (const run& one : runs_) {
            add(all, one);
        }
        add_threads(all);
        all += R"(],"otherData":{"left_out":)" + std::to_string(left_out_) + "}}\n";
        return all;
    }

    /// How many runs found no place.
    std::uint64_t left_out() const {
        const detail::library_lock lock(mutex_);
        return left_out_;
    }

private:
    void* fired(const observed_task&) override {
        return new visit(next_.fetch_add(1, std::memory_order_relaxed), clock::now(),
                         std::this_thread::get_id());
    }

    void begin(const observed_task&, void* context) override {
        static_cast<visit*>(context)->begun = clock::now();
    }

    void end(const observed_task& task, void* context, run_result result) override {
        visit& its = *static_cast<visit*>(context);
        const clock::time_point now = clock::now();
        const detail::library_lock lock(mutex_);
        if (runs_.size() >= most_runs_) {
            ++left_out_;
            return;
        }
        const std::size_t fired_on = track_of(its.by).number;
        track& here = track_of(std::this_thread::get_id());
        if (const std::optional<worker_info> me = this_worker(); me && here.pool.empty()) {
            here.pool = me->pool;
            here.index = me->index;
        }
        runs_.push_back({its.number, &kept(detail::place_of(task)), its.has_run, result, fired_on,
                         here.number, its.fired, task.due, its.begun, now});
        its.has_run = true;
    }

    void gone(void* context) override { delete static_cast<visit*>(context); }

    using clock = std::chrono::steady_clock;

    /// Of one task.
    struct visit : detail::library_memory {
        visit(std::uint64_t as, clock::time_point when, std::thread::id whose)
            : number(as), fired(when), by(whose) {}
        std::uint64_t number;
        clock::time_point fired;
        std::thread::id by;
        clock::time_point begun{};
        bool has_run = false;
    };

    struct run {
        std::uint64_t task;
        const detail::kept_place* from;
        bool goes_on; ///< the task has run before
        run_result result;
        std::size_t fired_on;
        std::size_t ran_on;
        clock::time_point fired;
        clock::time_point due;
        clock::time_point begun;
        clock::time_point ended;
    };

    /// A thread. It has a pool if it is a worker of one and has run something.
    struct track {
        std::size_t number;
        std::string pool{};
        unsigned index = 0;
    };

    /// Threads are numbered as they come. Under the lock.
    track& track_of(std::thread::id thread) {
        return tracks_.try_emplace(thread, track{tracks_.size() + 1}).first->second;
    }

    /// Under the lock.
    const detail::kept_place& kept(const detail::place_view& place) {
        const auto known = places_.find(place);
        return known != places_.end() ? *known : *places_.emplace(place).first;
    }

    std::string us(clock::time_point time) const { return us(time - start_); }
    static std::string us(clock::duration time) { return detail::decimal(time, 3); }

    static std::string_view word(run_result result) {
        return result == run_result::succeeded ? "succeeded"
               : result == run_result::failed  ? "failed"
                                               : "suspended";
    }

    void add(std::string& all, const run& one) const {
        const std::string where = one.from->where();
        const std::string& title = one.from->name.empty() ? where : one.from->name;
        const std::string begun = us(one.begun);
        if (!one.goes_on) {
            const std::string call = on_track(one.fired_on) + us(one.fired);
            const std::string arrow =
                R"("cat":"fired","name":"fired","id":)" + std::to_string(one.task);
            all += R"({"ph":"X","cat":"call","dur":0,"name":)" +
                   detail::json_string("fire " + title) + call + "},\n";
            all += R"({"ph":"s",)" + arrow + call + "},\n";
            all += R"({"ph":"f","bp":"e",)" + arrow + on_track(one.ran_on) + begun + "},\n";
        }
        all += R"({"ph":"X","cat":"task","name":)" + detail::json_string(title) +
               on_track(one.ran_on) + begun + R"(,"dur":)" + us(one.ended - one.begun) +
               R"(,"args":{"where":)" + detail::json_string(where + " in " + one.from->function) +
               R"(,"delay_us":)" + us(one.begun - one.due) + R"(,"result":")" +
               std::string(word(one.result)) + "\"}},\n";
    }

    /// The fields of which the last is the time.
    static std::string on_track(std::size_t thread) {
        return R"(,"pid":1,"tid":)" + std::to_string(thread) + R"(,"ts":)";
    }

    void add_threads(std::string& all) const {
        const char* comma = "";
        for (const auto& [id, thread] : tracks_) {
            const std::string number = std::to_string(thread.number);
            const std::string name = thread.pool.empty()
                                         ? "thread " + number
                                         : thread.pool + " worker " + std::to_string(thread.index);
            all += comma;
            all += R"({"ph":"M","name":"thread_name","pid":1,"tid":)" + number +
                   R"(,"args":{"name":)" + detail::json_string(name) + "}}";
            comma = ",\n";
        }
    }

    const std::size_t most_runs_;
    const clock::time_point start_ = clock::now();
    std::atomic<std::uint64_t> next_{1};
    mutable std::mutex mutex_;
    std::set<detail::kept_place, detail::by_place> places_; ///< of the runs
    std::vector<run> runs_;
    std::uint64_t left_out_ = 0;
    std::unordered_map<std::thread::id, track> tracks_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/platform/library_memory.ipp"
#endif
