// SPDX-License-Identifier: MIT
#pragma once

// What the keeper may not do itself: all that runs code of users, a sink or a destructor. It looks
// after all executors, and must wait for nobody.

#include "../platform/abi.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Something that another thread is to do.
class errand {
public:
    errand() noexcept = default;
    errand(const errand&) = delete;
    errand& operator=(const errand&) = delete;
    virtual ~errand() = default;

    /// Does it. Once, without any lock; it may be gone then.
    virtual void run() = 0;

private:
    friend class errands;
    errand* next_ = nullptr;
};

/// All that are to be run, in the order in which they came, by a thread that is started when there
/// is one and ends when there is none. If no thread can be had, the keeper tries again and again,
/// and meanwhile anybody else may run them who has nothing better to do: nothing is lost.
class errands {
public:
    static errands& instance() noexcept { return of_process.get(); }

    void add(errand& fresh) noexcept;

    /// Whether some are left, for want of a thread.
    bool is_any_left() const noexcept { return is_left_.load(std::memory_order_relaxed); }

    /// For the keeper, when some are left: tries again to start a thread.
    void start() noexcept;

    /// Runs on this thread what is left. Not on the keeper's.
    void run_left();

    /// The same, and waits until `deadline` for the thread to end, if it is another.
    void finish(steady_time deadline);

private:
    static one_per_process<errands> of_process;

    enum class taker : std::uint8_t { own_thread, anybody };

    /// The thread's, also if a sink ends it by force.
    struct shift {
        errands& all;
        explicit shift(errands& of) noexcept;
        ~shift();
        shift(const shift&) = delete;
        shift& operator=(const shift&) = delete;
    };

    static void live(void* self, void*);

    /// The first one; null if there is none, or if it is the thread's.
    errand* take(taker who) noexcept;

    /// Under the lock.
    void note_end() noexcept;

    std::mutex mutex_;
    std::condition_variable ended_;
    errand* first_ = nullptr;
    errand* last_ = nullptr;
    bool has_thread_ = false; ///< or is about to have it
    std::thread::id id_{};
    steady_time next_try_{};
    std::atomic<bool> is_left_{false};
};

inline constinit one_per_process<errands> errands::of_process;

/// Calls `tell`, which makes a report: at once, but not on the keeper. Without memory the keeper
/// makes it on standard error.
template <class Tell>
void tell_off_the_keeper(Tell tell) {
    struct told final : errand {
        Tell tell;
        explicit told(Tell&& what) noexcept : tell(std::move(what)) {}
        void run() override {
            const scope_guard at_the_end([this] { delete this; });
            tell();
        }
    };
    if (!this_thread.is_keeper) {
        tell();
    } else if (auto* const later = new (std::nothrow) told(std::move(tell))) {
        errands::instance().add(*later);
    } else {
        const sink_scope no_other_sink;
        tell(); // NOLINT(bugprone-use-after-move): not where `new` has found no memory
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
