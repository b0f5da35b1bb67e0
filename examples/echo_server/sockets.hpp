// SPDX-License-Identifier: MIT
#pragma once

// TCP on the loopback interface, as far as echo_server.cpp and its test need it.

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace echo {

[[noreturn]] inline void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// Owns a socket.
class socket {
public:
    explicit socket(int number) noexcept : number_(number) {}
    socket(socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    socket& operator=(socket&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~socket() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    int number() const noexcept { return number_; }

private:
    int number_;
};

inline sockaddr_in loopback(std::uint16_t port) noexcept {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

/// A socket that listens at `port` of 127.0.0.1; 0 is any free one.
inline socket listen_at(std::uint16_t port) {
    socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    if (listener.number() < 0 ||
        ::bind(listener.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
            0 ||
        ::listen(listener.number(), 1024) != 0) {
        fail("listen");
    }
    return listener;
}

inline std::uint16_t port_of(const socket& listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        fail("getsockname");
    }
    return ntohs(address.sin_port);
}

/// As many open files as the system lets this process have.
inline void allow_many_files() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

} // namespace echo
