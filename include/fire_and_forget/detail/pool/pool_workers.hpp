// SPDX-License-Identifier: MIT
#pragma once

// What the workers of a pool do: wait for tasks and run them. pool_core.hpp stores the tasks.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/cpu_count.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../queue/doorbell.hpp"
#include "../queue/pending_limit.hpp"
#include "../task/run_task.hpp"
#include "../task/task.hpp"
#include "pool_growth.hpp"
#include "worker.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Invariants  P1 and P4 of pool_staff, and
///             P2  A worker stays until it has found nothing after it was dismissed.
///             P3  Where workers wake each other, somebody looks whenever somebody sleeps: a worker
///                 falls asleep only while another looks, and who stops looking rings.
class pool_workers : public pool_growth {
protected:
    pool_workers(pool_options settings, lane_set& lanes)
        : pool_growth(std::move(settings), lanes), limit_(options_.max_pending) {}

    static stored_task task_in(const slot& taken) noexcept {
        return {*taken.type.load(std::memory_order_relaxed), // seen with acquire when it was taken
                const_cast<std::byte*>(taken.closure), taken.where};
    }

    pending_limit limit_;

private:
    // Waiting -------------------------------------------------------------------------------------

    void work_through(worker_state& self) override {
        while (next_task(self)) {
            run(self);
        }
    }

    /// Takes a task and waits for one if need be; false when it is time to leave. A few tries come
    /// first: often a lane is only locked by another worker, for some nanoseconds.
    bool next_task(worker_state& self) {
        if (self.turn == doorbell::turn::of_another) {
            for (unsigned i = 0; i < tries; ++i) {
                if (self.take_next()) {
                    return true;
                }
                cpu_relax();
            }
        }
        return wait_for_task(self);
    }

    [[gnu::noinline]] bool wait_for_task(worker_state& self) {
        self.taker.flush();
        tell_waiters();
        for (unsigned vain_hopes = 0;;) {
            if (self.turn == doorbell::turn::of_another) {
                self.turn = bell_.try_look();
            }
            if (self.turn == doorbell::turn::mine ? look(self) : self.take_next()) {
                end_look(self, has_napper() ? reason::succession : reason::work);
                return true;
            }
            if (is_dismissed_.load(std::memory_order_acquire)) { // P2
                end_look(self, reason::work);
                return false;
            }
            if (is_to_leave()) {
                end_look(self, has_napper() ? reason::succession : reason::work); // P3
                return false;
            }
            if (errands::instance().is_any_left() && is_another_free()) {
                end_look(self, has_napper() ? reason::succession : reason::work);
                errands::instance().run_left();
                continue;
            }
            sleep(self, vain_hopes);
        }
    }

    /// Whether another worker would come if there was something to do.
    bool is_another_free() const noexcept {
        return bell_.sleepers() > vacancies_.load(std::memory_order_relaxed);
    }

    /// Looks for a while. One that spares submits the wake-up naps and looks until it finds.
    bool look(worker_state& self) const {
        const steady_time end = steady_clock::now() + longest_look();
        do {
            for (unsigned i = 0; i < looks_per_clock; ++i) {
                if (self.take_next()) {
                    return true;
                }
                cpu_relax();
            }
        } while (steady_clock::now() < end);
        while (has_napper() && !is_dismissed_.load(std::memory_order_relaxed)) {
            std::this_thread::sleep_for(options_.nap < longest_nap ? options_.nap : longest_nap);
            if (self.take_next()) {
                return true;
            }
        }
        return false;
    }

    /// Why somebody else may be needed when a worker stops looking: for what is still there, or
    /// because somebody must look. // P3
    enum class reason : std::uint8_t { work, succession };

    void end_look(worker_state& self, reason why) {
        if (self.turn == doorbell::turn::mine) {
            self.turn = doorbell::turn::of_another;
            if (bell_.stop_looking() && (why == reason::succession || lanes_.may_have_tasks())) {
                ring(self.taker.where());
            }
        }
    }

    void sleep(worker_state& self, unsigned& vain_hopes) {
        const std::int32_t seen = bell_.epoch(); // O2 of the doorbell
        if (has_napper()) {
            self.turn = bell_.look_or_fall_asleep(); // P3
            if (self.turn == doorbell::turn::mine) {
                return;
            }
        } else {
            bell_.fall_asleep(self.turn);
        }
        asymmetric_barrier::heavy(); // O1 of the doorbell
        if (has_hope(vain_hopes)) {
            std::this_thread::yield(); // the one whose lane is locked may need the processor
        } else if (!is_dismissed_.load(std::memory_order_acquire)) {
            bell_.wait(seen);
            vain_hopes = 0;
        }
        wake_up(self);
    }

    /// Whether there may be something for who has just looked in vain. A locked lane is not hoped for
    /// for ever: a worker may have been stopped with its lock. When there is more, the keeper calls.
    bool has_hope(unsigned& vain_hopes) const noexcept {
        constexpr unsigned most = 100;
        return ++vain_hopes < most ? lanes_.may_have_tasks() : lanes_.has_task_at_hand();
    }

    /// With a single processor, looking would keep others from storing what is looked for.
    static std::chrono::nanoseconds longest_look() noexcept {
        return std::chrono::microseconds(has_one_cpu() ? 0 : 50);
    }

    static constexpr unsigned tries = 8;
    static constexpr unsigned looks_per_clock = 32;
    static constexpr std::chrono::milliseconds longest_nap{10}; ///< else dismissal takes long

    // Running -------------------------------------------------------------------------------------

    /// Settles the task even where it ends the thread by force: then it has failed.
    void run(worker_state& self) {
        fate result = fate::failed;
        bool is_in_slot = true;
        bool leaves_place = false; // of a task that repeats, when it is not to be run again
        const scope_guard at_the_end([&] {
            end_if_forked();
            if (is_in_slot) {
                self.taker.finish_slot();
            }
            if (self.taker.end()) [[likely]] {
                self.counts.add(result);
            } else {
                end_written_off();
            }
            if (leaves_place) {
                limit_.leave();
            }
        });
        slot& taken = self.taker.taken();
        if (task_node* const node = task_taker::node_in(taken)) {
            task_ptr task(node);
            self.taker.finish_slot(); // its block need not wait for the task
            is_in_slot = false;
            leaves_place = limit_.exists() && task->repeats();
            if (limit_.exists() && !leaves_place) {
                limit_.leave();
            }
            result = run_task(std::move(task), lent(), [&](task_ptr again, std::uint64_t skipped) {
                leaves_place = !repeat(std::move(again), skipped) && limit_.exists();
            });
        } else {
            if (limit_.exists()) {
                limit_.leave();
            }
            result = run_task(task_in(taken), lent());
        }
    }

    void end_written_off() {
        const library_lock lock(mutex_);
        note_written_off_end();
    }

    // While others wait ---------------------------------------------------------------------------

    /// A thread whose task calls exit() does not come back: another takes its place.
    void note_exit(std::unique_lock<std::mutex>& lock) override {
        worker* const exiting = workers_.of_this_thread();
        if (exiting != nullptr && !std::exchange(exiting->has_left_place, true)) {
            give_up_place();
        }
        if (lanes_.may_have_tasks()) {
            static_cast<void>(hire(lock, {}));
            lock.lock();
        }
    }

    void call_again() noexcept override {
        if (lanes_.may_have_tasks() && is_another_free()) {
            bell_.call_one();
        }
    }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
