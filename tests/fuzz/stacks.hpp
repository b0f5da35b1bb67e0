// SPDX-License-Identifier: MIT
#pragma once

// Executors that stand on each other, several deep and in any order, for the programs of
// program.hpp to fire at.

#include "books.hpp"
#include "script.hpp"

#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace faf_fuzz {

/// An executor of somebody else's that hands each job on.
struct forwarder {
    faf::executor_ref to;
    std::atomic<bool>* has_lost_any;

    void operator()(faf::job work) const {
        if (!to.execute(std::move(work))) {
            *has_lost_any = true; // it may have been a coroutine that went on
        }
    }
};

class stack {
public:
    /// What may be fired at its top, and is said about it.
    struct place {
        faf::executor_ref at;
        unsigned level;
        bool conflates;
        unsigned strange_at; ///< the uppermost level that is somebody else's
        bool is_strange;
    };

    stack(script& in, faf::executor_ref bottom, std::uint8_t number, std::atomic<bool>& lost)
        : number_(number) {
        const unsigned depth = 2 + in.below(3);
        note_word(words::depth, depth - 2);
        place top{bottom, 0, false, 0, false};
        for (unsigned i = 0; i < depth; ++i) {
            level& next = levels_[i];
            top.level = i;
            const unsigned kind = in.below(6);
            note_word(words::level, kind == 0 ? 0 : (std::min)(kind - 1, 3U));
            switch (kind) {
            case 0:
            case 1:
                next.serial.emplace(top.at);
                next.top.emplace(place{faf::executor_ref(*next.serial), i, top.conflates,
                                       top.strange_at, top.is_strange});
                break;
            case 2:
                next.latest.emplace(top.at);
                next.key.emplace((*next.latest)[i]);
                next.top.emplace(
                    place{faf::executor_ref(*next.key), i, true, top.strange_at, top.is_strange});
                break;
            case 3:
                next.hands_on.emplace(forwarder{top.at, &lost});
                next.top.emplace(
                    place{faf::executor_ref(*next.hands_on), i, top.conflates, i, true});
                break;
            default:
                next.scope.emplace(top.at);
                next.top.emplace(place{faf::executor_ref(*next.scope), i, top.conflates,
                                       top.strange_at, top.is_strange});
            }
            top = *next.top;
        }
        depth_ = depth;
    }
    stack(const stack&) = delete;
    stack& operator=(const stack&) = delete;
    ~stack() {
        while (depth_ > 0) {
            levels_[--depth_].clear();
        }
    }

    std::uint8_t number() const noexcept { return number_; }

    place pick(script& in) const { return *levels_[in.below(2) == 0 ? depth_ - 1 : below(in)].top; }

    /// One of its scopes, if there is any: calls `with` with it and its level.
    template <class With>
    void with_scope(script& in, With with) {
        const unsigned from = below(in);
        for (unsigned i = 0; i < depth_; ++i) {
            level& one = levels_[(from + i) % depth_];
            if (one.scope) {
                return with(*one.scope, (from + i) % depth_);
            }
        }
    }

    /// All, the uppermost first.
    template <class With>
    void with_each_scope(With with) {
        for (unsigned i = depth_; i-- > 0;) {
            if (levels_[i].scope) {
                with(*levels_[i].scope);
            }
        }
    }

    std::uint64_t replaced() const {
        std::uint64_t all = 0;
        for (const level& one : levels_) {
            all += one.latest ? one.latest->replaced() : 0;
        }
        return all;
    }

private:
    struct level {
        std::optional<faf::serial_executor> serial;
        std::optional<faf::conflating_executor<unsigned>> latest;
        std::optional<faf::conflating_executor<unsigned>::keyed> key;
        std::optional<forwarder> hands_on;
        std::optional<faf::task_scope> scope;
        std::optional<place> top;

        void clear() {
            top.reset();
            scope.reset();
            hands_on.reset();
            key.reset();
            latest.reset();
            serial.reset();
        }
    };

    unsigned below(script& in) const { return in.below(depth_); }

    const std::uint8_t number_;
    unsigned depth_ = 0;
    std::array<level, 4> levels_{};
};

} // namespace faf_fuzz
