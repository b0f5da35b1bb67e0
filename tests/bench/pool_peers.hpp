// SPDX-License-Identifier: MIT
#pragma once

// Other pools. Those that need a package are left out where it was not found.

#include "library_peers.hpp"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(BENCH_HAS_TBB)
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#endif
#if defined(BENCH_HAS_ASIO)
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#endif
#if defined(BENCH_HAS_BOOST)
#include "boost_asio.hpp"
#endif
#if defined(BENCH_HAS_MOODYCAMEL)
#include <blockingconcurrentqueue.h>
#endif
#if defined(BENCH_HAS_GLIB)
#include <glib.h>
#endif
#if defined(BENCH_HAS_QT)
#include "qt/qt_threads.hpp"
#endif

namespace faf_bench {

#if defined(BENCH_HAS_TBB)
/// Of a machine's cores oneTBB leaves one to the main thread; here it may have two workers as all
/// the others do, and the arena keeps no place for the submitting thread.
class tbb_arena {
public:
    static constexpr const char* name = "oneTBB";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    template <class Fn>
    void submit(Fn fn) {
        arena_.enqueue(std::move(fn));
    }

private:
    tbb::global_control threads_{tbb::global_control::max_allowed_parallelism, pool_workers + 1};
    tbb::task_arena arena_{static_cast<int>(pool_workers), 0};
};
#endif

#if defined(BENCH_HAS_ASIO)
class asio_pool {
public:
    static constexpr const char* name = "asio";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    template <class Fn>
    void submit(Fn fn) {
        asio::post(pool_, std::move(fn));
    }

private:
    asio::thread_pool pool_{pool_workers};
};
#endif

#if defined(BENCH_HAS_BOOST)
/// An older release than the one without Boost, in Debian 12.
class boost_asio_pool {
public:
    static constexpr const char* name = "boost::asio";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    template <class Fn>
    void submit(Fn fn) {
        boost::asio::post(pool_, std::move(fn));
    }

private:
    boost::asio::thread_pool pool_{pool_workers};
};
#endif

#if defined(BENCH_HAS_QT)
/// Its threads stay, as those of the others do.
class qt_pool {
public:
    static constexpr const char* name = "QThreadPool";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    template <class Fn>
    void submit(Fn fn) {
        static_assert(std::is_trivially_copyable_v<Fn> && sizeof(Fn) <= qt_threads::closure_size);
        threads_.start([](void* closure) { (*static_cast<Fn*>(closure))(); }, &fn, sizeof fn);
    }

private:
    qt_threads threads_{pool_workers};
};
#endif

#if defined(BENCH_HAS_GLIB)
/// It carries a pointer: what it points to is an object with a function, made by one allocation.
class glib_pool {
public:
    static constexpr const char* name = "GThreadPool";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    ~glib_pool() { g_thread_pool_free(pool_, FALSE, TRUE); } // not at once, but when all is done

    glib_pool() = default;
    glib_pool(const glib_pool&) = delete;
    glib_pool& operator=(const glib_pool&) = delete;

    template <class Fn>
    void submit(Fn fn) {
        struct holder final : task {
            explicit holder(Fn given) : fn(std::move(given)) {}
            void run() override { fn(); }
            Fn fn;
        };
        g_thread_pool_push(pool_, static_cast<task*>(new holder(std::move(fn))), nullptr);
    }

private:
    struct task {
        virtual ~task() = default;
        virtual void run() = 0;
    };

    static void run_and_delete(gpointer data, gpointer) {
        const std::unique_ptr<task> given(static_cast<task*>(data));
        given->run();
    }

    GThreadPool* const pool_ = // with threads of its own
        g_thread_pool_new(&run_and_delete, nullptr, static_cast<gint>(pool_workers), TRUE, nullptr);
};
#endif

#if defined(BENCH_HAS_MOODYCAMEL)
/// Without producer tokens: with one for each submitting thread bursts and many producers took a
/// tenth longer where this was tried, and recursive fan-out about as long.
class moodycamel_pool {
public:
    static constexpr const char* name = "moodycamel";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    moodycamel_pool() {
        for (std::thread& thread : threads_) {
            thread = std::thread([this] { run(); });
        }
    }

    ~moodycamel_pool() {
        for (std::size_t i = 0; i < threads_.size(); ++i) {
            queue_.enqueue(nullptr); // an empty function ends a worker
        }
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

    moodycamel_pool(const moodycamel_pool&) = delete;
    moodycamel_pool& operator=(const moodycamel_pool&) = delete;

    template <class Fn>
    void submit(Fn fn) {
        queue_.enqueue(std::move(fn));
    }

private:
    void run() {
        moodycamel::ConsumerToken token(queue_);
        std::function<void()> task;
        for (;;) {
            queue_.wait_dequeue(token, task);
            if (!task) {
                return;
            }
            task();
        }
    }

    moodycamel::BlockingConcurrentQueue<std::function<void()>> queue_;
    std::array<std::thread, pool_workers> threads_;
};
#endif

/// What everybody writes.
class mutex_pool {
public:
    static constexpr const char* name = "mutex+deque";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    struct size {
        unsigned threads;
    };

    explicit mutex_pool(size wanted = {workers}) {
        while (threads_.size() < wanted.threads) {
            threads_.emplace_back([this] { run(); });
        }
    }

    ~mutex_pool() {
        {
            const std::lock_guard lock(mutex_);
            is_closed_ = true;
        }
        filled_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

    mutex_pool(const mutex_pool&) = delete;
    mutex_pool& operator=(const mutex_pool&) = delete;

    template <class Fn>
    void submit(Fn fn) {
        {
            const std::lock_guard lock(mutex_);
            tasks_.emplace_back(std::move(fn));
        }
        filled_.notify_one();
    }

private:
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            filled_.wait(lock, [this] { return !tasks_.empty() || is_closed_; });
            if (tasks_.empty()) {
                return;
            }
            {
                const std::function<void()> task = std::move(tasks_.front());
                tasks_.pop_front();
                lock.unlock();
                task();
            }
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable filled_;
    std::deque<std::function<void()>> tasks_;
    bool is_closed_ = false;
    std::vector<std::thread> threads_;
};

} // namespace faf_bench
