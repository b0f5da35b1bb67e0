// SPDX-License-Identifier: MIT
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/weak.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using faf::failure;
using faf::fire_and_forget;
using faf::hears;
using faf::weak;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using faf_test::patience;

namespace {

struct base {
    int runs = 0;
    void run() { ++runs; }
};

struct cache : base {
    std::string text;
    void add(const std::string& more, int times) {
        for (; times > 0; --times) {
            text += more;
        }
    }
    int size() const noexcept { return static_cast<int>(text.size()); }
    void work(faf::detail::stop_token asked) { runs += asked.stop_requested() ? 100 : 1; }
    std::error_code save() { return std::make_error_code(std::errc::no_space_on_device); }
    faf::task<> refresh(std::string with) {
        co_await faf::sleep_for(1s);
        text += with;
    }
};

/// Says how it went.
struct noted {
    error_recorder errors{hears::cancelled_too};
    manual_executor executor;

    bool was_skipped() {
        executor.run_all();
        return errors.count() == 1 && errors.errors()[0].kind == failure::cancelled &&
               errors.errors()[0].what == "its owner is gone" && executor.pending() == 0;
    }
};

} // namespace

TEST_CASE("what is fired for an owner runs while that is there, and does not keep it") {
    noted it;
    auto owner = std::make_shared<cache>();
    fire_and_forget(it.executor, weak(owner, [raw = owner.get()] { ++raw->runs; }));
    fire_and_forget(it.executor, {.name = "named"}, weak(owner, &cache::add), "ab", 2);
    fire_and_forget(it.executor, weak(std::weak_ptr<cache>(owner), &base::run));
    fire_and_forget(it.executor, weak(std::shared_ptr<const cache>(owner), &cache::size));
    fire_and_forget(it.executor, weak(owner, &cache::work));
    fire_and_forget(it.executor, weak(owner, std::function<void(int)>([](int) {})), 1);
    fire_and_forget(it.executor, weak(owner, [moved = std::make_unique<int>(1)] {}));
    CHECK(owner.use_count() == 1);
    it.executor.run_all();
    CHECK(owner->text == "abab");
    CHECK(owner->runs == 3);
    CHECK(owner.use_count() == 1);
    CHECK(it.errors.empty());
}

TEST_CASE("an owner lives until the task has ended that runs for it") {
    noted it;
    auto owner = std::make_shared<cache>();
    const std::weak_ptr<cache> watched = owner;
    bool is_there = false;
    fire_and_forget(it.executor, weak(owner, [&] {
                        owner.reset();
                        is_there = !watched.expired();
                    }));
    it.executor.run_all();
    CHECK(is_there);
    CHECK(watched.expired());
    CHECK(it.errors.empty());
}

TEST_CASE("what is fired for an owner that is gone is skipped") {
    noted it;
    auto owner = std::make_shared<cache>();
    int runs = 0;
    const auto run = [&runs] { ++runs; };
    SECTION("plain") {
        fire_and_forget(it.executor, weak(owner, run));
    }
    SECTION("with options") {
        fire_and_forget(it.executor, {.after = 1s}, weak(owner, run));
        owner.reset();
        it.executor.advance(1s);
    }
    SECTION("a member with arguments") {
        fire_and_forget(it.executor, weak(owner, &cache::add), "ab", 2);
    }
    SECTION("a coroutine") {
        fire_and_forget(it.executor, weak(owner, &cache::refresh), "ab");
    }
    SECTION("one that repeats") {
        fire_and_forget(it.executor, {.every = 1s}, weak(owner, [&runs] { --runs; }));
        it.executor.run_all();
        it.executor.advance(1s);
        CHECK(std::exchange(runs, 0) == -2);
        CHECK(owner.use_count() == 1);
        owner.reset();
        it.executor.advance(10s);
    }
    SECTION("a coroutine that repeats") {
        fire_and_forget(it.executor, {.every = 2s}, weak(owner, [&runs]() -> faf::task<> {
                            co_await faf::sleep_for(1s);
                            --runs;
                        }));
        it.executor.advance(2s); // in the middle of the second one, which has the owner
        CHECK(owner.use_count() == 2);
        owner.reset();
        it.executor.advance(10s);
        CHECK(std::exchange(runs, 0) == -2);
    }
    SECTION("in a serial executor") {
        faf::serial_executor serial(it.executor);
        fire_and_forget(serial, weak(owner, run));
    }
    SECTION("in a scope") {
        faf::task_scope scope(it.executor);
        fire_and_forget(scope, {.every = 1s}, weak(owner, run));
        owner.reset();
        CHECK(scope.drain());
    }
    SECTION("whose owner has never been") {
        fire_and_forget(it.executor, weak(std::weak_ptr<cache>(), run));
    }
    owner.reset();
    CHECK(it.was_skipped());
    CHECK(runs == 0);
}

TEST_CASE("what is null is refused for an owner, too") {
    noted all;
    const auto owner = std::make_shared<cache>();
    void (base::*const no_member)() = nullptr;
    void (*const no_function)() = nullptr;
    const auto is_refused = [&](const faf::submission& answer) {
        return answer.why() == faf::refusal::empty_callable;
    };
    CHECK(is_refused(fire_and_forget(all.executor, weak(owner, no_member))));
    CHECK(is_refused(fire_and_forget(all.executor, {.every = 1s}, weak(owner, no_member))));
    CHECK(is_refused(fire_and_forget(all.executor, weak(owner, no_function))));
    CHECK(is_refused(fire_and_forget(all.executor, weak(owner, std::function<void()>()))));
    CHECK(all.errors.count() == 4);
    CHECK(fire_and_forget(all.executor, weak(owner, std::function<void()>([] {}))));
    CHECK(fire_and_forget(all.executor, weak(owner, &cache::run)));
    CHECK(all.executor.run_all() == 2);
    CHECK(owner->runs == 1);
    CHECK(all.errors.count() == 4);
}

TEST_CASE("a coroutine keeps its owner until it has ended") {
    noted it;
    auto owner = std::make_shared<cache>();
    const std::weak_ptr<cache> watched = owner;
    std::string seen;
    fire_and_forget(it.executor, weak(owner, &cache::refresh), "ab");
    fire_and_forget(it.executor, weak(owner, [&seen, raw = owner.get()]() -> faf::task<> {
                        co_await faf::sleep_for(2s);
                        seen = raw->text;
                    }));
    it.executor.run_all();
    owner.reset();
    CHECK_FALSE(watched.expired());
    it.executor.advance(1s);
    CHECK_FALSE(watched.expired());
    it.executor.advance(1s);
    CHECK(seen == "ab");
    CHECK(watched.expired());
    CHECK(it.errors.empty());
}

TEST_CASE("what is fired for an owner returns errors and answers like all else") {
    noted it;
    const auto owner = std::make_shared<cache>();
    fire_and_forget(it.executor, weak(owner, &cache::save));
    int runs = 0;
    fire_and_forget(it.executor, {.every = 1s}, weak(owner, [&runs] {
                        return ++runs == 2 ? faf::stop_repeating : faf::keep_repeating;
                    }));
    it.executor.advance(10s);
    CHECK(runs == 2);
    REQUIRE(it.errors.count() == 1);
    CHECK(it.errors.errors()[0].kind == failure::error_result);
}

TEST_CASE("what was skipped for want of its owner is counted as cancelled") {
    const error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    std::atomic<bool> may_go{false};
    fire_and_forget(pool, [&] { faf_test::eventually([&] { return may_go.load(); }); });
    {
        const auto owner = std::make_shared<cache>();
        fire_and_forget(pool, weak(owner, &base::run));
        fire_and_forget(pool, {.every = 1ms}, weak(owner, &base::run));
        fire_and_forget(pool, weak(owner, &cache::refresh), "ab");
    }
    may_go = true;
    CHECK(pool.drain(patience));
    CHECK(faf_test::eventually([&] { return pool.snapshot().cancelled == 3; }));
    CHECK(pool.snapshot().succeeded == 1);
    CHECK(errors.empty());
}

TEST_CASE("an owner may go at any moment") {
    const error_recorder errors;
    faf::thread_pool pool({.threads = 2});
    std::atomic<int> living{0};
    struct counted {
        explicit counted(std::atomic<int>& in) : alive(in) { ++alive; }
        ~counted() { --alive; }
        counted(const counted&) = delete;
        counted& operator=(const counted&) = delete;
        void touch() { touched += alive > 0 ? 1 : 0; }
        std::atomic<int>& alive;
        std::atomic<int> touched{0};
    };
    for (int round = 0; round < 200; ++round) {
        auto owner = std::make_shared<counted>(living);
        for (int i = 0; i < 5; ++i) {
            fire_and_forget(pool, weak(owner, &counted::touch));
        }
        fire_and_forget(pool, {.every = 100us}, weak(owner, &counted::touch));
    }
    CHECK(faf_test::eventually([&] { return living == 0; }));
    CHECK(pool.shutdown(patience));
    CHECK(errors.empty());
}
