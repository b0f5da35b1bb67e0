// SPDX-License-Identifier: MIT
// A module whose static object uses the library when it is made, which is while the loader holds
// its lock, and when it is destroyed: while the module is unloaded, or at the end of the program if
// it was kept. FAF_TEST_STATICS says what it does.

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace {

using namespace std::chrono_literals;
using faf::fire_and_forget;

constexpr auto patience = 60s;

std::atomic<int> ran{0};

/// In a module at its end nothing can be told by exit codes but this.
void check(bool holds, const char* what) {
    if (!holds) {
        std::printf("does not hold: %s\n", what);
        std::fflush(stdout);
        std::_Exit(1);
    }
}

bool is_wanted(std::string_view what) {
    const char* const wanted = std::getenv("FAF_TEST_STATICS");
    return wanted != nullptr && wanted == what;
}

void wait_for(int tasks) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (ran < tasks) {
        check(std::chrono::steady_clock::now() < deadline, "all tasks run");
        std::this_thread::sleep_for(1ms);
    }
}

void fire_all_sorts() {
    fire_and_forget([] { ++ran; });
    fire_and_forget({.after = 1ms}, [] { ++ran; });
    fire_and_forget(faf::own_thread, [] { ++ran; });
    fire_and_forget([] { fire_and_forget(faf::own_thread, [] { ++ran; }); });
    fire_and_forget(faf::own_thread, [] { fire_and_forget([] { ++ran; }); });
}
constexpr int all_sorts = 5;

struct static_object {
    static_object() {
        if (is_wanted("waits when made")) {
            fire_all_sorts();
            wait_for(all_sorts);
        }
        if (is_wanted("shuts down when made")) {
            fire_all_sorts();
            wait_for(all_sorts);
            check(faf::shutdown(patience), "it can be shut down");
        }
        if (is_wanted("fires when made, shuts down when destroyed")) {
            for (int i = 0; i < 20; ++i) {
                fire_and_forget([] {
                    std::this_thread::sleep_for(100us);
                    ++ran;
                });
            }
        }
    }
    ~static_object() {
        if (is_wanted("fires when destroyed")) {
            fire_all_sorts();
        }
        if (is_wanted("waits when destroyed")) {
            fire_all_sorts();
            wait_for(all_sorts);
        }
        if (is_wanted("uses a pool of its own when destroyed")) {
            faf::thread_pool own({.threads = 1});
            fire_and_forget(own, [] { ++ran; });
        }
        if (is_wanted("shuts down when destroyed") ||
            is_wanted("fires when made, shuts down when destroyed")) {
            fire_and_forget([] { ++ran; });
            check(faf::shutdown(patience), "it can be shut down");
        }
    }
    static_object(const static_object&) = delete;
    static_object& operator=(const static_object&) = delete;
};

const static_object one;

} // namespace
