// SPDX-License-Identifier: MIT
// Runs durable tasks until it is told to end by SIGTERM or SIGINT. Start as many as you like, on
// as many machines; kill them as you like.

#include "worker.hpp"
#include "command_line.hpp"
#include "example_handlers.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include <pthread.h>
#include <unistd.h>

namespace {

constexpr const char* usage =
    "durable_worker [--redis WHERE] [--stream KEY] [--group NAME] [--threads N] [--claimed N]\n"
    "               [--tries N] [--claim-time MS]\n"
    "\n"
    "Runs the tasks print, sleep and deposit until it gets SIGTERM or SIGINT.\n"
    "\n"
    "  --redis WHERE    HOST:PORT or the path of a socket; 127.0.0.1:6379 if not given. The\n"
    "                   password is in REDISCLI_AUTH, if there is one\n"
    "  --stream KEY     the stream's key; tasks if not given\n"
    "  --group NAME     of workers that share the tasks; workers if not given\n"
    "  --threads N      tasks that run at a time; 4\n"
    "  --claimed N      tasks that it has, those that wait to be tried again included; 64\n"
    "  --tries N        then a task becomes a dead letter; 10\n"
    "  --claim-time MS  so long after a worker's death others take over its tasks; 30000\n";

int work(const durable::command_line& wanted) {
    // Both signals wait for sigwait below: in this thread, and in all that it starts.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);

    const durable::milliseconds claim_time(wanted.number("--claim-time"));
    const durable::address redis = wanted.redis();
    durable::worker worker(
        {.redis = redis,
         .names = {wanted.text("--stream"), wanted.text("--group")},
         .threads = wanted.number("--threads"),
         .max_claimed = wanted.number("--claimed"),
         .max_tries = wanted.number("--tries"),
         .claim_time = claim_time,
         .renew_every = claim_time / 3,
         .log = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }});
    durable::add_example_handlers(worker, redis);

    std::atomic<bool> has_failed = false;
    fire_and_forget(faf::own_thread, {.name = "worker"}, [&] {
        try {
            worker.run();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
            has_failed = true;
            ::kill(::getpid(), SIGTERM);
        }
    });
    int signal = 0;
    sigwait(&ends, &signal);
    worker.stop();
    faf::drain();
    std::printf("%llu succeeded, %llu failed, %llu dead letters, %llu taken over\n",
                static_cast<unsigned long long>(worker.succeeded()),
                static_cast<unsigned long long>(worker.failed()),
                static_cast<unsigned long long>(worker.buried()),
                static_cast<unsigned long long>(worker.taken_over()));
    return has_failed ? 1 : 0;
}

} // namespace

int main(int count, char** arguments) {
    return durable::run_program(usage, [&] {
        const durable::command_line wanted(count, arguments,
                                           {{"--redis", "127.0.0.1:6379"},
                                            {"--stream", "tasks"},
                                            {"--group", "workers"},
                                            {"--threads", "4"},
                                            {"--claimed", "64"},
                                            {"--tries", "10"},
                                            {"--claim-time", "30000"}});
        if (wanted.wants_help()) {
            std::fputs(usage, stdout);
            return 0;
        }
        return work(wanted);
    });
}
