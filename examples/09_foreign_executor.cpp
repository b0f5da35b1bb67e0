// SPDX-License-Identifier: MIT
// Tasks can run wherever a closure can be put: a lambda that takes a faf::job is an executor. For
// asio it would be: [&](faf::job job) { asio::post(pool, std::move(job)); }

#include <fire_and_forget/fire_and_forget.hpp>

#include <deque>
#include <iostream>
#include <stdexcept>
#include <utility>

using faf::fire_and_forget;

int main() {
    std::deque<faf::job> event_loop;
    auto on_loop = [&event_loop](faf::job job) { event_loop.push_back(std::move(job)); };

    faf::set_error_sink([](const faf::error_report& report) { std::cout << report.what << '\n'; });

    fire_and_forget(
        on_loop, [](int width) { std::cout << "redraw " << width << " columns\n"; }, 80);
    fire_and_forget(on_loop, [] { throw std::runtime_error("the mouse is gone"); });

    for (; !event_loop.empty(); event_loop.pop_front()) {
        event_loop.front()(); // never throws: errors have gone to the sink
    }
}

// Prints:
//   redraw 80 columns
//   the mouse is gone
