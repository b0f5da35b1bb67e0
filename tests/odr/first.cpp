// SPDX-License-Identifier: MIT
// One of two translation units of one program, each with every header: what is not inline would be
// defined twice, and both must see the same library. As "mixed", only this one has the engine.
#include "every_header.hpp"

#include "second.hpp"

#include <chrono>
#include <stdexcept>

int main() {
    using namespace std::chrono_literals;
    second::count_errors();
    second::fire_all_kinds();
    faf::fire_and_forget([] { throw std::runtime_error("heard by the other one's sink"); });
    faf::fire_and_forget({.after = 1ms}, [] {});
    faf::fire_and_forget(faf::own_thread, [] {});
    faf::fire_and_forget([]() -> faf::task<> { co_await faf::sleep_for(1ms); });
    const bool is_same = &faf::default_pool() == second::pool();
    const bool is_done = faf::drain(10s);
    const faf::stats pool = faf::snapshot();
    return is_same && is_done && pool.failed == 1 && second::errors() == 1 &&
                   pool.accepted == second::accepted() && faf::shutdown(10s)
               ? 0
               : 1;
}
