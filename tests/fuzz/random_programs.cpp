// SPDX-License-Identifier: MIT
// Programs from random bytes, the same for the same seed. FAF_TEST_SEED=<n> runs the one that a
// failure has named, FAF_FUZZ_PROGRAMS=<n> so many.

#include "program.hpp"

#include "catch.hpp"
#include "load.hpp"

#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

namespace {

std::vector<std::uint8_t> bytes_from(unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> bytes(20 + random() % 400);
    for (std::uint8_t& one : bytes) {
        one = static_cast<std::uint8_t>(random());
    }
    return bytes;
}

std::string run(unsigned seed) {
    const std::vector<std::uint8_t> bytes = bytes_from(seed);
    return faf_fuzz::program(faf_fuzz::script(bytes.data(), bytes.size())).run();
}

unsigned programs_wanted() {
    const char* const wanted = std::getenv("FAF_FUZZ_PROGRAMS");
    return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10))
                             : faf_test::load(500U, 150U);
}

} // namespace

TEST_CASE("whatever a program does, its tasks have one fate each and the books balance") {
    static_cast<void>(faf::configure_default_pool({.threads = 2, .max_threads = 4}));
    const bool is_given = std::getenv("FAF_TEST_SEED") != nullptr;
    unsigned seed = faf_test::new_seed();
    for (unsigned i = is_given ? 1 : programs_wanted(); i > 0; --i, ++seed) {
        CAPTURE(seed);
        REQUIRE(run(seed) == "");
    }
    if (!is_given && programs_wanted() >= 100) { // else some are missed by chance
        CHECK(faf_fuzz::unsaid_words() == "");
    }
    CHECK(faf::shutdown(faf_test::patience));
}
