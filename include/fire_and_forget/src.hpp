// SPDX-License-Identifier: MIT
#pragma once

/// The engine, for programs that compile it once. All source files are compiled with
/// FIRE_AND_FORGET_SEPARATE_COMPILATION, and one of them consists of
///
///     #include <fire_and_forget/src.hpp>
///
/// The CMake target fire_and_forget::separate does both.

#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#if defined(FIRE_AND_FORGET_ENGINE)
#error "fire_and_forget: include src.hpp before all else, or define the macro everywhere."
#endif
#define FIRE_AND_FORGET_SEPARATE_COMPILATION
#endif

#include "conflating_executor.hpp"
#include "copied_name.hpp"
#include "fire_and_forget.hpp"
#include "serial_executor.hpp"
#include "testing.hpp"

#include "detail/adaptor/engine.ipp"
#include "detail/engine.ipp"
#include "detail/errors/name_store.ipp"
#include "detail/executor/manual_core.ipp"

// clang 13 has no coroutines, and needs none for the rest.
#if defined(__cpp_impl_coroutine) && __has_include(<coroutine>)
#include "async_latch.hpp"
#include "async_mutex.hpp"
#include "async_semaphore.hpp"
#include "coroutine.hpp"
#include "sync_wait.hpp"
#include "when_all.hpp"

#include "detail/coroutine/branches.ipp"
#include "detail/coroutine/countdown.ipp"
#include "detail/coroutine/engine.ipp"
#include "detail/coroutine/permits.ipp"
#include "detail/coroutine/wait_queue.ipp"
#include "detail/coroutine/waiting_thread.ipp"
#endif
