// SPDX-License-Identifier: MIT
#pragma once

// What a suspended coroutine asks of the executor it is on: to be continued, now or later. Pools,
// own_thread and the manual executor answer; coroutine.hpp asks.

#include "../call_site.hpp"
#include "time.hpp"

#include <cstdint>

namespace faf::detail {

struct host;
enum class fate : std::uint8_t;

/// What waits for its time in a timer queue, or for a worker in a lane. Intrusive: it lives in what
/// waits.
struct timed {
    steady_time due{};
    timed* next = nullptr;
    std::uint32_t order = 0;
    bool is_resumption = false;
    std::uint8_t level = 1; ///< its faf::priority
};

/// A suspended coroutine. Of resume and destroy one is called, once, by the scheduler that has it.
struct suspended : timed {
    /// Continues it on the calling thread, as a task of `on`, and tells the fate of the stretch up
    /// to its next suspension. Throws nothing but the unwinding of a thread that ends. *this may be
    /// gone afterwards.
    fate (*resume)(suspended&, const host& on) = nullptr;

    /// Destroys its frames instead: the executor is closed, and reports it as abandoned.
    void (*destroy)(suspended&) = nullptr;

    /// Whether a sleeper's own stop_token asks it to stop: then it is due now. Asked under the timer
    /// queue's lock after notice_stop(). Null if it has no token.
    bool (*wants_to_stop)(const suspended&) = nullptr;

    call_site where{}; ///< of the fire_and_forget call
    const char* name = nullptr;
};

class scheduler {
public:
    virtual steady_time now() const noexcept = 0;

    /// Has a worker resume it. False if the executor is closed or has no memory: nothing has
    /// happened to it then.
    virtual bool resume_soon(suspended& one) noexcept = 0;

    /// The same when `one.due` has come.
    virtual bool resume_at(suspended& one) noexcept = 0;

    /// Some sleeper's stop_token has been asked to stop: those that want to are due now.
    virtual void notice_stop() noexcept = 0;

    /// Shared ownership, for whoever waits for something else than this scheduler.
    virtual void keep() noexcept {}
    virtual void release() noexcept {}

protected:
    scheduler() noexcept = default;
    ~scheduler() = default;
    scheduler(const scheduler&) = default;
    scheduler& operator=(const scheduler&) = default;
};

} // namespace faf::detail
