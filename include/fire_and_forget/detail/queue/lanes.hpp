// SPDX-License-Identifier: MIT
#pragma once

// The lanes of one pool. Threads find their own among them by thread_lanes.hpp; workers search them
// by lane_search.hpp.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/library_memory.hpp"
#include "claim.hpp"
#include "doorbell.hpp"
#include "pool_lane.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class pool_door;

inline constexpr std::size_t priorities = 3;

/// All lanes of one pool: one for each thread and priority that is used. A thread that ends hands
/// its lane on to the next new one, so there are as many as there were threads at one time.
///
/// Shared by the pool and by the threads that hold lanes of it, and deleted by the last of them: a
/// thread may end long after a pool, and its lanes must still be there then. And a submit may still
/// be on its way out when a worker has run its task, and somebody has therefore ended the pool: so
/// all that a submit touches once it has stored its task is here, not in the pool.
///
/// Orderings  LANES-1  A lane is linked with release before its first task is published. A worker
///                     that is about to sleep loads the links, with acquire, after its heavy
///                     barrier: so it sees the lane if it must see the task (BELL-1).
///            LANES-2  Who sees one more retired sees which it is.
///            LANES-3  What a worker takes out of a lane is in its claim before the lane is
///                     unlocked, and what it withdraws from another claim before that one is. So
///                     who looks through the lanes and then the claims misses nothing but what is
///                     withdrawn meanwhile; who withdraws more than one task rings for the rest.
///            LANES-4  A lane in which nothing was stored for a while is made dormant: nobody looks
///                     into it. That says its notice first; then, after a heavy barrier, comes a
///                     look whether it is still empty, and only then its group forgets it. Its
///                     owner stores a task, passes a light barrier and reads the notices. One of
///                     them sees the other. An owner that sees it rouses the lane before it
///                     announces the task (BELL-1). So a task is hidden by its own submit at most.
///            LANES-5  Who adds a lane links it, fences and then reads whether all are closed; who
///                     closes says so, fences and then puts a notice up in each lane on the list.
class lane_set : public library_memory {
public:
    lane_set() noexcept = default;
    lane_set(const lane_set&) = delete;
    lane_set& operator=(const lane_set&) = delete;

    void keep() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }

    /// The last user deletes it, and must see what the others did.
    void release() noexcept;

    /// Before the first submit. As many places for workers are vacant.
    /// `try_keep` keeps the pool, unless it is about to go.
    using keeper_of_pool = bool (*)(pool_door&) noexcept;
    void begin(pool_door& pool, keeper_of_pool try_keep, std::uint32_t vacancies) noexcept;

    /// The pool, kept; null when it is gone.
    pool_door* keep_pool() noexcept;

    /// The pool is gone; threads let go of the lanes when they next come by.
    void retire() noexcept;

    /// Of all pools: whether a thread has any to let go of.
    static std::uint32_t retired_so_far() noexcept;

    bool is_retired() const noexcept { return is_retired_.load(std::memory_order_relaxed); }

    /// From now on a submit takes back what it stores: it finds a notice in its lane.
    void close() noexcept;
    bool is_closed() const noexcept { return is_closed_.load(std::memory_order_relaxed); }

    /// From now on workers take nothing any more. Who has then had a lane's lock knows that no
    /// worker is about to take from it; the barrier is for lanes that are linked later.
    void end() noexcept;
    bool is_over() const noexcept {
        return (withheld_.load(std::memory_order_relaxed) & by_end) != 0;
    }

    /// The same until resume(), but that what is claimed waits for its worker.
    void pause() noexcept;
    void resume() noexcept;
    bool is_paused() const noexcept {
        return (withheld_.load(std::memory_order_relaxed) & by_pause) != 0;
    }

    /// Either.
    bool is_withheld() const noexcept { return withheld_.load(std::memory_order_relaxed) != 0; }

    /// A lane for the calling thread to store in; null if there is no memory.
    pool_lane* lend(priority level) noexcept;

    /// A lane for what has waited for its time. Not to be taken back.
    pool_lane* lend_to_timers(priority level) noexcept;

    void take_back(pool_lane& lane, priority level) noexcept;

    /// The same for what tasks fire that goes first (nest.hpp).
    pool_lane* lend_nested() noexcept;
    void take_back_nested(pool_lane& lane) noexcept;

    /// Lanes in which nothing was stored since the last call are not looked into any more. For the
    /// keeper.
    void let_idle_sleep() noexcept;

    /// Does what the notices of a lane ask for in which a task was just stored, but for what they
    /// say of the pool.
    void heed(pool_lane& lane) noexcept;

    pool_lane* first(std::size_t level) const noexcept { return lists_[level].first(); }

    /// Those of one priority, for who looks for tasks.
    const lane_list& of(std::size_t level) const noexcept { return lists_[level]; }

    /// A claim for a worker; null if there is no memory.
    claim* lend_claim() noexcept;

    /// Its worker is gone. What is claimed and was not begun is withdrawn by others.
    void take_back(claim& of) noexcept;

    /// The first claim for which `is_it` holds; null if there is none.
    template <class Predicate>
    claim* find_claim(Predicate is_it) const {
        claim* one = claims_.load(std::memory_order_acquire); // LANES-1
        while (one != nullptr && !is_it(*one)) {
            one = one->next_;
        }
        return one;
    }

    /// Has `own`, which is empty, take over what a claim for which `may_be` holds has that is not
    /// begun. `describe` is called with the first of it. Returns how many there were.
    template <class Predicate, class Describe>
    std::uint32_t withdraw_into(claim& own, Predicate may_be, Describe describe) noexcept {
        const auto has_some = [&](claim& other) {
            return &other != &own && other.has_unbegun() && may_be(other);
        };
        std::uint32_t count = 0;
        if (find_claim(has_some) == nullptr) {
            return count; // nearly always, and then no lock is taken
        }
        own.lock(); // CLAIM-6
        if (!is_withheld()) {
            find_claim([&](claim& other) {
                if (has_some(other) && other.try_lock()) {
                    const slot_run found = other.withdraw();
                    count = found.count;
                    if (count > 0) { // LANES-3
                        describe(*found.first);
                        own.put(found, claim::counted::here);
                    }
                    other.unlock();
                }
                return count > 0;
            });
        }
        own.unlock();
        return count;
    }

    /// Before the first submit: workers are to take tasks one by one, as what they have claimed
    /// can't be displaced.
    void have_taken_singly() noexcept { is_taken_singly_ = true; }
    bool is_taken_singly() const noexcept { return is_taken_singly_; }

    /// Before the first submit: what tasks fire goes first (nest.hpp).
    void have_nested_first() noexcept { is_nested_first_ = true; }
    bool is_nested_first() const noexcept { return is_nested_first_; }

    /// The first lane for which `is_it` holds; null if there is none.
    template <class Predicate>
    pool_lane* find(Predicate is_it) const {
        for (std::size_t level = 0; level < priorities; ++level) {
            for (pool_lane* lane = first(level); lane != nullptr; lane = lane->next) {
                if (is_it(*lane)) {
                    return lane;
                }
            }
        }
        return nullptr;
    }

    /// False only if there is nothing for workers to take.
    bool may_have_tasks() const noexcept;

    /// The same for a worker that has just begun what `own` holds: whether there is something else.
    bool may_have_tasks_besides(const claim& own) const noexcept;

    /// Whether a worker that looks now would get a task.
    bool has_task_at_hand() const noexcept;

    std::uint64_t pushed() const noexcept { return sum(&pool_lane::pushed, true); }

    /// Tasks that workers have begun, or that were taken out otherwise.
    std::uint64_t taken() const noexcept;

    /// Tasks that were stored here without having waited for their time.
    std::uint64_t accepted() const noexcept { return sum(&pool_lane::accepted, false); }
    std::uint64_t resumed() const noexcept { return sum(&pool_lane::resumed, true); }

    doorbell bell;

private:
    ~lane_set();

    /// The first lane that is awake and for which `is_it` holds; null if there is none.
    template <class Predicate>
    pool_lane* find_awake(Predicate is_it) const {
        pool_lane* found = nullptr;
        for (std::size_t level = 0; level < priorities && found == nullptr; ++level) {
            found = lists_[level].find_awake(is_it);
        }
        return found;
    }

    /// A new lane of `lanes`; null if there is no memory. Under the lock.
    pool_lane* add(lane_list& lanes, pool_lane::use how) noexcept;

    std::uint64_t sum(std::uint64_t (pool_lane::*count)() const noexcept,
                      bool with_timers) const noexcept;

    static constexpr std::uint8_t by_end = 1;
    static constexpr std::uint8_t by_pause = 2;

    static inline constinit std::atomic<std::uint32_t> retired{0};

    std::atomic<bool> is_closed_{false};
    bool is_taken_singly_ = false;
    bool is_nested_first_ = false;
    lane_list lists_[priorities];
    pool_lane* free_nested_ = nullptr;
    std::atomic<claim*> claims_{nullptr};
    pool_door* pool_ = nullptr;
    keeper_of_pool try_keep_ = nullptr;
    std::atomic<std::uint8_t> withheld_{0}; ///< from workers
    std::atomic<bool> is_retired_{false};
    std::atomic<std::uint32_t> users_{1};
    std::mutex mutex_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
