// SPDX-License-Identifier: MIT
#pragma once

// Runs a part of a test in a process of its own, for what happens at and after a program's end. The
// child is this very program, started anew: it finds the name of its part in the environment and a
// ledger in shared memory, so that what it did can be read when it is gone.

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faf_test {

/// What has become of one task.
struct task_marks {
    std::atomic<std::uint8_t> constructed;
    std::atomic<std::uint8_t> ran;
    std::atomic<std::uint8_t> reported;
    std::atomic<std::uint8_t> destroyed;
};

/// Lies in memory that parent and child share; all zero at first.
struct ledger {
    static constexpr std::size_t capacity = 1U << 20U;
    static constexpr std::size_t kinds = 10;

    std::atomic<long> argument;        ///< from the parent
    std::atomic<std::int64_t> left_at; ///< when the child began to end, on the steady clock
    std::atomic<std::uint64_t> accepted;
    std::atomic<std::uint64_t> refused;
    std::atomic<std::uint64_t> ran;
    std::array<std::atomic<std::uint64_t>, kinds> reports;    ///< by faf::failure
    std::array<std::atomic<std::uint64_t>, kinds> spoken_for; ///< the tasks these reports stand for
    std::array<std::atomic<long>, 16> notes;                  ///< whatever a test wants to know
    std::array<task_marks, capacity> tasks;

    std::uint64_t reports_of(faf::failure kind) const {
        return reports[static_cast<std::size_t>(kind)];
    }
    std::uint64_t tasks_reported_as(faf::failure kind) const {
        return spoken_for[static_cast<std::size_t>(kind)];
    }
    void count(const faf::error_report& report) {
        ++reports[static_cast<std::size_t>(report.kind)];
        spoken_for[static_cast<std::size_t>(report.kind)] += 1 + report.suppressed;
    }
    void count(faf::submission answer) { ++(answer ? accepted : refused); }

    /// A sink that needs no memory.
    faf::error_sink counting_sink() {
        return {[this](const faf::error_report& report) { count(report); },
                faf::hears::cancelled_too};
    }

    /// Notes that the process begins to end now. The parent measures from here.
    void leave() { left_at = std::chrono::steady_clock::now().time_since_epoch().count(); }
};

/// A callable that writes its life into the ledger.
class tracked {
public:
    tracked(ledger& in, std::size_t id) noexcept : marks_(&in.tasks[id]), ledger_(&in) {
        ++marks_->constructed;
    }
    tracked(const tracked& other) noexcept : marks_(other.marks_), ledger_(other.ledger_) {
        if (marks_ != nullptr) {
            ++marks_->constructed;
        }
    }
    tracked(tracked&& other) noexcept
        : marks_(std::exchange(other.marks_, nullptr)), ledger_(other.ledger_) {}
    tracked& operator=(tracked) = delete;
    ~tracked() {
        if (marks_ != nullptr) {
            ++marks_->destroyed;
        }
    }

    void operator()() const {
        ++marks_->ran;
        ++ledger_->ran;
    }

private:
    task_marks* marks_;
    ledger* ledger_;
};

/// The part of a test that runs in a child: defined once, at namespace scope. When `body` returns,
/// so does main, with 0.
class child {
public:
    child(const char* name, void (*body)(ledger&)) noexcept
        : name_(name), body_(body), next_(std::exchange(first(), this)) {}
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    const char* name() const noexcept { return name_; }

    /// The ledger of the process this is called in, if it is a child, at any time of its life.
    static ledger* own_ledger() {
        static ledger* const mapped = map_inherited();
        return mapped;
    }

    /// True in a child that runs the part `name`.
    static bool is_running(std::string_view name) {
        const char* wanted = std::getenv("FAF_TEST_CHILD");
        return wanted != nullptr && wanted == name;
    }

    static void run_wanted() {
        for (const child* one = first(); one != nullptr; one = one->next_) {
            if (is_running(one->name_)) {
                ledger& shared = *own_ledger();
                one->body_(shared);
                shared.leave();
                return;
            }
        }
        throw std::logic_error("there is no such child");
    }

private:
    static const child*& first() noexcept {
        static const child* head = nullptr;
        return head;
    }

    static ledger* map_inherited() {
        const char* fd = std::getenv("FAF_TEST_LEDGER");
        if (fd == nullptr) {
            return nullptr;
        }
        void* memory =
            mmap(nullptr, sizeof(ledger), PROT_READ | PROT_WRITE, MAP_SHARED, std::atoi(fd), 0);
        return memory == MAP_FAILED ? nullptr : static_cast<ledger*>(memory);
    }

    const char* name_;
    void (*body_)(ledger&);
    const child* next_;
};

/// The one test case of a child, so that main runs and ends there as in any program. The parent
/// does not have it: it is no test.
inline bool register_child() {
    if (std::getenv("FAF_TEST_CHILD") != nullptr) {
        REGISTER_TEST_CASE(child::run_wanted, "child", "");
    }
    return true;
}
[[maybe_unused]] inline const bool child_is_registered = register_child();

/// How a child ended.
struct outcome {
    bool timed_out = false;
    int exit_code = -1;                 ///< -1 if it did not exit
    int signal = 0;                     ///< what killed it, or 0
    std::chrono::nanoseconds leaving{}; ///< from ledger::leave() to the process's end
    std::string errors;                 ///< what it wrote to standard error
    std::string output; ///< and to standard output: what Catch2 said about its checks
    std::shared_ptr<ledger> book;

    const ledger* operator->() const noexcept { return book.get(); }

    /// Lines on standard error that hold `text`.
    std::size_t lines_with(std::string_view text) const {
        std::size_t count = 0;
        for (std::size_t begin = 0; begin < errors.size();) {
            const std::size_t end = std::min(errors.find('\n', begin), errors.size());
            const std::string_view line = std::string_view(errors).substr(begin, end - begin);
            count += line.find(text) != line.npos ? 1 : 0;
            begin = end + 1;
        }
        return count;
    }
};

inline int memory_file(std::size_t size) {
    const int fd = memfd_create("faf_test", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0) {
        throw std::runtime_error("no memory to share with a child");
    }
    return fd;
}

inline std::string text_of(int fd) {
    std::string text;
    std::array<char, 4096> part;
    ssize_t got = 0;
    while ((got = pread(fd, part.data(), part.size(), static_cast<off_t>(text.size()))) > 0) {
        text.append(part.data(), static_cast<std::size_t>(got));
    }
    return text;
}

/// Far longer than a child takes; longer than the patience of what waits inside of it.
inline constexpr std::chrono::seconds life_of_child = 2 * patience;

/// Runs `part` to its end, or kills it after `limit`.
inline outcome run(const child& part, long argument = 0,
                   std::chrono::seconds limit = life_of_child) {
    const int shared = memory_file(sizeof(ledger));
    const int errors = memory_file(0);
    const int output = memory_file(0);
    fcntl(errors, F_SETFL, O_APPEND); // or lines of several threads may fall on one place
    void* memory = mmap(nullptr, sizeof(ledger), PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    if (memory == MAP_FAILED) {
        throw std::runtime_error("no memory to share with a child");
    }
    outcome result;
    result.book = {static_cast<ledger*>(memory),
                   [](ledger* mapped) { munmap(mapped, sizeof(ledger)); }};
    result.book->argument = argument;

    const pid_t pid = fork();
    if (pid == 0) {
        constexpr int ledger_fd = 100;
        const int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(output, STDOUT_FILENO);
        dup2(errors, STDERR_FILENO);
        dup2(shared, ledger_fd);
        setenv("FAF_TEST_CHILD", part.name(), 1);
        setenv("FAF_TEST_LEDGER", "100", 1);
        execl("/proc/self/exe", "child", "child", static_cast<char*>(nullptr));
        _exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + limit;
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (!result.timed_out && std::chrono::steady_clock::now() > deadline) {
            result.timed_out = true;
            kill(pid, SIGKILL);
        }
        usleep(200);
    }
    const auto end = std::chrono::steady_clock::now().time_since_epoch();
    if (result.book->left_at != 0) {
        result.leaving = end - std::chrono::nanoseconds(result.book->left_at);
    }
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result.errors = text_of(errors);
    result.output = text_of(output);
    close(errors);
    close(output);
    close(shared);
    return result;
}

/// What every child must do: end by itself, with `code`.
inline void check_exit(const outcome& of, int code = 0) {
    INFO("the child's standard error:\n" << of.errors.substr(0, 8000));
    INFO("the child's standard output:\n" << of.output.substr(0, 8000));
    CHECK_FALSE(of.timed_out);
    CHECK(of.signal == 0);
    CHECK(of.exit_code == code);
}

/// What the end of a child may take besides its deadline, on a busy machine. Less than the five
/// seconds that an executor has which says nothing; a sanitizer takes longer.
inline constexpr std::chrono::seconds time_to_leave = load(3s, 20s);

/// That the child ended within `deadline` and what its end takes.
inline void check_leaving(const outcome& of, std::chrono::nanoseconds deadline) {
    CHECK(of.leaving.count() > 0);
    CHECK(of.leaving < deadline + time_to_leave);
}

} // namespace faf_test
