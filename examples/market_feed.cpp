// SPDX-License-Identifier: MIT
// A market data feed with one task for each trade. A reader takes a file line by line and fires
// each line into the background, where it is parsed and added to the book of its symbol. A line
// that cannot be parsed fails there, is reported, and does not disturb the reader.
//
// What has nothing to do with the library is in the folder market_feed.

#include "market_feed/baseline.hpp"
#include "market_feed/command_line.hpp"
#include "market_feed/console.hpp"
#include "market_feed/latency_histogram.hpp"
#include "market_feed/reader.hpp"
#include "market_feed/report.hpp"
#include "market_feed/trade.hpp"

#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iomanip>
#include <iostream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

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

/// A symbol's book. The tasks that change it run one after the other, in the order in which they
/// were fired and on whichever thread is free: so the last price is the last, and there is no lock.
struct account {
    explicit account(faf::thread_pool& pool) : in_order(pool) {}

    market::book book;
    market::latency_histogram queued; ///< how long its tasks have waited
    faf::serial_executor in_order;
};

/// All books.
class ledger {
public:
    ledger(const market::settings& wanted, jump_watch& jumps)
        : conflates_(wanted.conflates()), jumps_(jumps), pool_({.threads = wanted.threads}) {}

    ~ledger() { drain(); } // the tasks that jumps has fired refer to it
    ledger(const ledger&) = delete;
    ledger& operator=(const ledger&) = delete;

    account& account_of(std::string_view line) { return accounts_.of(line, pool_); }

    void fire(account& its, std::uint64_t number, std::string line) {
        const auto fired = market::clock::now();
        auto task = [this, &its, number, line = std::move(line), fired] {
            its.queued.add(market::clock::now() - fired);
            add(its, market::parse(number, line)); // what it throws goes to the error sink
        };
        if (conflates_) {
            fire_and_forget(newest_[&its], std::move(task)); // in the place of one that waits
        } else {
            fire_and_forget(its.in_order, std::move(task));
        }
    }

    /// Waits until every trade is in its book and every jump is told. In this order: the tasks of
    /// the first pool fire those of the default pool.
    void drain() {
        pool_.drain(faf::forever);
        faf::drain(faf::forever);
    }

    /// To be looked at after drain() only.
    const market::accounts<account>& accounts() const { return accounts_; }

    market::latency_histogram queued() const {
        market::latency_histogram all;
        for (const auto& [symbol, its] : accounts_) {
            all += its.queued;
        }
        return all;
    }

    faf::stats snapshot() const { return pool_.snapshot(); }
    std::uint64_t replaced() const { return newest_.replaced(); }

private:
    void add(account& its, const market::trade& trade) {
        const std::uint64_t before = its.book.last;
        its.book.add(trade);
        jumps_.look(trade.symbol, before, trade.price);
    }

    const bool conflates_;
    jump_watch& jumps_;
    faf::thread_pool pool_;
    faf::conflating_executor<account*> newest_{pool_};
    market::accounts<account> accounts_;
};

void print_books(const ledger& trades) {
    std::cout << "symbol       trades        volume            VWAP        last\n";
    for (const auto& [symbol, its] : trades.accounts()) {
        if (its.book.trades > 0) {
            market::print_book(symbol, its.book);
        }
    }
}

void print_counters(const char* title, const faf::stats& tasks) {
    std::cout << std::left << std::setw(8) << title << std::right << std::setw(11) << tasks.accepted
              << std::setw(14) << tasks.succeeded << std::setw(16) << tasks.failed << std::setw(12)
              << tasks.refused << '\n';
}

void print_tasks(const ledger& trades, const market::remarks& failures) {
    std::cout << "\ntasks      accepted     succeeded          failed     refused\n";
    print_counters("trades", trades.snapshot());
    print_counters("jumps", faf::snapshot());
    if (trades.replaced() > 0) {
        std::cout << "\nreplaced by newer trades: " << trades.replaced() << '\n';
    }
    std::cout << "\nerror reports: " << failures.count() << '\n';
}

void print_times(const market::settings& wanted, const market::reading& done,
                 const market::latency_histogram& queued) {
    std::cout << '\n';
    market::print_latency("submit", done.submits);
    market::print_latency("queue", queued);
    market::print_rate(done);
    if (wanted.wants_histogram) {
        market::draw("how long a submit took", done.submits);
        market::draw("how long a task waited", queued);
    }
}

/// Adds up the trades and prints what came of it.
void run(const market::settings& wanted, const market::remarks& failures) {
    market::console console;
    market::remarks desk("jumps");
    jump_watch jumps(wanted.jump, desk);
    ledger trades(wanted, jumps);

    const market::reading done =
        market::read_trades(market::open_feed(wanted.file), trades, wanted.pace, console);
    if (done.trades == 0) {
        throw std::runtime_error("there are no trades in the file");
    }
    print_books(trades);
    print_tasks(trades, failures);
    print_times(wanted, done, trades.queued());
}

/// The first trades once more, in other ways.
void compare(const market::settings& wanted) {
    const std::vector<std::string> lines = market::first_lines(wanted.file, 100'000);
    const unsigned threads =
        wanted.threads > 0 ? wanted.threads : std::max(std::thread::hardware_concurrency(), 1U);
    market::remarks unheard("jumps");
    jump_watch no_jumps(1'000'000'000, unheard);
    market::baseline::in_line in_line;
    market::baseline::by_async by_async;
    market::baseline::by_mutex_queue by_mutex_queue(threads);
    ledger fired(wanted, no_jumps);

    market::print_comparison_header(lines.size());
    market::try_way("inline", lines, in_line, wanted.pace);
    market::try_way("std::async", lines, by_async, wanted.pace);
    market::try_way("mutex queue", lines, by_mutex_queue, wanted.pace);
    market::try_way("fire_and_forget", lines, fired, wanted.pace);
}

int main(int count, char* arguments[]) {
    try {
        const market::settings wanted = market::parse_arguments({arguments + 1, arguments + count});
        if (wanted.wants_help) {
            std::cout << market::usage;
        } else {
            // The sink owns what it writes to: it may be called until the program has ended.
            const auto failures = std::make_shared<market::remarks>("failures");
            faf::set_error_sink([failures](const faf::error_report& report) {
                failures->add(faf::to_string(report));
            });
            run(wanted, *failures);
            if (wanted.wants_baseline) {
                compare(wanted);
            }
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
