// SPDX-License-Identifier: MIT
#pragma once

// The limit that the machine sets.

#include "ticks.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>

namespace faf_bench {

/// A ring of fixed cache lines from one producer to one consumer: plain stores on both sides, one
/// line moved from core to core for each task. It has none of what makes a pool: one submitting
/// thread, one worker that never sleeps, no growth, no error handling.
class bare_ring {
public:
    static constexpr const char* name = "bare_ring";
    static constexpr unsigned workers = 1;
    static constexpr bool has_thread_per_task = false;

    explicit bare_ring(std::size_t capacity = 4096)
        : mask_(std::bit_ceil(capacity) - 1), slots_(new slot[mask_ + 1]),
          consumer_([this] { run(); }) {}

    ~bare_ring() {
        submit([this] { is_open_ = false; });
        consumer_.join();
    }

    bare_ring(const bare_ring&) = delete;
    bare_ring& operator=(const bare_ring&) = delete;

    template <class Fn>
    void submit(Fn fn) {
        static_assert(sizeof(Fn) <= closure_size && std::is_trivially_copyable_v<Fn>);
        for (unsigned look = 1; tail_ - head_seen_ > mask_; ++look) {
            wait_a_moment(look);
            head_seen_ = head_.load(std::memory_order_acquire);
        }
        slot& next = slots_[tail_ & mask_];
        ::new (static_cast<void*>(next.closure)) Fn(fn);
        next.run = [](void* closure) { (*std::launder(static_cast<Fn*>(closure)))(); };
        next.turn.store(++tail_, std::memory_order_release);
    }

private:
    static constexpr std::size_t closure_size = 48;
    struct alignas(64) slot {
        void (*run)(void*);
        std::atomic<std::size_t> turn; ///< one more than the number of the task it holds
        alignas(16) unsigned char closure[closure_size];
    };
    static_assert(sizeof(slot) == 64);

    /// Gives the core up after long, for the case that the other side needs this very one.
    static void wait_a_moment(unsigned look) {
        if (look % 4096 == 0) {
            std::this_thread::yield();
        } else {
            cpu_relax();
        }
    }

    void run() {
        constexpr std::size_t told_every = 64; // seldom: each time takes the line from the producer
        for (std::size_t head = 0; is_open_;) {
            slot& next = slots_[head & mask_];
            for (unsigned look = 1; next.turn.load(std::memory_order_acquire) != head + 1; ++look) {
                wait_a_moment(look);
            }
            next.run(next.closure);
            if (++head % told_every == 0) {
                head_.store(head, std::memory_order_release);
            }
        }
    }

    alignas(128) std::size_t tail_ = 0;
    std::size_t head_seen_ = 0;
    alignas(128) std::atomic<std::size_t> head_{0};
    bool is_open_ = true; ///< the consumer's own: a task closes it
    alignas(128) const std::size_t mask_;
    std::unique_ptr<slot[]> slots_;
    std::thread consumer_;
};

} // namespace faf_bench
