// SPDX-License-Identifier: MIT
#pragma once

// Code under test: it names no executor and knows nothing of its tests, which are in catch2.cpp and
// googletest.cpp.

#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/task_scope.hpp>

#include <chrono>
#include <functional>
#include <utility>

/// Calls `send` until it throws no more: at once, after a second, after two more, after four more.
/// When the fifth time has failed, that is reported, and it gives up.
class upload {
public:
    explicit upload(std::function<void()> send) : send_(std::move(send)) {}

    void start() { try_in(std::chrono::seconds(0), 1); }

private:
    void try_in(std::chrono::seconds pause, int attempt) {
        fire_and_forget(tasks_, {.name = "upload", .after = pause}, [this, pause, attempt] {
            try {
                send_();
            } catch (...) {
                if (attempt == 5) {
                    throw;
                }
                try_in(attempt == 1 ? std::chrono::seconds(1) : 2 * pause, attempt + 1);
            }
        });
    }

    std::function<void()> send_;
    faf::task_scope tasks_; // last: it ends first, and with it what refers to the others
};

/// Calls `beat` every ten seconds, until it is destroyed; leaves out the beats that come later than
/// half a second.
class heartbeat {
public:
    explicit heartbeat(std::function<void()> beat) {
        using namespace std::chrono_literals;
        fire_and_forget(tasks_, {.name = "beat", .every = 10s, .expires = 500ms}, std::move(beat));
    }

private:
    faf::task_scope tasks_;
};
