// SPDX-License-Identifier: MIT
// Shows what there is: tasks that wait, workers and what they have claimed, dead letters. It can
// fire the dead letters again, when what killed them has been mended.

#include "command_line.hpp"
#include "redis_link.hpp"
#include "stream.hpp"

#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using durable::elements_of;
using durable::field_of;
using durable::text_of;

constexpr const char* usage =
    "durable_status [--redis WHERE] [--stream KEY] [--group NAME] [--letters N] [revive]\n"
    "\n"
    "Shows tasks, workers and dead letters; with revive it fires these again first.\n"
    "\n"
    "  --redis WHERE  HOST:PORT or the path of a socket; 127.0.0.1:6379 if not given. The\n"
    "                 password is in REDISCLI_AUTH, if there is one\n"
    "  --stream KEY   the stream's key; tasks if not given\n"
    "  --group NAME   of the workers; workers if not given\n"
    "  --letters N    how many dead letters to show, the newest first; 10\n";

std::string field(const redisReply& entry, std::string_view name) {
    const redisReply* found = field_of(entry, name);
    return found != nullptr ? std::string(text_of(*found)) : std::string();
}

/// Each dead letter is a task again, at the end of the stream; both at once, or neither.
void revive(durable::redis_link& redis, const durable::stream_names& names) {
    constexpr std::string_view script =
        "for _, letter in ipairs(redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1000)) do "
        "local fields = {} "
        "for i = 1, #letter[2], 2 do "
        "local name = letter[2][i] "
        "if name ~= 'error' and name ~= 'tries' and name ~= 'worker' then "
        "fields[#fields + 1] = name fields[#fields + 1] = letter[2][i + 1] end end "
        "redis.call('XADD', KEYS[1], '*', unpack(fields)) "
        "redis.call('XDEL', KEYS[2], letter[1]) end "
        "return redis.call('XLEN', KEYS[2])";
    while (redis.ask({"EVAL", script, "2", names.stream, names.dead()})->integer > 0) {
    }
}

void show_workers(durable::redis_link& redis, const durable::stream_names& names) {
    const auto workers = redis.ask({"XINFO", "CONSUMERS", names.stream, names.group});
    for (const redisReply* each : elements_of(*workers)) {
        const redisReply* pending = field_of(*each, "pending");
        const redisReply* idle = field_of(*each, "idle");
        std::printf("worker %s: %lld claimed, heard of %lld ms ago\n", field(*each, "name").c_str(),
                    pending != nullptr ? pending->integer : 0, idle != nullptr ? idle->integer : 0);
    }
}

void show_tasks(durable::redis_link& redis, const durable::stream_names& names) {
    std::printf("%lld tasks\n", redis.ask({"XLEN", names.stream})->integer);
    try {
        show_workers(redis, names);
    } catch (const durable::refused_by_redis& refused) {
        if (!refused.is("NOGROUP") && !refused.is("ERR no such key")) {
            throw;
        }
        std::printf("there has been no worker yet\n");
    }
}

void show_letters(durable::redis_link& redis, const durable::stream_names& names,
                  const std::string& most) {
    std::printf("%lld dead letters\n", redis.ask({"XLEN", names.dead()})->integer);
    const auto dead = redis.ask({"XREVRANGE", names.dead(), "+", "-", "COUNT", most});
    for (const redisReply* each : elements_of(*dead)) {
        if (elements_of(*each).size() == 2) {
            const redisReply& entry = *elements_of(*each)[1];
            std::printf("dead letter %s, fired from %s, %s tries: %s\n",
                        field(entry, "name").c_str(), field(entry, "from").c_str(),
                        field(entry, "tries").c_str(), field(entry, "error").c_str());
        }
    }
}

} // namespace

int main(int count, char** arguments) {
    return durable::run_program(usage, [&] {
        const durable::command_line wanted(count, arguments,
                                           {{"--redis", "127.0.0.1:6379"},
                                            {"--stream", "tasks"},
                                            {"--group", "workers"},
                                            {"--letters", "10"}});
        const bool is_reviving = wanted.words().size() == 1 && wanted.words()[0] == "revive";
        if (!wanted.words().empty() && !is_reviving) {
            throw std::invalid_argument("there is nothing to do that is called " +
                                        wanted.words()[0]);
        }
        if (wanted.wants_help()) {
            std::fputs(usage, stdout);
            return 0;
        }
        durable::survive_closed_connections();
        const durable::stream_names names{wanted.text("--stream"), wanted.text("--group")};
        durable::redis_link redis(wanted.redis());
        if (is_reviving) {
            revive(redis, names);
        }
        show_tasks(redis, names);
        show_letters(redis, names, std::to_string(wanted.number("--letters")));
        return 0;
    });
}
