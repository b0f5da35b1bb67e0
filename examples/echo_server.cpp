// SPDX-License-Identifier: MIT
// A TCP server whose connections are fired and forgotten: a coroutine each, on the default pool.
// What goes wrong with one goes to the sink and hurts no other.
//
// usage: echo_server [CONNECTIONS [PORT]]: serves so many connections on 127.0.0.1, 1 by default,
// and ends. It prints its port first, which is any free one if none is given.

#include "echo_server/poller.hpp"
#include "echo_server/sockets.hpp"

#include <fire_and_forget/coroutine.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace echo;
using namespace std::chrono_literals;
using faf::fire_and_forget;

bool must_wait() noexcept {
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

/// Sends all of it.
faf::task<> write_all(poller& events, const echo::socket& to, const char* bytes, std::size_t size) {
    while (size > 0) {
        const ssize_t sent = ::send(to.number(), bytes, size, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            size -= static_cast<std::size_t>(sent);
        } else if (must_wait()) {
            co_await events.ready(to, EPOLLOUT);
        } else {
            fail("send");
        }
    }
}

/// One connection, until the client closes it. The arguments are the task's own.
faf::task<> serve(poller& events, echo::socket client, std::atomic<int>& ended) {
    struct counted {
        std::atomic<int>& all;
        ~counted() {
            ++all;
            all.notify_one();
        }
    };
    const counted at_the_end{ended};
    std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t got = ::read(client.number(), buffer.data(), buffer.size());
        if (got > 0) {
            co_await write_all(events, client, buffer.data(), static_cast<std::size_t>(got));
        } else if (got == 0) {
            co_return;
        } else if (must_wait()) {
            co_await events.ready(client, EPOLLIN);
        } else {
            fail("read");
        }
    }
}

faf::task<> accept_all(poller& events, const echo::socket& listener, int connections,
                       std::atomic<int>& ended) {
    for (int accepted = 0; accepted < connections;) {
        echo::socket client(
            ::accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (client.number() >= 0) {
            ++accepted;
            fire_and_forget({.name = "connection"}, serve, std::ref(events), std::move(client),
                            std::ref(ended));
        } else if (must_wait()) {
            co_await events.ready(listener, EPOLLIN);
        } else {
            std::perror("accept"); // out of files, say: the others go on, and it tries again
            co_await faf::sleep_for(10ms);
        }
    }
}

} // namespace

int main(int count, char** arguments) {
    const int connections = count > 1 ? std::atoi(arguments[1]) : 1;
    const int port = count > 2 ? std::atoi(arguments[2]) : 0;
    allow_many_files();
    const echo::socket listener = listen_at(static_cast<std::uint16_t>(port));
    std::printf("%d\n", static_cast<int>(port_of(listener)));
    std::fflush(stdout);

    poller events;
    std::atomic<int> ended = 0;
    fire_and_forget(faf::own_thread, {.name = "poller"}, &poller::run, &events);
    fire_and_forget({.name = "acceptor"}, accept_all, std::ref(events), std::cref(listener),
                    connections, std::ref(ended));
    while (ended < connections) {
        ended.wait(ended);
    }
    events.stop();
    faf::drain(10s);
    const faf::stats all = faf::snapshot();
    std::fprintf(stderr, "%d connections, %llu failed, %llu dropped\n", connections,
                 static_cast<unsigned long long>(all.failed),
                 static_cast<unsigned long long>(all.dropped));
    return all.failed + all.dropped == 0 ? 0 : 1;
}
