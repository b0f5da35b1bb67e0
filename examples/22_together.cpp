// SPDX-License-Identifier: MIT
// Several things awaited at once: all of them, all unless one fails, the first of them, and one of
// them for some time.

#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/when_all.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

faf::task<std::string> ask(std::string server, std::chrono::milliseconds takes) {
    co_await faf::sleep_for(takes);
    co_return server + "'s answer";
}

faf::task<std::string> ask_nobody() {
    co_await faf::sleep_for(1ms);
    throw std::runtime_error("there is nobody");
}

faf::task<> ask_all() {
    auto both = co_await faf::when_all(ask("near", 1ms), ask("far", 5ms));
    auto& [near, far] = both;
    std::printf("%s and %s\n", near.c_str(), far.c_str());

    try {
        co_await faf::when_all_succeed(ask("slow", 1h), ask_nobody()); // not in an hour, but now
    } catch (const std::runtime_error& error) {
        std::printf("not both: %s\n", error.what());
    }

    std::vector<faf::task<std::string>> mirrors;
    mirrors.push_back(ask("slow", 1h));
    mirrors.push_back(ask("quick", 1ms));
    const auto first = co_await faf::when_any(std::move(mirrors));
    std::printf("first %s, from mirror %zu\n", first.value.c_str(), first.index);

    try {
        std::puts((co_await faf::with_timeout(ask("slow", 1h), 10ms)).c_str());
    } catch (const faf::timed_out& error) {
        std::printf("no answer: %s\n", error.what());
    }
}

int main() {
    faf::sync_wait(ask_all()); // on this thread
}

// Prints:
//   near's answer and far's answer
//   not both: there is nobody
//   first quick's answer, from mirror 1
//   no answer: the time was up
