// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/executor/errands.hpp>

#include "bare_executor.hpp"
#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace faf::detail;
using faf_test::eventually;
using faf_test::patience;

/// Where and in which order errands were run.
struct diary {
    std::mutex mutex;
    std::vector<int> order;
    std::vector<std::thread::id> threads;
};

class noted final : public errand {
public:
    noted(diary& in, int number) : in_(in), number_(number) {}
    void run() override {
        const std::lock_guard lock(in_.mutex);
        in_.order.push_back(number_);
        in_.threads.push_back(std::this_thread::get_id());
    }

private:
    diary& in_;
    int number_;
};

/// The calling thread passes for the keeper while this lives.
struct as_keeper {
    as_keeper() noexcept { this_thread.is_keeper = true; }
    ~as_keeper() { this_thread.is_keeper = false; }
    as_keeper(const as_keeper&) = delete;
    as_keeper& operator=(const as_keeper&) = delete;
};

} // namespace

TEST_CASE("errands are run by another thread, in the order in which they came") {
    diary book;
    errands all;
    noted one(book, 1);
    noted two(book, 2);
    noted three(book, 3);
    all.add(one);
    all.add(two);
    all.add(three);
    all.finish(deadline_after(patience));
    CHECK(book.order == std::vector<int>{1, 2, 3});
    for (const std::thread::id thread : book.threads) {
        CHECK(thread != std::this_thread::get_id());
    }
    CHECK_FALSE(all.is_any_left());
}

TEST_CASE("the thread that runs errands ends when there is none, and another comes for the next") {
    diary book;
    errands all;
    noted one(book, 1);
    noted two(book, 2);
    all.add(one);
    all.finish(deadline_after(patience));
    CHECK(book.order == std::vector<int>{1});
    all.add(two);
    all.finish(deadline_after(patience));
    CHECK(book.order == std::vector<int>{1, 2});
}

TEST_CASE("errands that come at any time are all run") {
    diary book;
    errands all;
    std::vector<std::unique_ptr<noted>> some;
    for (int i = 0; i < 1000; ++i) {
        some.push_back(std::make_unique<noted>(book, i));
    }
    std::thread other([&] {
        for (std::size_t i = 0; i < 500; ++i) {
            all.add(*some[i]);
        }
    });
    for (std::size_t i = 500; i < 1000; ++i) {
        all.add(*some[i]);
        if (i % 10 == 0) {
            std::this_thread::yield();
        }
    }
    other.join();
    CHECK(eventually([&] {
        const std::lock_guard lock(book.mutex);
        return book.order.size() == 1000;
    }));
    all.finish(deadline_after(patience));
}

TEST_CASE("a report is made at once, but for the keeper by another thread") {
    std::thread::id at_once;
    tell_off_the_keeper([&] { at_once = std::this_thread::get_id(); });
    CHECK(at_once == std::this_thread::get_id());
    std::atomic<std::thread::id> elsewhere{};
    {
        const as_keeper pretended;
        tell_off_the_keeper([&] { elsewhere = std::this_thread::get_id(); });
    }
    CHECK(eventually([&] { return elsewhere.load() != std::thread::id(); }));
    CHECK(elsewhere.load() != std::this_thread::get_id());
    errands::instance().finish(deadline_after(patience));
}

namespace {

struct ending_executor final : faf_test::bare_executor {
    explicit ending_executor(std::atomic<std::thread::id>& where) : ended_on(where) {
        exit_registry::instance().enlist(*this);
    }
    ~ending_executor() override { ended_on = std::this_thread::get_id(); }

    std::atomic<std::thread::id>& ended_on;
};

} // namespace

TEST_CASE("an executor that the keeper is the last to let go of ends on another thread") {
    std::atomic<std::thread::id> ended_on{};
    auto* const executor = new ending_executor(ended_on);
    {
        const as_keeper pretended;
        executor->release();
    }
    CHECK(eventually([&] { return ended_on.load() != std::thread::id(); }));
    CHECK(ended_on.load() != std::this_thread::get_id());
    errands::instance().finish(deadline_after(patience));
}
