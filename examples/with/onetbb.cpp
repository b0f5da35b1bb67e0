// SPDX-License-Identifier: MIT
// Tasks run in a task_arena of oneTBB: its threads are shared with the parallel algorithms of the
// program, and errors, names and places are looked after all the same.

#include <fire_and_forget/fire_and_forget.hpp>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_reduce.h>
#include <oneapi/tbb/task_arena.h>

#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <utility>

using faf::fire_and_forget;

int main() {
    tbb::task_arena arena;
    const auto in_arena = [&arena](faf::job job) {
        // oneTBB calls a const copy of what it is given, which a job is not made for.
        arena.enqueue([held = std::make_shared<faf::job>(std::move(job))] { (*held)(); });
    };

    std::promise<void> reported;
    faf::set_error_sink([&](const faf::error_report& report) {
        std::cout << report.task << ": " << report.what << '\n';
        reported.set_value();
    });

    std::promise<long> sum;
    fire_and_forget(in_arena, [&sum] {
        sum.set_value(tbb::parallel_reduce(
            tbb::blocked_range<long>(1, 1'001), 0L,
            [](const tbb::blocked_range<long>& part, long so_far) {
                for (long i = part.begin(); i != part.end(); ++i) {
                    so_far += i;
                }
                return so_far;
            },
            std::plus<>()));
    });
    std::cout << "the sum is " << sum.get_future().get() << '\n';

    fire_and_forget(in_arena, {.name = "import"}, [] { throw std::runtime_error("no such file"); });
    reported.get_future().wait();
}

// Prints:
//   the sum is 500500
//   import: no such file
