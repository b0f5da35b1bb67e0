// SPDX-License-Identifier: MIT
#pragma once

// A wait that an executor has to know of, because none of its queues holds the coroutine meanwhile.
// outside_wait.hpp and wait_queue.hpp say for what one waits like that.

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../task/coroutine_books.hpp"
#include "chain.hpp"

#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// One wait of a chain. Lives in the frame of the coroutine that waits.
class known_wait : protected wait_entry {
public:
    /// Where the chain goes on afterwards: where it is, or in the thread that ends the wait.
    enum class continuation : std::uint8_t { by_executor, here };

    known_wait(const known_wait&) = delete;
    known_wait& operator=(const known_wait&) = delete;

    /// Why it did not wait: because its executor is closed.
    bool is_refused() const noexcept { return is_refused_; }

protected:
    known_wait() noexcept = default;

    /// Has `waiting` leave for where it is to go on after the wait. False if it can't; then it is
    /// refused and has stayed. Else that is kept until the wait ends: it may run on a thread of
    /// somebody else's, which nobody waits for who ends it.
    bool depart(chain& waiting) noexcept;

    /// After that: whether it waits. `may_wait` is asked under the lock of the books; if it is not
    /// even asked, that is a refusal. If not, the caller still has the chain, to have it stay or
    /// end.
    bool enter(chain& waiting, function_ref<bool()> may_wait) noexcept;

    /// It does not wait after all, but goes on where it was `before` it departed.
    void stay(chain& waiting, scheduler* before) noexcept;

    /// The wait is over, and the chain is the caller's. *this may be gone afterwards.
    void go_on(continuation how);

    bool is_refused_ = false;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
