// SPDX-License-Identifier: MIT
#pragma once

// Who runs what an outbox has fired: one process of a group of workers.

#include "delays.hpp"
#include "pipeline.hpp"
#include "redis_link.hpp"
#include "stream.hpp"

#include <fire_and_forget/copied_name.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/task_scope.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <unistd.h>

namespace durable {

struct worker_settings {
    address redis{};
    stream_names names{};
    std::string name{};   ///< of this process alone; empty: one is made up
    unsigned threads = 4; ///< how many tasks run at a time

    /// How many tasks it has, those that wait for a retry included: so if all fail, the rest stays
    /// in the stream. Few more than `threads` where tasks are long, for others may be idle.
    std::size_t max_claimed = 64;

    unsigned max_tries = 10;          ///< then a task becomes a dead letter
    delays again{};                   ///< from one try to the next
    milliseconds claim_time{30'000};  ///< so long after its worker's death a task is taken over
    milliseconds renew_every{10'000}; ///< a third of it, say
    std::function<void(const std::string&)> log{}; ///< hears, on any thread, of what went wrong
};

/// Claims tasks and runs each by the handler for its name, on a pool of its own.
///
///     durable::worker worker({.threads = 8});
///     worker.on("resize", [](const durable::task& one) { resize(one.payload); });
///     worker.run();                          // until another thread says worker.stop()
///
/// A task whose handler returns is settled; one that throws is tried again after growing delays,
/// by this process, and after `max_tries` goes to the dead letters. Claims are renewed as long as
/// the process lives, so a task may take as long as it likes. When the process is killed, others
/// take over what it had claimed; each time counts as a try, so that a task that kills its workers
/// becomes a dead letter, too.
///
/// At least once: a task runs again if its worker dies, or is cut off from Redis for longer than
/// `claim_time`, after its handler was done and before Redis knew. So handlers must bear to be
/// called twice; task::key helps, as example_handlers.hpp shows.
class worker {
public:
    using handler = std::function<void(const task&)>;

    /// Throws: std::invalid_argument, for settings that can't work.
    explicit worker(worker_settings wanted)
        : settings_(checked(std::move(wanted))),
          settling_({.redis = settings_.redis, .name = "settle", .on_error = sink_to_log()}),
          pool_({.threads = settings_.threads,
                 .fixed = true,
                 .starvation_after = {}, // more is claimed than runs, so tasks wait here
                 .exit_timeout = faf::forever,
                 .name = "durable",
                 .on_error = sink_to_log()}) {}
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    /// Has `what` called for tasks of that name, by several threads at once. Before run().
    void on(const std::string& name, handler what) { handlers_[name] = std::move(what); }

    /// Works until stop(); then it waits for what runs, and gives back the rest. While Redis is
    /// away it tries again after growing delays.
    /// Throws: refused_by_redis where a person has to mend what is wrong: a key of another type,
    /// say, or a wrong password. What it had claimed stays claimed, until others take it over.
    void run();

    /// Ends run(). May be called by any thread, and again.
    void stop() {
        {
            const std::lock_guard hold(guard_);
            is_stopping_ = true;
        }
        changed_.notify_all();
    }

    std::uint64_t succeeded() const { return succeeded_; } ///< runs
    std::uint64_t failed() const { return failed_; } ///< runs, those that were tried again too
    std::uint64_t buried() const { return buried_; } ///< dead letters
    std::uint64_t taken_over() const { return taken_over_; }

private:
    static worker_settings checked(worker_settings wanted) {
        if (wanted.max_claimed == 0 || wanted.max_tries == 0 || wanted.renew_every.count() <= 0 ||
            wanted.renew_every >= wanted.claim_time) {
            throw std::invalid_argument("a worker claims and tries something, and renews its "
                                        "claims before their time is over");
        }
        if (wanted.name.empty()) {
            std::string host(256, '\0');
            ::gethostname(host.data(), host.size() - 1);
            host.resize(host.find('\0'));
            wanted.name = host + '-' + std::to_string(::getpid()) + '-' +
                          std::to_string(std::random_device{}());
        }
        return wanted;
    }

    faf::error_sink sink_to_log() const {
        return [this](const faf::error_report& report) {
            if (report.kind != faf::failure::cancelled) { // which run() does at its end
                log(faf::to_string(report));
            }
        };
    }
    void log(const std::string& line) const {
        if (settings_.log) {
            settings_.log(line);
        }
    }

    // Reading: the thread that is in run().
    void serve(redis_link& redis);
    std::size_t wait_for_room();
    void pause_before_retry(const std::string& trouble);
    void leave();
    bool is_to_stop() {
        const std::lock_guard hold(guard_);
        return is_stopping_;
    }

    // One task.
    void accept(task one);
    void fire(const task& one, milliseconds delay);
    void attempt(const task& one, bool is_retry);
    void has_failed(const task& one, const faf::error_report& report);
    bool begin(const task& one);
    void give_back(const std::string& id, unsigned tries);
    void give_back_what_waits();
    void bury(const task& one, const std::string& error);
    void renew_claims();
    command claim(std::span<const std::string> ids, milliseconds idle, unsigned tries) const {
        return claim_tasks(settings_.names, settings_.name, ids, std::to_string(idle.count()),
                           std::to_string(tries));
    }

    /// Sends what becomes of a task; it takes no room any more when Redis knows. If that can't be
    /// sent, its claim is no longer renewed, and somebody takes it over.
    void settle(const std::string& id, command what) {
        if (!settling_.add({.what = std::move(what), .on_arrival = [this, id] { forget(id); }})) {
            forget(id);
        }
    }
    bool forget(const std::string& id) {
        bool was_claimed = false;
        {
            const std::lock_guard hold(guard_);
            was_claimed = claimed_.erase(id) != 0;
        }
        changed_.notify_all();
        return was_claimed;
    }

    struct claimed_task {
        unsigned tries;
        bool has_begun = false; ///< false again while it waits for its next try
    };

    const worker_settings settings_;
    std::map<std::string, handler> handlers_;

    std::mutex guard_;
    std::condition_variable changed_;
    std::unordered_map<std::string, claimed_task> claimed_; ///< by id; under guard_
    bool is_stopping_ = false;                              ///< under guard_

    std::string cursor_ = "0-0"; ///< where the next look for dead workers' tasks begins
    std::chrono::steady_clock::time_point next_look_{};
    unsigned failures_ = 0; ///< of the link in a row

    std::atomic<std::uint64_t> succeeded_ = 0, failed_ = 0, buried_ = 0, taken_over_ = 0;

    pipeline settling_;
    faf::thread_pool pool_;
    faf::task_scope tasks_{pool_}; ///< last: ends before what tasks use
};

inline void worker::run() {
    faf::task_scope renewals(settling_.thread());
    fire_and_forget(renewals, {.name = "renew claims", .every = settings_.renew_every},
                    [this] { renew_claims(); });
    for (bool has_group = true; !is_to_stop();) {
        std::string trouble;
        try {
            redis_link redis(settings_.redis);
            if (!has_group) { // not made before it is missed: that takes memory
                make_group(redis, settings_.names);
            }
            has_group = true;
            serve(redis);
        } catch (const connection_lost& lost) {
            trouble = lost.what();
        } catch (const refused_by_redis& refused) {
            if (refused.is_lasting()) {
                throw;
            }
            has_group = !refused.is("NOGROUP");
            trouble = has_group ? refused.what() : "";
        }
        if (!trouble.empty()) {
            pause_before_retry(trouble);
        }
    }
    leave();
}

/// Claims tasks, as many as there is room for, until stop().
inline void worker::serve(redis_link& redis) {
    const std::string claim_time = std::to_string(settings_.claim_time.count());
    while (const std::size_t room = wait_for_room()) {
        std::vector<task> found;
        const auto now = std::chrono::steady_clock::now();
        if (now >= next_look_) {
            found = take_over(redis, settings_.names, settings_.name, room, claim_time, cursor_);
            taken_over_ += found.size();
            if (cursor_ == "0-0") { // it has seen all
                forget_workers(redis, settings_.names,
                               std::to_string((100 * settings_.claim_time).count()));
                next_look_ = now + settings_.claim_time / 2;
            }
        } else {
            const auto block = std::min(settings_.claim_time / 2, milliseconds(500));
            found = read_new(redis, settings_.names, settings_.name, room,
                             std::to_string(block.count()));
        }
        failures_ = 0;
        for (task& each : found) {
            accept(std::move(each));
        }
    }
}

/// How many more tasks it may claim; 0 when it is to stop.
inline std::size_t worker::wait_for_room() {
    std::unique_lock hold(guard_);
    changed_.wait(hold, [this] { return is_stopping_ || claimed_.size() < settings_.max_claimed; });
    return is_stopping_ ? 0 : settings_.max_claimed - claimed_.size();
}

inline void worker::pause_before_retry(const std::string& trouble) {
    if (failures_++ == 0) {
        log(trouble + ", tries again until it can");
    }
    std::unique_lock hold(guard_);
    changed_.wait_for(hold, delays{milliseconds(10), milliseconds(2'000)}.after(failures_),
                      [this] { return is_stopping_; });
}

inline void worker::accept(task one) {
    {
        const std::lock_guard hold(guard_);
        const bool is_dead = one.name.empty() || one.tries > settings_.max_tries;
        if (!claimed_.try_emplace(one.id, claimed_task{one.tries, is_dead}).second) {
            return; // it is its own, whose claim it could not renew in time
        }
    }
    if (one.name.empty()) {
        bury(one, "the entry has no name");
    } else if (one.tries > settings_.max_tries) {
        bury(one, "each of its workers died or lost its claim");
    } else {
        fire(one, milliseconds(0));
    }
}

/// Runs the task through the library, whose report, if it fails, says all that there is to say.
inline void worker::fire(const task& one, milliseconds delay) {
    const bool is_retry = delay.count() > 0;
    const faf::submission answer = fire_and_forget(
        tasks_,
        {.name = faf::copied_name(one.name),
         .after = delay,
         .on_error =
             [this, one](const faf::error_report& report) {
                 try {
                     has_failed(one, report);
                 } catch (...) { // no memory: its claim ends by itself, and somebody takes it over
                     forget(one.id);
                     throw;
                 }
             }},
        [this, one, is_retry] { attempt(one, is_retry); });
    if (!answer) {
        give_back(one.id, one.tries);
    }
}

/// False if it has been given back.
inline bool worker::begin(const task& one) {
    const std::lock_guard hold(guard_);
    const auto found = claimed_.find(one.id);
    if (found == claimed_.end()) {
        return false;
    }
    found->second.has_begun = true;
    return true;
}

inline void worker::attempt(const task& one, bool is_retry) {
    if (!begin(one)) {
        return;
    }
    if (is_retry) { // by now Redis should know, so that the next worker does if this one dies of it
        settling_.add({.what = claim(std::span(&one.id, 1), milliseconds(0), one.tries)});
    }
    const auto found = handlers_.find(one.name);
    if (found == handlers_.end()) {
        throw std::runtime_error("this worker has no handler for " + one.name);
    }
    found->second(one);
    ++succeeded_;
    settle(one.id, settle_task(settings_.names, one.id));
}

/// Hears of everything but success.
inline void worker::has_failed(const task& one, const faf::error_report& report) {
    switch (report.kind) {
    case faf::failure::refused: // fire() has the answer
        return;
    case faf::failure::exception:
    case faf::failure::worker_lost:
        break;
    default: // cancelled or abandoned, because this process ends
        give_back(one.id, one.tries);
        return;
    }
    ++failed_;
    std::string error(report.type);
    error += (error.empty() ? "" : ": ") + std::string(report.what);
    if (one.tries >= settings_.max_tries) {
        bury(one, error.empty() ? std::string(to_string(report.kind)) : error);
        return;
    }
    log(one.name + ", fired from " + one.from + ", try " + std::to_string(one.tries) + ": " +
        error);
    task next = one;
    ++next.tries;
    {
        const std::lock_guard hold(guard_);
        claimed_[one.id] = {next.tries};
    }
    if (is_to_stop()) {
        give_back(next.id, next.tries);
    } else {
        fire(next, settings_.again.after(one.tries));
    }
}

/// For a task that has not run: whoever looks next takes it over, and that is the try it is at.
inline void worker::give_back(const std::string& id, unsigned tries) {
    if (forget(id)) { // first, or a renewal behind this would keep it for another claim_time
        settling_.add({.what = claim(std::span(&id, 1), settings_.claim_time, tries - 1)});
    }
}

inline void worker::give_back_what_waits() {
    std::vector<std::pair<std::string, unsigned>> waiting;
    {
        const std::lock_guard hold(guard_);
        for (const auto& [id, state] : claimed_) {
            if (!state.has_begun) {
                waiting.emplace_back(id, state.tries);
            }
        }
    }
    for (const auto& [id, tries] : waiting) {
        give_back(id, tries);
    }
}

inline void worker::bury(const task& one, const std::string& error) {
    ++buried_;
    log(one.name + ", fired from " + one.from + ", is given up after " + std::to_string(one.tries) +
        " tries: " + error);
    settle(one.id, bury_task(settings_.names, one, error, settings_.name));
}

/// Tells Redis that this process lives.
inline void worker::renew_claims() {
    std::vector<std::string> ids;
    {
        const std::lock_guard hold(guard_);
        for (const auto& [id, state] : claimed_) {
            ids.push_back(id);
        }
    }
    if (!ids.empty()) {
        settling_.add({.what = claim_tasks(settings_.names, settings_.name, ids, "0")});
    }
}

/// What runs is waited for; what does not yet is given back meanwhile.
inline void worker::leave() {
    do {
        tasks_.cancel_pending(); // which a thread of the pool notices when it comes to them
        give_back_what_waits();
    } while (!tasks_.drain(milliseconds(100)));
    settling_.close(std::chrono::seconds(5));
}

} // namespace durable
