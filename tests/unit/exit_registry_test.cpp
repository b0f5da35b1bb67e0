// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/exit_registry.hpp>

#include "bare_executor.hpp"
#include "catch.hpp"

using namespace faf::detail;

namespace {

struct participant final : faf_test::bare_executor {
    explicit participant(int& counter) : ended(&counter) {}
    ~participant() override { ++*ended; }
    int* ended;
};

} // namespace

TEST_CASE("an executor is deleted by whoever lets go of it last") {
    int ended = 0;
    shutdown_participant* shared = new participant(ended);
    exit_registry::instance().enlist(*shared);
    shared->keep();
    shared->release();
    CHECK(ended == 0);
    shared->release();
    CHECK(ended == 1);
}

TEST_CASE("an executor that is kept may be kept once more") {
    int ended = 0;
    shutdown_participant* shared = new participant(ended);
    exit_registry::instance().enlist(*shared);
    CHECK(shared->try_keep());
    shared->release();
    CHECK(ended == 0);
    shared->release();
    CHECK(ended == 1);
}

TEST_CASE("executors can end in any order") {
    int ended = 0;
    for (const int first : {0, 1, 2}) {
        for (const int second : {0, 1, 2}) {
            if (first == second) {
                continue;
            }
            shutdown_participant* all[3] = {new participant(ended), new participant(ended),
                                            new participant(ended)};
            for (shutdown_participant* one : all) {
                exit_registry::instance().enlist(*one);
            }
            for (const int i : {first, second, 3 - first - second}) {
                all[i]->release();
            }
        }
    }
    CHECK(ended == 18);
}
