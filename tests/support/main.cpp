// SPDX-License-Identifier: MIT
// The main function of every test program, for Catch2 2; version 3 links its own.
#if __has_include(<catch2/catch_all.hpp>)
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

// A thread whose task was written off may end when the program does, and is then joined by nobody.
// That all others are joined is tried by faults/ending_threads.cpp, which counts.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
    return "report_thread_leaks=0";
}
