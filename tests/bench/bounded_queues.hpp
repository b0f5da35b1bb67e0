// SPDX-License-Identifier: MIT
#pragma once

// Queues of at most `Bound` tasks, which refuse or hold up who finds them full: the peers of
// back_pressure.cpp and refusals.cpp.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#if defined(BENCH_HAS_TBB)
#include <oneapi/tbb/concurrent_queue.h>
#endif
#if defined(BENCH_HAS_MOODYCAMEL)
#include <blockingconcurrentqueue.h>
#endif

namespace faf_bench {

using item = std::function<void()>; ///< an empty one ends a consumer

/// What everybody writes.
template <std::size_t Bound>
class bounded_deque {
public:
    static constexpr const char* name = "mutex+deque";

    void push(item next) {
        {
            std::unique_lock lock(mutex_);
            drained_.wait(lock, [this] { return items_.size() < Bound; });
            items_.push_back(std::move(next));
        }
        filled_.notify_one();
    }

    bool try_push(item next) {
        {
            const std::lock_guard lock(mutex_);
            if (items_.size() >= Bound) {
                return false;
            }
            items_.push_back(std::move(next));
        }
        filled_.notify_one();
        return true;
    }

    item pop() {
        item next;
        {
            std::unique_lock lock(mutex_);
            filled_.wait(lock, [this] { return !items_.empty(); });
            next = std::move(items_.front());
            items_.pop_front();
        }
        drained_.notify_one();
        return next;
    }

private:
    std::mutex mutex_;
    std::condition_variable filled_;
    std::condition_variable drained_;
    std::deque<item> items_;
};

#if defined(BENCH_HAS_TBB)
template <std::size_t Bound>
class bounded_tbb_queue {
public:
    static constexpr const char* name = "oneTBB";

    bounded_tbb_queue() { items_.set_capacity(Bound); }

    void push(item next) { items_.push(std::move(next)); }
    bool try_push(item next) { return items_.try_push(std::move(next)); }

    item pop() {
        item next;
        items_.pop(next);
        return next;
    }

private:
    tbb::concurrent_bounded_queue<item> items_;
};
#endif

#if defined(BENCH_HAS_MOODYCAMEL)
/// It has no bound of its own: a semaphore counts the room.
template <std::size_t Bound>
class bounded_moodycamel_queue {
public:
    static constexpr const char* name = "moodycamel";

    void push(item next) {
        room_.wait();
        items_.enqueue(std::move(next));
    }
    bool try_push(item next) { return room_.tryWait() && items_.enqueue(std::move(next)); }

    item pop() {
        item next;
        items_.wait_dequeue(next);
        room_.signal();
        return next;
    }

private:
    moodycamel::BlockingConcurrentQueue<item> items_;
    moodycamel::LightweightSemaphore room_{static_cast<std::ptrdiff_t>(Bound)};
};
#endif

} // namespace faf_bench
