// SPDX-License-Identifier: MIT
// Reads the port of an echo server from standard input, opens as many connections at once as it is
// told, and checks on each that what it sends comes back.
// usage: client CONNECTIONS

#include "sockets.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

using namespace echo;

echo::socket connect_to(std::uint16_t port) {
    echo::socket made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{60, 0};
    const sockaddr_in address = loopback(port);
    if (made.number() < 0 ||
        ::setsockopt(made.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        ::setsockopt(made.number(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        ::connect(made.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
            0) {
        fail("connect");
    }
    return made;
}

void send_all(const echo::socket& to, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t part =
            ::send(to.number(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (part <= 0) {
            fail("send");
        }
        sent += static_cast<std::size_t>(part);
    }
}

void expect(const echo::socket& from, const std::string& text) {
    std::string got(text.size(), '\0');
    for (std::size_t size = 0; size < got.size();) {
        const ssize_t part = ::recv(from.number(), got.data() + size, got.size() - size, 0);
        if (part <= 0) {
            fail("recv");
        }
        size += static_cast<std::size_t>(part);
    }
    if (got != text) {
        throw std::runtime_error("something else came back");
    }
}

/// What connection `i` says in one round: some bytes, or many.
std::string message(std::size_t i, int round) {
    return std::string(round == 2 ? 20'000 : 10, static_cast<char>('a' + i % 26)) +
           std::to_string(i) + '\n';
}

void run(std::size_t connections) {
    int port = 0;
    if (std::scanf("%d", &port) != 1) {
        throw std::runtime_error("no port is given");
    }
    std::vector<echo::socket> all;
    for (std::size_t i = 0; i < connections; ++i) {
        all.push_back(connect_to(static_cast<std::uint16_t>(port)));
    }
    for (int round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < connections; ++i) {
            send_all(all[i], message(i, round));
        }
        for (std::size_t i = 0; i < connections; ++i) {
            expect(all[i], message(i, round));
        }
    }
}

} // namespace

int main(int count, char** arguments) {
    try {
        allow_many_files();
        run(count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1);
    } catch (const std::exception& failed) {
        std::fprintf(stderr, "client: %s\n", failed.what());
        return 1;
    }
    return 0;
}
