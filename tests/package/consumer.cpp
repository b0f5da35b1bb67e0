// SPDX-License-Identifier: MIT
// What a user's first program looks like; built against the installed package with all warnings as
// errors, without RTTI, and without exceptions.
#include <fire_and_forget/fire_and_forget.hpp>

#include <cstdio>
#include <string>
#include <system_error>
#include <version>

#if defined(__cpp_exceptions)
#include <stdexcept>
#endif

using faf::fire_and_forget;
using namespace std::chrono_literals;

int main() {
    std::string seen;
    faf::set_error_sink([&seen](const faf::error_report& report) { // one task fails: no race
        seen = faf::to_string(report);
    });

    fire_and_forget([](const std::string& name) { std::printf("hello, %s\n", name.c_str()); },
                    "you");
#if defined(__cpp_lib_jthread)
    fire_and_forget(
        faf::own_thread, {.name = "waiter"},
        [](std::stop_token stop, int) {
            std::printf("asked to stop: %d\n", stop.stop_requested());
        },
        1);
#endif
#if defined(__cpp_exceptions)
    fire_and_forget({.name = "fails"}, [] { throw std::runtime_error("out of luck"); });
    const char* const expected = "std::runtime_error: out of luck";
#else
    // Without exceptions only error results reach the sink.
    fire_and_forget({.name = "fails"}, [] { return std::make_error_code(std::errc::timed_out); });
    const char* const expected = "std::error_code: generic:110";
#endif
    const bool drained = faf::drain(10s);
    faf::set_error_sink({});

    const faf::stats counts = faf::snapshot();
    std::printf("%s\nsucceeded %d, failed %d\n", seen.c_str(), static_cast<int>(counts.succeeded),
                static_cast<int>(counts.failed));
    const bool reported =
        seen.find("task \"fails\" (consumer.cpp:") == 0 && seen.find(expected) != std::string::npos;
    return drained && reported && counts.failed == 1 ? 0 : 1;
}
