// SPDX-License-Identifier: MIT
// How code that fires tasks is tested, with Catch2: no thread and no sleep, and the same each time.

#include "upload.hpp"

#include <fire_and_forget/testing.hpp>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

using faf::testing::error_recorder;
using faf::testing::manual_executor;
using faf::testing::scoped_default_executor;
using namespace std::chrono_literals;

TEST_CASE("an upload is tried again after one, two and four seconds") {
    manual_executor ex;
    const scoped_default_executor here(ex); // has what upload fires at the default pool
    const error_recorder errors;
    std::vector<std::chrono::nanoseconds> tried_at;
    const auto begin = ex.now();
    upload it([&] {
        tried_at.push_back(ex.now() - begin);
        if (tried_at.size() < 4) {
            throw std::runtime_error("no connection");
        }
    });

    it.start();
    CHECK(tried_at.empty()); // nothing runs before the test says so
    ex.advance(1h);

    CHECK(tried_at == std::vector<std::chrono::nanoseconds>{0s, 1s, 3s, 7s});
    CHECK(ex.pending() == 0);
    errors.expect_none(); // or fails the test, and says what there was
}

TEST_CASE("an upload that fails five times is reported") {
    manual_executor ex;
    const scoped_default_executor here(ex);
    const error_recorder errors;
    upload it([] { throw std::runtime_error("no connection"); });
    it.start();
    ex.advance(1h);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].task == "upload");
    CHECK(errors.errors()[0].what == "no connection");
    CHECK_THROWS_AS(errors.expect_none(), faf::testing::unexpected_errors);
}

TEST_CASE("an upload that is destroyed is tried no more, and that is no error") {
    manual_executor ex;
    const scoped_default_executor here(ex);
    const error_recorder errors;
    int tries = 0;
    {
        upload it([&] {
            ++tries;
            throw std::runtime_error("no connection");
        });
        it.start();
        ex.advance(2s);
    }
    ex.advance(1h);
    CHECK(tries == 2);
    CHECK(errors.text() == ""); // as expect_none(), but the test goes on
}

TEST_CASE("a heart beats every ten seconds, whatever else is to be done at that time") {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        INFO("seed " << seed);
        manual_executor ex({.order = faf::testing::shuffled(seed)});
        const scoped_default_executor here(ex);
        const error_recorder errors;
        int beats = 0;
        {
            const heartbeat heart([&] { ++beats; });
            faf::fire_and_forget({.after = 20s}, [&] { ex.advance(1s); }); // it takes so long
            ex.advance(1min);
        }
        const std::size_t late = errors.count(); // if that other one came first
        CHECK(late <= 1);
        CHECK(static_cast<std::size_t>(beats) + late == 7); // the first one at once
    }
}
