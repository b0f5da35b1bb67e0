// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/platform/own_stop_token.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

#if defined(__cpp_lib_jthread)
#include <fire_and_forget/detail/platform/own_stop_token.ipp> // which is for others
#endif

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using faf::detail::own_stop_callback;
using faf::detail::own_stop_source;
using faf::detail::own_stop_token;

namespace {

struct appends {
    std::string* to;
    char what;
    void operator()() const { *to += what; }
};
using appending = own_stop_callback<appends>;

} // namespace

TEST_CASE("a token is asked to stop once, by any of its sources") {
    const own_stop_source source;
    const own_stop_source same = source;
    const own_stop_token token = source.get_token();
    CHECK(token.stop_possible());
    CHECK(token == same.get_token());
    CHECK_FALSE(token == own_stop_source().get_token());
    CHECK_FALSE(token.stop_requested());
    CHECK(same.request_stop());
    CHECK_FALSE(source.request_stop());
    CHECK(token.stop_requested());
}

TEST_CASE("what has no state is never asked to stop") {
    const own_stop_source none(nullptr);
    CHECK_FALSE(none.request_stop());
    CHECK_FALSE(none.get_token().stop_possible());
    CHECK_FALSE(own_stop_token().stop_requested());
    CHECK(own_stop_token() == none.get_token());
    std::string called;
    const appending listening(own_stop_token(), {&called, 'a'});
    CHECK(called.empty());
}

TEST_CASE("callbacks are called once, unless they are gone, and at once where it is too late") {
    const own_stop_source source;
    std::string called;
    const appending first(source.get_token(), {&called, 'a'});
    std::optional<appending> middle(std::in_place, source.get_token(), appends{&called, 'b'});
    const appending third(source.get_token(), {&called, 'c'});
    std::optional<appending> last(std::in_place, source.get_token(), appends{&called, 'd'});
    middle.reset();
    last.reset();
    source.request_stop();
    CHECK(called == "ca");
    const appending late(source.get_token(), {&called, 'e'});
    CHECK(called == "cae");
}

TEST_CASE("a callback may end itself, others, and the last source") {
    auto source = std::make_unique<own_stop_source>();
    std::string called;
    struct ends_all {
        std::unique_ptr<own_stop_source>* source;
        std::optional<appending>* other;
        std::optional<own_stop_callback<ends_all>>* self;
        std::string* called;
        void operator()() const {
            std::string& note = *called;
            source->reset();
            other->reset();
            self->reset();
            note += 'x';
        }
    };
    std::optional<appending> other(std::in_place, source->get_token(), appends{&called, 'a'});
    std::optional<own_stop_callback<ends_all>> self;
    self.emplace(source->get_token(), ends_all{&source, &other, &self, &called});
    source->request_stop();
    CHECK(called == "x");
    CHECK_FALSE(self.has_value());
}

TEST_CASE("who ends a callback waits for the call by another thread") {
    for (int round = 0; round < 20; ++round) {
        const own_stop_source source;
        std::atomic<bool> is_inside{false};
        std::atomic<bool> is_ended{false}; // or about to be
        std::atomic<bool> is_over{false};
        const auto slow = [&] {
            is_inside = true;
            is_ended.wait(false);
            for (int i = 0; i < 100; ++i) { // so that a reset that does not wait is over first
                std::this_thread::yield();
            }
            is_over = true;
        };
        std::optional<own_stop_callback<decltype(slow)>> listening(std::in_place,
                                                                   source.get_token(), slow);
        std::thread other([&] { source.request_stop(); });
        CHECK(faf_test::eventually([&] { return is_inside.load(); }));
        is_ended = true;
        is_ended.notify_one();
        listening.reset();
        CHECK(is_over);
        other.join();
    }
}

TEST_CASE(
    "a callback that comes too late waits for no call, also in the place of one being called") {
    const own_stop_source source;
    std::atomic<bool> has_gone{false};
    std::atomic<bool> is_over{false};
    bool was_in_time = false;
    std::optional<own_stop_callback<std::function<void()>>> place;
    place.emplace(source.get_token(), [&] {
        auto& now_over = is_over; // what is captured goes with the callback
        auto& in_time = was_in_time;
        auto& gone = has_gone;
        place.reset();
        gone = true;
        in_time = faf_test::eventually([&] { return now_over.load(); });
    });
    std::thread other([&] { source.request_stop(); });
    CHECK(faf_test::eventually([&] { return has_gone.load(); }));
    int calls = 0;
    place.emplace(source.get_token(), [&] { ++calls; });
    place.reset();
    is_over = true;
    other.join();
    CHECK(calls == 1);
    CHECK(was_in_time);
}

TEST_CASE("callbacks come and go while others ask to stop") {
    for (int round = 0; round < 50; ++round) {
        const own_stop_source source;
        std::atomic<int> calls{0};
        const auto count = [&] { ++calls; };
        std::vector<std::thread> threads;
        for (int t = 0; t < 2; ++t) {
            threads.emplace_back([&] {
                while (!source.get_token().stop_requested()) {
                    const own_stop_callback<decltype(count)> brief(source.get_token(), count);
                }
                const own_stop_callback<decltype(count)> late(source.get_token(), count);
            });
        }
        CHECK(source.request_stop());
        for (std::thread& one : threads) {
            one.join();
        }
        CHECK(calls >= 2);
    }
}
