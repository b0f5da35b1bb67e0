// SPDX-License-Identifier: MIT
#pragma once

// Where the items of a channel are that nobody waits for. channel_core.hpp has one.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/library_memory.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Which end of a channel one is at.
enum class channel_end : std::uint8_t { push, pop };

/// A queue of bounded length for any number of threads on both sides.
///
/// Shape       Cells in a ring. A position is a round and a cell of it; tail_ is the next to be
///             filled, head_ the next to be emptied. With each stands whether somebody waits at the
///             other end for what is done here.
/// Invariants  RING-1  The turn of a cell is 2r when it may be filled in round r, and 2r + 1 when
///                     it may be emptied.
///             RING-2  Who moves tail_ or head_ on, from where it finds the turn to be right, has
///                     claimed that cell: nobody else touches it until he has passed the turn on.
///                     What is moved in or out meanwhile may take its time: those who come to this
///                     cell find the ring full or empty.
///             RING-3  closed is a bit of tail_: nothing is claimed for filling after that.
///             RING-6  Who waits says so in the word by which a cell is claimed at the other end,
///                     and finds there what has been claimed. Who claims afterwards sees it when he
///                     has passed the turn on. If some cell was claimed before, who waits passes a
///                     heavy barrier, and who has claimed it a light one between passing on and
///                     looking: so either he is seen, or the cell is when one looks once more.
/// Orderings   RING-4  Passing the turn on releases what was done in the cell, and finding it
///                     acquires that. Closing and looking for that and for those who wait are
///                     sequentially consistent: of one who closes and one who is about to wait, one
///                     sees the other.
///             RING-5  Who finds a turn of a later round has acquired that somebody moved on from
///                     here, and reads so: full or empty is what it was at a position that was the
///                     right one.
/// Limits      2^30 rounds go by before a position comes again.
/// Source      Vyukov, bounded MPMC queue; tests/models/channel.pml
template <class T>
class bounded_ring {
public:
    class cell {
    public:
        // NOLINTNEXTLINE(modernize-use-equals-default): so it leaves the room for an item as it is
        cell() noexcept {}
        T& item() noexcept { return *std::launder(reinterpret_cast<T*>(memory_)); }

    private:
        friend bounded_ring;
        std::atomic<std::uint32_t> turn_{0};
        alignas(T) unsigned char memory_[sizeof(T)];
    };

    /// Of at least one. Throws: std::bad_alloc; std::length_error, as the vector does, also where a
    /// position has no room for the number of a cell.
    explicit bounded_ring(std::size_t capacity)
        : capacity_(capacity), cells_(capacity < UINT32_MAX ? capacity : SIZE_MAX) {}
    bounded_ring(const bounded_ring&) = delete;
    bounded_ring& operator=(const bounded_ring&) = delete;
    ~bounded_ring() {
        while (cell* const full = try_claim(channel_end::pop)) {
            static_cast<void>(take_from(*full));
        }
    }

    /// A cell to be filled, or to be emptied; null if it is full or closed, or empty. The first
    /// attempt stands where it is called, for it is the one that goes well.
    template <channel_end At>
    [[gnu::always_inline]] cell* try_claim() noexcept {
        std::atomic<std::uint64_t>& end = ends(At);
        std::uint64_t at = end.load(std::memory_order_relaxed);
        cell& one = cells_[static_cast<std::uint32_t>(at)];
        if (is_right(one, at, parity<At>) && claim(end, at)) [[likely]] {
            return &one;
        }
        return try_again(end, parity<At>);
    }
    cell* try_claim(channel_end at) noexcept {
        return at == channel_end::push ? try_claim<channel_end::push>()
                                       : try_claim<channel_end::pop>();
    }

    /// Says that somebody waits at that end, who then has to look once more. // RING-6
    void call_from(channel_end end) noexcept {
        const std::uint64_t other = opposite(end).fetch_or(awaited, std::memory_order_seq_cst);
        const std::uint64_t own = ends(end).load(std::memory_order_relaxed);
        const std::uint64_t ahead = end == channel_end::push ? one_round : 0;
        if (((own - other) & position) != ahead) { // which it is when full, or empty
            asymmetric_barrier::heavy();
        }
    }

    /// Nobody waits there any more.
    void end_call_from(channel_end end) noexcept {
        opposite(end).fetch_and(~awaited, std::memory_order_relaxed);
    }

    /// After a barrier, by who has passed on a cell, or has closed it. // RING-6
    bool is_called_from(channel_end end) const noexcept {
        return (opposite(end).load(std::memory_order_seq_cst) & awaited) != 0; // RING-4
    }

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
        const std::uint64_t begin = head_.load(std::memory_order_seq_cst);
        return (end & closed) != 0 && ((end ^ begin) & position) == 0;
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
    static constexpr std::uint64_t awaited = std::uint64_t{1} << 62;
    static constexpr std::uint64_t position = awaited - 1;
    static constexpr std::uint64_t one_round = std::uint64_t{1} << 32;
    static constexpr std::uint64_t rounds = position & ~(one_round - 1);
    static constexpr std::uint32_t turns = (std::uint32_t{1} << 31) - 1;

    static std::uint32_t turn_of(std::uint64_t at) noexcept {
        return static_cast<std::uint32_t>((at & rounds) >> 31); // RING-1
    }

    [[gnu::always_inline]] std::uint64_t after(std::uint64_t at) const noexcept {
        const auto next = static_cast<std::uint32_t>(at) + 1;
        if (next < capacity_) [[likely]] {
            return at + 1;
        }
        return (at & ~position) | ((at + one_round) & rounds);
    }

    std::atomic<std::uint64_t>& ends(channel_end end) noexcept {
        return end == channel_end::push ? tail_ : head_;
    }
    std::atomic<std::uint64_t>& opposite(channel_end end) noexcept {
        return end == channel_end::push ? head_ : tail_;
    }
    const std::atomic<std::uint64_t>& opposite(channel_end end) const noexcept {
        return end == channel_end::push ? head_ : tail_;
    }

    /// What the turn of a cell has to be beside its round, for who claims it there.
    template <channel_end At>
    static constexpr std::uint32_t parity = At == channel_end::pop ? 1 : 0;

    [[gnu::noinline]] cell* try_again(std::atomic<std::uint64_t>& end,
                                      std::uint32_t is_full) noexcept {
        std::uint64_t at = end.load(std::memory_order_relaxed);
        while (true) {
            cell& one = cells_[static_cast<std::uint32_t>(at)];
            if (is_right(one, at, is_full)) {
                if (claim(end, at)) {
                    return &one;
                }
            } else if (const std::uint64_t now = end.load(std::memory_order_relaxed); now != at) {
                at = now; // RING-5
            } else {
                return nullptr;
            }
        }
    }

    /// Whether it is the turn of that position, and nothing is closed.
    [[gnu::always_inline]] static bool is_right(const cell& one, std::uint64_t at,
                                                std::uint32_t is_full) noexcept {
        return one.turn_.load(std::memory_order_acquire) == (turn_of(at) | is_full) && // RING-4
               (at & closed) == 0;
    }

    [[gnu::always_inline]] bool claim(std::atomic<std::uint64_t>& end,
                                      std::uint64_t& at) const noexcept {
        return end.compare_exchange_weak(at, after(at), std::memory_order_relaxed); // RING-2
    }

    /// By who has claimed it; so the turn is his to read.
    [[gnu::always_inline]] static void pass_on(cell& claimed) noexcept {
        claimed.turn_.store((claimed.turn_.load(std::memory_order_relaxed) + 1) & turns,
                            std::memory_order_release); // RING-4
    }

    const std::size_t capacity_;
    std::vector<cell, library_allocator<cell>> cells_; ///< never more or fewer
    alignas(cache_line) std::atomic<std::uint64_t> tail_{0};
    alignas(cache_line) std::atomic<std::uint64_t> head_{0};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
