// SPDX-License-Identifier: MIT
// A market data feed with one task for each trade. A reader takes a file line by line and fires
// each line into the background, where it is parsed and added to the book of its symbol. A line
// that cannot be parsed fails there, is reported, and does not disturb the reader.
//
// What has nothing to do with tasks is in the folder market_feed.

#include "market_feed/command_line.hpp"
#include "market_feed/console.hpp"
#include "market_feed/latency_histogram.hpp"
#include "market_feed/trade.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <iomanip>
#include <iostream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

using faf::fire_and_forget;

/// Looks for prices that are far from the one before. Telling somebody is a task of its own, which
/// goes to the default pool and can wait until there is nothing else to do.
class jump_watch {
public:
    /// `limit` in ten-thousandths of a percent.
    jump_watch(std::uint64_t limit, market::remarks& desk) : limit_(limit), desk_(desk) {}

    void look(std::string_view symbol, std::uint64_t before, std::uint64_t now) {
        const std::uint64_t step = now > before ? now - before : before - now;
        if (before != 0 && step * 1'000'000 > before * limit_) {
            fire_and_forget({.name = "jump", .priority = faf::priority::low}, &jump_watch::tell,
                            this, std::string(symbol), before, now);
        }
    }

private:
    void tell(const std::string& symbol, std::uint64_t before, std::uint64_t now) {
        desk_.add(symbol + " jumps from " + market::decimal(before, 4) + " to " +
                  market::decimal(now, 4));
    }

    const std::uint64_t limit_;
    market::remarks& desk_;
};

/// Some of the symbols. Its pool has one worker, which runs the tasks one after the other and in
/// the order in which they were fired: so the last price is the last, and the books need no lock.
class shard {
public:
    explicit shard(jump_watch& jumps) : jumps_(jumps) {}

    void fire(std::uint64_t line_number, std::string line) {
        fire_and_forget(pool_, [this, line_number, line = std::move(line)] {
            add(market::parse(line_number, line)); // what it throws goes to the error sink
        });
    }

    void drain() { pool_.drain(std::chrono::hours(24)); }
    faf::stats snapshot() const { return pool_.snapshot(); }

    /// To be looked at after drain() only.
    const market::books& books() const { return books_; }

private:
    void add(const market::trade& trade) {
        market::book& book = books_[std::string(trade.symbol)];
        const std::uint64_t before = book.last;
        book.add(trade);
        jumps_.look(trade.symbol, before, trade.price);
    }

    jump_watch& jumps_;
    market::books books_;
    faf::thread_pool pool_{{.threads = 1, .name = "shard"}}; // last: ends before the books do
};

/// All shards. The trades of one symbol always go to the same one.
class ledger {
public:
    explicit ledger(jump_watch& jumps) {
        while (shards_.size() < 2) {
            shards_.emplace_back(jumps);
        }
    }

    ~ledger() { drain(); } // the tasks that jumps has fired refer to it
    ledger(const ledger&) = delete;
    ledger& operator=(const ledger&) = delete;

    /// A line without a symbol goes anywhere and fails there.
    shard& shard_for(std::string_view line) {
        market::take_field(line); // the time
        const std::string_view symbol = market::take_field(line);
        return shards_[std::hash<std::string_view>()(symbol) % shards_.size()];
    }

    /// Waits until every trade is in its book and every jump is told. In this order: the tasks of
    /// the shards fire those of the default pool.
    void drain() {
        for (shard& each : shards_) {
            each.drain();
        }
        faf::drain(std::chrono::hours(24));
    }

    market::books books() const {
        market::books all;
        for (const shard& each : shards_) {
            all.insert(each.books().begin(), each.books().end());
        }
        return all;
    }

    faf::stats snapshot() const {
        faf::stats all;
        for (const shard& each : shards_) {
            all += each.snapshot();
        }
        return all;
    }

private:
    std::deque<shard> shards_; // a vector would have to move them
};

/// Fires the lines after the header, and returns how long each call took. A pool takes as many
/// tasks as there is memory for; a file can wait, so at most a batch of lines is on its way.
market::latency_histogram read_trades(const market::line_source& next_line, ledger& target,
                                      market::console& console) {
    constexpr std::uint64_t batch = 10'000;
    market::latency_histogram submits;
    std::uint64_t number = 1;
    for (std::string line; next_line(line);) {
        ++number;
        shard& its_shard = target.shard_for(line);
        const auto start = std::chrono::steady_clock::now();
        its_shard.fire(number, std::move(line));
        submits.add(std::chrono::steady_clock::now() - start);
        if (number % batch == 0) {
            console.show_progress(number);
            target.drain();
        }
    }
    console.end_progress();
    return submits;
}

void expect_header(const market::line_source& next_line) {
    std::string line;
    if (!next_line(line)) {
        throw std::runtime_error("the file is empty");
    }
    if (line != market::header) {
        throw std::runtime_error("the first line is not " + std::string(market::header));
    }
}

void print_books(const market::books& books) {
    std::cout << "symbol       trades        volume            VWAP        last\n";
    for (const auto& [symbol, book] : books) {
        std::cout << std::left << std::setw(8) << symbol << std::right << std::setw(11)
                  << book.trades << std::setw(14) << book.volume << std::setw(16)
                  << market::decimal(book.vwap(), 6) << std::setw(12)
                  << market::decimal(book.last, 4) << '\n';
    }
}

void print_counters(const char* title, const faf::stats& tasks) {
    std::cout << std::left << std::setw(8) << title << std::right << std::setw(11) << tasks.accepted
              << std::setw(14) << tasks.succeeded << std::setw(16) << tasks.failed << std::setw(12)
              << tasks.refused << '\n';
}

void print_latency(const market::latency_histogram& submits) {
    std::cout << "\nsubmit, in ns: p50 " << submits.percentile(0.5) << ", p99 "
              << submits.percentile(0.99) << ", p99.9 " << submits.percentile(0.999) << ", max "
              << submits.max() << '\n';
}

void run(const market::settings& wanted) {
    market::console console;
    market::remarks desk("jumps");
    jump_watch jumps(wanted.jump, desk);

    // The sink owns what it writes to: it may be called until the program has ended.
    const auto failures = std::make_shared<market::remarks>("failures");
    faf::set_error_sink(
        [failures](const faf::error_report& report) { failures->add(faf::to_string(report)); });

    const market::line_source next_line = market::open_feed(wanted.file);
    expect_header(next_line);
    ledger trades(jumps);
    const market::latency_histogram submits = read_trades(next_line, trades, console);
    trades.drain();

    if (submits.empty()) {
        throw std::runtime_error("there are no trades in the file");
    }
    print_books(trades.books());
    std::cout << "\ntasks      accepted     succeeded          failed     refused\n";
    print_counters("trades", trades.snapshot());
    print_counters("jumps", faf::snapshot());
    std::cout << "\nerror reports: " << failures->count() << '\n';
    print_latency(submits);
}

int main(int count, char* arguments[]) {
    try {
        const market::settings wanted = market::parse_arguments({arguments + 1, arguments + count});
        if (wanted.wants_help) {
            std::cout << market::usage;
        } else {
            run(wanted);
        }
        if (!std::cout.flush()) {
            throw std::runtime_error("cannot write the results");
        }
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "market_feed: " << error.what() << '\n';
        return 2;
    }
}
