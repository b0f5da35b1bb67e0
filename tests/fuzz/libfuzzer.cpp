// SPDX-License-Identifier: MIT
// The same programs, from bytes that clang's libFuzzer thinks up. Built on request:
//
//   cmake -S . -B build-fuzz -DCMAKE_CXX_COMPILER=clang++-19 -DFIRE_AND_FORGET_SANITIZE=address,undefined
//   cmake --build build-fuzz --target fuzz_programs
//   build-fuzz/tests/fuzz_programs -max_total_time=60 -max_len=400 -detect_leaks=0
//
// The search for leaks after each run is off: twice it named what a thread held, which could not be
// repeated; it may take a thread that is about to end for one that is gone.

#include "program.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    static_cast<void>(faf::configure_default_pool({.threads = 2, .max_threads = 4}));
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string problem = faf_fuzz::program(faf_fuzz::script(bytes, size)).run();
    if (!problem.empty()) {
        std::fprintf(stderr, "the books do not balance: %s\n", problem.c_str());
        std::abort();
    }
    return 0;
}
