// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "attempt.hpp"
#include "library_memory.hpp"
#include "platform.hpp"

#include <cstddef>
#include <exception>
#include <new>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

// The exception by which a thread is ended must not be swallowed. libc++ has no name for it: with
// it, a task that ends its thread ends the program.
#if defined(__GLIBCXX__) && defined(FIRE_AND_FORGET_HAS_CXXABI)
#define FIRE_AND_FORGET_LET_THREAD_END                                                             \
    catch (abi::__forced_unwind&) {                                                                \
        throw;                                                                                     \
    }
#else
#define FIRE_AND_FORGET_LET_THREAD_END
#endif

/// What attempt() does, for who calls it so often that the way over two function_refs is felt.
template <class Body, class Handler>
[[gnu::always_inline]] inline bool attempt_here(Body body, Handler on_exception) {
    bool is_done = false;
#if defined(__cpp_exceptions)
    try {
        try {
            try {
                body();
                is_done = true;
            }
            FIRE_AND_FORGET_LET_THREAD_END
            catch (...) { // see attempt()
                on_exception();
            }
        }
        FIRE_AND_FORGET_LET_THREAD_END
        catch (...) { // the destructor of the first exception threw it
            on_exception();
        }
    }
    FIRE_AND_FORGET_LET_THREAD_END
    catch (...) { // the destructor of the second exception threw it
        alignas(std::exception_ptr) std::byte kept[sizeof(std::exception_ptr)];
        ::new (static_cast<void*>(kept)) std::exception_ptr(std::current_exception());
        on_exception();
    }
#else
    (void)on_exception;
    body();
    is_done = true;
#endif
    return is_done;
}

FIRE_AND_FORGET_ENGINE bool attempt(action body, action on_exception) {
    return detail::attempt_here(body, on_exception);
}

#undef FIRE_AND_FORGET_LET_THREAD_END

FIRE_AND_FORGET_ENGINE stop_source make_stop_source() {
    stop_source source = no_stop_source();
    attempt([&] { source = new_stop_source(); }, [] {});
    return source;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
