// SPDX-License-Identifier: MIT

// Compiled with all the warnings that users turn on, none of which the headers may cause: they are
// not everywhere included as system headers.
#include <fire_and_forget/async_latch.hpp>
#include <fire_and_forget/async_mutex.hpp>
#include <fire_and_forget/async_semaphore.hpp>
#include <fire_and_forget/cancellable.hpp>
#include <fire_and_forget/channel.hpp>
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/copied_name.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/latency_histograms.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/stats_text.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/trace.hpp>
#include <fire_and_forget/weak.hpp>
#include <fire_and_forget/when_all.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace {

using faf::fire_and_forget;
using namespace std::chrono_literals;

struct account {
    int balance = 0;
    void add(int amount) { balance += amount; }
};

struct foreign {
    void execute(faf::job work) const { work(); }
};

faf::task<int> answer() {
    co_await faf::sleep_for(1ms);
    co_return 42;
}

faf::task<> ask(std::unique_ptr<int> sum) {
    faf::completion<int> done;
    done.complete(*sum);
    *sum += co_await answer();
    *sum += co_await done;
    co_await faf::yield();
    co_await faf::resume_on(faf::default_pool());
    co_await faf::sleep_until(std::chrono::steady_clock::now());
    static_cast<void>(co_await faf::this_stop_token());
}

faf::detached start() {
    co_await faf::yield();
}

} // namespace

int main() {
    faf::configure_default_pool({.threads = 2, .name = "pool"});
    const faf::error_sink before = faf::set_error_sink([](const faf::error_report& report) {
        static_cast<void>(to_string(report));
        static_cast<void>(to_string(report.kind));
    });
    faf::thread_pool pool({.threads = 1, .max_pending = 100, .exit_timeout = 1.5s});
    account mine;
    const auto generic = [](auto... args) { return (0 + ... + args); };
    fire_and_forget([] {});
    fire_and_forget({.name = "task", .after = 1ms, .expires = 1h}, [] {});
    fire_and_forget(pool, &account::add, std::ref(mine), 5);
    fire_and_forget(pool, {.priority = faf::priority::low}, generic, 1, 2);
    fire_and_forget(pool, faf::weak(std::make_shared<account>(), &account::add), 5);
    fire_and_forget(pool, {.every = 1ms}, [n = 0]() mutable {
        return ++n < 3 ? faf::keep_repeating : faf::stop_repeating;
    });
    fire_and_forget(
        faf::own_thread, [](const std::string&) {}, "text");
    fire_and_forget(foreign(), std::function<void()>([] {}));
    fire_and_forget(faf::inline_executor(), [] { return std::error_code(); });
    fire_and_forget([](faf::job work) { work(); }, [] {});
    fire_and_forget(ask, std::make_unique<int>(1));
    start();
#if defined(__cpp_lib_jthread)
    fire_and_forget([](std::stop_token stop) { static_cast<void>(stop.stop_requested()); });
#endif

    faf::testing::error_recorder errors;
    faf::testing::manual_executor executor;
    fire_and_forget(executor, {.after = 1h}, [] {});
    executor.advance(1h);
    const bool is_quiet = faf::drain(1min) && pool.drain(1min);
    const faf::stats all = pool.snapshot();
    return is_quiet && errors.empty() && all.failed == 0 && faf::shutdown(1min) ? 0 : 1;
}
