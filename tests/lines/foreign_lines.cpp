// SPDX-License-Identifier: MIT
// How many cache lines of other cores a submit and the run of a task touch, with many cores: the
// real lanes, claims and doorbell, and cores that one thread plays in turn. Counts that do not
// change from run to run; more than lane.hpp states is a failure.

#include "ownership.hpp"

#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/pool/pool_door.hpp>
#include <fire_and_forget/detail/pool/worker.hpp>
#include <fire_and_forget/detail/queue/lane_at_hand.hpp>
#include <fire_and_forget/detail/queue/lanes.hpp>
#include <fire_and_forget/detail/task/host.hpp>
#include <fire_and_forget/detail/task/run_task.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace {

using namespace faf::detail;
using faf_lines::counts;
using faf_lines::nobody;

class played_pool;

/// What a task has: 32 bytes, like the closures that the benchmarks fire.
struct closure_of_test {
    played_pool* pool;
    int children;
    long ballast[2];

    static void call(void* self, task_run&);
};
constexpr task_vtable type{&closure_of_test::call, nullptr, sizeof(closure_of_test),
                           alignof(closure_of_test)};

/// Workers are the cores from 0 on, producers those behind them.
class played_pool {
public:
    explicit played_pool(int each) : size(each), lanes_(*new lane_set) {
        for (int core = 0; core < 2 * size; ++core) {
            own_.push_back(lanes_.lend(faf::priority::normal));
        }
        for (int i = 0; i < size; ++i) {
            workers_.push_back(std::make_unique<worker>(lanes_, *lanes_.lend_claim()));
        }
    }
    ~played_pool() {
        for (const std::unique_ptr<worker>& one : workers_) {
            one->taker.flush();
        }
        workers_.clear();
        this_thread.lanes = nullptr;
        this_thread.lane = nullptr;
        lanes_.release();
    }
    played_pool(const played_pool&) = delete;
    played_pool& operator=(const played_pool&) = delete;

    /// As fire.hpp does it.
    void submit(int core, int children = 0) {
        add(of_runs, faf_lines::take_counts()); // of the task that fires this one, if there is one
        this_thread.lanes = &lanes_;
        this_thread.lane = own_[static_cast<std::size_t>(core)];
        play(core);
        lane_at_hand own(&lanes_);
        if (!own.try_begin()) {
            std::abort();
        }
        slot& place = own.reserve();
        ::new (static_cast<void*>(place.closure)) closure_of_test{this, children, {}};
        place.where = faf::call_site();
        own.publish(place, type);
        if (!pool_door::needs_no_more(own.of(), own.lane())) {
            std::abort(); // nobody sleeps
        }
        ++submits;
        add(of_submits, faf_lines::take_counts());
        play(running_);
    }

    /// As worker_loop.ipp does it; false if there was nothing.
    bool run_one(int core) {
        worker& self = *workers_[static_cast<std::size_t>(core)];
        play(core);
        running_ = core;
        if (looks_alone && self.turn == doorbell::turn::of_another) {
            self.turn = lanes_.bell.try_look();
        }
        const bool has_found = self.take_next();
        if (has_found) {
            if (self.turn == doorbell::turn::mine) {
                self.turn = doorbell::turn::of_another;
                static_cast<void>(lanes_.bell.stop_looking());
            }
            const fate result = run_task(task_in(self.taker.taken()), lent_);
            self.taker.finish_slot();
            if (self.taker.end()) {
                self.counts.add(result);
            }
            ++runs;
        } else {
            self.taker.flush();
        }
        running_ = nobody;
        play(nobody);
        add(of_runs, faf_lines::take_counts());
        return has_found;
    }

    /// As worker_loop.ipp does it while nothing comes: whose turn it is holds the doorbell's line.
    void look_on(int core) {
        play(core);
        lanes_.bell.hold_line();
        play(nobody);
        static_cast<void>(faf_lines::take_counts()); // in time that it has
    }

    void forget() {
        submits = runs = 0;
        of_submits = of_runs = {};
        static_cast<void>(faf_lines::take_counts());
    }

    int running() const noexcept { return running_; }

    const int size;
    bool looks_alone = false; ///< one worker at a time
    std::size_t submits = 0;
    std::size_t runs = 0;
    counts of_submits;
    counts of_runs;

private:
    static void play(int core) { faf_lines::play(core); }
    static void add(counts& to, const counts& more) {
        to.fetched += more.fetched;
        to.taken_away += more.taken_away;
    }

    lane_set& lanes_;
    std::vector<pool_lane*> own_;
    std::vector<std::unique_ptr<worker>> workers_;
    const host lent_;
    int running_ = nobody;
};

void closure_of_test::call(void* self, task_run&) {
    auto& mine = *static_cast<closure_of_test*>(self);
    const int children = mine.children;
    played_pool& pool = *mine.pool;
    const int core = pool.running();
    for (int i = 0; i < 2 && children > 0; ++i) {
        pool.submit(core, children - 1);
    }
}

// What happens ------------------------------------------------------------------------------------

constexpr int rounds = 50;

/// Each task is found at once by a worker that looks, another one each time.
void keep_up(played_pool& pool) {
    pool.looks_alone = true;
    for (int i = 0; i < 8 * rounds * pool.size; ++i) {
        pool.submit(pool.size + i % pool.size);
        if (!pool.run_one(i * 7 % pool.size)) {
            std::abort();
        }
    }
}

/// Each task is found by a worker that has looked for a while, and looks on while it is on its way.
void stay_near(played_pool& pool) {
    pool.looks_alone = true;
    for (int i = 0; i < 8 * rounds * pool.size; ++i) {
        const int looker = i * 7 % pool.size;
        const counts before = pool.of_runs;
        if (pool.run_one(looker)) {
            std::abort(); // there is nothing yet
        }
        pool.of_runs = before; // it has time to look
        pool.submit(pool.size + i % pool.size);
        pool.look_on(looker);
        if (!pool.run_one(looker)) {
            std::abort();
        }
    }
}

/// All workers take turns until nothing is left.
void run_all(played_pool& pool) {
    for (bool is_any = true; is_any;) {
        is_any = false;
        for (int core = 0; core < pool.size; ++core) {
            is_any = pool.run_one(core) || is_any;
        }
    }
}

/// Producers are ahead of the workers.
void queue_up(played_pool& pool) {
    for (int round = 0; round < rounds; ++round) {
        for (int core = pool.size; core < 2 * pool.size; ++core) {
            for (int i = 0; i < 64; ++i) {
                pool.submit(core);
            }
        }
        run_all(pool);
    }
}

/// Each task fires two others, for some generations.
void fan_out(played_pool& pool) {
    for (int round = 0; round < rounds; ++round) {
        for (int core = 0; core < pool.size; ++core) {
            pool.submit(core, 6);
        }
        run_all(pool);
    }
}

/// At most, for a submit and for a run, and as many producers as workers.
struct limits {
    double submit;
    double run;
};

bool holds(const char* what, int each, void (*happens)(played_pool&), const limits& most) {
    played_pool pool(each);
    happens(pool); // once for what is made once
    pool.forget();
    happens(pool);
    const auto per = [](std::size_t lines, std::size_t times) {
        return static_cast<double>(lines) / static_cast<double>(times);
    };
    const double submit = per(pool.of_submits.fetched + pool.of_submits.taken_away, pool.submits);
    const double run = per(pool.of_runs.fetched + pool.of_runs.taken_away, pool.runs);
    const bool is_held = submit <= most.submit && run <= most.run && pool.runs == pool.submits;
    std::printf("%-9s %5d %11.2f %8.2f %11.2f %8.2f%s\n", what, each,
                per(pool.of_submits.fetched, pool.submits),
                per(pool.of_submits.taken_away, pool.submits), per(pool.of_runs.fetched, pool.runs),
                per(pool.of_runs.taken_away, pool.runs), is_held ? "" : "   too many");
    return is_held;
}

} // namespace

int main() {
    const int here = 0;
    constexpr std::size_t near = 1U << 20U;
    faf_lines::leave_out(reinterpret_cast<const char*>(&here) - near, near + near / 16);
    faf_lines::leave_out(&this_thread, sizeof this_thread);
    std::puts("             each         a submit                a run\n"
              "                   fetched    taken     fetched    taken");
    bool is_held = true;
    for (const int each : {2, 8, 64}) {
        is_held = holds("keep up", each, &keep_up, {2.3, 3.6}) && is_held;
        is_held = holds("stay near", each, &stay_near, {3.1, 2.2}) && is_held;
        is_held = holds("queue up", each, &queue_up, {1.1, 2.2}) && is_held;
        is_held = holds("fan out", each, &fan_out, {1.2, 3.1}) && is_held;
    }
    return is_held ? 0 : 1;
}
