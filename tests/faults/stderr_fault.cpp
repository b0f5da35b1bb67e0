// SPDX-License-Identifier: MIT
// The default sink: what it writes, how much of it, and that a broken standard error hurts nobody.

#include "child.hpp"
#include "eventually.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

enum class broken : long { closed, pipe_without_reader, full_device };
constexpr long ways_to_break = 3;

void break_stderr(broken how) {
    std::signal(SIGPIPE, SIG_DFL);
    switch (how) {
    case broken::closed:
        close(STDERR_FILENO);
        return;
    case broken::pipe_without_reader: {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        return;
    }
    case broken::full_device:
        dup2(open("/dev/full", O_WRONLY), STDERR_FILENO);
        return;
    }
}

const child broken_stderr("broken stderr", [](ledger& book) {
    break_stderr(static_cast<broken>(book.argument.load()));
    for (int i = 0; i < 10; ++i) {
        fire_and_forget([] { throw std::runtime_error("nobody reads this"); });
        fire_and_forget({.name = "other place"}, [] { throw 1; });
    }
    CHECK(faf::drain(patience));
    fire_and_forget(static_cast<void (*)()>(nullptr)); // refused, on this thread
    CHECK(faf::shutdown(patience));
    for (int i = 0; i < 10; ++i) {
        book.count(fire_and_forget([] {}));
    }
    errno = 1234;
    fire_and_forget([] {});
    book.notes[0] = errno;
    book.notes[1] = static_cast<long>(faf::snapshot().failed);
});

TEST_CASE("a standard error that can't be written to costs neither process nor worker") {
    for (long how = 0; how < ways_to_break; ++how) {
        CAPTURE(how);
        const outcome end = run(broken_stderr, how);
        check_exit(end);
        CHECK(end->refused == 10);
        CHECK(end->notes[0] == 1234); // errno of the caller is left alone
        CHECK(end->notes[1] == 20);
    }
}

const child still_pending("SIGPIPE stays pending", [](ledger& book) {
    // A SIGPIPE that is the program's own is not taken away from it.
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, nullptr);
    raise(SIGPIPE);
    break_stderr(broken::pipe_without_reader);
    pthread_sigmask(SIG_BLOCK, &pipe_only, nullptr);
    fire_and_forget(static_cast<void (*)()>(nullptr));
    sigset_t pending;
    sigpending(&pending);
    book.notes[0] = sigismember(&pending, SIGPIPE);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    book.notes[1] = sigismember(&blocked, SIGPIPE);
});

TEST_CASE("a report leaves the caller's signals as they were") {
    const outcome end = run(still_pending);
    check_exit(end);
    CHECK(end->notes[0] == 1);
    CHECK(end->notes[1] == 1);
}

const child no_sigpipe_left("no SIGPIPE left", [](ledger& book) {
    break_stderr(broken::pipe_without_reader);
    fire_and_forget(static_cast<void (*)()>(nullptr));
    sigset_t state;
    sigpending(&state);
    book.notes[0] = sigismember(&state, SIGPIPE);
    pthread_sigmask(SIG_SETMASK, nullptr, &state);
    book.notes[1] = sigismember(&state, SIGPIPE);
});

TEST_CASE("the SIGPIPE of a report does not stay behind") {
    const outcome end = run(no_sigpipe_left);
    check_exit(end);
    CHECK(end->notes[0] == 0);
    CHECK(end->notes[1] == 0);
}

/// True if `text` is like `pattern`, in which # stands for a digit and * for any text.
bool is_like(std::string_view text, std::string_view pattern) {
    if (pattern.empty() || text.empty()) {
        return text.empty() && pattern.find_first_not_of('*') == pattern.npos;
    }
    if (pattern.front() == '*') {
        return is_like(text, pattern.substr(1)) || is_like(text.substr(1), pattern);
    }
    const bool fits = pattern.front() == '#' ? text.front() >= '0' && text.front() <= '9'
                                             : text.front() == pattern.front();
    return fits && is_like(text.substr(1), pattern.substr(1));
}

struct feed {
    static void on_tick() {
        fire_and_forget({.name = "refresh"}, [] {
            try {
                throw std::system_error(std::make_error_code(std::errc::connection_refused));
            } catch (...) {
                std::throw_with_nested(std::runtime_error("no\nquotes\x1b[31m"));
            }
        });
    }
};

const child one_failure("one failure", [](ledger&) { feed::on_tick(); });

TEST_CASE(
    "a failure is one line: time, task, place, type, text and cause, with nothing raw in it") {
    const outcome end = run(one_failure);
    check_exit(end);
    CAPTURE(end.errors);
    CHECK(end.lines_with("") == 1);
    CHECK(
        is_like(end.errors,
                "[fire_and_forget] ####-##-##T##:##:##.###Z task \"refresh\" (stderr_fault.cpp:### "
                "in *on_tick) failed: std::runtime_error: no\\nquotes\\x1b[31m; caused by "
                "std::*system_error: *onnection refused\n"));
}

const child line_by_line("line by line", [](ledger& book) {
    // Of a socket that keeps messages apart each write can be read by itself.
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    dup2(ends[1], STDERR_FILENO);
    feed::on_tick();
    fire_and_forget([] { throw std::runtime_error(std::string(5000, 'x')); });
    CHECK(faf::drain(patience));
    std::array<char, 8192> message;
    for (int i = 0; i < 2; ++i) {
        const ssize_t size = recv(ends[0], message.data(), message.size(), 0);
        REQUIRE(size > 0);
        const std::string_view text(message.data(), static_cast<std::size_t>(size));
        CHECK(text.substr(0, 18) == "[fire_and_forget] ");
        CHECK(text.find('\n') == text.size() - 1);
        CHECK(text.size() < 2100);
        ++book.notes[0];
    }
    CHECK(recv(ends[0], message.data(), message.size(), MSG_DONTWAIT) < 0);
});

TEST_CASE("each report is one write of one line, however long its text") {
    const outcome end = run(line_by_line);
    check_exit(end);
    CHECK(end->notes[0] == 2);
}

/// How many reports all lines together speak for.
std::size_t reports_told(const outcome& of, const std::string& what_each_says) {
    std::size_t told = of.lines_with(what_each_says);
    for (const std::string_view words : {" reports from here", " more reports that task"}) {
        for (std::size_t at = 0; (at = of.errors.find(words, at)) != std::string::npos; ++at) {
            const std::size_t before = of.errors.find_last_not_of("0123456789", at - 1);
            told += std::stoul(of.errors.substr(before + 1));
        }
    }
    return told;
}

const child one_place("many failures, one place", [](ledger&) {
    for (int i = 0; i < 1000; ++i) {
        fire_and_forget([] { throw std::runtime_error("again"); });
    }
});

TEST_CASE("a thousand failures from one place are a few lines and a count, down to the last") {
    const outcome end = run(one_place);
    check_exit(end);
    CAPTURE(end.errors);
    CHECK(end.lines_with("") < 50);
    CHECK(end.lines_with("again") >= 5);
    CHECK(reports_told(end, "again") == 1000);
}

const child over_time("many failures over time", [](ledger&) {
    const auto fire_some = [](int count) {
        for (int i = 0; i < count; ++i) {
            fire_and_forget([] { throw std::runtime_error("again"); });
        }
        CHECK(faf::drain(patience));
    };
    fire_some(300);
    std::this_thread::sleep_for(1100ms); // the limiter's window
    fire_some(1);                        // a line that carries the count
    fire_some(99);
    CHECK(faf::shutdown(patience)); // shutdown flushes
    fire_and_forget([] {});
});

TEST_CASE("held back reports are counted in the next line from their place and at shutdown") {
    const outcome end = run(over_time);
    check_exit(end);
    CAPTURE(end.errors);
    CHECK(end.lines_with("again (295 reports from here were suppressed)") == 1);
    CHECK(end.lines_with(" 95 more reports that task (stderr_fault.cpp:") == 1);
    CHECK(reports_told(end, "again") == 400);
    CHECK(end.lines_with("was refused") == 1);
}

/// Ten refusals from one line.
void refuse_ten(faf::call_site where = faf::call_site::current()) {
    for (int i = 0; i < 10; ++i) {
        fire_and_forget({.where = where}, static_cast<void (*)()>(nullptr));
    }
}

const child many_places("many places", [](ledger&) {
#line 1001
    refuse_ten();
    refuse_ten();
    refuse_ten();
});

TEST_CASE("places are limited one by one") {
    const outcome end = run(many_places);
    check_exit(end);
    // Five lines each, and at exit the count of the other five.
    CHECK(end.lines_with(":1001 ") == 6);
    CHECK(end.lines_with(":1002 ") == 6);
    CHECK(end.lines_with(":1003 ") == 6);
    CHECK(reports_told(end, "was refused: ") == 30);
}

const child cancelled_quietly("cancelled quietly", [](ledger&) {
#if defined(__cpp_lib_jthread)
    std::stop_source stopper;
    stopper.request_stop();
    fire_and_forget({.stop = stopper.get_token()}, [] {});
    CHECK(faf::drain(patience));
#endif
});

TEST_CASE("a task that was cancelled on request writes no line") {
    const outcome end = run(cancelled_quietly);
    check_exit(end);
    CHECK(end.errors.empty());
}

const child threads_write("threads write", [](ledger&) {
    faf::thread_pool pool({.threads = 4, .max_threads = 4});
    for (int i = 0; i < 200; ++i) {
        fire_and_forget(pool, [] { throw std::runtime_error(std::string(200, 'y')); });
    }
});

TEST_CASE("lines of several workers are not mixed") {
    const outcome end = run(threads_write);
    check_exit(end);
    CAPTURE(end.errors);
    CHECK(end.lines_with("") == end.lines_with("[fire_and_forget] 2"));
    CHECK(end.lines_with(std::string(200, 'y')) >= 5);
    CHECK(reports_told(end, "yyyy") == 200);
}

const child full_pipe("full pipe", [](ledger& book) {
    // Nobody reads and nobody closes: a write would wait for ever.
    REQUIRE(faf::configure_default_pool({.threads = 2, .max_threads = 2, .exit_timeout = 300ms}));
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    const std::string block(4096, ' ');
    while (write(ends[1], block.data(), block.size()) > 0) {
    }
    while (write(ends[1], " ", 1) > 0) {
    }
    fcntl(ends[1], F_SETFL, 0);
    dup2(ends[1], STDERR_FILENO);
    fire_and_forget([] { throw 1; });
    for (std::size_t id = 0; id < 100; ++id) {
        book.count(fire_and_forget(tracked(book, id)));
    }
    CHECK(eventually([&] { return book.ran == 100; }));
    book.leave();
    _exit(0);
});

TEST_CASE("a worker that waits for a full standard error does not hold up the others") {
    const outcome end = run(full_pipe);
    check_exit(end);
    CHECK(end->ran == 100);
}

} // namespace
