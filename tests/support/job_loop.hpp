// SPDX-License-Identifier: MIT
#pragma once

// An executor that is not the library's: a queue of jobs and threads that run them.

#include <fire_and_forget/executor.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace faf_test {

class job_loop {
public:
    explicit job_loop(std::size_t threads = 1) {
        for (std::size_t i = 0; i < threads; ++i) {
            threads_.emplace_back([this] { run(); });
        }
    }
    ~job_loop() {
        {
            const std::lock_guard lock(mutex_);
            is_over_ = true;
        }
        more_.notify_all();
        for (std::thread& one : threads_) {
            one.join();
        }
    }
    job_loop(const job_loop&) = delete;
    job_loop& operator=(const job_loop&) = delete;

    void execute(faf::job work) {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(work));
        more_.notify_one();
    }

    bool runs_this_thread() const {
        bool is_one = false;
        for (const std::thread& one : threads_) {
            is_one = is_one || one.get_id() == std::this_thread::get_id();
        }
        return is_one;
    }

private:
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            more_.wait(lock, [this] { return is_over_ || !jobs_.empty(); });
            if (jobs_.empty()) {
                return;
            }
            faf::job next = std::move(jobs_.front());
            jobs_.pop_front();
            lock.unlock();
            next();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<faf::job> jobs_;
    bool is_over_ = false;
    std::vector<std::thread> threads_;
};

} // namespace faf_test
