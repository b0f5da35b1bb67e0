// SPDX-License-Identifier: MIT
// How code that fires tasks is tested, with GoogleTest: no thread and no sleep, and the same each
// time.

#include "upload.hpp"

#include <fire_and_forget/testing.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>

using namespace std::chrono_literals;

/// What such tests have in common.
class with_virtual_time : public testing::Test {
protected:
    faf::testing::manual_executor ex_{{.order = faf::testing::shuffled()}};

    // own_thread, too: here nothing that is fired there goes on for ever
    faf::testing::scoped_default_executor here_{ex_, faf::testing::own_threads::too};
    faf::testing::error_recorder errors_;

    void TearDown() override {
        SCOPED_TRACE(ex_.seed()); // shuffled(seed) has it in the same order again
        EXPECT_EQ(errors_.text(), "");
    }
};

TEST_F(with_virtual_time, an_upload_that_succeeds_is_not_tried_again) {
    int tries = 0;
    upload it([&] { ++tries; });
    it.start();
    ex_.advance(1h);
    EXPECT_EQ(tries, 1);
}

TEST_F(with_virtual_time, uploads_do_not_wait_for_each_other) {
    int sent = 0;
    int failures = 0;
    upload good([&] { ++sent; });
    upload bad([&] {
        if (++failures < 5) {
            throw std::runtime_error("no connection");
        }
    });
    bad.start();
    good.start();
    ex_.run_all();
    EXPECT_EQ(sent, 1);
    EXPECT_EQ(failures, 1);
    ex_.advance(1h);
    EXPECT_EQ(failures, 5);
}

TEST_F(with_virtual_time, a_heart_that_is_stopped_beats_no_more) {
    int beats = 0;
    {
        const heartbeat heart([&] { ++beats; });
        ex_.advance(30s);
        EXPECT_EQ(beats, 4);
    }
    ex_.advance(1h);
    EXPECT_EQ(beats, 4);
}

TEST_F(with_virtual_time, what_is_fired_at_own_thread_runs_by_hand_as_well) {
    bool has_run = false;
    faf::fire_and_forget(faf::own_thread, {.after = 5s}, [&] { has_run = true; });
    ex_.advance(5s);
    EXPECT_TRUE(has_run);
}
