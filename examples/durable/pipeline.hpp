// SPDX-License-Identifier: MIT
#pragma once

// Commands that have to reach Redis, however long that takes. The outbox sends tasks this way, a
// worker what has become of them.

#include "delays.hpp"
#include "redis_link.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace durable {

/// A command on its way.
struct shipment {
    command what;
    std::function<void()> on_arrival{}; ///< called when Redis has done it; must not throw
    faf::call_site where{};             ///< whom to name if it never arrives
};

struct pipeline_settings {
    address redis{};
    faf::literal name = "pipeline";
    std::size_t max_waiting = 0; ///< shipments that may wait; 0: no limit
    std::size_t max_bytes = 0;   ///< what they may take together; 0: no limit
    std::size_t batch = 256;     ///< shipments that are sent before the first reply is read
    delays again{milliseconds(10), milliseconds(2'000)};
    faf::error_sink on_error{}; ///< hears of outages, and of what was given up
};

/// Each shipment is a task of a pool with one thread, bounded as the settings say. The tasks put
/// shipments together; the one after which none is waiting, or that fills the batch, sends them
/// all, and reads the replies. What Redis did not take stays, and is sent again after growing
/// delays: there is no error at which a pipeline gives up by itself, for only a person can tell
/// whether a full memory or a key of another type is mended in a minute. Meanwhile callers are
/// refused when it is full.
///
/// A connection that ends before the reply leaves open whether the commands were done. They are
/// sent again, and so may be done twice.
class pipeline {
public:
    explicit pipeline(pipeline_settings wanted)
        : settings_(std::move(wanted)), thread_({.threads = 1,
                                                 .max_pending = settings_.max_waiting,
                                                 .name = settings_.name,
                                                 .on_error = settings_.on_error}) {
        batch_.reserve(settings_.batch);
    }

    /// Tries for five more seconds.
    ~pipeline() { close(std::chrono::seconds(5)); }
    pipeline(const pipeline&) = delete;
    pipeline& operator=(const pipeline&) = delete;

    /// Returns at once. Refused: it is full, or closed, or there is no memory.
    faf::submission add(shipment one) noexcept {
        const std::size_t size = one.what.text().size();
        const faf::call_site where = one.where;
        if (settings_.max_bytes != 0 && bytes_ + size > settings_.max_bytes) {
            return refuse(faf::refusal::queue_full, where);
        }
        bytes_ += size;
        const faf::submission answer =
            faf::fire_and_forget(thread_, {.name = settings_.name, .where = where},
                                 [this, one = std::move(one)]() mutable { take(std::move(one)); });
        if (answer) {
            // Counted after it was stored: at the last task the count is 0 or less, so that one
            // sends for certain. One that sends too early does no harm.
            ++waiting_;
            ++accepted_;
        } else {
            bytes_ -= size;
            ++refused_;
        }
        return answer;
    }

    /// Refuses what never comes to wait, so that it is counted and reported as the others.
    faf::submission refuse(faf::refusal why, faf::call_site where) noexcept {
        struct closed_door {
            faf::refusal why;
            faf::submission execute(faf::job) const { return faf::submission(why); }
        };
        ++refused_;
        return faf::fire_and_forget(
            closed_door{why},
            {.name = settings_.name, .on_error = settings_.on_error, .where = where}, [] {});
    }

    faf::thread_pool& thread() { return thread_; }

    /// Waits until Redis has taken everything, for `timeout` at most; true if it has.
    bool drain(faf::time_span timeout = faf::forever) { return thread_.drain(timeout); }

    /// Does as drain(), takes nothing more, and gives up what is left: each shipment is reported
    /// with the place that it comes from. True if none was. If Redis hangs, that takes up to five
    /// seconds longer.
    bool close(faf::time_span timeout) {
        thread_.drain(timeout);
        {
            const std::lock_guard hold(guard_);
            is_giving_up_ = true;
        }
        bell_.notify_all();
        thread_.shutdown(); // what is there ends soon now
        return lost_ == 0;
    }

    std::uint64_t accepted() const { return accepted_; }
    std::uint64_t refused() const { return refused_; }
    std::uint64_t arrived() const { return arrived_; }
    std::uint64_t lost() const { return lost_; } ///< given up by close()

    /// Times that Redis did not take what it was sent for a while.
    std::uint64_t outages() const { return outages_; }

private:
    struct entry {
        shipment one;
        bool has_arrived = false;
    };

    void take(shipment one) {
        batch_.push_back({std::move(one)}); // there is room: it does not throw
        const bool is_last = --waiting_ <= 0;
        if (is_last || batch_.size() >= settings_.batch) {
            send_until_taken();
        }
    }

    void send_until_taken() {
        for (unsigned failures = 0; !batch_.empty();) {
            if (failures > 0 && is_giving_up_) {
                give_up();
                return;
            }
            std::string trouble;
            try {
                trouble = send_batch();
            } catch (const std::exception& error) {
                trouble = error.what();
            }
            if (trouble.empty()) {
                is_out_ = false;
                return;
            }
            link_.reset(); // also after a refusal: by now another Redis may be the one that writes
            tell_once(trouble);
            {
                std::unique_lock hold(guard_);
                bell_.wait_for(hold, settings_.again.after(++failures),
                               [this] { return is_giving_up_.load(); });
            }
            if (waiting_ > 0 && batch_.size() < settings_.batch && !is_giving_up_) {
                return; // one that waits may go through where these do not; it sends them all
            }
        }
    }

    /// Sends all, and keeps what Redis has not taken. Returns the first error in the replies.
    std::string send_batch() {
        if (!link_) {
            link_.emplace(settings_.redis);
        }
        const kept_rest rest{*this};
        for (const entry& each : batch_) {
            link_->send(each.one.what);
        }
        std::string trouble;
        for (entry& each : batch_) {
            const reply answer = link_->receive();
            each.has_arrived = answer->type != REDIS_REPLY_ERROR;
            if (!each.has_arrived && trouble.empty()) {
                trouble = text_of(*answer);
            }
        }
        return trouble;
    }

    /// Forgets what has arrived, also when the connection ends in between.
    struct kept_rest {
        pipeline& mine;
        ~kept_rest() {
            std::erase_if(mine.batch_, [this](const entry& each) {
                if (each.has_arrived) {
                    ++mine.arrived_;
                    mine.bytes_ -= each.one.what.text().size();
                    if (each.one.on_arrival) {
                        each.one.on_arrival();
                    }
                }
                return each.has_arrived;
            });
        }
    };

    void tell_once(const std::string& trouble) {
        last_trouble_ = trouble;
        if (!std::exchange(is_out_, true)) {
            ++outages_;
            report({}, trouble + ", tries again until it can");
        }
    }

    void give_up() {
        for (const entry& each : batch_) {
            ++lost_;
            bytes_ -= each.one.what.text().size();
            report(each.one.where, "given up: " + last_trouble_);
        }
        batch_.clear();
    }

    void report(faf::call_site where, const std::string& what) {
        faf::fire_and_forget(
            faf::inline_executor(),
            {.name = settings_.name, .on_error = settings_.on_error, .where = where},
            [&what] { throw std::runtime_error(what); });
    }

    const pipeline_settings settings_;

    std::atomic<std::int64_t> waiting_ = 0; ///< accepted, and not yet in the batch; see add()
    std::atomic<std::size_t> bytes_ = 0;
    std::atomic<std::uint64_t> accepted_ = 0, refused_ = 0, arrived_ = 0, lost_ = 0, outages_ = 0;

    std::mutex guard_;
    std::condition_variable bell_;
    std::atomic<bool> is_giving_up_ = false; ///< written under guard_

    // The thread's own.
    std::vector<entry> batch_;
    std::optional<redis_link> link_;
    bool is_out_ = false;
    std::string last_trouble_;

    faf::thread_pool thread_; // last: ends before what its tasks use
};

} // namespace durable
