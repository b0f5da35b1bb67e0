// SPDX-License-Identifier: MIT
// crashes [TASKS]: a producer fires tasks, by default 20,000, for three workers of which one is
// killed at random again and again; Redis is killed when a third is done, and restarted at two
// thirds. Each task must have been done once at least, and none may be left.
//
// The processes are this program in other roles. They count in memory that they share, which
// outlives them, and does not take Redis' word for it.

#include "processes.hpp"

#include "example_handlers.hpp"
#include "outbox.hpp"
#include "worker.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <pthread.h>

namespace {

using namespace durable_test;

constexpr std::size_t most_tasks = 1'000'000;
constexpr std::size_t broken_tasks = 5; ///< the first ones: they fail for ever

struct board {
    std::atomic<std::size_t> done_once; ///< tasks
    std::array<std::atomic<std::uint32_t>, most_tasks> done;

    std::atomic<std::uint64_t> accepted, refused, sent, lost, outages;
    std::atomic<std::int64_t> p50, p99, p999, longest; ///< of the calls, in nanoseconds
};

const char* name_of(std::size_t i) {
    return i < broken_tasks ? "broken"
           : i % 100 == 50  ? "flaky"
           : i % 100 == 99  ? "deposit"
                            : "count";
}

std::size_t deposits_among(std::size_t tasks) {
    return tasks / 100;
}

/// Fires all, again if the outbox is full, and measures each call, the refused ones, too.
int produce(board& shared, const durable::address& redis, std::size_t tasks) {
    using clock = std::chrono::steady_clock;
    durable::outbox durable({.redis = redis, .max_waiting = 5'000, .on_error = [](const auto&) {}});
    std::vector<std::int64_t> times;
    times.reserve(2 * tasks);
    for (std::size_t i = 0; i < tasks;) {
        const std::string key = std::to_string(i);
        const auto start = clock::now();
        const faf::submission answer = durable.fire(name_of(i), "1", key);
        times.push_back((clock::now() - start).count());
        if (answer) {
            ++i;
        } else if (answer.why() != faf::refusal::queue_full) {
            throw std::runtime_error(std::string(to_string(answer.why())));
        }
        if (!answer || i % 5 == 0) {
            std::this_thread::sleep_for(1ms);
        }
    }
    const bool is_all = durable.close(patience);
    std::sort(times.begin(), times.end());
    const auto part = [&](std::size_t thousandths) {
        return times[(times.size() - 1) * thousandths / 1'000];
    };
    shared.p50 = part(500);
    shared.p99 = part(990);
    shared.p999 = part(999);
    shared.longest = times.back();
    shared.accepted = durable.accepted();
    shared.refused = durable.refused();
    shared.sent = durable.sent();
    shared.lost = durable.lost();
    shared.outages = durable.outages();
    return is_all ? 0 : 1;
}

/// Works until SIGTERM.
int work(board& shared, const durable::address& redis) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);

    const auto count = [&shared](const durable::task& one) {
        if (shared.done.at(std::stoul(one.key))++ == 0) {
            ++shared.done_once;
        }
    };
    // claim_time is short for the sake of the test: on a busy machine tasks may be taken over from
    // workers that live, and be done twice. No more than that.
    durable::worker worker(
        {.redis = redis,
         .max_tries = 30, // a task may be claimed by many that are killed
         .again = {5ms, 100ms},
         .claim_time = 1s,
         .renew_every = 250ms,
         .log = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }});
    worker.on("count", count);
    worker.on("flaky", [&](const durable::task& one) {
        if (one.tries == 1) {
            throw std::runtime_error("not the first time");
        }
        count(one);
    });
    worker.on("broken", [](const durable::task&) { throw std::runtime_error("broken for good"); });
    worker.on("deposit", [&, deposit = durable::deposits(redis)](const durable::task& one) {
        for (const auto deadline = std::chrono::steady_clock::now() + patience;;) {
            try {
                deposit(one);
                break;
            } catch (const std::exception&) { // Redis is away; a handler may wait for it
                if (std::chrono::steady_clock::now() > deadline) {
                    throw;
                }
                std::this_thread::sleep_for(10ms);
            }
        }
        count(one);
    });

    fire_and_forget(faf::own_thread, {.name = "worker"}, &durable::worker::run, &worker);
    int signal = 0;
    sigwait(&ends, &signal);
    worker.stop();
    faf::drain();
    return faf::snapshot().failed == 0 ? 0 : 1;
}

/// What the dead letters say, which must be as it should.
std::size_t check_dead_letters(durable::redis_link& redis) {
    std::set<std::string> keys;
    const auto letters = redis.ask({"XRANGE", "tasks:dead", "-", "+"});
    for (const redisReply* each : durable::elements_of(*letters)) {
        const redisReply& fields = *durable::elements_of(*each)[1];
        const auto text = [&](std::string_view name) {
            const redisReply* found = durable::field_of(fields, name);
            return std::string(found != nullptr ? durable::text_of(*found) : "");
        };
        expect(text("name") == "broken",
               text("name") + ' ' + text("key") + " is broken: " + text("error"));
        expect(text("error").find("broken for good") != std::string::npos ||
                   text("error").find("its workers died") != std::string::npos,
               "the dead letter's error says what was wrong: " + text("error"));
        expect(text("from").find("crashes.cpp:") == 0, "it says from where: " + text("from"));
        keys.insert(text("key"));
    }
    return keys.size();
}

int crash(std::size_t tasks) {
    unsigned seed = std::random_device{}();
    if (const char* given = std::getenv("FAF_TEST_SEED")) {
        seed = static_cast<unsigned>(std::strtoul(given, nullptr, 10));
    }
    std::printf("seed %u\n", seed);
    std::fflush(stdout);
    std::minstd_rand chance{seed};
    const auto one_of = [&](std::size_t many) {
        return std::uniform_int_distribution<std::size_t>(0, many - 1)(chance);
    };

    const temporary_folder folder;
    const auto shared = shared_board<board>(folder.file("board"));
    const auto started = std::chrono::steady_clock::now();
    std::size_t kills = 0;
    std::vector<process> workers;
    const auto role = [&](const char* name) {
        return process({"/proc/self/exe", name, folder.file("socket"), folder.file("board"),
                        std::to_string(tasks)},
                       folder.file("log"));
    };
    try {
        redis_server redis(folder);
        for (int i = 0; i < 3; ++i) {
            workers.push_back(role("worker"));
        }
        process producer = role("producer");

        int restarts = 0;
        auto next_kill = started + 200ms;
        wait_until("every task is done", [&] {
            const auto now = std::chrono::steady_clock::now();
            if (now > next_kill && kills < tasks / 500) {
                process& victim = workers[one_of(workers.size())];
                victim.end_by(SIGKILL);
                victim = role("worker");
                ++kills;
                next_kill = now + std::chrono::milliseconds(50 + one_of(300));
            }
            if (restarts == 0 && shared->done_once > tasks / 3) {
                redis.end_by(SIGKILL);
                redis.start();
                ++restarts;
            }
            if (restarts == 1 && shared->done_once > tasks / 3 * 2) {
                redis.end_by(SIGTERM);
                std::this_thread::sleep_for(300ms);
                redis.start();
                ++restarts;
            }
            return shared->done_once == tasks - broken_tasks;
        });
        expect(producer.wait() == 0, "the producer has lost nothing");

        durable::redis_link link(redis.where());
        wait_until("the stream is empty", [&] {
            return link.ask({"XLEN", "tasks"})->integer == 0;
        });
        for (process& each : workers) {
            expect(each.end_by(SIGTERM) == 0, "a worker ends as it should");
        }
        expect(check_dead_letters(link) == broken_tasks, "each broken task is a dead letter");
        const auto balance = link.ask({"GET", "account"});
        expect(durable::number_in(*balance) == deposits_among(tasks),
               "each deposit was made once: " + std::string(durable::text_of(*balance)));

        std::uint64_t runs = 0;
        for (std::size_t i = 0; i < tasks; ++i) {
            expect((shared->done[i] == 0) == (i < broken_tasks),
                   "task " + std::to_string(i) + " was done");
            runs += shared->done[i];
        }
        const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - started);
        std::printf("%zu tasks, each done once at least; %llu were done again\n", tasks,
                    static_cast<unsigned long long>(runs - (tasks - broken_tasks)));
        std::printf("%zu broken ones are dead letters; %zu deposits, each made once\n",
                    broken_tasks, deposits_among(tasks));
        std::printf("%zu workers killed, Redis killed once and restarted once, %.1f s\n", kills,
                    took.count());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n%zu of %zu done, %zu workers killed\n", error.what(),
                     shared->done_once.load(), tasks, kills);
        const std::string log = content_of(folder.file("log"));
        std::fprintf(stderr, "%s\n",
                     log.substr(log.size() - std::min<std::size_t>(log.size(), 8'000)).c_str());
        return 1;
    }
    std::printf("outbox: %llu accepted, %llu sent, %llu refused and fired again, %llu outages\n",
                static_cast<unsigned long long>(shared->accepted),
                static_cast<unsigned long long>(shared->sent),
                static_cast<unsigned long long>(shared->refused),
                static_cast<unsigned long long>(shared->outages));
    std::printf("its callers waited, in ns: p50 %lld, p99 %lld, p99.9 %lld, max %lld\n",
                static_cast<long long>(shared->p50), static_cast<long long>(shared->p99),
                static_cast<long long>(shared->p999), static_cast<long long>(shared->longest));
    return 0;
}

int run(const std::vector<std::string>& words) {
    if (words.size() == 4) {
        const auto shared = shared_board<board>(words[2]);
        const durable::address redis{words[1], 0};
        return words[0] == "worker" ? work(*shared, redis)
                                    : produce(*shared, redis, std::stoul(words[3]));
    }
    const std::size_t tasks = words.empty() ? 20'000 : std::stoul(words[0]);
    if (tasks < 1'000 || tasks > most_tasks) {
        throw std::invalid_argument("from 1000 to 1000000 tasks, please");
    }
    return crash(tasks);
}

} // namespace

int main(int count, char** arguments) {
    try {
        return run({arguments + 1, arguments + count});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
}
