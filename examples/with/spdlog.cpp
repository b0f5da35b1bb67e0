// SPDX-License-Identifier: MIT
// Both ways: what tasks do wrong is logged by spdlog, and spdlog's slow sink writes in the
// background. A pool of one thread keeps the lines of each thread in order; when the disk can't
// keep up, callers wait rather than lose a line.

#include <fire_and_forget/fire_and_forget.hpp>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

using faf::fire_and_forget;
using namespace std::chrono_literals;

/// Hands each line to `to` in the background.
class background_sink : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit background_sink(spdlog::sink_ptr to) : to_(std::move(to)) {
        to_->set_pattern("%v"); // what it gets is formatted already
    }

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        while (line.size() > 0 && (line.end()[-1] == '\n' || line.end()[-1] == '\r')) {
            line.resize(line.size() - 1);
        }
        fire_and_forget(
            writer_,
            [this, level = message.level](const std::string& text) {
                to_->log(spdlog::details::log_msg({}, level, text));
            },
            fmt::to_string(line));
    }

    void flush_() override {
        writer_.drain(10s);
        to_->flush();
    }

    const spdlog::sink_ptr to_;
    faf::thread_pool writer_{{.threads = 1,
                              .max_pending = 10'000,
                              .when_full = faf::overflow::wait,
                              .name = "log"}}; // ends before what its tasks use
};

int main() {
    const auto file = std::make_shared<spdlog::sinks::stdout_sink_mt>(); // as good as a slow disk
    spdlog::logger log("app", std::make_shared<background_sink>(file));
    log.set_pattern("[%l] %v");

    faf::set_error_sink([&log](const faf::error_report& report) {
        log.error("{} in {}: {}", report.task, report.where.function_name(), report.what);
    });
    for (int i = 1; i <= 3; ++i) {
        log.info("line {}", i);
    }
    log.flush();
    fire_and_forget({.name = "upload"}, [] { throw std::runtime_error("connection lost"); });
    faf::drain(10s);
    log.flush();
    faf::set_error_sink({}); // the logger ends here
}

// Prints:
//   [info] line 1
//   [info] line 2
//   [info] line 3
//   [error] upload in ...main...: connection lost
