// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/attempt.hpp>

#include "catch.hpp"

#include <exception>
#include <stdexcept>
#include <string>

using namespace faf::detail;

TEST_CASE("an attempt that goes well does not call its handler") {
    int body = 0;
    int handler = 0;
    attempt([&] { ++body; }, [&] { ++handler; });
    CHECK(body == 1);
    CHECK(handler == 0);
}

TEST_CASE("an attempt that throws calls its handler once, inside of it") {
    int body = 0;
    std::string text;
    attempt(
        [&] {
            ++body;
            throw std::runtime_error("thrown");
        },
        [&] {
            try {
                throw;
            } catch (const std::exception& e) {
                text += e.what();
            }
        });
    CHECK(body == 1);
    CHECK(text == "thrown");
    CHECK(std::current_exception() == nullptr);
}

TEST_CASE("an exception ends with the attempt that has caught it") {
    struct counted {
        explicit counted(int& to) : alive(&to) { ++*alive; }
        counted(const counted& other) : alive(other.alive) { ++*alive; }
        ~counted() { --*alive; }
        int* alive;
    };
    int alive = 0;
    attempt([&] { throw counted(alive); }, [&] { CHECK(alive >= 1); });
    CHECK(alive == 0);
}
