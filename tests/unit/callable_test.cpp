// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/callable.hpp>

#include "catch.hpp"

#include <functional>
#include <memory>
#include <string>

using namespace faf::detail;

namespace {

struct account {
    int balance = 0;
    void add(int);
};

struct move_only {
    move_only() = default;
    move_only(move_only&&) = default;
    void operator()() const;
};

using takes_reference = void (*)(int&);
using takes_number = void (*)(int);

// What can be fired
static_assert(find_misuse<void (&)(int), int>() == misuse::none);
static_assert(find_misuse<takes_number, short&>() == misuse::none);
static_assert(find_misuse<void (account::*)(int), account*, int>() == misuse::none);
static_assert(find_misuse<void (account::*)(int), account&, int>() == misuse::none);
static_assert(find_misuse<int account::*, std::shared_ptr<account>&>() == misuse::none);
static_assert(find_misuse<move_only>() == misuse::none);
static_assert(find_misuse<takes_reference, std::reference_wrapper<int>>() == misuse::none);
static_assert(find_misuse<void (*)(std::string), const char (&)[6]>() == misuse::none);

// What can't, and the first thing that is wrong with it
static_assert(find_misuse<move_only&>() == misuse::fn_not_copyable);
static_assert(find_misuse<const move_only&>() == misuse::fn_not_copyable);
static_assert(find_misuse<void (*)(std::unique_ptr<int>), std::unique_ptr<int>&>() ==
              misuse::argument_not_copyable);
static_assert(find_misuse<takes_reference, int&>() == misuse::argument_by_reference);
static_assert(find_misuse<takes_number, std::string>() == misuse::not_callable);
static_assert(find_misuse<takes_number>() == misuse::not_callable);
static_assert(find_misuse<int>() == misuse::not_callable);

#if defined(__cpp_lib_jthread)
using takes_token = void (*)(std::stop_token, int);
static_assert(takes_stop_token<takes_token, int>);
static_assert(!takes_stop_token<takes_number, int>);
static_assert(find_misuse<takes_token, int>() == misuse::none);
static_assert(find_misuse<takes_token, int, int>() == misuse::not_callable);
#endif

// What may be empty
static_assert(nullable<void (*)()>);
static_assert(nullable<int account::*>);
static_assert(nullable<void (account::*)(int)>);
static_assert(nullable<std::function<void()>>);
static_assert(!nullable<move_only>);
static_assert(!nullable<decltype([] {})>, "though it turns into a pointer");
static_assert(!nullable<std::reference_wrapper<std::function<void()>>>);

} // namespace

TEST_CASE("a null pointer and an empty std::function are empty") {
    CHECK(is_empty(static_cast<void (*)()>(nullptr)));
    CHECK(is_empty(static_cast<int account::*>(nullptr)));
    CHECK(is_empty(std::function<void()>()));
    CHECK_FALSE(is_empty(std::function<void()>([] {})));
    CHECK_FALSE(is_empty(&account::balance)); // the first member: an offset of zero
    CHECK_FALSE(is_empty([] {}));
}
