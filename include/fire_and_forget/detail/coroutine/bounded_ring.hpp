// SPDX-License-Identifier: MIT
#pragma once

// Where the items of a channel are that nobody waits for. channel_core.hpp has one.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A queue of bounded length for any number of threads on both sides.
///
/// Shape       Cells in a ring. A position is a round and a cell of it; tail_ is the next to be
///             filled, head_ the next to be emptied.
/// Invariants  RING-1  The turn of a cell is 2r when it may be filled in round r, and 2r + 1 when
///                     it may be emptied.
///             RING-2  Who moves tail_ or head_ on, from where it finds the turn to be right, has
///                     claimed that cell: nobody else touches it until he has passed the turn on.
///                     What is moved in or out meanwhile may take its time: those who come to this
///                     cell find the ring full or empty.
///             RING-3  closed is a bit of tail_: nothing is claimed for filling after that.
/// Orderings   RING-4  Passing the turn on releases what was done in the cell, and finding it
///                     acquires that. Both are sequentially consistent, for CHANNEL-1, and so are
///                     closing and looking whether it is drained.
///             RING-5  Who finds a turn of a later round has acquired that somebody moved on from
///                     here, and reads so: full or empty is what it was at a position that was the
///                     right one.
/// Limits      2^31 rounds go by before a position comes again.
/// Source      Vyukov, bounded MPMC queue; tests/models/channel.pml
template <class T>
class bounded_ring {
public:
    class cell {
    public:
        T& item() noexcept { return *std::launder(reinterpret_cast<T*>(memory_)); }

    private:
        friend bounded_ring;
        std::atomic<std::uint32_t> turn_{0};
        alignas(T) unsigned char memory_[sizeof(T)];
    };

    /// Of at least one. Throws: std::bad_alloc.
    explicit bounded_ring(std::uint32_t capacity)
        : capacity_(capacity), cells_(new cell[capacity]) {}
    bounded_ring(const bounded_ring&) = delete;
    bounded_ring& operator=(const bounded_ring&) = delete;
    ~bounded_ring() {
        while (cell* const full = try_claim_full()) {
            static_cast<void>(take_from(*full));
        }
    }

    /// Null if it is full or closed.
    cell* try_claim_free() noexcept { return try_claim(tail_, 0); }

    /// Null if it is empty.
    cell* try_claim_full() noexcept { return try_claim(head_, 1); }

    /// What was claimed is filled or emptied.
    void fill(cell& claimed, T&& item) noexcept {
        ::new (static_cast<void*>(claimed.memory_)) T(std::move(item));
        pass_on(claimed);
    }
    T take_from(cell& claimed) noexcept {
        const take_at_end at_end{*this, claimed};
        return std::move(claimed.item());
    }

    /// False if it is closed already.
    bool close() noexcept {
        return (tail_.fetch_or(closed, std::memory_order_seq_cst) & closed) == 0; // RING-3 RING-4
    }
    bool is_closed() const noexcept {
        return (tail_.load(std::memory_order_seq_cst) & closed) != 0; // RING-4
    }

    /// Whether it is closed, and all there was has been claimed.
    bool is_drained() const noexcept {
        const std::uint64_t end = tail_.load(std::memory_order_seq_cst); // RING-4
        return end == (closed | head_.load(std::memory_order_seq_cst));
    }

    std::size_t capacity() const noexcept { return capacity_; }

private:
    struct take_at_end {
        bounded_ring& of;
        cell& emptied;
        ~take_at_end() {
            emptied.item().~T();
            of.pass_on(emptied);
        }
    };

    static constexpr std::uint64_t closed = std::uint64_t{1} << 63;
    static constexpr std::uint64_t one_round = std::uint64_t{1} << 32;

    static std::uint32_t turn_of(std::uint64_t position) noexcept {
        return static_cast<std::uint32_t>(position >> 32) * 2; // RING-1
    }

    std::uint64_t after(std::uint64_t position) const noexcept {
        const auto next = static_cast<std::uint32_t>(position) + 1;
        return next < capacity_ ? position + 1 : ((position + one_round) & ~closed) - (next - 1);
    }

    cell* try_claim(std::atomic<std::uint64_t>& end, std::uint32_t is_full) noexcept {
        std::uint64_t at = end.load(std::memory_order_relaxed);
        while ((at & closed) == 0) {
            cell& one = cells_[static_cast<std::uint32_t>(at)];
            if (one.turn_.load(std::memory_order_seq_cst) == turn_of(at) + is_full) { // RING-4
                if (end.compare_exchange_weak(at, after(at),                          // RING-2
                                              std::memory_order_relaxed)) {
                    return &one;
                }
            } else if (const std::uint64_t now = end.load(std::memory_order_relaxed); now != at) {
                at = now; // RING-5
            } else {
                return nullptr;
            }
        }
        return nullptr;
    }

    /// By who has claimed it; so the turn is his to read.
    static void pass_on(cell& claimed) noexcept {
        claimed.turn_.store(claimed.turn_.load(std::memory_order_relaxed) + 1,
                            std::memory_order_seq_cst); // RING-4
    }

    const std::uint32_t capacity_;
    const std::unique_ptr<cell[]> cells_;
    alignas(cache_line) std::atomic<std::uint64_t> tail_{0};
    alignas(cache_line) std::atomic<std::uint64_t> head_{0};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
