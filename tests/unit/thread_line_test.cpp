// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/pool/thread_line.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "make_task.hpp"

#include <exception>
#include <memory>
#include <stdexcept>

namespace {

using namespace faf::detail;
using entry_ptr = std::unique_ptr<thread_line::entry>;

entry_ptr waiting(const char* name) {
    entry_ptr one = thread_line::make({}, name);
    REQUIRE(one != nullptr);
    return one;
}

std::exception_ptr refused() {
    return std::make_exception_ptr(std::runtime_error("no more threads"));
}

} // namespace

TEST_CASE("what waits for a thread gets one in the order in which it came") {
    thread_line line;
    const entry_ptr first = waiting("first");
    const entry_ptr second = waiting("second");
    CHECK(line.is_empty());
    CHECK(line.pop(10) == nullptr);
    line.push(*first);
    line.push(*second);
    CHECK(line.pop(10) == first.get());
    const entry_ptr third = waiting("third");
    line.push(*third);
    CHECK(line.pop(10) == second.get());
    CHECK(line.pop(10) == third.get());
    CHECK(line.is_empty());
    line.push(*first);
    CHECK(line.pop(10) == first.get());
}

TEST_CASE("all that waits for a thread is given up at once, and what comes later waits again") {
    thread_line line;
    const entry_ptr first = waiting("first");
    const entry_ptr second = waiting("second");
    line.push(*first);
    line.push(*second);
    REQUIRE(line.take_all() == first.get());
    CHECK(first->behind == second.get());
    CHECK(second->behind == nullptr);
    CHECK(line.is_empty());
    CHECK_FALSE(line.has_too_few(10));
    const entry_ptr third = waiting("third");
    line.push(*third);
    CHECK(line.has_too_few(10));
    CHECK(line.pop(10) == third.get());
}

TEST_CASE("a thread is sent for each that waits, and none for one that another comes to") {
    thread_line line;
    const entry_ptr first = waiting("first");
    const entry_ptr second = waiting("second");
    CHECK(line.send_thread(10) == nullptr);
    line.push(*first);
    CHECK(line.send_thread(10) == first.get());
    CHECK(line.has_coming());
    CHECK(line.send_thread(10) == nullptr);
    line.push(*second);
    CHECK(line.send_thread(10) != nullptr);
    CHECK(line.threads() == 2);
    CHECK(line.pop(10) == first.get());
    line.note_arrival();
    CHECK(line.pop(10) == second.get());
    line.note_arrival();
    CHECK_FALSE(line.has_coming());
    line.remove_thread();
    line.remove_thread();
    CHECK(line.threads() == 0);
}

TEST_CASE("what waits gets no more threads than are allowed") {
    thread_line line;
    const entry_ptr first = waiting("first");
    const entry_ptr second = waiting("second");
    CHECK(line.add_thread(2));
    CHECK(line.add_thread(2));
    CHECK_FALSE(line.add_thread(2));
    line.push(*first);
    line.push(*second);
    CHECK(line.send_thread(2) == nullptr);
    CHECK(line.pop(1) == nullptr); // fewer are allowed now
    CHECK(line.pop(2) == first.get());
    line.remove_thread();
    CHECK(line.send_thread(2) == second.get());
    CHECK(line.send_thread(2) == nullptr);
}

TEST_CASE("what waits gets one thread where none is allowed, what is fired gets none") {
    thread_line line;
    const entry_ptr first = waiting("first");
    const entry_ptr second = waiting("second");
    CHECK_FALSE(line.add_thread(0));
    line.push(*first);
    line.push(*second);
    CHECK(line.send_thread(0) == first.get());
    CHECK(line.send_thread(0) == nullptr);
    CHECK(line.pop(0) == first.get());
    line.note_arrival();
    CHECK(line.pop(0) == second.get());
}

TEST_CASE("a thread that the system refuses is tried again, and told of once until it gives one") {
    thread_line line;
    const entry_ptr first = waiting("first");
    line.push(*first);
    REQUIRE(line.send_thread(10) != nullptr);
    CHECK(line.note_no_thread({}, refused()));
    CHECK(line.threads() == 0);
    CHECK_FALSE(line.has_coming());
    CHECK(line.has_too_few(10));
    CHECK(faf_test::eventually([&] { return line.send_thread(10) == first.get(); }));
    CHECK(steady_clock::now() >= line.next_try());
    CHECK_FALSE(line.note_no_thread({}, refused()));

    line.note_started(); // somebody else had luck
    REQUIRE(line.send_thread(10) != nullptr);
    CHECK(line.note_no_thread({}, refused()));
}

TEST_CASE("a task whose time has come waits for its thread under its name, and is owned there") {
    const auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> is_kept = token;
    task_ptr task = faf_test::make_task([token] {}, {.name = "due"});
    task->is_delayed = true;
    task_node* const node = task.release();
    entry_ptr one = thread_line::make(*node);
    REQUIRE(one != nullptr);
    CHECK(one->task.get() == node);
    CHECK(one->coroutine == nullptr);
    CHECK(one->name == node->name);
    CHECK_FALSE(node->is_delayed);
    one = nullptr;
    CHECK(is_kept.use_count() == 1);
}
