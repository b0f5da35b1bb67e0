// SPDX-License-Identifier: MIT
// expect: fire_and_forget needs std::thread, which is missing: with MinGW take its posix threads.
#include <version>
#undef _GLIBCXX_HAS_GTHREADS
#define _LIBCPP_HAS_NO_THREADS
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::fire_and_forget([] {});
}
