// SPDX-License-Identifier: MIT
#pragma once

// What a worker has taken out of a lane: the task that it runs, and those behind it that it has not
// begun. lanes.hpp keeps the claims of a pool.

#include "../../call_site.hpp"
#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/waited_atomic.hpp"
#include "block.hpp"
#include "shared_words.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Tasks that stand next to each other in a block of a lane.
struct slot_run {
    slot* first = nullptr;
    pool_block* in = nullptr;
    std::uint32_t count = 0;
};

/// Lets a worker take some tasks at one lock of a lane, begin and end them with plain stores, and
/// still lose what it has not begun to a worker that is idle, and what it runs to a pool that gives
/// it up.
///
/// Shape       The worker numbers what it begins. state_ has the last number, and what is going on;
///             what is claimed and not begun has the numbers behind it, up to last_. Whoever takes
///             that away lowers last_.
/// Invariants  CLAIM-1  Only the owner changes state_, and what begins with own_.
///             CLAIM-2  Only the holder of is_locked_ changes last_, behind_ and in_. The owner
///                      puts something there when all before has been begun; a single task, which
///                      is begun at once, needs no lock and does not change them. What begins
///                      with own_ stays with the claim when it is lent to another worker.
///             CLAIM-3  A claimed task is begun by its owner or withdrawn, never both and never
///                      neither. The owner stores its number, passes a light barrier and reads
///                      last_; who withdraws lowers last_, passes a heavy barrier and reads the
///                      number. So one of them sees the other. The one who withdraws decides: what
///                      it saw begun is the owner's. An owner that finds last_ too low waits for
///                      the lock to learn how that was decided. Before that it does not touch the
///                      slot.
///             CLAIM-4  A number is used once, also where its task has been lost: so what is said
///                      of a number stays true.
///             CLAIM-5  A running task ends once: with its owner, or before that by being given up.
///                      The owner stores that it has ended, or that the next begins, passes a
///                      light barrier and reads asked_; who gives it up asks for its number,
///                      passes a heavy barrier and reads the state. The one who asks decides, and
///                      an owner that is asked for waits for the answer.
///             CLAIM-6  Whoever waits for a lock holds none, but for the lane's: the lock of one's
///                      own claim comes first, and another's is only tried. Who closes has none of
///                      its own.
///             CLAIM-9  An owner that begins the next task with the same store has not read yet
///                      what was decided about the last, and the next may be asked for by then. So
///                      a question keeps the answer before it, if that is about the number before.
///                      It need not keep more: the owner reads it before it goes on.
/// Orderings   CLAIM-7  state_ is stored with release after place and name of the task, which who
///                      gives it up reads after the state, with acquire.
///             CLAIM-8  is_locked_ is a lock: what a worker has seen of the slots when it took
///                      them, the one who withdraws them has seen as well.
/// Limits      Who is stopped while it withdraws keeps what it has set aside, and the owner if that
///             comes to it.
/// Cost        Two stores, two loads and a light barrier for a task, which ends the one before; a
///             read-modify-write for each run of several.
/// Source      the queues of Cilk-5 (Frigo, Leiserson, Randall), with the asymmetric barrier in
///             place of the fence; tests/models/claim.pml.
class alignas(cache_line) claim {
public:
    // The owner's side ----------------------------------------------------------------------------

    /// For a run of more than one task, until it has been put. False if somebody is about to
    /// withdraw.
    bool try_lock() noexcept { return !is_locked_.exchange(true, std::memory_order_acquire); }
    void lock() noexcept;
    void unlock() noexcept { is_locked_.store(false, std::memory_order_release); } // CLAIM-8

    /// Whether what runs counts as a task of this pool.
    enum class counted : std::uint8_t { here, elsewhere };

    /// Begins the first task of `taken`, which has been described, and claims the rest: for that
    /// the claim must be locked. When all before has ended. While nobody else can take from where
    /// they come from.
    void put(const slot_run& taken, counted where) noexcept;

    /// Begins the next claimed task; false if there is none. `describe` is called with its slot.
    template <class Describe>
    bool begin_next(Describe describe) noexcept {
        if (own_left_ == 0) {
            return false;
        }
        const std::uint64_t before = own_number();
        step_on(before);
        return keep_begun(before, describe);
    }

    /// Ends what runs and begins the next, if has_more() holds: end() and begin_next() with one
    /// store. In between `ended` is called, with what end() returns. As a call, which clang makes
    /// of it, a task took 140 instructions and not 95: what the two refer to was in memory.
    template <class Ended, class Describe>
    [[gnu::always_inline]] bool go_on(Ended ended, Describe describe) noexcept {
        const std::uint64_t before = own_number();
        step_on(before);
        ended(ends_here(before)); // CLAIM-9
        return keep_begun(before, describe);
    }

    /// Whether begin_next() is worth a try.
    bool has_more() const noexcept { return own_left_ > 0; }

    /// The task that was begun last, and its block.
    slot& begun() const noexcept { return *own_begun_; }
    pool_block& block() const noexcept { return *own_block_; }

    /// Ends what runs; false if it had been given up.
    bool end() noexcept {
        const std::uint64_t number = own_number();
        state_.store(word(number, kind::idle), std::memory_order_release);
        asymmetric_barrier::light(); // CLAIM-5
        return ends_here(number);
    }

    /// What runs is a task of this pool's no more, as its coroutine is about to be handed over.
    /// False if it has been given up as one before.
    bool pass_on() noexcept;

    /// That came to nothing. False if what runs was given up meanwhile.
    bool come_back() noexcept;

    /// What others are told about the task that begins.
    void describe(const call_site& where, const char* name) noexcept {
        where_.store(where);
        name_.store(name, std::memory_order_relaxed);
    }

    /// The same if neither this nor the task before has a name.
    void describe(const call_site& where) noexcept { where_.store(where); }

    // Those who withdraw --------------------------------------------------------------------------

    /// A hint, for who does not hold the lock.
    bool has_unbegun() const noexcept { return unbegun() > 0; }
    std::uint32_t unbegun() const noexcept;

    /// The keeper's at each tick; and whether nothing has been begun or ended since.
    void note_progress() noexcept {
        seen_.store(state_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    bool stands_still() const noexcept {
        return seen_.load(std::memory_order_relaxed) == state_.load(std::memory_order_relaxed);
    }

    /// Calls `look` with what waits longest here, if there is something at hand.
    template <class Look>
    void look_at_first(Look look) noexcept {
        if (has_unbegun() && try_lock()) {
            const std::uint64_t last = last_.load(std::memory_order_relaxed);
            const slot_run waiting = withdraw();
            if (waiting.count > 0) {
                look(*waiting.first);
                last_.store(last, std::memory_order_relaxed); // its owner waits for the lock
            }
            unlock();
        }
    }

    /// Like has_unbegun(), but false while another withdraws or puts: it may have been stopped.
    bool has_unbegun_at_hand() const noexcept {
        return !is_locked_.load(std::memory_order_relaxed) && has_unbegun();
    }

    /// All that has not been begun. Under the lock.
    slot_run withdraw() noexcept;

    // Those who give up ---------------------------------------------------------------------------

    enum class given_up : std::uint8_t { nothing, task, passing };

    /// Gives up what runs, if it has not been. Its owner learns that when it ends, and must then be
    /// kept from going on until the caller has read what it was. One caller at a time.
    given_up give_up() noexcept;

    bool is_given_up() const noexcept;

    /// A task of the pool runs, and has not been given up.
    bool has_task() const noexcept;

    /// For who has not given it up only a hint, unless it is the same task before and after.
    call_site where() const noexcept { return where_.load(); }
    const char* name() const noexcept { return name_.load(std::memory_order_relaxed); }

private:
    friend class lane_set;

    enum class kind : std::uint8_t {
        idle,
        beginning, ///< a claimed task, the owner's if its number is not above last_
        task,
        passing
    };
    enum class answer : std::uint8_t { none, asking, task, passing };

    /// Numbers grow in steps of this, so that there is room beside them in a word.
    static constexpr std::uint64_t step = 8;
    static constexpr std::uint64_t what_bits = 3;
    static constexpr std::uint64_t and_before = 4; ///< also the number before was given up

    template <class What>
    static constexpr std::uint64_t word(std::uint64_t number, What what) noexcept {
        return number + static_cast<std::uint64_t>(what);
    }
    static constexpr std::uint64_t number_in(std::uint64_t word) noexcept {
        return word & ~(step - 1);
    }
    template <class What>
    static constexpr What what_in(std::uint64_t word) noexcept {
        return static_cast<What>(word & what_bits);
    }

    std::uint64_t own_number() const noexcept {
        return number_in(state_.load(std::memory_order_relaxed)); // CLAIM-1
    }
    /// Begins the number behind `before`. // CLAIM-4
    void step_on(std::uint64_t before) noexcept {
        --own_left_;
        state_.store(word(before + step, kind::beginning), std::memory_order_release);
        asymmetric_barrier::light(); // CLAIM-3 CLAIM-5
        stress_point();
    }
    template <class Describe>
    bool keep_begun(std::uint64_t before, Describe describe) noexcept {
        if (last_.load(std::memory_order_relaxed) <= before && !is_mine(before + step)) {
            return false;
        }
        describe(*++own_begun_);
        state_.store(word(before + step, kind::task), std::memory_order_release); // CLAIM-7
        return true;
    }
    bool ends_here(std::uint64_t number) const noexcept {
        return asked_.load(std::memory_order_relaxed) < number ||
               answer_for(number) == answer::none;
    }
    bool is_mine(std::uint64_t number) noexcept;
    answer answer_for(std::uint64_t number) const noexcept;
    bool was_asked_for(std::uint64_t state) const noexcept;
    std::uint64_t owed_before(std::uint64_t number) const noexcept;
    answer decide(std::uint64_t number) noexcept;

    // The owner's line.
    std::atomic<std::uint64_t> state_{word(0, kind::idle)};
    shared_words<call_site> where_;
    std::atomic<const char*> name_{nullptr};
    slot* own_begun_ = nullptr;
    pool_block* own_block_ = nullptr;
    std::uint32_t own_left_ = 0; ///< claimed, unless somebody has withdrawn them
    bool own_is_guest_ = false;  ///< what runs is counted elsewhere

    // Changed by the owner once for a run, and by others rarely.
    alignas(cache_line) std::atomic<std::uint64_t> last_{0};
    std::atomic<slot*> behind_{nullptr}; ///< the slot behind that of last_, when it was put
    std::atomic<pool_block*> in_{nullptr};
    waited_atomic<std::uint64_t> asked_{word(0, answer::none)};
    std::atomic<bool> is_locked_{false};
    std::atomic<std::uint64_t> seen_{0};

    // Of lanes.hpp.
    claim* next_ = nullptr;
    bool is_lent_ = false; ///< under its lock
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
