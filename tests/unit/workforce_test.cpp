// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/platform/cpu_count.hpp>
#include <fire_and_forget/detail/pool/workforce.hpp>

#include "bare_staff.hpp"
#include "catch.hpp"
#include "eventually.hpp"

#include <cstddef>

using namespace faf::detail;
using faf_test::bare_staff;
using faf_test::eventually;

namespace {

/// Rings until as many have been hired, and waits until they work.
bool call(bare_staff& staff, std::size_t many) {
    return eventually([&] {
        if (staff.workers.roster().alive() < many) { // this thread hires them
            staff.workers.ring({});
        }
        return staff.workers.roster().alive() == many && staff.working == static_cast<int>(many);
    });
}

} // namespace

TEST_CASE("only where one worker works, or where many may be hired, are tasks taken together") {
    const auto may = [](unsigned threads, unsigned most) {
        return bare_staff({.threads = threads, .max_threads = most}).workers.may_take_runs();
    };
    CHECK(may(1, 1));
    CHECK_FALSE(may(1, 2));
    CHECK_FALSE(may(2, 2));
    CHECK_FALSE(may(2, 65));
    CHECK(may(2, 66));
    CHECK(may(1, 512));
}

TEST_CASE("a pool of a fixed size may have no more than its threads") {
    const auto most = [](unsigned threads, unsigned allowed, bool is_fixed) {
        return bare_staff({.threads = threads, .max_threads = allowed, .fixed = is_fixed})
            .workers.most_places();
    };
    CHECK(most(4, 0, true) == 4);
    CHECK(most(4, 8, true) == 4);
    CHECK(most(1, 8, true) == 1);
    CHECK(most(0, 0, true) == usable_cpus());
    CHECK(most(4, 0, false) == 512);
}

TEST_CASE("a pool begins with vacant places, which count as asleep") {
    bare_staff staff({.threads = 2});
    CHECK(staff.workers.places() == 2);
    CHECK(staff.workers.vacancies() == 2);
    CHECK(staff.lanes->bell.sleepers() == 2);
    CHECK_FALSE(staff.workers.is_another_free());
}

TEST_CASE("a ring that finds nobody asleep fills a vacant place") {
    bare_staff staff({.threads = 2});
    REQUIRE(call(staff, 1));
    CHECK(staff.workers.vacancies() == 1);
    REQUIRE(call(staff, 2));
    CHECK(staff.workers.vacancies() == 0);
    CHECK(staff.lanes->bell.sleepers() == 0);
    staff.workers.ring({}); // there is no more
    CHECK(staff.workers.roster().alive() == 2);
}

TEST_CASE("a worker that leaves makes its place vacant") {
    bare_staff staff({.threads = 2});
    REQUIRE(call(staff, 2));
    staff.may_leave = true;
    CHECK(eventually([&] { return staff.workers.vacancies() == 2; }));
    CHECK(eventually([&] { return staff.lanes->bell.sleepers() == 2; }));
}

TEST_CASE("an extra worker fills no place, and whoever leaves first gives the extra one up") {
    bare_staff staff({.threads = 1, .max_threads = 2});
    REQUIRE(call(staff, 1));
    REQUIRE(staff.workers.hire_extra());
    CHECK(eventually([&] { return staff.working == 2; }));
    CHECK(staff.workers.extra_places() == 1);
    CHECK(staff.workers.vacancies() == 0);
    staff.may_leave = true;
    CHECK(eventually([&] { return staff.workers.vacancies() == 1; }));
    CHECK(staff.workers.extra_places() == 0);
    CHECK(eventually([&] { return staff.lanes->bell.sleepers() == 1; }));
}

TEST_CASE("nobody is hired any more when the lanes are over") {
    bare_staff staff({.threads = 2});
    staff.lanes->end();
    staff.workers.ring({});
    CHECK_FALSE(staff.workers.hire_extra());
    CHECK(staff.workers.vacancies() == 2);
    CHECK_FALSE(staff.lanes->bell.is_ringing());
}

TEST_CASE("workers that are dismissed leave, and are waited for") {
    bare_staff staff({.threads = 2});
    REQUIRE(call(staff, 2));
    CHECK_FALSE(staff.workers.is_dismissed());
    staff.workers.dismiss_until(deadline_after(faf_test::patience));
    CHECK(staff.workers.is_dismissed());
    CHECK(staff.working == 0);
    CHECK(staff.workers.roster().is_deserted());
}
