// SPDX-License-Identifier: MIT
#pragma once

// From epoll to co_await: how a coroutine waits until a socket is ready.

#include "sockets.hpp"

#include <fire_and_forget/coroutine.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/epoll.h>

namespace echo {

class poller {
public:
    poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_.number() < 0) {
            fail("epoll_create1");
        }
    }

    /// Waits until `one` is ready for `events`, EPOLLIN or EPOLLOUT. No thread waits meanwhile but
    /// the one in run().
    faf::task<> ready(const socket& one, std::uint32_t events) {
        faf::completion<> is_ready;
        epoll_event wanted{};
        wanted.events = events | EPOLLONESHOT; // so it is completed once
        wanted.data.ptr = &is_ready;
        handed_over_.fetch_add(1, std::memory_order_release);
        if (::epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, one.number(), &wanted) != 0 &&
            (errno != ENOENT ||
             ::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, one.number(), &wanted) != 0)) {
            fail("epoll_ctl");
        }
        co_await is_ready;
    }

    /// Wakes the coroutines that wait, until stop().
    void run() {
        std::array<epoll_event, 256> events{};
        while (!is_stopped_) {
            const int count = ::epoll_wait(epoll_.number(), events.data(), events.size(), 20);
            static_cast<void>(handed_over_.load(std::memory_order_acquire));
            for (int i = 0; i < count; ++i) {
                const epoll_event& one = events[static_cast<std::size_t>(i)];
                static_cast<faf::completion<>*>(one.data.ptr)->complete();
            }
        }
    }

    void stop() noexcept { is_stopped_ = true; }

private:
    socket epoll_;
    std::atomic<bool> is_stopped_{false};
    std::atomic<unsigned> handed_over_{0}; ///< the system orders it too, but C++ does not know that
};

} // namespace echo
