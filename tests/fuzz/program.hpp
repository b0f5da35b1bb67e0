// SPDX-License-Identifier: MIT
#pragma once

// Reads a program over the whole interface from bytes and runs it: pools that come and go, tasks of
// all kinds with all options, sinks that throw, fire and replace each other, drains, shutdowns and
// stop requests, by two threads. books.hpp says whether it went well.

#include "books.hpp"
#include "handles.hpp"
#include "layers.hpp"
#include "script.hpp"
#include "tasks.hpp"

#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/testing.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace faf_fuzz {

class program {
public:
    explicit program(script in)
        : in_(in), is_patient_(in_.below(4) != 0), has_helper_(in_.coin()),
          manual_({.order = any_order(in_)}), previous_(faf::set_error_sink(counting())) {
        for (auto& one : sources_) {
            one = faf::detail::make_stop_source();
        }
    }
    ~program() { faf::set_error_sink(std::move(previous_)); }
    program(const program&) = delete;
    program& operator=(const program&) = delete;

    /// What went wrong, or nothing.
    std::string run() {
        make_pool(0, in_);
        layers_.emplace(*books_, in_, helper(), manual_, has_lost_any_);
        common_.helper = &helper();
        common_.around = &layers_->around();
        std::thread helper;
        if (has_helper_) {
            helper = std::thread([this, its = in_.split()]() mutable {
                for (int step = 0; step < most_steps && !its.is_over(); ++step) {
                    take_modest_step(its);
                }
            });
        }
        for (int step = 0; step < most_steps && !in_.is_over(); ++step) {
            take_step(in_);
        }
        if (helper.joinable()) {
            helper.join();
        }
        end();
        return books_->balance(is_patient_);
    }

private:
    static constexpr int most_steps = 64;
    static constexpr unsigned most_pools = 4;
    static constexpr auto patience = faf_test::patience;

    /// Executors that are none of the library's: what they do with a job.
    struct stranger {
        program& of;
        unsigned habit;

        // NOLINTNEXTLINE(performance-unnecessary-value-param): as executors take it
        void operator()(faf::job work) const {
            switch (habit) {
            case 0: // drops it
                return;
            case 1: // drops it, and throws
                throw std::runtime_error("not today");
            case 2: // hands it on; what is refused may be a coroutine of any pool, which is lost
                if (!of.pools_[0]->execute(std::move(work))) {
                    of.has_lost_any_ = true;
                }
                return;
            case 3: { // keeps it elsewhere for a moment
                auto kept = std::make_shared<faf::job>(std::move(work));
                return (*kept)();
            }
            default:
                return work();
            }
        }
    };

    // Sinks ---------------------------------------------------------------------------------------

    faf::error_sink counting() {
        return {[this](const faf::error_report& report) { books_->hear(report); },
                faf::hears::cancelled_too};
    }

    /// For tasks and pools: the next sink hears what this one has thrown over.
    faf::error_sink throwing() {
        return {[this, load = luggage()](const faf::error_report&) {
                    static_cast<void>(load);
                    books_->note_sink_throw();
                    throw 5;
                },
                faf::hears::cancelled_too};
    }

    faf::error_sink firing() {
        return {[this](const faf::error_report& report) {
                    books_->hear(report);
                    if (record* const other = books_->open()) {
                        const ticket its(*books_, *other);
                        const faf::submission answer =
                            fire_and_forget(beside_, [its] { its.end(); });
                        books_->note_answer(*other, answer);
                        if (!answer) {
                            books_->note_refusal_in_sink();
                        }
                    }
                },
                faf::hears::cancelled_too};
    }

    faf::error_sink replacing() {
        return {[this](const faf::error_report& report) {
                    books_->hear(report);
                    faf::set_error_sink(counting());
                },
                faf::hears::cancelled_too};
    }

    faf::error_sink any_sink(script& in, unsigned choices) {
        switch (in.below(choices)) {
        case 0:
            return counting();
        case 1:
            return firing();
        case 2:
            return replacing();
        default:
            return throwing();
        }
    }

    // Pools ---------------------------------------------------------------------------------------

    void make_pool(unsigned number, script& in) {
        faf::pool_options how;
        how.threads = 1 + in.below(2);
        how.max_threads = in.coin() ? 3 : 0;
        how.max_pending = in.coin() ? 1 + in.below(16) : 0;
        how.when_full = static_cast<faf::overflow>(in.below(4));
        how.full_wait = 300us;
        how.wake_up = static_cast<faf::wake>(in.below(3));
        how.exit_timeout = is_patient_ ? std::chrono::nanoseconds(patience) : in.below(4) * 1ms;
        if (in.coin()) {
            how.on_error = any_sink(in, 4);
        }
        how.nested_tasks = static_cast<faf::nested>(in.below(2));
        how.observer = in.below(4) == 0 ? &watcher_ : nullptr;
        pools_[number].emplace(how);
    }

    /// Where coroutines go to and tasks fire at: alive until all is over.
    faf::thread_pool& helper() { return *pools_[0]; }

    // Firing --------------------------------------------------------------------------------------

    faf::options any_options(script& in) {
        faf::options how;
        how.name = in.coin() ? faf::literal("one of many") : faf::literal();
        how.priority = static_cast<faf::priority>(in.below(3) == 0 ? in.byte() : in.below(3));
        how.after = in.below(3) == 0 ? in.byte() * 4us : 0us;
        how.expires = in.below(4) == 0 ? any_expiry(in) : faf::time_span();
        how.every = in.below(4) == 0 ? 100us + in.byte() * 4us : 0us;
        if (how.every != 0us || in.below(3) == 0) {
            how.stop = sources_[in.below(sources)].get_token();
        }
        how.final_run = how.every != 0us && in.coin();
        if (how.every != 0us) { // its runs are reported by the dozen
            how.on_error = hearing_of(manner::repeated);
        } else if (in.below(4) == 0) {
            how.on_error = any_sink(in, 4);
        }
        return how;
    }

    /// Over before it began, soon, or never.
    static faf::time_span any_expiry(script& in) {
        return in.below(8) == 0 ? faf::time_span(std::chrono::hours::max())
                                : faf::time_span(in.byte() * 2us - 100us);
    }

    static faf::testing::execution_order any_order(script& in) {
        const unsigned seed = in.byte();
        return seed < 128 ? faf::testing::in_turn : faf::testing::shuffled(seed);
    }

    template <class Target>
    void fire_at(Target&& target, script& in) {
        const bool has_options = in.coin();
        const faf::options how = has_options ? any_options(in) : faf::options{};
        fire_one(target, in, has_options ? &how : nullptr,
                 how.every != 0us ? manner::repeated : manner::once);
    }

    /// At what may replace it by another one, and has no timers.
    template <class Target>
    void fire_latest_at(Target&& target, script& in) {
        faf::options how = any_options(in);
        how.after = how.every = 0us;
        how.final_run = false;
        how.on_error = hearing_of(manner::conflated);
        fire_one(target, in, &how, manner::conflated);
    }

    faf::error_sink hearing_of(manner how) {
        return {[this, how](const auto& report) { books_->hear_of(how, report); },
                faf::hears::cancelled_too};
    }

    template <class Target>
    void fire_one(Target&& target, script& in, const faf::options* how, manner kind) {
        if (record* const one = books_->open(kind)) {
            constexpr unsigned kinds = std::is_same_v<std::remove_cvref_t<Target>, stranger>
                                           ? kinds_for_strangers
                                           : kinds_of_tasks;
            fire_one(target, in, how, *one, kinds);
        }
    }

    template <class Target>
    void fire_one(Target& target, script& in, const faf::options* how, record& one,
                  unsigned kinds) {
        if (in.below(6) == 0) {
            return fire_with_handle(target, in, how, one, kinds);
        }
        make_task(
            in, ticket(*books_, one), kinds, one.how == manner::repeated, common_, [&](auto&& fn) {
                using fn_type = std::decay_t<decltype(fn)>;
                books_->note_answer(
                    one, how != nullptr ? fire_and_forget(target, *how, std::forward<fn_type>(fn))
                                        : fire_and_forget(target, std::forward<fn_type>(fn)));
            });
    }

    void fire_with_handle(faf::executor_ref target, script& in, const faf::options* how,
                          record& one, unsigned kinds) {
        const faf::options usual;
        const faf::options& given = how != nullptr ? *how : usual;
        const auto fire = [&](auto&& fn) {
            using fn_type = std::decay_t<decltype(fn)>;
            return fire_and_forget(faf::cancellable(target), given, std::forward<fn_type>(fn));
        };
        faf::task_handle made;
        if (one.how != manner::repeated && in.below(4) == 0) {
            const auto own = std::make_shared<own_handle>();
            made = fire([its = ticket(*books_, one), own] {
                own->look(its.book());
                its.end();
            });
            own->set(made);
        } else {
            make_task(in, ticket(*books_, one), kinds, one.how == manner::repeated, common_,
                      [&](auto&& fn) { made = fire(std::forward<decltype(fn)>(fn)); });
        }
        books_->note_answer(one, made);
        common_.kept.keep(made, one); // now that nothing of the task is here any more
    }

    void fire_in_stack(script& in) {
        layers_->pick_in_stack(in, [&](const stack::place& top, std::uint8_t number) {
            faf::options how = any_options(in);
            if (top.conflates) {
                how.after = how.every = 0us;
                how.final_run = false;
                how.on_error = hearing_of(manner::conflated);
            }
            record* const one = books_->open(top.conflates      ? manner::conflated
                                             : how.every != 0us ? manner::repeated
                                                                : manner::once);
            if (one != nullptr) {
                one->stack = number;
                one->level = static_cast<std::uint8_t>(top.level);
                one->strange_at = static_cast<std::uint8_t>(top.strange_at);
                faf::executor_ref at = top.at;
                fire_one(at, in, &how, *one, top.is_strange ? kinds_for_strangers : kinds_of_tasks);
            }
        });
    }

    void fire_at_layer(script& in) {
        layers_->pick(
            in, [&](auto& at) { fire_at(at, in); }, [&](auto&& at) { fire_latest_at(at, in); });
    }

    // Steps ---------------------------------------------------------------------------------------

    /// What may be done while another thread makes and ends pools: all but pool 0 is that one's.
    void take_modest_step(script& in) {
        const unsigned what = in.below(12);
        note_word(words::modest_step, what);
        switch (what) {
        case 9:
            return use_handle(in, false);
        case 10:
            return fire_in_stack(in);
        case 11:
            return common_.of_weak.replace(in.byte());
        case 0:
            return static_cast<void>(sources_[in.below(sources)].request_stop());
        case 1:
            return books_->expect_sum(pools_[0]->snapshot(), "the counters of a pool in use");
        case 2:
            return fire_at(faf::default_pool(), in);
        case 3:
            return fire_at(manual_, in);
        case 4:
        case 5:
            return fire_at_layer(in);
        default:
            return fire_at(*pools_[0], in);
        }
    }

    void take_step(script& in) {
        const unsigned what = in.below(36);
        const unsigned which = in.below(most_pools);
        std::optional<faf::thread_pool>& pool = pools_[which];
        const auto moment = in.byte() * 8us;
        note_word(words::step, what);
        switch (what) {
        case 0:
            return fire_at(faf::default_pool(), in);
        case 1:
            return fire_at(faf::own_thread, in);
        case 2:
            return fire_at(manual_, in);
        case 3:
            return fire_at(stranger{*this, in.below(5)}, in);
        case 4:
            return start_one_that_starts_itself(in);
        case 5:
            return pool ? void() : make_pool(which, in);
        case 6:
            resume_all(); // what it waits for may be there
            return which != 0 ? pool.reset() : void();
        case 7:
            return pool ? static_cast<void>(pool->drain(moment)) : void();
        case 8:
            resume_all();
            if (pool) { // others may still fire at it
                const bool is_done = pool->shutdown(is_patient_ ? patience : moment);
                books_->expect(may_give_up() || is_done, "a shutdown that gave up");
            }
            return;
        case 9:
            return static_cast<void>(faf::drain(moment));
        case 10:
            return set_global_sink(in);
        case 11:
            return static_cast<void>(manual_.advance(moment));
        case 12:
            return static_cast<void>(manual_.run_one());
        case 13:
            return static_cast<void>(sources_[in.below(sources)].request_stop());
        case 14:
            if (pool) {
                books_->expect_sum(pool->snapshot(), "the counters of a pool");
            }
            return books_->expect_sum(faf::snapshot(), "the counters of the default pool");
        case 15:
            return pool ? pool->pause() : void();
        case 16:
            return pool ? pool->resume() : void();
        case 17:
        case 18:
            return fire_at_layer(in);
        case 19:
        case 20:
            resume_all();
            return layers_->take_step(in, !has_helper_, [&](auto& at) { fire_at(at, in); });
        case 21:
            return diversion_ ? diversion_.reset() : divert(in);
        case 22:
        case 23:
        case 24:
        case 25:
            return fire_in_stack(in);
        case 26:
            return use_handle(in, true);
        case 27:
            return common_.of_weak.replace(in.byte());
        default:
            return pool ? fire_at(*pool, in) : void();
        }
    }

    void divert(script& in) {
        const auto which =
            in.coin() ? faf::testing::own_threads::too : faf::testing::own_threads::as_ever;
        diversion_.emplace(layers_->beside_default(in), which);
    }

    /// The main thread may wait without a limit: it can have all go on that others stop.
    void use_handle(script& in, bool is_main) {
        const unsigned which = in.byte();
        const unsigned how = in.below(5);
        note_word(words::handle, (std::min)(how, 3U));
        switch (how) {
        case 0:
            return common_.kept.request_stop(which);
        case 1:
            return common_.kept.wait(which, in.byte() * 2us, *books_);
        case 2:
            if (is_main) {
                resume_all();
                return common_.kept.cancel_and_wait(which, *books_, [this] {
                    manual_.advance(1s); // what runs by hand may have what is waited for
                });
            }
            [[fallthrough]];
        default:
            return common_.kept.cancel(which);
        }
    }

    void resume_all() {
        for (auto& pool : pools_) {
            if (pool) {
                pool->resume();
            }
        }
    }

    void start_one_that_starts_itself(script& in) {
        if (record* const one = books_->open()) {
            start_itself(ticket(*books_, *one), in.byte());
        }
    }

    void set_global_sink(script& in) { faf::set_error_sink(any_sink(in, 3)); }

    // The end -------------------------------------------------------------------------------------

    bool may_give_up() const { return !is_patient_ || has_lost_any_; }

    void end() {
        for (auto& one : sources_) {
            one.request_stop();
        }
        resume_all();
        diversion_.reset();
        layers_->end();
        come_to_rest(); // what goes from elsewhere to the pools
        for (auto& pool : pools_) {
            if (pool) {
                const bool is_done = pool->shutdown(is_patient_ ? patience : 2ms);
                books_->expect(may_give_up() || is_done, "a shutdown at the end that gave up");
                const faf::stats counters = pool->snapshot();
                books_->expect_sum(counters, "the counters of a pool that was shut down");
                books_->expect(counters.pending == 0, "pending after a shutdown", counters.pending);
                books_->expect(counters.running == 0 || !is_patient_, "running after a shutdown",
                               counters.running);
                books_->expect(eventually([&] { return pool->drain(patience); }),
                               "what a shutdown gave up does not come to its end");
            }
        }
        come_to_rest(); // what has come from there
        layers_->check(is_patient_);
        layers_.reset();
        for (auto& pool : pools_) {
            pool.reset();
        }
        watcher_.check();
    }

    /// All but the pools. A drain does not wait for what repeats, nor for a coroutine that waits
    /// for a callback.
    void come_to_rest() {
        books_->expect(eventually([this] {
                           manual_.advance(1s);
                           faf::drain(1ms); // what runs by hand may have what is waited for
                           const faf::stats counters = faf::snapshot();
                           books_->expect_sum(counters, "the counters of the drained default pool");
                           return counters.pending + counters.running + manual_.pending() == 0;
                       }),
                       "executors that do not come to rest", manual_.pending(),
                       1000 * faf::snapshot().pending + faf::snapshot().running);
        books_->expect(faf::drain(patience), "a drain that gave up");
    }

    static constexpr unsigned sources = 3;

    script in_;
    const bool is_patient_;
    const bool has_helper_;
    const std::unique_ptr<books> books_ = std::make_unique<books>();
    std::array<faf::detail::stop_source, sources> sources_;
    watcher watcher_{*books_};
    faf::thread_pool beside_{{.threads = 1}}; ///< where a call has no report of anybody in a sink
    std::array<std::optional<faf::thread_pool>, most_pools> pools_;
    faf::testing::manual_executor manual_;
    std::optional<faf::testing::scoped_default_executor> diversion_;
    common common_;
    std::optional<layers> layers_;
    std::atomic<bool> has_lost_any_{false};
    faf::error_sink previous_;
};

} // namespace faf_fuzz
