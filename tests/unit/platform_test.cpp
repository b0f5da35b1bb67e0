// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/platform.hpp>

#include "captured_stderr.hpp"
#include "catch.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <stdexcept>
#include <string>

using namespace faf::detail;

TEST_CASE("a value that is never destroyed is not") {
    struct counted {
        explicit counted(int& to) : ended(&to) {}
        ~counted() { ++*ended; }
        int* ended;
    };
    int ended = 0;
    {
        never_destroyed<counted> one(ended);
        CHECK((*one).ended == &ended);
    }
    CHECK(ended == 0);
}

TEST_CASE("a moment is broken down in UTC") {
    const std::tm leap_day = utc_of(1'709'164'801);
    CHECK(leap_day.tm_year == 124);
    CHECK(leap_day.tm_mon == 1);
    CHECK(leap_day.tm_mday == 29);
    CHECK(leap_day.tm_hour == 0);
    CHECK(leap_day.tm_sec == 1);
}

TEST_CASE("text goes to standard error as it is and errno stays") {
    const faf_test::captured_stderr out;
    errno = 4711;
    write_stderr("%n\0x", 4);
    CHECK(errno == 4711);
    CHECK(out.text() == std::string("%n\0x", 4));
}

#if defined(FIRE_AND_FORGET_HAS_POSIX)

TEST_CASE("a closed pipe at standard error does not end the process") {
    int ends[2] = {-1, -1};
    REQUIRE(::pipe(ends) == 0);
    ::close(ends[0]);
    const int before = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    errno = 4711;
    write_stderr("lost", 4);
    const int error = errno;
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    ::close(ends[1]);
    CHECK(error == 4711);
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("a thread's cancellation waits while it is deferred") {
    int state = -1;
    {
        const cancellation_deferred whole;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
        CHECK(state == PTHREAD_CANCEL_DISABLE);
    }
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    CHECK(state == PTHREAD_CANCEL_ENABLE);
}

#endif
