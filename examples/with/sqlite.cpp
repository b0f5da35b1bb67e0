// SPDX-License-Identifier: MIT
// One writer for a database that takes one at a time. The program never waits for the disk: it
// fires rows, and a pool of one thread inserts them in that order, many in one transaction.

#include <fire_and_forget/fire_and_forget.hpp>

#include <sqlite3.h>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

using faf::fire_and_forget;
using namespace std::chrono_literals;

class trade_store {
public:
    explicit trade_store(const char* path) {
        check(sqlite3_open(path, &database_));
        run("create table trades(symbol text, price real check(price > 0))");
        check(sqlite3_prepare_v2(database_, "insert into trades values(?, ?)", -1, &insert_,
                                 nullptr));
    }

    ~trade_store() {
        writer_.shutdown(10s); // what it has been given is written before the database closes
        sqlite3_finalize(insert_);
        sqlite3_close(database_);
    }

    trade_store(const trade_store&) = delete;
    trade_store& operator=(const trade_store&) = delete;

    /// Returns at once. A row that the database refuses is reported, and the others are kept.
    void add(std::string symbol, double price) {
        fire_and_forget(writer_, {.name = "insert"}, &trade_store::write, this, std::move(symbol),
                        price);
    }

    int count() {
        writer_.drain(10s);
        sqlite3_stmt* query = nullptr;
        check(sqlite3_prepare_v2(database_, "select count(*) from trades", -1, &query, nullptr));
        const int rows = sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_int(query, 0) : -1;
        sqlite3_finalize(query);
        return rows;
    }

private:
    void write(const std::string& symbol, double price) {
        if (!std::exchange(has_begun_, true)) {
            run("begin");
            fire_and_forget(writer_, [this] { // after all that is queued by now
                has_begun_ = false;
                run("commit");
            });
        }
        sqlite3_bind_text(insert_, 1, symbol.c_str(), -1, SQLITE_TRANSIENT);
        sqlite3_bind_double(insert_, 2, price);
        sqlite3_step(insert_);
        check(sqlite3_reset(insert_)); // answers what went wrong in the step
    }

    void run(const char* statement) {
        check(sqlite3_exec(database_, statement, nullptr, nullptr, nullptr));
    }

    void check(int answer) {
        if (answer != SQLITE_OK) {
            throw std::runtime_error(sqlite3_errmsg(database_));
        }
    }

    sqlite3* database_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    bool has_begun_ = false; // the writer's own
    faf::thread_pool writer_{{.threads = 1, .name = "sqlite"}};
};

int main() {
    faf::set_error_sink([](const faf::error_report& report) {
        std::cout << report.task << ": " << report.what << '\n';
    });
    trade_store store(":memory:");
    for (int i = 0; i < 100'000; ++i) {
        store.add("ABC", 10 + i % 100);
    }
    store.add("ABC", -1);
    std::cout << store.count() << " trades\n";
}

// Prints:
//   insert: CHECK constraint failed: price > 0
//   100000 trades
