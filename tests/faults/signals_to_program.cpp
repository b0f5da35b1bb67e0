// SPDX-License-Identifier: MIT
// Signals sent to a program with threads of the library: who takes them, while main is there and
// when it has left by pthread_exit. And the children that tasks start.

#include "child.hpp"
#include "eventually.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace faf_test;
using faf::fire_and_forget;

constexpr std::array signals{SIGTERM, SIGINT, SIGHUP};

enum note : std::size_t { status, on_heir, ticks, waited };

sigset_t only(int signal) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

int wait_for(pid_t pid) {
    int how = 0;
    while (waitpid(pid, &how, 0) < 0) {
    }
    return how;
}

// Main has left -----------------------------------------------------------------------------------

#if !(defined(_LIBCPP_VERSION) && defined(__linux__)) // see thread_ended_by_task.cpp

#if defined(FIRE_AND_FORGET_HAS_TSAN) || defined(FIRE_AND_FORGET_HAS_ASAN)
constexpr bool can_fork = false;
#else
constexpr bool can_fork = true;
#endif

bool may_fork() {
    if (!can_fork) {
        WARN("left out: a sanitizer does not bear a fork among threads");
    }
    return can_fork;
}

/// Set by a main that stays, when it only waits.
std::atomic<bool> main_only_waits{false};

/// Returns when main has left, or only waits.
void wait_for_main() {
    const std::string path = "/proc/self/task/" + std::to_string(getpid()) + "/stat";
    for (std::string text; !main_only_waits && text.find(") Z") == text.npos;) {
        std::this_thread::sleep_for(1ms);
        std::ifstream file(path);
        std::getline(file, text);
    }
}

/// Runs `body` as the main of a process that this one forks: there it may call pthread_exit, which
/// Catch2 does not let pass. Sends it `signal` when main has left, and notes how it ended.
template <class Body>
void run_as_main(ledger& book, int signal, Body body) {
    std::array<int, 2> ready{};
    REQUIRE(pipe(ready.data()) == 0);
    std::thread([&] {
        const pid_t pid = fork();
        if (pid == 0) {
            alarm(static_cast<unsigned>(life_of_child.count()));
            std::thread([end = ready[1]] {
                sigset_t all; // it must not be the one to take the signal
                sigfillset(&all);
                pthread_sigmask(SIG_SETMASK, &all, nullptr);
                wait_for_main();
                static_cast<void>(!write(end, "!", 1));
            }).detach();
            body();
            pthread_exit(nullptr);
        }
        char said = 0;
        static_cast<void>(!read(ready[0], &said, 1));
        if (signal != 0) {
            kill(pid, signal);
        }
        book.notes[status] = wait_for(pid);
    }).join();
    close(ready[0]);
    close(ready[1]);
}

bool is_name(std::string_view wanted) {
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    return std::string_view(name.data()) == wanted;
}

enum use : long { idle, busy, own_thread, not_by_main, uses };

const child main_left("main left", [](ledger& book) {
    const auto how = static_cast<use>(book.argument % uses);
    run_as_main(book, signals[static_cast<std::size_t>(book.argument / uses)], [how] {
        const auto endless = [] {
            for (;;) {
                std::this_thread::sleep_for(1h);
            }
        };
        switch (how) {
        case idle:
            fire_and_forget([] {});
            break;
        case busy:
            fire_and_forget(endless);
            fire_and_forget({.every = 1ms}, [] {});
            break;
        case own_thread:
            fire_and_forget(faf::own_thread, endless);
            break;
        default:
            std::thread([] { fire_and_forget({.after = 1h}, [] {}); }).join();
            break;
        }
    });
});

TEST_CASE("a program whose main has left by pthread_exit is ended by SIGTERM, SIGINT and SIGHUP") {
    if (!may_fork()) {
        return;
    }
    for (std::size_t which = 0; which < signals.size() * uses; ++which) {
        CAPTURE(which);
        const outcome end = run(main_left, static_cast<long>(which));
        check_exit(end);
        const auto how = static_cast<int>(end->notes[status]);
        CHECK(WIFSIGNALED(how));
        CHECK(WTERMSIG(how) == signals[which / uses]);
    }
}

ledger* handlers_book = nullptr;

const child handler_when_left("handler when left", [](ledger& book) {
    handlers_book = &book;
    run_as_main(book, SIGTERM, [] {
        struct sigaction action {};
        action.sa_handler = [](int) {
            handlers_book->notes[on_heir] = is_name("faf/signals") ? 1 : 2;
            const long then = handlers_book->notes[ticks];
            while (handlers_book->notes[ticks] < then + 3) { // timers and tasks go on meanwhile
                usleep(1000);
            }
            _exit(7);
        };
        sigaction(SIGTERM, &action, nullptr);
        fire_and_forget({.every = 1ms}, [] { ++handlers_book->notes[ticks]; });
    });
});

TEST_CASE(
    "where main has left, a handler runs on no worker, and neither tasks nor timers wait for it") {
    if (!may_fork()) {
        return;
    }
    const outcome end = run(handler_when_left);
    check_exit(end);
    CHECK(WEXITSTATUS(static_cast<int>(end->notes[status])) == 7);
    CHECK(end->notes[on_heir] == 1);
}

const child waits_elsewhere("waits elsewhere", [](ledger& book) {
    run_as_main(book, SIGTERM, [&] {
        const bool blocks_first = book.argument == 0;
        const sigset_t term = only(SIGTERM);
        if (!blocks_first) {
            fire_and_forget([] {});
        }
        pthread_sigmask(SIG_BLOCK, &term, nullptr);
        std::thread([term] {
            int taken = 0;
            sigwait(&term, &taken);
            _exit(taken);
        }).detach();
        fire_and_forget({.every = 1ms}, [] {});
        if (book.argument == 2) {
            main_only_waits = true;
            for (;;) {
                pause();
            }
        }
    });
});

TEST_CASE(
    "a signal that the program waits for with sigwait is not taken by the library's threads") {
    if (!may_fork()) {
        return;
    }
    for (const long argument : {0, 1, 2}) {
        CAPTURE(argument);
        const outcome end = run(waits_elsewhere, argument);
        check_exit(end);
        CHECK(WIFEXITED(static_cast<int>(end->notes[status])));
        CHECK(WEXITSTATUS(static_cast<int>(end->notes[status])) == SIGTERM);
    }
}

const child all_left("all left", [](ledger& book) {
    run_as_main(book, 0, [] {
        fire_and_forget([] {});
        std::thread([] {
            wait_for_main();
            fire_and_forget([] {});
            faf::shutdown(patience);
        }).detach();
    });
});

TEST_CASE("a program whose main has left ends when its executors are shut down") {
    if (!may_fork()) {
        return;
    }
    const outcome end = run(all_left);
    check_exit(end);
    CHECK(end->notes[status] == 0);
}

#endif

// Main is there -----------------------------------------------------------------------------------

const child interrupted("interrupted", [](ledger& book) {
    fire_and_forget({.every = 1ms}, [] {});
    kill(getpid(), static_cast<int>(book.argument));
    std::this_thread::sleep_for(1h);
});

TEST_CASE("a program that runs tasks is ended by SIGTERM, SIGINT and SIGHUP") {
    for (const int signal : signals) {
        const outcome end = run(interrupted, signal);
        CHECK_FALSE(end.timed_out);
        CHECK(end.signal == signal);
    }
}

const child waits_itself("waits itself", [](ledger& book) {
    fire_and_forget({.every = 1ms}, [] {});
    // Only now, so the library's threads can't have inherited it.
    const sigset_t term = only(SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, nullptr);
    fire_and_forget([] { kill(getpid(), SIGTERM); });
    CHECK(faf::drain(patience));
    int taken = 0;
    sigwait(&term, &taken);
    book.notes[waited] = taken;
});

TEST_CASE("a signal that main has blocked after the first use stays pending for it") {
    const outcome end = run(waits_itself);
    check_exit(end);
    CHECK(end->notes[waited] == SIGTERM);
}

// Children of tasks -------------------------------------------------------------------------------

/// Starts `sleep`, as the documentation says.
pid_t spawn_sleeper() {
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_t how;
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
    std::array<char, 6> name{"sleep"};
    std::array<char, 5> time{"1000"};
    std::array<char*, 3> arguments{name.data(), time.data(), nullptr};
    pid_t pid = 0;
    const int error = posix_spawnp(&pid, "sleep", nullptr, &how, arguments.data(), environ);
    posix_spawnattr_destroy(&how);
    return error == 0 ? pid : -1;
}

/// Returns when the child is that program: before, Catch2 handles its signals.
pid_t fork_sleeper() {
    std::array<int, 2> until_exec{};
    REQUIRE(pipe2(until_exec.data(), O_CLOEXEC) == 0);
    const pid_t pid = fork();
    if (pid == 0) {
        execlp("sleep", "sleep", "1000", static_cast<char*>(nullptr));
        _exit(127);
    }
    close(until_exec[1]);
    char none = 0;
    static_cast<void>(!read(until_exec[0], &none, 1)); // the other end is closed
    close(until_exec[0]);
    return pid;
}

int run_command(const char* command) {
    sigset_t none;
    sigset_t mine;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, &mine);
    const int how = std::system(command);
    pthread_sigmask(SIG_SETMASK, &mine, nullptr);
    return how;
}

const child children_of_tasks("children of tasks", [](ledger& book) {
    static ledger& shared = book;
    const auto starts = [] {
        if (shared.argument == 2) {
            shared.notes[status] = run_command("kill -TERM $$; exit 3");
            return;
        }
        const pid_t pid = shared.argument == 0 ? spawn_sleeper() : fork_sleeper();
        if (pid > 0) {
            kill(pid, SIGTERM);
            alarm(static_cast<unsigned>(life_of_child.count()));
            shared.notes[status] = wait_for(pid);
        }
    };
    fire_and_forget(starts);
    CHECK(faf::drain(patience));
});

TEST_CASE(
    "what a task starts by fork, or as documented by posix_spawn and system, is ended by SIGTERM") {
    for (const long argument : {0, 1, 2}) {
        CAPTURE(argument);
        const outcome end = run(children_of_tasks, argument);
        check_exit(end);
        CHECK(WIFSIGNALED(static_cast<int>(end->notes[status])));
        CHECK(WTERMSIG(static_cast<int>(end->notes[status])) == SIGTERM);
    }
}

} // namespace
