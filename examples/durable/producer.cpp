// SPDX-License-Identifier: MIT
// Fires durable tasks: one for each PAYLOAD, or for each line of the standard input.

#include "command_line.hpp"
#include "outbox.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

constexpr const char* usage =
    "durable_producer [--redis WHERE] [--stream KEY] [--seconds N] NAME [PAYLOAD]...\n"
    "\n"
    "Fires a task NAME for each PAYLOAD, or for each line of the standard input.\n"
    "\n"
    "  --redis WHERE  HOST:PORT or the path of a socket; 127.0.0.1:6379 if not given. The\n"
    "                 password is in REDISCLI_AUTH, if there is one\n"
    "  --stream KEY   the stream's key; tasks if not given\n"
    "  --seconds N    how long, at the end, to wait for Redis to take what is left; 10\n";

/// A program that can wait tries a task again that was refused because the outbox is full; others
/// leave it out, do it themselves, or say so to whoever asked for it.
void fire_or_wait(durable::outbox& durable, const std::string& name, const std::string& payload,
                  faf::call_site where = faf::call_site::current()) {
    for (;;) {
        const faf::submission answer = durable.fire(name, payload, {}, where);
        if (answer) {
            return;
        }
        if (answer.why() != faf::refusal::queue_full) {
            throw std::runtime_error("refused: " + std::string(to_string(answer.why())));
        }
        std::this_thread::sleep_for(10ms);
    }
}

int produce(const durable::command_line& wanted) {
    if (wanted.words().empty()) {
        throw std::invalid_argument("the name of the tasks is missing");
    }
    const std::string& name = wanted.words().front();
    const auto patience = std::chrono::seconds(wanted.number("--seconds"));
    durable::outbox durable(
        {.redis = wanted.redis(), .names = {.stream = wanted.text("--stream")}});
    if (wanted.words().size() > 1) {
        for (std::size_t i = 1; i < wanted.words().size(); ++i) {
            fire_or_wait(durable, name, wanted.words()[i]);
        }
    } else {
        for (std::string line; std::getline(std::cin, line);) {
            fire_or_wait(durable, name, line);
        }
    }
    const bool is_all = durable.close(patience);
    std::printf("%llu accepted, %llu sent, %llu lost\n",
                static_cast<unsigned long long>(durable.accepted()),
                static_cast<unsigned long long>(durable.sent()),
                static_cast<unsigned long long>(durable.lost()));
    return is_all ? 0 : 1;
}

} // namespace

int main(int count, char** arguments) {
    return durable::run_program(usage, [&] {
        const durable::command_line wanted(
            count, arguments,
            {{"--redis", "127.0.0.1:6379"}, {"--stream", "tasks"}, {"--seconds", "10"}});
        if (wanted.wants_help()) {
            std::fputs(usage, stdout);
            return 0;
        }
        return produce(wanted);
    });
}
