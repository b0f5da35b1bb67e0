// SPDX-License-Identifier: MIT
#pragma once

// The global sink, which may be replaced while others call it. report.hpp asks it last.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/process.hpp"
#include "../platform/thread_state.hpp"

#include <atomic>
#include <cstddef>
#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

struct kept_sink : library_memory {
    error_sink sink;
    std::size_t users = 0;     ///< that are counted, under the lock
    kept_sink* next = nullptr; ///< of those that were replaced
};

/// What a thread uses. It has one for good, and so has the next thread at the same address.
struct alignas(cache_line) sink_pin {
    std::atomic<const thread_state*> owner{nullptr};
    std::atomic<const kept_sink*> used{nullptr};
};

/// A sink that may be replaced while others call it: it is destroyed when the last one has left it.
/// It is a setting of the program, and so its children have it, too.
///
/// Shape       The sink in force; a row of pins, where threads say what they use; and a list of
///             sinks that were replaced and are still used. A thread without a pin, or that uses a
///             sink already, for it replaces one while it is called, is counted under the lock.
/// Invariants  SINK-1  Sinks are replaced and destroyed under the settings' lock, but for their
///                     destructors: only what is on the list, is not pinned and counts no users.
///             SINK-2  Who pins a sink then looks whether it is still in force; who replaces it
///                     passes a heavy barrier before it puts it on the list. So either the pin is
///                     seen whenever the list is looked through, or who pins sees that the sink was
///                     replaced, takes the pin off and tries again.
///             SINK-3  Who takes his pin off looks whether the sink is still in force, and if not
///                     through the list; so does who has not used it. Either he destroys it, or he
///                     is seen to have left, by SINK-2's barrier or under the lock.
///             SINK-4  A pin is written to by its owner only, and a handler that interrupts him
///                     leaves it as it was: if there is a sink, it is counted.
/// Orderings   SINK-5  Putting a sink in force releases it, and the look behind the pin acquires
///                     that: until then the one that was seen may be gone, and another one have its
///                     address. What is written to a pin releases what was done with the sinks
///                     before, and who looks through the list acquires that.
/// Limits      64 threads have pins. In a child those that other threads used when it was forked
///             may never be destroyed.
/// Cost        A use is two stores and two light barriers. As a std::shared_ptr under the lock it
///             was half of what a refusal took.
/// Source      Michael, hazard pointers; tests/models/sink.pml
class sink_slot {
public:
    /// Has the sink, which lives as long as this.
    class use {
    public:
        explicit use(sink_slot& of) noexcept;
        ~use();
        use(const use&) = delete;
        use& operator=(const use&) = delete;

        /// Null if there is none.
        const error_sink* sink() const noexcept {
            return kept_ != nullptr ? &kept_->sink : nullptr;
        }

    private:
        friend sink_slot;

        sink_slot& of_;
        sink_pin* const pin_; ///< null if it is counted
        kept_sink* kept_;
    };

    /// Puts `fresh`, or nothing, in the place of the one that is used; false, and `fresh` is as it
    /// was, if another one has taken that place.
    bool replace(const use& expected, std::unique_ptr<kept_sink>& fresh);

    /// Lets go of the sink; later reports find none.
    void clear();

private:
    static constexpr std::size_t most_pins = 64;

    sink_pin* free_pin() noexcept;
    sink_pin* claim_pin() noexcept;
    kept_sink* pin_in(sink_pin& pin) noexcept;
    kept_sink* count_in() noexcept;
    void count_out(kept_sink& left) noexcept;

    /// Under the lock.
    void put_in_force(kept_sink* fresh) noexcept;
    bool is_pinned(const kept_sink& one) const noexcept;

    void destroy_unused() noexcept;

    std::atomic<kept_sink*> in_force_{nullptr};
    kept_sink* replaced_ = nullptr; ///< under the lock

    static inline constinit sink_pin pins[most_pins]; ///< for all slots there are
};

inline constinit immortal<sink_slot> slot_of_global_sink;
sink_slot& global_sink() noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
