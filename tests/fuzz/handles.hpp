// SPDX-License-Identifier: MIT
#pragma once

// Whom the programs of program.hpp know of the tasks they have fired: handles, by which a task is
// taken back or waited for from anywhere; and owners that may go before a task that is for them.

#include "books.hpp"

#include <fire_and_forget/cancellable.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace faf_fuzz {

using namespace std::chrono_literals;

/// The last ones. For all threads.
class handles {
public:
    void keep(faf::task_handle its, record& of) {
        const std::lock_guard lock(mutex_);
        kept_[next_++ % kept_.size()] = {std::move(its), &of};
    }

    /// What came in time never runs, or not again.
    void cancel(unsigned which) {
        if (const entry its = at(which); its.of != nullptr && its.handle.cancel()) {
            its.of->is_taken_back = true;
            note_word(words::told, 0);
        }
    }

    void request_stop(unsigned which) { at(which).handle.request_stop(); }

    /// Whether nothing of it is left then, if it says so.
    void wait(unsigned which, faf::time_span timeout, books& in) {
        const entry its = at(which);
        if (its.of != nullptr && its.handle.wait(timeout)) {
            note_word(words::told, 1);
            in.expect(its.of->alive == 0, "something of a task that is done", 1);
            in.expect(its.handle.is_done(), "a handle that has waited and is not done");
        }
    }

    /// For who is in no task, and knows that it will end if what waits for somebody has `go_on`.
    template <class GoOn>
    void cancel_and_wait(unsigned which, books& in, GoOn go_on) {
        cancel(which);
        const entry its = at(which);
        its.handle.request_stop();
        in.expect(eventually([&] {
                      go_on();
                      return its.handle.wait(100us);
                  }),
                  "a task that does not end though it was asked to");
        const bool is_done = its.handle.cancel_and_wait();
        note_word(words::told, 2);
        in.expect(is_done, "a wait outside of any task that gave up");
        in.expect(its.of == nullptr || its.of->alive == 0, "something of a task that is done", 2);
    }

private:
    struct entry {
        faf::task_handle handle{};
        record* of = nullptr;
    };

    entry at(unsigned which) {
        const std::lock_guard lock(mutex_);
        return kept_[which % kept_.size()];
    }

    std::mutex mutex_;
    std::size_t next_ = 0;
    std::array<entry, 6> kept_{};
};

/// What a task knows itself by.
class own_handle {
public:
    void set(faf::task_handle its) {
        const std::lock_guard lock(mutex_);
        its_ = std::move(its);
    }

    /// Inside of it.
    void look(books& in) {
        std::optional<faf::task_handle> its;
        {
            const std::lock_guard lock(mutex_);
            its = its_;
        }
        if (its) {
            note_word(words::told, 3);
            in.expect(!its->cancel(), "a task that was taken back while it ran");
            in.expect(!its->is_done(), "a task that was done while it ran");
            in.expect(!its->wait(1h), "a task that has waited for itself");
        }
    }

private:
    std::mutex mutex_;
    std::optional<faf::task_handle> its_;
};

/// For all threads.
class owners {
public:
    std::shared_ptr<int> at(unsigned which) {
        const std::lock_guard lock(mutex_);
        return all_[which % all_.size()];
    }
    void replace(unsigned which) {
        auto fresh = std::make_shared<int>(0);
        const std::lock_guard lock(mutex_);
        all_[which % all_.size()].swap(fresh);
    }

private:
    std::mutex mutex_;
    std::array<std::shared_ptr<int>, 2> all_{std::make_shared<int>(0), std::make_shared<int>(0)};
};

} // namespace faf_fuzz
