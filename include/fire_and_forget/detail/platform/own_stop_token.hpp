// SPDX-License-Identifier: MIT
#pragma once

// Stands in for std::stop_token where the standard library keeps that back (libc++ without
// -fexperimental-library): so what waits, sleeps or repeats can be asked to stop there, too.

#include "abi.hpp"
#include "intrusive_list.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Whoever is to be called when one is asked to stop. Lives in its callback.
struct stop_listener {
    void (*call)(stop_listener& self) = nullptr;
    stop_listener* next = nullptr;
    stop_listener** link = nullptr;
};

/// What the sources and tokens of one have in common.
///
/// Invariant  The mutex guards the list and who is being called. While it is held no user code
///            runs; so listeners are called one by one, each taken out of the list before.
class stop_state {
public:
    bool is_requested() const noexcept { return is_requested_.load(std::memory_order_acquire); }

    /// Calls all that listen; false if that has been done before.
    bool request() noexcept;

    /// False if it has been requested: then `one` is not listed.
    bool listen(stop_listener& one) noexcept;

    /// From now on `one` is not called. If it is being called by another thread, waits for the end
    /// of that.
    void stop_listening(stop_listener& one) noexcept;

private:
    std::mutex mutex_;
    std::condition_variable called_;
    std::atomic<bool> is_requested_{false};
    intrusive_list<stop_listener> listeners_;
    const stop_listener* in_call_ = nullptr; ///< it may be gone
    std::thread::id caller_{};
};

/// As std::stop_token, but that it does not notice when the last source is gone.
class own_stop_token {
public:
    own_stop_token() noexcept = default;
    explicit own_stop_token(std::shared_ptr<stop_state> of) noexcept : state_(std::move(of)) {}

    bool stop_possible() const noexcept { return state_ != nullptr; }
    bool stop_requested() const noexcept { return stop_possible() && state_->is_requested(); }
    friend bool operator==(const own_stop_token&, const own_stop_token&) noexcept = default;

    stop_state* state() const noexcept { return state_.get(); }

private:
    std::shared_ptr<stop_state> state_;
};

/// As std::stop_source.
class own_stop_source {
public:
    own_stop_source() : state_(std::make_shared<stop_state>()) {}

    /// One without a state.
    explicit own_stop_source(std::nullptr_t) noexcept {}

    own_stop_token get_token() const noexcept { return own_stop_token(state_); }
    bool request_stop() const noexcept {
        const std::shared_ptr<stop_state> kept = state_; // a callback may end what *this is part of
        return kept != nullptr && kept->request();
    }

private:
    std::shared_ptr<stop_state> state_;
};

/// As std::stop_callback.
template <class Callback>
class own_stop_callback : private stop_listener {
public:
    own_stop_callback(own_stop_token of, Callback callback)
        : of_(std::move(of)), callback_(std::move(callback)) {
        call = [](stop_listener& self) { static_cast<own_stop_callback&>(self).callback_(); };
        if (of_.stop_possible() && !of_.state()->listen(*this)) {
            of_ = own_stop_token(); // nobody else calls it, so its end waits for nobody
            callback_();
        }
    }
    ~own_stop_callback() {
        if (of_.stop_possible()) {
            of_.state()->stop_listening(*this);
        }
    }
    own_stop_callback(const own_stop_callback&) = delete;
    own_stop_callback& operator=(const own_stop_callback&) = delete;

private:
    own_stop_token of_;
    Callback callback_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
