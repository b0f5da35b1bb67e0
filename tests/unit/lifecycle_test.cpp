// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/executor/lifecycle.hpp>

#include "catch.hpp"

#include <cstdint>

using namespace faf::detail;

namespace {

struct party final : exit_party {
    explicit party(int& counter) : ended(&counter) {}
    ~party() override { ++*ended; }
    void begin_closing() override {}
    void wait_for_exit(steady_time, sink_time&) override {}
    void close_for_exit(steady_time, sink_time&) override {}
    steady_time exit_time(steady_time start) const override { return start; }
    std::uint64_t admissions() const override { return 0; }
    int* ended;
};

} // namespace

TEST_CASE("an exit party is deleted by whoever lets go of it last") {
    int ended = 0;
    exit_party* shared = new party(ended);
    exit_registry::instance().enlist(*shared);
    shared->keep();
    shared->release();
    CHECK(ended == 0);
    shared->release();
    CHECK(ended == 1);
}

TEST_CASE("exit parties can end in any order") {
    int ended = 0;
    for (const int first : {0, 1, 2}) {
        for (const int second : {0, 1, 2}) {
            if (first == second) {
                continue;
            }
            exit_party* parties[3] = {new party(ended), new party(ended), new party(ended)};
            for (exit_party* one : parties) {
                exit_registry::instance().enlist(*one);
            }
            for (const int i : {first, second, 3 - first - second}) {
                parties[i]->release();
            }
        }
    }
    CHECK(ended == 18);
}
