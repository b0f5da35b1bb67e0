// SPDX-License-Identifier: MIT
#pragma once

// The oracle of the fuzz tests: what was fired, what became of it, and what was reported. In the
// end they must agree, whatever the program was.

#include "eventually.hpp"
#include "task_mix.hpp"
#include "words.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace faf_fuzz {

using faf_test::eventually;

/// How a task was fired, as far as its fate depends on it.
enum class manner : std::uint8_t {
    once,
    repeated,  ///< may run any number of times
    conflated, ///< may be replaced by another one, which is not reported
};

/// One task.
struct record {
    std::atomic<int> alive{0};           ///< copies of its closure
    std::atomic<std::uint32_t> ended{0}; ///< runs that went to their end, be it by a throw
    std::atomic<bool> has_begun{false};  ///< a coroutine, which may not be replaced any more
    std::atomic<bool> is_refused{false};
    std::atomic<bool> is_taken_back{false};
    manner how = manner::once;
    std::uint8_t stack = 0;      ///< where it was fired at; 0: elsewhere
    std::uint8_t level = 0;      ///< of that
    std::uint8_t strange_at = 0; ///< the uppermost level there that is somebody else's
    std::uint8_t kind = none;    ///< of task; none: not one of make_task()

    static constexpr std::uint8_t none = 255;
};

/// All tasks of a program and all reports about them.
///
/// Each single task that was not refused either runs to its end or is reported as dropped, and each
/// throw, error result and refusal is reported. So the sum of all that reports speak for is known.
class books {
public:
    static constexpr std::size_t capacity = 4096;

    /// A new task's record; null when there were so many that the program is to end.
    record* open(manner how = manner::once) noexcept {
        const std::size_t number = opened_.fetch_add(1);
        if (number >= capacity) {
            return nullptr;
        }
        records_[number].how = how;
        return &records_[number];
    }

    // What the tasks say --------------------------------------------------------------------------

    void note_answer(record& task, faf::submission answer) noexcept {
        if (!answer) {
            task.is_refused = true;
            ++refused_;
        }
    }
    void note_throw() noexcept { ++thrown_; }
    void note_error_result() noexcept { ++errors_returned_; }

    /// A sink throws, and the next one hears of it.
    void note_sink_throw() noexcept { ++sinks_thrown_; }

    /// An observer throws.
    void note_hook_throw() noexcept { ++hooks_thrown_; }

    /// A refusal inside of a sink goes to standard error.
    void note_refusal_in_sink() noexcept { ++unheard_; }

    // What the reports say ------------------------------------------------------------------------

    void hear(const faf::error_report& report) noexcept {
        heard_[static_cast<std::size_t>(report.kind)] += 1 + report.suppressed;
    }

    /// About a task that repeats, or may be replaced: whether it runs or is dropped is not in the
    /// sums.
    void hear_of(manner how, const faf::error_report& report) noexcept {
        switch (report.kind) {
        case faf::failure::expired:
        case faf::failure::cancelled:
        case faf::failure::abandoned:
        case faf::failure::displaced:
            conflated_dropped_ += how == manner::conflated ? 1 + report.suppressed : 0;
            return;
        default:
            hear(report);
        }
    }

    // The check -----------------------------------------------------------------------------------

    /// The first thing that is wrong, from any thread.
    void expect(bool holds, const char* what, std::uint64_t left = 0, std::uint64_t right = 0) {
        const std::lock_guard lock(mutex_);
        if (!holds && problem_.empty()) {
            problem_ =
                std::string(what) + ": " + std::to_string(left) + ", " + std::to_string(right);
        }
    }

    void expect_sum(const faf::stats& now, const char* where) {
        expect(faf_test::adds_up(now), where, now.accepted,
               now.succeeded + now.failed + now.dropped + now.pending + now.running);
        expect(now.cancelled + now.expired <= now.dropped, "more parts than dropped",
               now.cancelled + now.expired, now.dropped);
        expect(now.pending <= capacity && now.running <= capacity, "a counter below zero",
               now.pending, now.running);
    }

    /// When all is over: of the tasks that may be replaced, each has run, or was dropped, or was
    /// replaced. Where tasks were given up, some may have had two of these fates.
    void expect_conflated(std::uint64_t replaced, bool was_patient) {
        std::uint64_t accepted = 0;
        std::uint64_t begun = 0;
        std::uint64_t ended = 0;
        for (const record& one : records_) {
            if (one.how == manner::conflated && !one.is_refused) {
                ++accepted;
                begun += one.has_begun || one.ended > 0 ? 1 : 0;
                ended += one.ended;
            }
        }
        const std::uint64_t known = ended + conflated_dropped_ + replaced;
        expect(known == accepted || !was_patient, "conflated tasks, and what became of them",
               accepted, known);
        expect(replaced + begun <= accepted || !was_patient, "tasks replaced that had begun",
               replaced, accepted - begun);
    }

    /// When a scope at a level of a stack is quiet, and nobody else fires. A coroutine that comes
    /// to it by way of somebody else's executor is there job by job, and not while it waits
    /// elsewhere.
    void expect_none_left(std::uint8_t stack, unsigned level) {
        const std::size_t used = std::min(opened_.load(), capacity);
        for (std::size_t i = 0; i < used; ++i) {
            const record& one = records_[i];
            const bool may_be_away = one.has_begun && one.strange_at > level;
            expect(one.stack != stack || one.level < level || may_be_away || one.alive == 0,
                   "something of a task of a quiet scope", i, stack);
        }
    }

    /// When all is over: what is wrong, or nothing. `was_patient` if no deadline was so short that
    /// running tasks were given up, which then both run and are reported.
    std::string balance(bool was_patient) {
        expect(eventually([&] { return alive() == 0; }), "closures that were not destroyed",
               alive());
        // The last reports may be on their way when the last closure is gone.
        if (was_patient) {
            const bool are_equal = eventually([&] { return heard() == to_be_heard(); });
            expect(are_equal, ("reports, and what was to be reported (" + parts() + ")").c_str(),
                   heard(), to_be_heard());
            expect(heard(faf::failure::exception) == thrown_, "exceptions reported, and thrown",
                   heard(faf::failure::exception), thrown_);
        } else {
            expect(heard() <= to_be_heard() + capacity, "more reports than tasks", heard(),
                   to_be_heard());
        }
        expect(heard(faf::failure::error_result) == errors_returned_,
               "error results reported, and returned", heard(faf::failure::error_result),
               errors_returned_);
        expect(heard(faf::failure::sink_failed) == sinks_thrown_,
               "failed sinks reported, and thrown", heard(faf::failure::sink_failed),
               sinks_thrown_);
        // The last one may be on its way as well: an observer is told when the closure is gone.
        expect(eventually([&] { return heard(faf::failure::hook_failed) == hooks_thrown_; }),
               "failed observers reported, and thrown", heard(faf::failure::hook_failed),
               hooks_thrown_);
        for (const record& one : records_) {
            if (one.how != manner::repeated) {
                const bool may_run = !one.is_refused && !one.is_taken_back;
                expect(one.ended <= (may_run ? 1U : 0U), "a task ran too often", one.ended,
                       one.is_taken_back ? 1 : 0);
            }
        }
        return std::exchange(problem_, {});
    }

private:
    std::uint64_t alive() const noexcept {
        std::uint64_t all = 0;
        for (const record& one : records_) {
            all += static_cast<std::uint64_t>(one.alive.load());
        }
        return all;
    }

    std::uint64_t heard(faf::failure kind) const noexcept {
        return heard_[static_cast<std::size_t>(kind)];
    }
    std::uint64_t heard() const noexcept {
        std::uint64_t all = 0;
        for (const auto& one : heard_) {
            all += one;
        }
        return all - heard(faf::failure::sink_failed) - heard(faf::failure::starvation) -
               heard(faf::failure::hook_failed);
    }

    /// Of each kind how many were heard, and what the tasks know of it.
    std::string parts() const {
        std::string all;
        for (std::size_t i = 0; i < heard_.size(); ++i) {
            if (heard_[i] > 0) {
                all += std::to_string(heard_[i]) + " ";
                all += to_string(static_cast<faf::failure>(i)).c_str();
                all += ", ";
            }
        }
        return all + "known: " + std::to_string(thrown_) + " thrown, " +
               std::to_string(errors_returned_) + " errors, " + std::to_string(refused_) +
               " refused, " + std::to_string(unheard_) + " of them in sinks";
    }

    /// Refusals, what did not come to its end, and what ended badly.
    std::uint64_t to_be_heard() const noexcept {
        std::uint64_t all = refused_ - unheard_ + thrown_ + errors_returned_;
        const std::size_t used = std::min(opened_.load(), capacity);
        for (std::size_t i = 0; i < used; ++i) {
            const record& one = records_[i];
            all += one.how == manner::once && one.ended == 0 && !one.is_refused ? 1 : 0;
        }
        return all;
    }

    std::atomic<std::size_t> opened_{0};
    std::array<record, capacity> records_{};
    std::atomic<std::uint64_t> refused_{0};
    std::atomic<std::uint64_t> unheard_{0};
    std::atomic<std::uint64_t> thrown_{0};
    std::atomic<std::uint64_t> errors_returned_{0};
    std::atomic<std::uint64_t> sinks_thrown_{0};
    std::atomic<std::uint64_t> hooks_thrown_{0};
    std::atomic<std::uint64_t> conflated_dropped_{0};
    std::array<std::atomic<std::uint64_t>, 11> heard_{};
    std::mutex mutex_;
    std::string problem_;
};

/// What a closure holds so that its life and its run are in the books.
class ticket {
public:
    ticket(books& in, record& of) noexcept : books_(&in), record_(&of) { ++record_->alive; }
    ticket(const ticket& other) noexcept : ticket(*other.books_, *other.record_) {}
    ticket& operator=(ticket) = delete;
    ~ticket() { --record_->alive; }

    /// Says what it is for, before it is fired.
    void be_of_kind(unsigned kind) const noexcept {
        record_->kind = static_cast<std::uint8_t>(kind);
        note_word(words::task, kind);
    }

    /// A coroutine has begun.
    void begin() const noexcept { record_->has_begun = true; }

    /// The task has come to its end.
    std::uint32_t end() const noexcept {
        if (record_->kind != record::none) {
            note_word(words::ended, record_->kind);
        }
        return ++record_->ended;
    }

    /// It has, and throws now.
    template <class Exception>
    [[noreturn]] void end_by(Exception thrown) const {
        end();
        books_->note_throw();
        throw thrown;
    }

    books& book() const noexcept { return *books_; }

private:
    books* books_;
    record* record_;
};

} // namespace faf_fuzz
