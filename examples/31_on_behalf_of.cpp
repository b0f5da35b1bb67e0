// SPDX-License-Identifier: MIT
// A library that fires on behalf of its callers: reports name the line of theirs, not one of its
// own. Options may be kept in a variable, and times be of any unit.

#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

using faf::fire_and_forget;
using namespace std::chrono_literals;

class mailer {
public:
    explicit mailer(faf::time_span patience) : options_{.expires = patience} {}

    /// The default argument is the place of the call.
    faf::submission send(const char* to, faf::call_site where = faf::call_site::current()) {
        faf::options options = options_;
        options.name = template_name_;
        options.where = where;
        return fire_and_forget(faf::default_pool(), options, [to] {
            throw std::runtime_error(std::string("no such address: ") + to);
        });
    }

private:
    static const char* name_of_template() { return "welcome"; } // a table, read once and kept

    faf::options options_;
    faf::literal template_name_ = faf::literal::from_static(name_of_template());
};

int main() {
    faf::set_error_sink([](const faf::error_report& report) {
        std::printf("%s\n", faf::to_string(report).c_str());
    });
    faf::limit_own_threads(16); // of all the program; faf::own_thread refuses the 17th at a time
    faf::set_own_thread_stack_size(256 * 1024); // if the system's, 8 MiB as a rule, do not suit

    mailer mails(1.5h);            // or faf::time_span::endless()
    mails.send("ada@example.org"); // this line
    faf::drain();

    int beats = 0;
    fire_and_forget({.priority = faf::priority::normal, .every = 2ms}, [&beats] {
        return ++beats < 3 ? faf::repetition::go_on : faf::repetition::stop; // or keep_repeating
    });
    while (faf::snapshot().pending + faf::snapshot().running > 0) {
        faf::drain(1ms); // it does not wait for what repeats
    }
    std::printf("%d beats\n", beats);
}

// Prints:
//   task "welcome" (31_on_behalf_of.cpp:44 in main) failed: std::runtime_error: no such address: ada@example.org
//   3 beats
