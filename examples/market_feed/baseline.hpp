// SPDX-License-Identifier: MIT
#pragma once

// The same work done in other ways, to compare with. None of them reports a line that fails, and
// only the first one keeps the order of a symbol's trades.

#include "latency_histogram.hpp"
#include "reader.hpp"
#include "trade.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace market::baseline {

struct locked_account {
    std::mutex mutex;
    book trades;
    latency_histogram queued;

    void add(std::uint64_t number, const std::string& line, clock::time_point fired) {
        const auto start = clock::now();
        const std::lock_guard lock(mutex);
        queued.add(start - fired);
        try {
            trades.add(parse(number, line));
        } catch (const std::exception&) { // and nobody hears of it
        }
    }
};

class way_of_old {
public:
    locked_account& account_of(std::string_view line) { return accounts_.of(line); }

    latency_histogram queued() const {
        latency_histogram all;
        for (const auto& [symbol, account] : accounts_) {
            all += account.queued;
        }
        return all;
    }

private:
    accounts<locked_account> accounts_;
};

/// The reader does the work itself.
class in_line : public way_of_old {
public:
    void fire(locked_account& its, std::uint64_t number, std::string line) {
        its.add(number, line, clock::now());
    }
    void drain() {}
};

/// A thread for each trade, and a future that somebody has to keep: its destructor waits.
class by_async : public way_of_old {
public:
    ~by_async() { drain(); }

    void fire(locked_account& its, std::uint64_t number, std::string line) {
        if (running_.size() == most) {
            running_.clear();
        }
        running_.push_back(std::async(std::launch::async,
                                      [&its, number, line = std::move(line), fired = clock::now()] {
                                          its.add(number, line, fired);
                                      }));
    }
    void drain() { running_.clear(); }

private:
    static constexpr std::size_t most = 200; ///< threads at a time

    std::vector<std::future<void>> running_;
};

/// What one writes without a library: a queue with a mutex, and threads that wait for it.
class by_mutex_queue : public way_of_old {
public:
    explicit by_mutex_queue(unsigned threads) {
        while (workers_.size() < threads) {
            workers_.emplace_back([this] { work(); });
        }
    }

    ~by_mutex_queue() {
        {
            const std::lock_guard lock(mutex_);
            is_over_ = true;
        }
        filled_.notify_all();
        for (std::thread& each : workers_) {
            each.join();
        }
    }

    void fire(locked_account& its, std::uint64_t number, std::string line) {
        {
            const std::lock_guard lock(mutex_);
            tasks_.push_back([&its, number, line = std::move(line), fired = clock::now()] {
                its.add(number, line, fired);
            });
            ++open_;
        }
        filled_.notify_one();
    }

    void drain() {
        std::unique_lock lock(mutex_);
        emptied_.wait(lock, [this] { return open_ == 0; });
    }

private:
    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            filled_.wait(lock, [this] { return is_over_ || !tasks_.empty(); });
            if (tasks_.empty()) {
                return;
            }
            const std::function<void()> task = std::move(tasks_.front());
            tasks_.pop_front();
            lock.unlock();
            task();
            lock.lock();
            if (--open_ == 0) {
                emptied_.notify_all();
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable filled_;
    std::condition_variable emptied_;
    std::deque<std::function<void()>> tasks_;
    std::size_t open_ = 0;
    bool is_over_ = false;
    std::vector<std::thread> workers_;
};

} // namespace market::baseline
