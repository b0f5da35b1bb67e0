// SPDX-License-Identifier: MIT
#pragma once

// Submits that are timed one by one.

#include "peers.hpp"
#include "tally.hpp"
#include "ticks.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace faf_bench {

template <class Peer>
class sampled_submits {
public:
    sampled_submits(Peer& peer, std::size_t size) : peer_(peer), samples_(size) {}

    /// After every `batch` of them the caller waits, off the clock, until all are done.
    std::vector<ticks>& take(std::size_t batch) {
        const std::uint64_t before = tally();
        for (std::size_t i = 0; i < samples_.size(); ++i) {
            const ticks begin = ticks_before();
            peer_.submit(work{});
            samples_[i] = ticks_after() - begin;
            if ((i + 1) % batch == 0) {
                settle(peer_);
                await_busily(before + i + 1);
            }
        }
        settle(peer_);
        await_busily(before + samples_.size());
        return samples_;
    }

    std::vector<ticks>& take_with_workers_keeping_up() { return take(keeping_up); }
    std::vector<ticks>& take_without_a_pause() { return take(samples_.size()); }

    /// So few that the workers keep up, and so many that they stay awake.
    static constexpr std::size_t keeping_up = 64;

    /// The workers keep up, and `keeping_up` submits in a row are timed as one: the clock's own
    /// steps, which are 10 ns on some machines, weigh nothing then.
    std::vector<ticks> take_in_rows() {
        const std::uint64_t before = tally();
        std::vector<ticks> rows(samples_.size() / keeping_up);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const ticks begin = ticks_before();
            for (std::size_t i = 0; i < keeping_up; ++i) {
                peer_.submit(work{});
            }
            rows[row] = ticks_after() - begin;
            settle(peer_);
            await_busily(before + (row + 1) * keeping_up);
        }
        return rows;
    }

private:
    Peer& peer_;
    std::vector<ticks> samples_;
};

} // namespace faf_bench
