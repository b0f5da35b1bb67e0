// SPDX-License-Identifier: MIT
#pragma once

// The workforce of a pool without a pool: workers that do what a test has them do.

#include "bare_executor.hpp"
#include "eventually.hpp"

#include <fire_and_forget/detail/pool/worker.hpp>
#include <fire_and_forget/detail/pool/workforce.hpp>
#include <fire_and_forget/detail/queue/lanes.hpp>

#include <atomic>
#include <functional>
#include <utility>

namespace faf_test {

/// Lanes without a pool.
class bare_lanes {
public:
    ~bare_lanes() { lanes_.release(); }
    operator faf::detail::lane_set&() const noexcept { return lanes_; }
    faf::detail::lane_set* operator->() const noexcept { return &lanes_; }

    /// Stores something that nobody can run.
    void store_dummy() {
        static constexpr faf::detail::task_vtable nothing{nullptr, nullptr, 1, 1};
        if (lane_ == nullptr) {
            lane_ = lanes_.lend(faf::priority::normal);
        }
        if (lane_->has_room()) {
            lane_->publish(lane_->reserve(), nothing);
        }
    }

private:
    faf::detail::lane_set& lanes_ = *new faf::detail::lane_set;
    faf::detail::pool_lane* lane_ = nullptr;
};

class bare_staff : public bare_executor {
public:
    explicit bare_staff(faf::pool_options settings)
        : asked(std::move(settings)),
          workers(asked, lanes, *this, parts.quiet, parts.lent, parts.sink, &bare_staff::live) {
        lanes->bell.begin(workers.places());
    }
    ~bare_staff() override { dismiss_all(); }

    /// What a worker does: stays until it may leave, without looking for anything.
    std::function<void(faf::detail::worker&)> work = [this](faf::detail::worker& self) {
        stop_looking(self);
        static_cast<void>(eventually([&] { return may_leave || workers.is_dismissed(); }));
    };

    /// For who has what workers use in `work` and goes before this does.
    void dismiss_all() {
        lanes->end(); // or who leaves would have another one hired for what is left there
        workers.dismiss_until(faf::detail::deadline_after(patience));
    }

    void stop_looking(faf::detail::worker& self) {
        if (std::exchange(self.turn, faf::detail::doorbell::turn::of_another) ==
            faf::detail::doorbell::turn::mine) {
            static_cast<void>(lanes->bell.stop_looking());
        }
    }

    const faf::pool_options asked;
    bare_lanes lanes;
    std::atomic<int> working{0};
    std::atomic<bool> may_leave{false};
    faf::detail::workforce workers;

private:
    static void live(void* owner, void* record) {
        using namespace faf::detail;
        auto& all = *static_cast<bare_staff*>(static_cast<shutdown_participant*>(owner));
        auto& self = *static_cast<worker*>(record);
        workforce::employment until_the_end(all.workers, self);
        ++all.working;
        all.work(self);
        --all.working;
        until_the_end.end_in_order();
    }
};

} // namespace faf_test
