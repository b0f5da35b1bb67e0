// SPDX-License-Identifier: MIT
#pragma once

// Holds every worker in a task, so that what is submitted meanwhile only queues.

#include <atomic>
#include <chrono>
#include <thread>

namespace faf_bench {

class gate {
public:
    /// Returns when all workers of `peer` stand at the gate.
    template <class Peer>
    explicit gate(Peer& peer) {
        for (unsigned worker = 1; worker <= Peer::workers; ++worker) {
            peer.submit([this] {
                held_.fetch_add(1);
                is_open_.wait(false);
                held_.fetch_sub(1);
            });
            while (held_.load() != worker) {
                std::this_thread::sleep_for(std::chrono::microseconds(50));
            }
        }
    }

    void open() {
        is_open_.store(true);
        is_open_.notify_all();
    }

    /// The workers have to be through before it goes.
    ~gate() {
        open();
        while (held_.load() != 0) {
            std::this_thread::yield();
        }
    }

    gate(const gate&) = delete;
    gate& operator=(const gate&) = delete;

private:
    std::atomic<unsigned> held_{0};
    std::atomic<bool> is_open_{false};
};

} // namespace faf_bench
