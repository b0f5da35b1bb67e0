// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/signals.hpp>

#include "catch.hpp"

#include <csignal>
#include <thread>

#if defined(FIRE_AND_FORGET_HAS_POSIX)

using namespace faf::detail;

namespace {

bool is_blocked(int signal) {
    sigset_t mask;
    sigemptyset(&mask);
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return sigismember(&mask, signal) == 1;
}

} // namespace

TEST_CASE("signals are blocked for as long as it takes to start a thread") {
    CHECK_FALSE(is_blocked(SIGUSR1));
    {
        const signals_blocked inherited;
        CHECK(is_blocked(SIGUSR1));
        CHECK(is_blocked(SIGTERM));
        CHECK(is_blocked(SIGALRM));
        for (const int kept : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
            CHECK_FALSE(is_blocked(kept));
        }
        CHECK(is_blocked(SIGPROF));
        {
            const profiling_ticks_taken meanwhile;
            CHECK_FALSE(is_blocked(SIGPROF));
        }
        CHECK(is_blocked(SIGPROF));
    }
    CHECK_FALSE(is_blocked(SIGUSR1));
}

TEST_CASE("what blocks as threads of the library do takes the program's mask, others keep theirs") {
    { const signals_blocked inherited; } // notes the program's mask, if nobody has before
    std::thread([] {
        const sigset_t of_library = library_mask();
        pthread_sigmask(SIG_SETMASK, &of_library, nullptr);
        leave_library_mask();
        CHECK_FALSE(is_blocked(SIGTERM));
    }).join();
    std::thread([] {
        sigset_t its_own = library_mask();
        sigdelset(&its_own, SIGUSR1);
        pthread_sigmask(SIG_SETMASK, &its_own, nullptr);
        leave_library_mask();
        CHECK(is_blocked(SIGTERM));
        CHECK_FALSE(is_blocked(SIGUSR1));
    }).join();
}

#endif
