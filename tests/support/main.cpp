// SPDX-License-Identifier: MIT
// The main function of every test program, for Catch2 2; version 3 links its own.
#if __has_include(<catch2/catch_all.hpp>)
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
