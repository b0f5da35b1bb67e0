// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/platform/intrusive_list.hpp>

#include "catch.hpp"

#include <string>

namespace {

struct item {
    char letter;
    item* next = nullptr;
    item** link = nullptr;
};

using list = faf::detail::intrusive_list<item>;

std::string letters(const list& all) {
    std::string seen;
    for (const item* one = all.first(); one != nullptr; one = one->next) {
        seen += one->letter;
    }
    return seen;
}

} // namespace

TEST_CASE("what comes to an intrusive list is its first") {
    list all;
    CHECK(all.first() == nullptr);
    item a{'a'};
    item b{'b'};
    item c{'c'};
    all.add(a);
    all.add(b);
    all.add(c);
    CHECK(letters(all) == "cba");
}

TEST_CASE("an item leaves an intrusive list from wherever it is, once") {
    list all;
    item a{'a'};
    item b{'b'};
    item c{'c'};
    for (item* const one : {&a, &b, &c}) {
        all.add(*one);
    }
    CHECK(list::remove(b));
    CHECK(letters(all) == "ca");
    CHECK_FALSE(list::remove(b));
    CHECK(list::remove(c));
    CHECK(letters(all) == "a");
    CHECK(list::remove(a));
    CHECK(all.first() == nullptr);
    all.add(b);
    CHECK(letters(all) == "b");
}

TEST_CASE("an item that was on no list leaves none") {
    item alone{'a'};
    CHECK_FALSE(list::remove(alone));
}

TEST_CASE("an item is found on an intrusive list by what holds for it") {
    list all;
    item a{'a'};
    item b{'b'};
    all.add(a);
    all.add(b);
    CHECK(all.find([](const item& one) { return one.letter == 'a'; }) == &a);
    CHECK(all.find([](const item&) { return true; }) == &b);
    CHECK(all.find([](const item&) { return false; }) == nullptr);
}
