// SPDX-License-Identifier: MIT
// A pool of one's own keeps slow work away from everything else. With a single thread it also runs
// its tasks one after the other, in the order in which they were fired.

#include <fire_and_forget/fire_and_forget.hpp>

#include <cstdio>
#include <string>
#include <vector>

using faf::fire_and_forget;

int main() {
    std::vector<std::string> journal; // only the one worker touches it: no lock

    {
        faf::thread_pool writer({.threads = 1, .name = "writer"});
        for (const char* line : {"open", "write", "close"}) {
            fire_and_forget(writer, [&journal, line] { journal.emplace_back(line); });
        }
    } // waits for the tasks, for pool_options::exit_timeout at most

    for (const std::string& line : journal) {
        std::puts(line.c_str());
    }
}

// Prints:
//   open
//   write
//   close
