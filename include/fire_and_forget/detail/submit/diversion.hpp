// SPDX-License-Identifier: MIT
#pragma once

// Another executor in the place of the default ones, for a while: the inside of the class in
// ../../testing/scoped_default_executor.hpp. Whoever fires at them looks here, but for the plain
// call that stores in its lane: while there is a diversion, the door of the pool lets none do that.

#include "../platform/abi.hpp"
#include "../pool/own_threads_door.hpp"
#include "../pool/pool_door.hpp"
#include "../task/scheduler.hpp"
#include "any_core.hpp"

#include <atomic>
#include <cstdint>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Which of the default executors another one takes the place of.
enum class diverted : std::uint8_t { pool, pool_and_own_threads };

/// Invariants  The settings' lock guards the row of those in force, from the innermost outwards,
///             and how many use each. While it is held no executor is called.
class diversion {
public:
    diversion(const any_core& to, diverted what);

    /// When it returns, nobody is in the middle of firing at what it led to.
    ~diversion();
    diversion(const diversion&) = delete;
    diversion& operator=(const diversion&) = delete;

    /// Whether there may be one. Somebody else may end it: `use` is sure.
    static bool is_any() noexcept { return innermost.load(std::memory_order_relaxed) != nullptr; }

    /// Where what is fired at a default executor goes instead, if it goes elsewhere. As long as
    /// this lives, that is there.
    class use {
    public:
        use() noexcept : of_(nullptr) {}
        explicit use(const pool_door& meant) noexcept;
        explicit use(const own_threads_door& meant) noexcept;
        ~use();
        use(const use&) = delete;
        use& operator=(const use&) = delete;

        explicit operator bool() const noexcept { return of_ != nullptr; }
        const any_core* operator->() const noexcept { return &of_->to_; }
        const any_core& operator*() const noexcept { return of_->to_; }

    private:
        diversion* of_;
    };

private:
    static diversion* find(diverted least) noexcept;
    bool is_in_use() const noexcept;

    static inline constinit std::atomic<diversion*> innermost{nullptr};

    const any_core to_;
    const diverted what_;
    pool_door& door_;
    diversion* outer_ = nullptr;
    std::uint32_t users_ = 0;
};

/// Where a coroutine begins or goes on that is to be on the default pool, or on a pool or own
/// threads that it names: as long as this lives, that is there. An executor of somebody else's has
/// no home for coroutines: then they are where they were to be all the same.
class held_home {
public:
    held_home() noexcept;
    explicit held_home(pool_door& meant) noexcept;
    explicit held_home(const own_threads_door& meant) noexcept;

    /// One that is there anyway.
    explicit held_home(scheduler& sure) noexcept : home_(sure) {}

    /// One that might end meanwhile.
    explicit held_home(kept_scheduler one) noexcept : kept_(std::move(one)), home_(*kept_.get()) {}

    operator scheduler*() const noexcept { return &home_; }
    scheduler* operator->() const noexcept { return &home_; }

private:
    const diversion::use elsewhere_;
    const kept_scheduler kept_;
    scheduler& home_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
