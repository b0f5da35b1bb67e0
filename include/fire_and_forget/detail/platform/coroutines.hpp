// SPDX-License-Identifier: MIT
#pragma once

// Says so where the compiler has no coroutines, before it says anything else.

#include "abi.hpp"

#if !defined(__cpp_impl_coroutine) || !__has_include(<coroutine>)
#error "fire_and_forget/coroutine.hpp needs coroutines: clang 14, or GCC 10 with -fcoroutines."
#include "fire_and_forget stops here"
#endif

#include <coroutine>
