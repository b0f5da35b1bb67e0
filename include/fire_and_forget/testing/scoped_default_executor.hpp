// SPDX-License-Identifier: MIT
#pragma once

// For the tests of code that names no executor. detail/submit/diversion.hpp is its inside.

#include "../detail/platform/abi.hpp"
#include "../detail/submit/any_core.hpp"
#include "../detail/submit/diversion.hpp"
#include "../executor.hpp"
#include "../executor_ref.hpp"

#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::testing {

/// Whether a scoped_default_executor has the tasks of faf::own_thread, too.
enum class own_threads : std::uint8_t {
    as_ever, ///< they run on threads of their own
    too,     ///< it has them
};

/// While it lives, what is fired at the default pool goes to another executor: so that code which
/// names none can be tested by hand, and in virtual time.
///
///     faf::testing::manual_executor ex;
///     faf::testing::scoped_default_executor here(ex);
///     cache.refresh_later();                             // fire_and_forget({.after = 5s}, ...)
///     ex.advance(5s);
///
/// That is: calls without an executor and those that name faf::default_pool(), in all threads;
/// faf::detached coroutines; coroutines that move to the default pool, and the times of those that
/// are on an executor of somebody else's. A task_scope, a serial_executor, a conflating_executor or
/// an executor_ref that is made of the default pool meanwhile stands on the other executor for as
/// long as it lives, so it must end before that one; those that were made before stay where they
/// are. With own_threads::too, all this holds for faf::own_thread as well: what is fired there must
/// then come to its end by itself.
///
/// What waits in the pool already runs there. drain(), shutdown() and snapshot() are about the pool
/// and own threads as ever, and see nothing of what goes elsewhere.
/// executor: any, one that is not of this library, too; but coroutines that start themselves or
/// move to the default pool are on that all the same then.
///
/// Order: there may be several, one inside the other: the innermost has it all, but for the tasks
/// of own_thread where it leaves those to the outer ones. They must end in the reverse order of
/// their making, whichever threads they are on.
/// Thread safety: others may fire meanwhile. When the destructor returns, none of their calls is
/// still on its way to the executor; it waits for those, so it must not run inside of one.
/// Lifetime: the executor must outlive it, and the coroutines that are there.
/// Cost: elsewhere nothing; a plain call is as quick as without. While there is one, an allocation
/// and two locks for each call.
class scoped_default_executor {
public:
    /// Takes the default pool's place, and own_thread's if it is to.
    explicit scoped_default_executor(executor_ref on, own_threads those = own_threads::as_ever)
        : diversion_(detail::core_access::of(on), those == own_threads::too
                                                      ? detail::diverted::pool_and_own_threads
                                                      : detail::diverted::pool) {}

    /// Gives it back.
    ~scoped_default_executor() = default;
    scoped_default_executor(const scoped_default_executor&) = delete;
    scoped_default_executor& operator=(const scoped_default_executor&) = delete;

private:
    detail::diversion diversion_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::testing

#include "../detail/engine.hpp"
