// SPDX-License-Identifier: MIT
#pragma once

// A scheduler without threads whose clock moves when told, and an executor on top of it.

#include <fire_and_forget/detail/task/resumption.hpp>
#include <fire_and_forget/detail/task/run_task.hpp>
#include <fire_and_forget/detail/task/scheduler.hpp>
#include <fire_and_forget/executor.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace faf_test {

class virtual_time : public faf::detail::scheduler_with_books {
public:
    virtual_time() { host_.home = this; }
    ~virtual_time() { destroy_all(); }
    virtual_time(const virtual_time&) = delete;
    virtual_time& operator=(const virtual_time&) = delete;

    // The executor -------------------------------------------------------------------------------

    void execute(faf::job work) { faf::detail::execute_on(*this, work); }

    faf::refusal accept(faf::detail::task_ptr& task) {
        task->begin_waiting(now_);
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(task));
        return faf::refusal::none;
    }

    // The scheduler ------------------------------------------------------------------------------

    faf::detail::scheduler& home() noexcept { return *this; }

    faf::detail::steady_time now() const noexcept override { return now_; }

    bool resume_soon(faf::detail::suspended& one) noexcept override {
        const std::lock_guard lock(mutex_);
        if (!is_closed) {
            ready_.push_back(&one);
        }
        return !is_closed;
    }
    bool resume_at(faf::detail::suspended& one) noexcept override {
        const std::lock_guard lock(mutex_);
        if (!is_closed) {
            sleepers_.push_back(&one);
        }
        return !is_closed;
    }
    void notice_stop() noexcept override {
        const std::lock_guard lock(mutex_);
        ++notices;
        wake_if([](const auto& one) { return one.wants_to_stop(); });
    }
    bool is_stopping() const noexcept override { return host_.stop.stop_requested(); }
    void keep_scheduler() noexcept override { ++keepers; }
    void release_scheduler() noexcept override { --keepers; }
    void notice_end() noexcept override { ++ends; }
    void repeat_after(faf::detail::task_ptr, faf::repetition) noexcept override {}
    faf::refusal start_coroutine(faf::detail::suspended& one) override {
        return resume_soon(one) ? faf::refusal::none : faf::refusal::shutting_down;
    }

    // The test -----------------------------------------------------------------------------------

    /// Runs what is ready until nothing is; returns how many stretches that were.
    std::size_t run_all() {
        std::size_t stretches = 0;
        while (run_one()) {
            ++stretches;
        }
        return stretches;
    }

    std::size_t advance(std::chrono::nanoseconds by) {
        now_ += by;
        {
            const std::lock_guard lock(mutex_);
            wake_if([this](const auto& one) { return one.due <= now_; });
        }
        return run_all();
    }

    /// What an executor does when it shuts down: asks all to stop, and takes nothing more.
    void stop() {
        stop_.request_stop();
        const std::lock_guard lock(mutex_);
        wake_if([](const auto&) { return true; });
    }

    void destroy_all() {
        for (faf::detail::suspended* one : std::exchange(ready_, {})) {
            one->destroy();
        }
        for (faf::detail::suspended* one : std::exchange(sleepers_, {})) {
            one->destroy();
        }
    }

    std::size_t sleepers() const { return sleepers_.size(); }

    bool is_closed = false;
    int keepers = 0;
    int notices = 0;
    int ends = 0; ///< of which it has been told
    std::vector<faf::detail::fate> fates;

private:
    bool run_one() {
        std::unique_lock lock(mutex_);
        if (!jobs_.empty()) {
            faf::detail::task_ptr task = std::move(jobs_.front());
            jobs_.pop_front();
            lock.unlock();
            fates.push_back(faf::detail::run_task(std::move(task), host_));
            return true;
        }
        if (!ready_.empty()) {
            faf::detail::suspended* const one = ready_.front();
            ready_.pop_front();
            lock.unlock();
            faf::detail::resumption coroutine{one};
            fates.push_back(faf::detail::run_task(coroutine.task(), host_));
            return true;
        }
        return false;
    }

    template <class Condition>
    void wake_if(Condition is_due) {
        std::vector<faf::detail::suspended*> due;
        for (auto at = sleepers_.begin(); at != sleepers_.end();) {
            if (is_due(**at)) {
                const auto later = [](const auto* a, const auto* b) { return a->due < b->due; };
                due.insert(std::upper_bound(due.begin(), due.end(), *at, later), *at);
                at = sleepers_.erase(at);
            } else {
                ++at;
            }
        }
        ready_.insert(ready_.end(), due.begin(), due.end());
    }

    std::mutex mutex_;
    faf::detail::steady_time now_{};
    std::deque<faf::detail::task_ptr> jobs_;
    std::deque<faf::detail::suspended*> ready_;
    std::vector<faf::detail::suspended*> sleepers_;
    faf::detail::stop_source stop_ = faf::detail::make_stop_source();
    faf::detail::host host_{nullptr, stop_.get_token()};
};

} // namespace faf_test
