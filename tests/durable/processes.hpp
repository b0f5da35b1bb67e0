// SPDX-License-Identifier: MIT
#pragma once

// What the tests of the durable queue are made of: processes that end with the test, a folder that
// goes with it, a Redis of its own, and memory that several processes write to.

#include "redis_link.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace durable_test {

using namespace std::chrono_literals;

/// Only a test that fails waits as long.
inline constexpr auto patience = 240s;

template <class Predicate>
void wait_until(const char* what, Predicate holds) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error(std::string("waited in vain until ") + what);
        }
        std::this_thread::sleep_for(2ms);
    }
}

inline void expect(bool holds, const std::string& what) {
    if (!holds) {
        throw std::runtime_error("it does not hold that " + what);
    }
}

/// A folder that is removed with all that is in it.
class temporary_folder {
public:
    temporary_folder() {
        // The path of a socket is short.
        std::string path = std::filesystem::temp_directory_path() / "durable_XXXXXX";
        if (path.size() > 60) {
            path = "/tmp/durable_XXXXXX";
        }
        if (::mkdtemp(path.data()) == nullptr) {
            throw std::runtime_error("no temporary folder");
        }
        path_ = path;
    }
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    std::string file(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

inline std::string content_of(const std::string& file) {
    std::ifstream from(file);
    return {std::istreambuf_iterator<char>(from), std::istreambuf_iterator<char>()};
}

/// A process that is killed at the latest when this object goes, or the test.
class process {
public:
    process() = default;

    /// What it writes is appended to `log`.
    process(std::vector<std::string> words, const std::string& log) {
        std::vector<char*> arguments;
        for (std::string& word : words) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int to = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
            const int from = ::open("/dev/null", O_RDONLY);
            ::dup2(from, STDIN_FILENO);
            ::dup2(to, STDOUT_FILENO);
            ::dup2(to, STDERR_FILENO);
            if (::getppid() == parent) {
                ::execvp(arguments[0], arguments.data());
            }
            ::_exit(127);
        }
        if (pid_ < 0) {
            throw std::runtime_error("no more processes");
        }
    }
    process(process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    process& operator=(process&& other) noexcept {
        std::swap(pid_, other.pid_);
        return *this;
    }
    ~process() {
        if (pid_ > 0) {
            end_by(SIGKILL);
        }
    }

    void tell(int signal) const { ::kill(pid_, signal); }

    bool has_ended() {
        if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) {
            pid_ = -1;
        }
        return pid_ <= 0;
    }

    /// Its exit code, when it has ended; -1 if a signal did that.
    int wait() {
        wait_until("a process ends", [this] { return has_ended(); });
        return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
    }

    int end_by(int signal) {
        tell(signal);
        return wait();
    }

private:
    pid_t pid_ = -1;
    int status_ = 0;
};

/// A Redis whose data and socket are in the folder of a test.
///
/// It syncs its append-only file before it answers (appendfsync always), so that what it has
/// confirmed survives SIGKILL, and a power failure, too. With everysec it would also write later
/// than it answers while a sync is going on, and lose up to two seconds. With the batches of the
/// outbox one sync is for hundreds of tasks.
class redis_server {
public:
    explicit redis_server(const temporary_folder& in)
        : folder_(in.file("")), socket_(in.file("socket")), log_(in.file("redis.log")) {
        start();
    }

    void start() {
        running_ = process({DURABLE_REDIS_SERVER, "--port", "0", "--unixsocket", socket_, "--dir",
                            folder_, "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                            "--auto-aof-rewrite-percentage", "0"},
                           log_);
        wait_until("Redis answers", [this] {
            if (running_.has_ended()) {
                throw std::runtime_error("Redis has ended:\n" + content_of(log_));
            }
            try {
                durable::redis_link(where()).ask({"PING"});
                return true;
            } catch (const durable::connection_lost&) {
                return false;
            } catch (const durable::refused_by_redis& refused) {
                return !refused.is("LOADING");
            }
        });
    }

    void end_by(int signal) { running_.end_by(signal); }

    durable::address where() const { return {socket_, 0}; }

private:
    std::string folder_;
    std::string socket_;
    std::string log_;
    process running_;
};

/// `Board`, all zero at first, in a file that several processes have in their memory.
template <class Board>
std::shared_ptr<Board> shared_board(const std::string& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, sizeof(Board)) != 0) {
        throw std::runtime_error("no memory to share");
    }
    void* memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED) {
        throw std::runtime_error("no memory to share");
    }
    return {static_cast<Board*>(memory), [](Board* mapped) { ::munmap(mapped, sizeof(Board)); }};
}

} // namespace durable_test
