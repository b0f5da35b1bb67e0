// SPDX-License-Identifier: MIT
// A call that answers with a handle: its task can be taken back while it has not begun, asked to
// stop, and waited for. faf::cancellable() does that to any executor.

#include <fire_and_forget/cancellable.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using faf::fire_and_forget;
using namespace std::chrono_literals;

const char* yes_or_no(bool is_so) {
    return is_so ? "yes" : "no";
}

/// What its tasks use is there until they are gone.
class mailbox {
public:
    explicit mailbox(faf::thread_pool& pool)
        : watching_(fire_and_forget(faf::cancellable(pool), {.every = 1ms}, [this] { look(); })) {}
    ~mailbox() { watching_.cancel_and_wait(); }
    mailbox(const mailbox&) = delete;
    mailbox& operator=(const mailbox&) = delete;

private:
    void look() { last_ = "nothing"; }

    std::string last_;
    faf::task_handle watching_;
};

int main() {
    const faf::task_handle reminder =
        fire_and_forget(faf::cancellable(), {.after = 1h}, [] { std::puts("time to go"); });
    std::printf("accepted: %s\n", yes_or_no(bool(reminder)));
    std::printf("came in time: %s\n", yes_or_no(reminder.cancel()));
    reminder.wait(); // for what is left of it

    faf::thread_pool pool({.threads = 1});
    const auto quick = fire_and_forget(faf::cancellable(pool), [] { std::puts("at once"); });
    quick.wait();
    std::printf("it is done: %s, and came in time: %s\n", yes_or_no(quick.is_done()),
                yes_or_no(quick.cancel()));

    const auto asleep = fire_and_forget(faf::cancellable(pool), []() -> faf::task<> {
        co_await faf::sleep_for(1h);
        std::puts("an hour later");
    });
    asleep.request_stop();
    std::printf("it has gone: %s\n", yes_or_no(asleep.wait(10s)));

    { const mailbox empty(pool); }
    std::puts("the mailbox has gone");
}

// Prints:
//   accepted: yes
//   came in time: yes
//   at once
//   it is done: yes, and came in time: no
//   it has gone: yes
//   the mailbox has gone
