// SPDX-License-Identifier: MIT
#pragma once

// The tasks that the programs of the fuzz tests fire: one of each kind that the library treats in
// its own way.

#include "books.hpp"
#include "handles.hpp"
#include "script.hpp"

#include <fire_and_forget/async_latch.hpp>
#include <fire_and_forget/async_mutex.hpp>
#include <fire_and_forget/async_semaphore.hpp>
#include <fire_and_forget/channel.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/weak.hpp>
#include <fire_and_forget/when_all.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace faf_fuzz {

using namespace std::chrono_literals;
using faf::fire_and_forget;

/// What all tasks of a program may use.
struct common {
    handles kept{};
    owners of_weak{};
    faf::async_mutex mutex{};
    faf::async_semaphore permits{2};
    faf::channel<unsigned> items{2};
    faf::thread_pool* helper = nullptr;
    faf::task_scope* around = nullptr;
};

/// Too big for a slot.
struct luggage {
    std::array<char, 300> bytes{};
};

/// Needs more than the usual alignment.
struct alignas(64) wide {
    std::array<char, 64> bytes{};

    bool is_aligned() const noexcept { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
};

/// Throws when it is copied for the n-th time.
class delicate {
public:
    delicate(const ticket& its, unsigned copies) : ticket_(its), left_(copies) {}
    delicate(const delicate& other) : ticket_(other.ticket_), left_(other.left_ - 1) {
        if (other.left_ == 0) {
            throw std::runtime_error("one copy too many");
        }
    }
    void operator()() const { ticket_.end(); }

private:
    ticket ticket_;
    unsigned left_;
};

/// Throws when it is destroyed, once.
class spiteful {
public:
    explicit spiteful(const ticket& its) : ticket_(its) {}
    spiteful(spiteful&& other) noexcept : ticket_(other.ticket_) {
        std::swap(is_armed_, other.is_armed_);
        is_armed_ = true;
        other.is_armed_ = false;
    }
    ~spiteful() noexcept(false) {
        if (is_armed_) {
            ticket_.book().note_throw();
            throw std::runtime_error("on the way out");
        }
    }
    void operator()() const { ticket_.end(); }

private:
    ticket ticket_;
    bool is_armed_ = false;
};

inline faf::task<unsigned> inner(const ticket& its, unsigned value) {
    co_await faf::yield();
    if (value % 5 == 4) {
        its.end_by(std::logic_error("inside"));
    }
    co_return value;
}

inline faf::detached start_itself(ticket its, unsigned value) {
    const unsigned got = co_await inner(its, value);
    co_await faf::sleep_for(std::chrono::microseconds(got));
    its.end();
}

/// Sleeps, and awaits others, moves to another pool and back.
inline auto travelling(const ticket& its, faf::thread_pool& other, unsigned value) {
    return [its, &other, value]() -> faf::task<> {
        its.begin();
        const unsigned got = co_await inner(its, value);
        if (got % 2 == 1) {
            co_await faf::sleep_for(std::chrono::microseconds(10 * got));
        }
        co_await faf::resume_on(other);
        co_await faf::yield();
        co_await faf::resume_on(faf::default_pool());
        its.end();
    };
}

/// Waits for another task to call back, and goes on where it was or in that one. That one may be
/// refused or dropped: then it is cancelled.
inline auto waiting(const ticket& its, faf::thread_pool& helper, bool in_place) {
    return [its, &helper, in_place]() -> faf::task<> {
        its.begin();
        record* const other = its.book().open();
        if (other != nullptr) {
            faf::completion<int> done;
            its.book().note_answer(
                *other, fire_and_forget(helper, [call_back = done.completer(),
                                                 of = ticket(its.book(), *other)]() mutable {
                    of.end();
                    call_back(7);
                }));
            if (in_place) {
                static_cast<void>(co_await done.in_place());
            } else {
                static_cast<void>(co_await done);
            }
        }
        its.end();
    };
}

/// A part of a task. It may throw.
inline faf::task<unsigned> part(ticket its, unsigned value) {
    if (value % 2 == 1) {
        co_await faf::sleep_for(std::chrono::microseconds(value));
    } else {
        co_await faf::yield();
    }
    if (value % 7 == 6) {
        its.book().note_throw();
        throw std::logic_error("in a part");
    }
    co_return value;
}

/// Awaits several at once: all, all unless one fails, the first of them, or one for some time.
inline auto joining(const ticket& its, unsigned how, unsigned first, unsigned second) {
    return [its, how, first, second]() -> faf::task<> {
        its.begin();
        try {
            if (how == 0) {
                static_cast<void>(co_await faf::when_all(part(its, first), part(its, second)));
            } else if (how == 1) {
                static_cast<void>(co_await faf::when_any(part(its, first), part(its, second)));
            } else if (how == 2) {
                static_cast<void>(
                    co_await faf::when_all_succeed(part(its, first), part(its, second)));
            } else {
                static_cast<void>(co_await faf::with_timeout(part(its, first),
                                                             std::chrono::microseconds(second)));
            }
        } catch (const faf::timed_out&) {
            its.end();
            co_return;
        } catch (const std::logic_error&) {
            its.end();
            throw;
        }
        its.end();
    };
}

/// Gives a permit back.
class permit {
public:
    explicit permit(faf::async_semaphore& of) noexcept : of_(of) {}
    permit(const permit&) = delete;
    permit& operator=(const permit&) = delete;
    ~permit() { of_.release(); }

private:
    faf::async_semaphore& of_;
};

/// Has the mutex or a permit of all while it waits once more.
inline auto in_turn(const ticket& its, common& with, bool by_mutex, unsigned value) {
    return [its, &with, by_mutex, value]() -> faf::task<> {
        its.begin();
        if (by_mutex) {
            const faf::async_lock lock = co_await with.mutex.scoped_lock();
            co_await faf::sleep_for(std::chrono::microseconds(value));
        } else {
            co_await with.permits.acquire();
            const permit held(with.permits);
            co_await faf::yield();
        }
        its.end();
    };
}

inline faf::task<> push_some(ticket /*alive*/, faf::channel<unsigned>& to, unsigned many) {
    for (unsigned i = 0; i < many; ++i) {
        static_cast<void>(co_await to.push(i));
    }
    to.close();
}

inline faf::task<> pop_all(ticket its, faf::channel<unsigned>& from, unsigned many) {
    unsigned got = 0;
    for (std::optional<unsigned> one = co_await from.pop(); one; one = co_await from.pop()) {
        its.book().expect(*one == got, "an item out of turn", *one, got);
        ++got;
    }
    its.book().expect(got <= many, "more items than were pushed", got, many);
}

inline faf::task<> count_down(ticket /*alive*/, faf::async_latch& of) {
    co_await faf::yield();
    of.count_down();
}

/// Two parts that wait for each other.
inline auto together(const ticket& its, bool by_channel, unsigned many) {
    return [its, by_channel, many]() -> faf::task<> {
        its.begin();
        if (by_channel) {
            faf::channel<unsigned> items(2);
            co_await faf::when_all(push_some(its, items, many), pop_all(its, items, many));
        } else {
            faf::async_latch both(2);
            co_await faf::when_all(count_down(its, both), count_down(its, both), both);
        }
        its.end();
    };
}

/// Waits for some time for what may never come: an item, or the end of a scope.
inline auto for_some_time(const ticket& its, common& with, bool is_for_item, unsigned value) {
    return [its, &with, is_for_item, value]() -> faf::task<> {
        its.begin();
        try {
            const std::chrono::microseconds limit(value);
            if (is_for_item) {
                static_cast<void>(co_await faf::with_timeout(with.items.pop(), limit));
            } else {
                co_await faf::with_timeout(with.around->drained(), limit);
            }
        } catch (const faf::timed_out&) {   // as it may
        } catch (const std::logic_error&) { // it is a task of that scope
        }
        its.end();
    };
}

inline constexpr unsigned kinds_of_tasks = 32;

/// Without those whose parts an executor of somebody else's throws away one by one.
inline constexpr unsigned kinds_for_strangers = kinds_of_tasks - 3;

/// Makes a callable of the kind that the script says and passes it to `fire`.
template <class Fire>
void make_task(script& in, const ticket& its, unsigned kinds, bool is_repeated, common& with,
               Fire fire) {
    books& book = its.book();
    faf::thread_pool& helper = *with.helper;
    if (is_repeated) { // ends by itself after some runs, if nothing else ends it
        const unsigned runs = 1 + in.below(5);
        const bool has_owner = in.below(4) == 0;
        note_word(words::repeated, has_owner ? 1 : 0);
        if (has_owner) {
            fire(faf::weak(with.of_weak.at(in.byte()), [its, runs] {
                return its.end() >= runs ? faf::stop_repeating : faf::keep_repeating;
            }));
            return;
        }
        fire([its, runs] { return its.end() >= runs ? faf::stop_repeating : faf::keep_repeating; });
        return;
    }
    const unsigned kind = in.below(kinds);
    its.be_of_kind(kind);
    switch (kind) {
    case 0:
        return fire([its, load = luggage()] {
            static_cast<void>(load);
            its.end();
        });
    case 1:
        return fire([its] { its.end_by(std::runtime_error("as it should")); });
    case 2:
        return fire([its] { its.end_by(3); });
    case 3:
        return fire([its, it = wide()] {
            its.book().expect(it.is_aligned(), "a closure that is not aligned");
            its.end();
        });
    case 4:
        return fire(delicate(its, in.below(5)));
    case 5:
        return fire([its, only = std::make_unique<int>(1)] {
            static_cast<void>(only);
            its.end();
        });
    case 6:
        return fire(static_cast<void (*)()>(nullptr));
    case 7:
        return fire(std::function<void()>());
    case 8:
        return fire([its](const faf::detail::stop_token& stop) {
            for (int i = 0; i < 20 && !stop.stop_requested(); ++i) {
                std::this_thread::yield();
            }
            its.end();
        });
    case 9:
        return fire([its]() -> std::error_code {
            its.end();
            its.book().note_error_result();
            return std::make_error_code(std::errc::io_error);
        });
    case 10:
        return fire([its] {
            std::this_thread::sleep_for(200us);
            its.end();
        });
    case 11: // fires others, small ones at two pools
        return fire([its, &helper, &book] {
            for (faf::thread_pool* const at : {&helper, &faf::default_pool()}) {
                if (record* const other = book.open()) {
                    book.note_answer(
                        *other, fire_and_forget(*at, [own = ticket(book, *other)] { own.end(); }));
                }
            }
            its.end();
        });
    case 12:
        return fire([its]() -> faf::task<> {
            its.begin();
            co_await faf::sleep_for(300us);
            its.end();
        });
    case 13:
        return fire(travelling(its, helper, in.byte()));
    case 14:
        return fire(waiting(its, helper, false));
    case 15:
        return fire([its](faf::detail::stop_token) -> faf::task<std::error_code> {
            its.begin();
            const faf::detail::stop_token stop = co_await faf::this_stop_token();
            co_await faf::sleep_for(stop.stop_requested() ? 0us : 50us);
            its.end();
            its.book().note_error_result();
            co_return std::make_error_code(std::errc::io_error);
        });
    case 16:
        return fire(waiting(its, helper, true));
    case 17:
        return fire(in_turn(its, with, true, in.byte()));
    case 18:
        return fire(in_turn(its, with, false, 0));
    case 19: // from ordinary code
        return fire([its, &with, value = in.byte()] {
            if (auto lock = with.mutex.try_scoped_lock()) {
                static_cast<void>(with.items.try_push(value));
            }
            its.end();
        });
    case 20:
        return fire([its, value = 2 * in.below(100)] {
            its.end();
            static_cast<void>(faf::sync_wait(part(its, value)));
        });
    case 21:
        return fire(faf::weak(with.of_weak.at(in.byte()), [its] { its.end(); }));
    case 22:
        return fire(faf::weak(with.of_weak.at(in.byte()), [its]() -> faf::task<> {
            its.begin();
            co_await faf::yield();
            its.end();
        }));
    case 23: // drops the owner of others
        return fire([its, &with, which = in.byte()] {
            with.of_weak.replace(which);
            its.end();
        });
    case 24: // takes another one back, and waits for it
        return fire([its, &with, which = in.byte()] {
            with.kept.cancel(which);
            with.kept.wait(which, 50us, its.book());
            its.end();
        });
    case 25:
        return fire([its, &with] {
            with.around->cancel_pending();
            static_cast<void>(with.around->drain(50us));
            its.end();
        });
    case kinds_of_tasks - 3: {
        const bool by_channel = in.coin();
        return fire(together(its, by_channel, in.below(8)));
    }
    case kinds_of_tasks - 2: {
        const bool is_for_item = in.coin();
        return fire(for_some_time(its, with, is_for_item, in.byte()));
    }
    case kinds_of_tasks - 1: {
        const unsigned how = in.below(4);
        const unsigned first = in.byte();
        return fire(joining(its, how, first, in.byte()));
    }
    default:
        return fire([its] { its.end(); });
    }
}

} // namespace faf_fuzz
