// SPDX-License-Identifier: MIT
#include <fire_and_forget/copied_name.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"

#include <string>
#include <string_view>
#include <thread>
#include <vector>

using faf::copied_name;
using faf::fire_and_forget;
using faf::testing::error_recorder;

TEST_CASE("a name that was copied outlives its text, and each text is kept once") {
    const error_recorder errors;
    faf::testing::manual_executor executor;
    for (int i = 0; i < 2; ++i) {
        const std::string name = "reader of " + std::to_string(i);
        fire_and_forget(executor, {.name = copied_name(name)}, [] { throw 1; });
    }
    executor.run_all();
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[0].task == "reader of 0");
    CHECK(errors.errors()[1].task == "reader of 1");
    CHECK(copied_name("reader of 1").data() == copied_name(std::string("reader of 1")).data());
    CHECK(std::string_view(copied_name("reader of 1").c_str()) == "reader of 1");
}

TEST_CASE("a name that was copied ends at a null, or where it is too long") {
    CHECK(copied_name("").empty());
    CHECK(copied_name(std::string_view("ab\0cd", 5)) == "ab");
    CHECK(copied_name(std::string(5000, 'x')).size() == 1000);
}

TEST_CASE("threads that copy one name at the same time have the same") {
    std::vector<const char*> seen(4);
    {
        std::vector<std::jthread> threads;
        for (const char*& its : seen) {
            threads.emplace_back([&its] {
                for (int i = 0; i < 1000; ++i) {
                    its = copied_name("name " + std::to_string(i)).data();
                }
            });
        }
    }
    for (const char* const its : seen) {
        CHECK(its == seen[0]);
    }
}

TEST_CASE("what is abandoned is named by what was copied, though its task is gone") {
    const error_recorder errors;
    {
        faf::testing::manual_executor executor;
        fire_and_forget(executor, {.name = copied_name(std::string("never") + " run")}, [] {});
    }
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].task == "never run");
}

TEST_CASE("there is an end to the names that are kept") {
    static faf::detail::name_store store; // which never gives a name back
    const char* last = nullptr;
    int kept = 0;
    while (const char* const fresh = store.keep("number " + std::to_string(kept))) {
        last = fresh;
        ++kept;
        REQUIRE(kept < 1'000'000);
    }
    CHECK(kept > 10'000);
    CHECK(store.keep("number 0") == std::string_view("number 0"));
    CHECK(store.keep("number " + std::to_string(kept - 1)) == last);
}
