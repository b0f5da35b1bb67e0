// SPDX-License-Identifier: MIT

// Macros that other headers are known to define, for programs that include ours after them. Each is
// something that compiles nowhere.

// clang-format off
#include <atomic>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <coroutine>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <ratio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#include <version>
#if __has_include(<source_location>)
#include <source_location>
#endif
#if defined(__cpp_lib_jthread)
#include <stop_token>
#endif
#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif
#if __has_include(<unistd.h>)
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#endif
#if __has_include(<sys/prctl.h>)
#include <linux/membarrier.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// windows.h and what it brings along
#define min(a, b) @
#define max(a, b) @
#define near @
#define far @
#define small @
#define hyper @
#define interface @
#define pascal @
#define cdecl @
#define Yield() @
#define ERROR @
#define NO_ERROR @
#define ABSOLUTE @
#define RELATIVE @
#define IN @
#define OUT @
#define OPTIONAL @
#define CONST @
#define VOID @
#define DELETE @
#define STRICT @
#define TRANSPARENT @
#define OPAQUE @
#define THIS @
#define TRUE @
#define FALSE @
#define BOOL @
#define IGNORE @
#define INFINITE @
#define WAIT_TIMEOUT @
#define GetMessage @
#define SendMessage @
#define PostMessage @
#define CreateEvent @
#define CreateFile @
#define CreateMutex @
#define CreateSemaphore @
#define DeleteFile @
#define GetCurrentTime() @
#define GetJob @
#define AddJob @
#define Sleep @
#define uuid @

// complex.h, math.h, fenv.h
#define I @
#define complex @
#define imaginary @
#define DOMAIN @
#define OVERFLOW @
#define UNDERFLOW @
#define SING @
#define isnan(x) @
#define isinf(x) @

// sys/sysmacros.h, sys/param.h, and the names that GCC predefines
#define major(x) @
#define minor(x) @
#define makedev(a, b) @
#define MIN(a, b) @
#define MAX(a, b) @
#define howmany(a, b) @
#define roundup(a, b) @
#define isset(a, b) @
#define setbit(a, b) @
#undef unix
#undef linux
#undef i386
#define unix @
#define linux @
#define i386 @

// arpa/nameser.h, netdb.h, rpc, curses, X11
#define QUERY @
#define STATUS @
#define NOERROR @
#define SERVFAIL @
#define REFUSED @
#define HOST_NOT_FOUND @
#define TRY_AGAIN @
#define OK @
#define ERR @
#define ECHO @
#define None @
#define Always @
#define Never @
#define Success @
#define Status @
#define Bool @
#define True @
#define False @
#define Above @
#define Below @
#define Unsorted @
#define CurrentTime @
#define KeyPress @
#define Complex @

// Qt, Objective-C, AssertMacros.h, test and log libraries
#define slots @
#define signals @
#define emit @
#define foreach @
#define forever @
#define check(x) @
#define verify(x) @
#define require(a, b) @
#define nil @
#define Nil @
#define YES @
#define NO @
#define CHECK(x) @
#define ASSERT(x) @
#define LOG(x) @
#define DEBUG @
#define NDEBUG_ @
#define TEST(a, b) @

// Users' own
#define PI @
#define N @
#define MOD @
#define REP(k) @
#define F(text) @
#define PRIORITY @
#define NORMAL @
#define HIGH @
#define LOW @
#define DEFAULT @
#define TIMEOUT @
#define VERSION @
#define VERSION_MAJOR @
#define PACKAGE @
#define EMPTY @

#include <fire_and_forget/version.hpp>
#include <fire_and_forget/call_site.hpp>
#include <fire_and_forget/error_report.hpp>
#include <fire_and_forget/error_sink.hpp>
#include <fire_and_forget/executor.hpp>
#include <fire_and_forget/options.hpp>
#include <fire_and_forget/own_thread.hpp>
#include <fire_and_forget/stats.hpp>
#include <fire_and_forget/thread_pool.hpp>
#include <fire_and_forget/time_span.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/testing.hpp>

#include <fire_and_forget/async_latch.hpp>
#include <fire_and_forget/async_mutex.hpp>
#include <fire_and_forget/async_semaphore.hpp>
#include <fire_and_forget/cancellable.hpp>
#include <fire_and_forget/channel.hpp>
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/copied_name.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/latency_histograms.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/stats_text.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/trace.hpp>
#include <fire_and_forget/weak.hpp>
#include <fire_and_forget/when_all.hpp>

int main() {
    faf::fire_and_forget({.after = std::chrono::milliseconds(1)}, [] {});
    faf::fire_and_forget(faf::own_thread, []() -> faf::task<> { co_await faf::yield(); });
    faf::testing::manual_executor executor;
    faf::fire_and_forget(executor, [] {});
    return executor.run_all() == 1 && faf::drain(std::chrono::minutes(1)) ? 0 : 1;
}
