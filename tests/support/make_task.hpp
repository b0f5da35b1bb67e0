// SPDX-License-Identifier: MIT
#pragma once

// Tasks without the front door, for the tests of what lies behind it.

#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/submit/call.hpp>
#include <fire_and_forget/detail/task/run_task.hpp>
#include <fire_and_forget/detail/task/task.hpp>

#include <type_traits>
#include <utility>

namespace faf_test {

template <class Fn>
faf::detail::task_ptr make_task(Fn&& fn, const faf::options& how = {}) {
    using stored = faf::detail::closure<std::decay_t<Fn>>;
    faf::detail::node_memory memory(
        faf::detail::task_node::allocate(faf::detail::type_of<stored>, how.where));
    ::new (memory->closure()) stored(std::in_place, std::forward<Fn>(fn));
    faf::detail::task_ptr made(memory.release());
    made->name = how.name.c_str();
    made->priority = how.priority;
    return made;
}

/// One that has what a call with options gives it: a stop_token, a sink and a clock.
template <class Fn>
faf::detail::task_ptr make_task_with_details(Fn&& fn, const faf::options& how) {
    faf::detail::task_ptr made = make_task(std::forward<Fn>(fn), how);
    static_cast<void>(faf::detail::add_options(*made, &how));
    return made;
}

} // namespace faf_test
