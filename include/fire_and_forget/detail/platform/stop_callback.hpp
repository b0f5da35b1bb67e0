// SPDX-License-Identifier: MIT
#pragma once

// std::stop_callback, or what stands in for it. linked_stop_source.hpp has two.

#include "abi.hpp"
#include "platform.hpp"
#include "stop_token.hpp"

#if defined(__GLIBCXX__) && !defined(__linux__)
#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if !defined(__cpp_lib_jthread)

template <class Callback>
using stop_callback = own_stop_callback<Callback>;

#elif defined(__GLIBCXX__) && !defined(__linux__)

/// A callback that ends while another thread is calling it waits for the end of the call, and there
/// libstdc++ loses wake-ups (waited_atomic.hpp tells). So here it waits by itself for all of the
/// call but the last instructions, during which libstdc++ does not sleep yet.
template <class Callback>
class stop_callback {
public:
    stop_callback(const stop_token& of, Callback callback)
        : callback_(std::move(callback)), registered_(of, caller{this}) {}

    ~stop_callback() {
        stage seen = stage::waiting;
        if (stage_.compare_exchange_strong(seen, stage::over) || seen == stage::over) {
            return;
        }
        if (called_by_ == std::this_thread::get_id()) {
            *ends_in_call_ = true;
            return;
        }
        while (stage_.load() == stage::called) {
            std::this_thread::yield();
        }
    }
    stop_callback(const stop_callback&) = delete;
    stop_callback& operator=(const stop_callback&) = delete;

private:
    enum class stage : std::uint8_t { waiting, called, over };

    struct caller {
        stop_callback* of;
        void operator()() const noexcept { of->call(); }
    };

    void call() noexcept {
        bool ends_in_call = false;
        ends_in_call_ = &ends_in_call;
        called_by_ = std::this_thread::get_id();
        stage seen = stage::waiting;
        if (stage_.compare_exchange_strong(seen, stage::called)) {
            callback_();
            if (!ends_in_call) {
                stage_.store(stage::over);
            }
        }
    }

    Callback callback_;
    bool* ends_in_call_ = nullptr;
    std::thread::id called_by_;
    std::atomic<stage> stage_{stage::waiting};
    std::stop_callback<caller> registered_;
};

#else

template <class Callback>
using stop_callback = std::stop_callback<Callback>;

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
