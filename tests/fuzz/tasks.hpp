// SPDX-License-Identifier: MIT
#pragma once

// The tasks that the programs of the fuzz tests fire: one of each kind that the library treats in
// its own way.

#include "books.hpp"
#include "script.hpp"

#include <fire_and_forget/coroutine.hpp>
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

/// Awaits several at once: all, the first of them, or one for some time.
inline auto joining(const ticket& its, unsigned how, unsigned first, unsigned second) {
    return [its, how, first, second]() -> faf::task<> {
        try {
            if (how == 0) {
                static_cast<void>(co_await faf::when_all(part(its, first), part(its, second)));
            } else if (how == 1) {
                static_cast<void>(co_await faf::when_any(part(its, first), part(its, second)));
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

inline constexpr unsigned kinds_of_tasks = 21;

/// Without the last one, whose parts an executor of somebody else's throws away one by one.
inline constexpr unsigned kinds_for_strangers = kinds_of_tasks - 1;

/// Makes a callable of the kind that the script says and passes it to `fire`.
template <class Fire>
void make_task(script& in, const ticket& its, unsigned kinds, bool is_repeated,
               faf::thread_pool& helper, Fire fire) {
    books& book = its.book();
    if (is_repeated) { // ends by itself after some runs, if nothing else ends it
        const unsigned runs = 1 + in.below(5);
        fire([its, runs] { return its.end() >= runs ? faf::stop_repeating : faf::keep_repeating; });
        return;
    }
    switch (in.below(kinds)) {
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
            co_await faf::sleep_for(300us);
            its.end();
        });
    case 13:
        return fire(travelling(its, helper, in.byte()));
    case 14:
        return fire(waiting(its, helper, false));
    case 15:
        return fire([its](faf::detail::stop_token) -> faf::task<std::error_code> {
            const faf::detail::stop_token stop = co_await faf::this_stop_token();
            co_await faf::sleep_for(stop.stop_requested() ? 0us : 50us);
            its.end();
            its.book().note_error_result();
            co_return std::make_error_code(std::errc::io_error);
        });
    case 16:
        return fire(waiting(its, helper, true));
    case kinds_of_tasks - 1: {
        const unsigned how = in.below(3);
        const unsigned first = in.byte();
        return fire(joining(its, how, first, in.byte()));
    }
    default:
        return fire([its] { its.end(); });
    }
}

} // namespace faf_fuzz
