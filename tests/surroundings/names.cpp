// SPDX-License-Identifier: MIT

// Every name of the library without faf::, after the headers of C and POSIX: none may be one of
// theirs as well. What both have must stay callable, too.

#include <aio.h>
#include <arpa/inet.h>
#include <assert.h>
#include <complex.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <glob.h>
#include <grp.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <mqueue.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <regex.h>
#include <sched.h>
#include <search.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <termios.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include <type_traits>

// Not inside a function: a name of the library must not hide one of theirs, but stand beside it.
using namespace faf;
using namespace faf::testing;

namespace {

template <class... Types>
inline constexpr bool are_types = sizeof...(Types) > 0;

static_assert(are_types<call_site, completion<int>, detached, error_report, error_sink, failure,
                        inline_executor, job, literal, options, overflow, own_thread_t,
                        pool_options, priority, refusal, repetition, stats, submission, task<int>,
                        task_cancelled, thread_pool, time_span, wake>);
static_assert(are_types<error_recorder, manual_executor, recorded_error>);
static_assert(executor<inline_executor>);

task<repetition> use_what_is_awaited(thread_pool& pool) {
    completion<int> done;
    done.complete(1);
    co_await done;
    co_await sleep_for(std::chrono::nanoseconds(1));
    co_await sleep_until(std::chrono::steady_clock::now());
    co_await yield();
    co_await resume_on(pool);
    co_await this_stop_token();
    co_return sizeof(keep_repeating) == 0 ? keep_repeating : stop_repeating;
}

} // namespace

int main() {
    // POSIX has these. A class called sleep made the first one ambiguous.
    sleep(0);
    usleep(0);
    const int closed = shutdown(-1, SHUT_RDWR);

    configure_default_pool({.threads = 1});
    limit_own_threads(2);
    error_recorder errors;
    thread_pool pool({.threads = 1});
    fire_and_forget(use_what_is_awaited, std::ref(pool));
    fire_and_forget(own_thread, [] {});
    fire_and_forget(default_pool(), [] {});
    const bool is_drained = drain(std::chrono::minutes(1));
    const stats counted = snapshot();
    set_error_sink(nullptr);
    const bool has_words =
        !to_string(failure::expired).empty() && !to_string(refusal::no_thread).empty();
    const bool is_shut = shutdown(std::chrono::minutes(1));
    const bool is_right = closed == -1 && is_drained && is_shut && has_words &&
                          counted.accepted == 3 && counted.succeeded == 3 && errors.empty();
    return is_right ? 0 : 1;
}
