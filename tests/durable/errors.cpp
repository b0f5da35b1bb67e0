// SPDX-License-Identifier: MIT
// What can go wrong with durable tasks, one case after the other, each with a Redis of its own:
// wrong arguments, no Redis, one that refuses, tasks that fail, hang or kill their workers.

#include "processes.hpp"

#include "example_handlers.hpp"
#include "outbox.hpp"
#include "worker.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace durable_test;
using durable::elements_of;
using durable::text_of;

/// A sink that remembers. It must outlive what reports to it.
class notes {
public:
    faf::error_sink sink() {
        return [this](const faf::error_report& report) {
            const std::lock_guard hold(guard_);
            all_.push_back(faf::to_string(report));
        };
    }
    std::function<void(const std::string&)> log() {
        return [this](const std::string& line) {
            const std::lock_guard hold(guard_);
            all_.push_back(line);
        };
    }
    std::size_t with(std::string_view text) {
        const std::lock_guard hold(guard_);
        std::size_t found = 0;
        for (const std::string& each : all_) {
            found += each.find(text) != each.npos ? 1 : 0;
        }
        return found;
    }

private:
    std::mutex guard_;
    std::vector<std::string> all_;
};

/// A worker in this process, which works while this object lives.
class running_worker {
public:
    explicit running_worker(durable::worker_settings wanted) : worker_(std::move(wanted)) {}
    ~running_worker() {
        worker_.stop();
        tasks_.drain();
    }
    running_worker(const running_worker&) = delete;
    running_worker& operator=(const running_worker&) = delete;

    running_worker& on(const std::string& name, durable::worker::handler what) {
        worker_.on(name, std::move(what));
        return *this;
    }
    void start() { fire_and_forget(tasks_, {.name = "run"}, &durable::worker::run, &worker_); }
    durable::worker* operator->() { return &worker_; }

private:
    durable::worker worker_;
    faf::thread_pool tasks_{{.threads = 1}};
};

/// Quick, for tests.
durable::worker_settings settings_for(const redis_server& redis, notes& heard) {
    return {.redis = redis.where(),
            .max_tries = 3,
            .again = {1ms, 2ms},
            .claim_time = 60s,
            .renew_every = 10ms,
            .log = heard.log()};
}

long long length_of(durable::redis_link& redis, std::string_view stream) {
    return redis.ask({"XLEN", stream})->integer;
}

/// Value of a field of the newest dead letter.
std::string letter(durable::redis_link& redis, std::string_view name) {
    const auto found = redis.ask({"XREVRANGE", "tasks:dead", "+", "-", "COUNT", "1"});
    if (elements_of(*found).empty()) {
        return "";
    }
    const redisReply* field = durable::field_of(*elements_of(*elements_of(*found)[0])[1], name);
    return field != nullptr ? std::string(text_of(*field)) : "";
}

/// Runs one of the example's programs: its exit code and what it writes.
std::pair<int, std::string> outcome_of(const char* program, std::vector<std::string> words) {
    const temporary_folder folder;
    const char* path = std::getenv(program);
    expect(path != nullptr, std::string(program) + " names a program");
    words.insert(words.begin(), path);
    const int code = process(words, folder.file("log")).wait();
    return {code, content_of(folder.file("log"))};
}

void wrong_arguments_are_answered_with_a_sentence() {
    const auto refuses = [](const char* program, std::vector<std::string> words, const char* why) {
        const auto [code, text] = outcome_of(program, words);
        expect(code == 2 && text.find(why) != text.npos,
               std::string(program) + " says: " + why + ", not " + text);
    };
    refuses("DURABLE_PRODUCER", {}, "the name of the tasks is missing");
    refuses("DURABLE_PRODUCER", {"--redis"}, "--redis needs a value");
    refuses("DURABLE_PRODUCER", {"--redis", "localhost", "print"}, "not at localhost");
    refuses("DURABLE_PRODUCER", {"--redis", "localhost:99999", "print"}, "not at localhost:99999");
    refuses("DURABLE_WORKER", {"--threads", "0"}, "--threads needs a number");
    refuses("DURABLE_WORKER", {"--threads", "4x"}, "--threads needs a number");
    refuses("DURABLE_WORKER", {"--theads", "4"}, "there is no option --theads");
    refuses("DURABLE_WORKER", {"--claim-time", "2"}, "before their time is over");
    refuses("DURABLE_STATUS", {"revise"}, "nothing to do that is called revise");
    expect(outcome_of("DURABLE_STATUS", {"--help"}).first == 0, "--help is fine");
}

void programs_say_that_there_is_no_redis() {
    const auto [status, shown] = outcome_of("DURABLE_STATUS", {"--redis", "/nowhere/at/all"});
    expect(status == 1 && shown.find("no connection to Redis") != shown.npos, "status: " + shown);
    const auto [producer, said] = outcome_of(
        "DURABLE_PRODUCER", {"--redis", "/nowhere/at/all", "--seconds", "1", "print", "a", "b"});
    expect(producer == 1 && said.find("2 accepted, 0 sent, 2 lost") != said.npos &&
               said.find("given up") != said.npos && said.find("producer.cpp:") != said.npos,
           "producer: " + said);
}

void programs_work_together() {
    const temporary_folder folder;
    const redis_server redis(folder);
    const std::string where = redis.where().host;
    const auto run = [&](const char* program, std::vector<std::string> words) {
        words.insert(words.begin(), {"--redis", where});
        const auto [code, text] = outcome_of(program, words);
        expect(code == 0, std::string(program) + ": " + text);
        return text;
    };
    run("DURABLE_PRODUCER", {"deposit", "20", "22", "much"});
    expect(run("DURABLE_STATUS", {}).find("3 tasks") == 0, "status shows three tasks");

    process worker({std::getenv("DURABLE_WORKER"), "--redis", where, "--tries", "1"},
                   folder.file("log"));
    durable::redis_link link(redis.where());
    wait_until("all is done", [&] { return length_of(link, "tasks") == 0; });
    const std::string shown = run("DURABLE_STATUS", {});
    expect(shown.find("1 dead letters") != shown.npos &&
               shown.find("1 tries: std::runtime_error: the payload is not a number: much") !=
                   shown.npos,
           "status shows the dead letter: " + shown);
    expect(worker.end_by(SIGTERM) == 0, "the worker ends as it should");
    const std::string said = content_of(folder.file("log"));
    expect(said.find("2 succeeded, 1 failed, 1 dead letters") != said.npos, said);
    expect(text_of(*link.ask({"GET", "account"})) == "42", "the account has 42");
    expect(run("DURABLE_STATUS", {"revive"}).find("1 tasks") == 0, "the dead letter is a task");
}

void tasks_wait_while_redis_is_away() {
    const temporary_folder folder;
    redis_server redis(folder);
    redis.end_by(SIGKILL);
    notes heard;
    durable::outbox durable(
        {.redis = redis.where(), .again = {1ms, 10ms}, .on_error = heard.sink()});
    for (int i = 0; i < 1'000; ++i) {
        expect(static_cast<bool>(durable.fire("later")), "it is accepted");
    }
    wait_until("it is reported", [&] { return heard.with("no connection to Redis") == 1; });
    redis.start();
    expect(durable.drain(patience), "all have gone");
    durable::redis_link link(redis.where());
    expect(length_of(link, "tasks") == 1'000 && durable.sent() == 1'000, "all are there");
    expect(durable.outages() == 1 && heard.with("") == 1, "one outage, and one report");
}

void a_full_outbox_refuses_and_says_so() {
    notes heard;
    durable::outbox durable(
        {.redis = {"/nowhere/at/all", 0}, .max_waiting = 10, .on_error = heard.sink()});
    std::uint64_t accepted = 0;
    for (int i = 0; i < 1'000; ++i) {
        const faf::submission answer = durable.fire("kept", "payload");
        expect(answer || answer.why() == faf::refusal::queue_full, "the reason is right");
        accepted += answer ? 1 : 0;
    }
    expect(accepted >= 10 && accepted < 300, "it keeps what it may, and a batch");
    expect(durable.accepted() == accepted && durable.refused() == 1'000 - accepted, "it counts");
    expect(heard.with("the queue is full") == 1'000 - accepted, "each refusal is reported");
    expect(heard.with("errors.cpp:") >= 1'000 - accepted, "with its place");
    expect(!durable.close(0s), "what is left is given up");
    expect(durable.lost() == accepted && durable.sent() == 0, "and counted");
    expect(heard.with("given up: no connection") == accepted, "and reported, each");
    expect(durable.fire("late").why() == faf::refusal::shutting_down, "it is closed");
}

void what_is_too_large_is_refused() {
    notes heard;
    durable::outbox durable({.redis = {"/nowhere/at/all", 0},
                             .max_bytes = 5'000,
                             .max_payload = 1'000,
                             .on_error = heard.sink()});
    expect(durable.fire("large", std::string(1'001, 'x')).why() == faf::refusal::invalid_options,
           "a payload has a limit");
    expect(durable.fire("").why() == faf::refusal::invalid_options, "a task has a name");
    int accepted = 0;
    while (durable.fire("large", std::string(1'000, 'x'))) {
        ++accepted;
    }
    expect(accepted >= 3 && accepted <= 5, "and so have all together");
    expect(heard.with("errors.cpp:") == 3, "each refusal is reported");
    durable.close(0s);
}

void a_key_of_another_type_is_told_and_waited_for() {
    const temporary_folder folder;
    const redis_server redis(folder);
    durable::redis_link link(redis.where());
    link.ask({"SET", "tasks", "by somebody else"});
    notes heard;
    durable::outbox durable(
        {.redis = redis.where(), .again = {1ms, 10ms}, .on_error = heard.sink()});
    durable.fire("kept");
    wait_until("it is reported", [&] { return heard.with("WRONGTYPE") == 1; });
    const auto [code, said] = outcome_of("DURABLE_WORKER", {"--redis", redis.where().host});
    expect(code == 1 && said.find("WRONGTYPE") != said.npos, "a worker ends: " + said);
    link.ask({"DEL", "tasks"});
    expect(durable.drain(patience) && length_of(link, "tasks") == 1, "it goes on by itself");
}

void a_redis_without_memory_is_told_and_waited_for() {
    const temporary_folder folder;
    const redis_server redis(folder);
    durable::redis_link link(redis.where());
    notes heard;
    durable::outbox durable(
        {.redis = redis.where(), .again = {1ms, 10ms}, .on_error = heard.sink()});
    durable.fire("broken");
    durable.fire("fine");
    expect(durable.drain(patience), "they are there");
    durable::make_group(link, {});
    link.ask({"CONFIG", "SET", "maxmemory", "1"});
    durable.fire("later");
    wait_until("it is reported", [&] { return heard.with("OOM") == 1; });

    // A dead letter needs memory. That it can't be written must not hold up what frees some.
    notes worker_heard;
    running_worker worker(settings_for(redis, worker_heard));
    worker.on("broken", [](const durable::task&) { throw std::runtime_error("broken"); })
        .on("fine", [](const durable::task&) { std::this_thread::sleep_for(50ms); })
        .on("later", [](const durable::task&) {})
        .start();
    wait_until("one is settled", [&] { return length_of(link, "tasks") == 1; });
    expect(length_of(link, "tasks:dead") == 0, "there is no dead letter yet");
    link.ask({"CONFIG", "SET", "maxmemory", "0"});
    expect(durable.drain(patience), "the outbox goes on by itself");
    wait_until("all are settled", [&] { return length_of(link, "tasks") == 0; });
    expect(length_of(link, "tasks:dead") == 1, "and the dead letter is there");
}

void a_password_is_used_and_a_wrong_one_told() {
    const temporary_folder folder;
    const redis_server redis(folder);
    durable::redis_link link(redis.where());
    link.ask({"CONFIG", "SET", "requirepass", "secret"});
    const auto with_password = [&](const char* password) {
        ::setenv("REDISCLI_AUTH", password, 1);
        const auto [code, said] = outcome_of("DURABLE_STATUS", {"--redis", redis.where().host});
        ::unsetenv("REDISCLI_AUTH");
        return std::to_string(code) + said;
    };
    expect(with_password("secret").find("00 tasks") == 0, "the right one opens");
    expect(with_password("wrong").find("1WRONGPASS") == 0, "the wrong one does not");
    const auto [code, said] = outcome_of("DURABLE_WORKER", {"--redis", redis.where().host});
    expect(code == 1 && said.find("NOAUTH") != said.npos, "a worker without one ends: " + said);
}

void a_task_that_fails_becomes_a_dead_letter() {
    const temporary_folder folder;
    const redis_server redis(folder);
    durable::redis_link link(redis.where());
    durable::outbox durable({.redis = redis.where()});
    const std::string bytes("\0\r\n\xff", 4);
    durable.fire("broken", bytes, "order-4711");
    expect(durable.drain(patience), "it is there");

    std::atomic<unsigned> runs = 0;
    std::atomic<bool> is_mended = false;
    notes heard;
    running_worker worker(settings_for(redis, heard));
    worker
        .on("broken",
            [&](const durable::task& one) {
                expect(one.payload == bytes && one.key == "order-4711", "the task is whole");
                ++runs;
                if (!is_mended) {
                    expect(one.tries == runs, "it knows which try this is");
                    throw std::runtime_error("no disk");
                }
            })
        .start();
    wait_until("it is dead", [&] { return length_of(link, "tasks:dead") == 1; });
    expect(runs == 3, "it was tried three times");
    expect(letter(link, "name") == "broken" && letter(link, "payload") == bytes &&
               letter(link, "key") == "order-4711" && letter(link, "tries") == "3" &&
               letter(link, "error") == "std::runtime_error: no disk",
           "the letter says all: " + letter(link, "error"));
    expect(letter(link, "from").find("errors.cpp:") == 0, "and from where");
    expect(heard.with("try 1: std::runtime_error: no disk") == 1 &&
               heard.with("given up after 3 tries") == 1,
           "each try is told");

    is_mended = true;
    outcome_of("DURABLE_STATUS", {"--redis", redis.where().host, "revive"});
    wait_until("it is done", [&] { return runs == 4 && length_of(link, "tasks") == 0; });
    expect(length_of(link, "tasks:dead") == 0, "the letter is gone");
}

void what_is_no_task_becomes_a_dead_letter() {
    const temporary_folder folder;
    const redis_server redis(folder);
    durable::redis_link link(redis.where());
    link.ask({"XADD", "tasks", "*", "something", "else"});
    durable::outbox({.redis = redis.where()}).fire("unheard of");
    notes heard;
    running_worker worker(settings_for(redis, heard));
    worker.start();
    wait_until("both are dead", [&] { return length_of(link, "tasks:dead") == 2; });
    expect(heard.with("the entry has no name") == 1, "one has no name");
    expect(letter(link, "error").find("no handler for unheard of") != std::string::npos,
           "for the other there is no handler");
}

void a_long_task_keeps_its_claim() {
    const temporary_folder folder;
    const redis_server redis(folder);
    durable::redis_link link(redis.where());
    durable::outbox({.redis = redis.where()}).fire("long");
    durable::make_group(link, {});
    std::atomic<bool> may_end = false;
    notes heard;
    running_worker worker(settings_for(redis, heard));
    worker
        .on("long",
            [&](const durable::task&) { wait_until("it may end", [&] { return may_end.load(); }); })
        .start();
    long long idle = 0;
    int renewals = 0;
    wait_until("its claim has been renewed three times", [&] {
        const auto pending = link.ask({"XPENDING", "tasks", "workers", "-", "+", "1"});
        if (elements_of(*pending).size() == 1) { // [[id, worker, idle, tries]]
            const auto row = elements_of(*elements_of(*pending)[0]);
            renewals += row[2]->integer < idle ? 1 : 0;
            idle = row[2]->integer;
            expect(row[3]->integer == 1, "that does not count as a try");
        }
        return renewals == 3;
    });
    may_end = true;
    wait_until("it is settled", [&] { return length_of(link, "tasks") == 0; });
    expect(worker->succeeded() == 1, "it ran once");
}

void a_worker_that_ends_gives_back_what_has_not_run() {
    const temporary_folder folder;
    const redis_server redis(folder);
    durable::redis_link link(redis.where());
    durable::make_group(link, {});
    durable::outbox durable({.redis = redis.where()});
    for (int i = 0; i < 10; ++i) {
        durable.fire("slow");
    }
    expect(durable.drain(patience), "they are there");
    std::atomic<int> runs = 0;
    std::atomic<bool> may_end = false;
    notes heard;
    durable::worker_settings wanted = settings_for(redis, heard);
    wanted.threads = 1;
    wanted.claim_time = std::chrono::hours(2); // nobody takes over what was not given back
    wanted.renew_every = std::chrono::hours(1);
    const auto slow = [&](const durable::task& one) {
        expect(one.tries == 1, "what has not run does not count as a try");
        ++runs;
        wait_until("it may end", [&] { return may_end.load(); });
    };
    {
        running_worker first(wanted);
        first.on("slow", slow).start();
        wait_until("it is at work", [&] {
            return runs == 1 &&
                   link.ask({"XPENDING", "tasks", "workers"})->element[0]->integer == 10;
        });
        first->stop();
        wait_until("nine are given back", [&] {
            const auto old =
                link.ask({"XPENDING", "tasks", "workers", "IDLE", "7200000", "-", "+", "10"});
            return elements_of(*old).size() == 9;
        });
        may_end = true;
    }
    expect(length_of(link, "tasks") == 9 && runs == 1, "what runs is waited for");
    running_worker second(wanted);
    second.on("slow", slow).start();
    wait_until("all are done", [&] { return length_of(link, "tasks") == 0; });
    expect(runs == 10 && heard.with("does not hold") == 0, "each ran once");
}

void a_task_that_kills_its_workers_becomes_a_dead_letter() {
    const temporary_folder folder;
    const redis_server redis(folder);
    durable::redis_link link(redis.where());
    durable::outbox({.redis = redis.where()}).fire("deadly");
    int workers = 0;
    process worker;
    wait_until("it is dead", [&] {
        if (worker.has_ended()) {
            ++workers;
            worker = process({"/proc/self/exe", "deadly", redis.where().host}, folder.file("log"));
        }
        return length_of(link, "tasks:dead") == 1;
    });
    expect(workers >= 3, "it took two with it, and the next one saw that");
    expect(letter(link, "error").find("workers died") != std::string::npos, letter(link, "error"));
}

/// The other process of the case above.
int be_killed(const std::string& socket) {
    durable::worker worker(
        {.redis = {socket, 0}, .max_tries = 2, .claim_time = 50ms, .renew_every = 10ms});
    worker.on("deadly", [](const durable::task&) { ::kill(::getpid(), SIGKILL); });
    worker.run();
    return 0;
}

void a_group_that_is_gone_is_made_again() {
    const temporary_folder folder;
    const redis_server redis(folder);
    durable::redis_link link(redis.where());
    durable::outbox durable({.redis = redis.where()});
    std::atomic<int> runs = 0;
    notes heard;
    running_worker worker(settings_for(redis, heard));
    worker.on("count", [&](const durable::task&) { ++runs; }).start();
    durable.fire("count");
    wait_until("one is done", [&] { return runs == 1; });
    link.ask({"FLUSHALL"});
    durable.fire("count");
    wait_until("the other is done", [&] { return runs == 2; });
}

void workers_that_are_gone_are_forgotten() {
    const temporary_folder folder;
    const redis_server redis(folder);
    durable::redis_link link(redis.where());
    const durable::stream_names names;
    durable::make_group(link, names);
    durable::outbox({.redis = redis.where()}).fire("claimed");
    wait_until("it is there", [&] { return length_of(link, "tasks") == 1; });
    expect(durable::read_new(link, names, "holds", 10, "1").size() == 1, "one is claimed");
    link.ask({"XGROUP", "CREATECONSUMER", names.stream, names.group, "idle"});
    durable::forget_workers(link, names, "3600000");
    const auto workers = [&] {
        return elements_of(*link.ask({"XINFO", "CONSUMERS", "tasks", "workers"})).size();
    };
    expect(workers() == 2, "both have been heard of lately");
    durable::forget_workers(link, names, "0");
    expect(workers() == 1, "who has claimed something is kept");
}

constexpr std::pair<const char*, void (*)()> cases[] = {
    {"wrong arguments are answered with a sentence", wrong_arguments_are_answered_with_a_sentence},
    {"programs say that there is no Redis", programs_say_that_there_is_no_redis},
    {"producer, worker and status work together", programs_work_together},
    {"tasks wait while Redis is away", tasks_wait_while_redis_is_away},
    {"a full outbox refuses and says so", a_full_outbox_refuses_and_says_so},
    {"what is too large is refused", what_is_too_large_is_refused},
    {"a key of another type is told and waited for", a_key_of_another_type_is_told_and_waited_for},
    {"a Redis without memory is told and waited for",
     a_redis_without_memory_is_told_and_waited_for},
    {"a password is used, and a wrong one told", a_password_is_used_and_a_wrong_one_told},
    {"a task that fails becomes a dead letter", a_task_that_fails_becomes_a_dead_letter},
    {"what is no task becomes a dead letter", what_is_no_task_becomes_a_dead_letter},
    {"a long task keeps its claim", a_long_task_keeps_its_claim},
    {"a worker that ends gives back what has not run",
     a_worker_that_ends_gives_back_what_has_not_run},
    {"a task that kills its workers becomes a dead letter",
     a_task_that_kills_its_workers_becomes_a_dead_letter},
    {"a group that is gone is made again", a_group_that_is_gone_is_made_again},
    {"workers that are gone are forgotten", workers_that_are_gone_are_forgotten},
};

} // namespace

/// errors [PART OF A NAME]: runs all cases, or those.
int main(int count, char** arguments) {
    const std::vector<std::string> words(arguments + 1, arguments + count);
    if (words.size() == 2) {
        return be_killed(words[1]);
    }
    durable::survive_closed_connections(); // tests use links in this thread
    int failures = 0;
    for (const auto& [name, run] : cases) {
        if (!words.empty() && std::string_view(name).find(words[0]) == std::string_view::npos) {
            continue;
        }
        const auto started = std::chrono::steady_clock::now();
        try {
            run();
        } catch (const std::exception& error) {
            std::printf("FAILED: %s: %s\n", name, error.what());
            ++failures;
        }
        const auto took = std::chrono::steady_clock::now() - started;
        std::printf("%s, %lld ms\n", name,
                    static_cast<long long>(
                        std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
        std::fflush(stdout);
    }
    return failures == 0 ? 0 : 1;
}
