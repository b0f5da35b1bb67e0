// SPDX-License-Identifier: MIT
// Once things have been quiet for a while: each call takes the one before it back and waits anew.
// For what is asked again with each key that is pressed, or each time that a file is written.

#include <fire_and_forget/cancellable.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/testing.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using faf::fire_and_forget;
using namespace std::chrono_literals;

void search(const std::string& text) {
    std::printf("searching for %s\n", text.c_str());
}

class search_box {
public:
    explicit search_box(faf::executor_ref on) : searches_(on) {}

    void press(char key) {
        text_ += key;
        waiting_.cancel(); // which is too late if it has begun: then another search follows
        waiting_ = fire_and_forget(faf::cancellable(searches_), {.after = 50ms}, search, text_);
    }

private:
    std::string text_;
    faf::serial_executor searches_; // never two at a time
    faf::task_handle waiting_;
};

int main() {
    faf::testing::manual_executor ex; // in a program a pool; here time passes when it is told
    search_box box(ex);
    for (const char key : {'b', 'a', 't'}) {
        box.press(key);
        ex.advance(49ms);
    }
    std::puts("quiet for 49 ms");
    ex.advance(1ms);
    box.press('h');
    ex.advance(50ms);
}

// Prints:
//   quiet for 49 ms
//   searching for bat
//   searching for bath
