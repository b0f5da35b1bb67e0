// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/run_task.hpp>
#include <fire_and_forget/detail/task_queue.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "make_task.hpp"

#include <memory>
#include <string>
#include <utility>

namespace {

using namespace faf::detail;
using faf::priority;
using faf_test::make_task;

task_ptr named(const char* name, priority how = priority::normal) {
    return make_task([] {}, {.name = name, .priority = how});
}

std::string name_of(const task_ptr& task) {
    return task ? task->name : "";
}

} // namespace

TEST_CASE("a task list gives its tasks back in the order they came") {
    task_list list;
    CHECK(list.empty());
    CHECK(list.pop() == nullptr);
    list.push(named("a"));
    list.push(named("b"));
    CHECK(name_of(list.pop()) == "a");
    list.push(named("c"));
    CHECK(name_of(list.pop()) == "b");
    CHECK(name_of(list.pop()) == "c");
    CHECK(list.empty());
    list.push(named("d"));
    CHECK_FALSE(list.empty());
    CHECK(name_of(list.pop()) == "d");
    CHECK(list.pop() == nullptr);
}

TEST_CASE("a task that comes out of one list can go into another") {
    task_list first;
    first.push(named("a"));
    first.push(named("b"));
    task_list second;
    second.push(first.pop());
    CHECK(name_of(second.pop()) == "a");
    CHECK(second.empty());
    CHECK(name_of(first.pop()) == "b");
}

TEST_CASE("a task list that is moved leaves nothing behind") {
    task_list first;
    first.push(named("a"));
    task_list second = std::move(first);
    CHECK(first.empty());
    first.push(named("b"));
    std::swap(first, second);
    CHECK(name_of(first.pop()) == "a");
    CHECK(name_of(second.pop()) == "b");
}

TEST_CASE("a task list destroys what is left in it") {
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    {
        task_list list;
        list.push(make_task([keeps = alive] {}));
        list.push(make_task([keeps = std::move(alive)] {}));
    }
    CHECK(watched.expired());
}

TEST_CASE("the queue serves the highest priority first and each in order") {
    task_queue queue;
    queue.push(named("low", priority::low));
    queue.push(named("normal 1"));
    queue.push(named("high 1", priority::high));
    queue.push(named("normal 2"));
    queue.push(named("high 2", priority::high));
    CHECK(queue.size() == 5);
    CHECK(name_of(queue.pop()) == "high 1");
    CHECK(name_of(queue.pop()) == "high 2");
    CHECK(name_of(queue.pop()) == "normal 1");
    CHECK(name_of(queue.pop()) == "normal 2");
    CHECK(name_of(queue.pop()) == "low");
    CHECK(queue.empty());
    CHECK(queue.pop() == nullptr);
    CHECK(queue.size() == 0);
}

TEST_CASE("every sixteenth task served is one of the lowest priority") {
    task_queue queue;
    for (int i = 0; i < 40; ++i) {
        queue.push(named("high", priority::high));
        queue.push(named("low", priority::low));
    }
    for (int i = 1; i <= 40; ++i) {
        CHECK(name_of(queue.pop()) == (i % 16 == 0 ? "low" : "high"));
    }
}

TEST_CASE("the turn of the low end falls to normal tasks where there are no low ones") {
    task_queue queue;
    for (int i = 0; i < 20; ++i) {
        queue.push(named("high", priority::high));
        queue.push(named("normal"));
    }
    for (int i = 1; i <= 16; ++i) {
        CHECK(name_of(queue.pop()) == (i == 16 ? "normal" : "high"));
    }
}

TEST_CASE("queues can be swapped with all they hold") {
    task_queue full;
    task_queue empty;
    full.push(named("a", priority::low));
    full.push(named("b", priority::high));
    std::swap(full, empty);
    CHECK(full.empty());
    CHECK(full.pop() == nullptr);
    REQUIRE(empty.size() == 2);
    CHECK(name_of(empty.pop()) == "b");
    CHECK(name_of(empty.pop()) == "a");
}
