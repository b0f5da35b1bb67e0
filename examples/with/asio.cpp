// SPDX-License-Identifier: MIT
// asio's operations awaited in a coroutine of this library, by a completion token of a few lines,
// and an asio thread pool as the executor of a plain task.

#include <fire_and_forget/coroutine.hpp>

#include <asio.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

using faf::fire_and_forget;
using namespace std::chrono_literals;

/// asio::async_read(..., in_task) returns a faf::task to await; an error is thrown there.
struct in_task_t {};
constexpr in_task_t in_task;

template <class... Results>
struct asio::async_result<in_task_t, void(asio::error_code, Results...)> {
    using result = std::tuple<asio::error_code, Results...>;

    template <class Operation, class... Args>
    static auto initiate(Operation begin, in_task_t, Args... args)
        -> faf::task<std::tuple_element_t<sizeof...(Results), std::tuple<void, Results...>>> {
        faf::completion<result> done;
        begin([completer = done.completer()](auto... results) { completer(results...); },
              std::move(args)...);
        const result answer = co_await done;
        if (std::get<0>(answer)) {
            throw std::system_error(std::get<0>(answer));
        }
        if constexpr (sizeof...(Results) != 0) {
            co_return std::get<1>(answer);
        }
    }
};

/// Answers one request after the other with what it was asked for.
faf::task<> serve(asio::ip::tcp::acceptor& acceptor, asio::io_context& io) {
    for (int i = 0; i < 2; ++i) {
        asio::ip::tcp::socket client(io);
        co_await acceptor.async_accept(client, in_task);
        std::string request;
        co_await asio::async_read_until(client, asio::dynamic_buffer(request), "\r\n\r\n", in_task);
        const std::string path = request.substr(4, request.find(' ', 4) - 4);
        const std::string answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nyou want " + path;
        co_await asio::async_write(client, asio::buffer(answer), in_task);
    }
}

faf::task<std::string> get(asio::ip::tcp::endpoint server, std::string path, asio::io_context& io) {
    asio::ip::tcp::socket socket(io);
    co_await socket.async_connect(server, in_task);
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(request), in_task);
    std::string answer;
    try {
        for (;;) {
            co_await asio::async_read(socket, asio::dynamic_buffer(answer), in_task);
        }
    } catch (const std::system_error& end) {
        if (end.code() != asio::error::eof) {
            throw;
        }
    }
    co_return answer.substr(answer.find("\r\n\r\n") + 4);
}

faf::task<> show(asio::ip::tcp::endpoint server, std::string path, asio::io_context& io) {
    std::cout << co_await get(server, path, io) + "\n";
}

int main() {
    asio::thread_pool others(1);
    const auto on_asio = [&others](faf::job job) { asio::post(others, std::move(job)); };
    fire_and_forget(on_asio, [] { std::cout << "on asio's pool\n"; });
    others.join();

    asio::io_context io;
    auto work = asio::make_work_guard(io);
    fire_and_forget(faf::own_thread, {.name = "io"}, [&io] { io.run(); });

    asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    const asio::ip::tcp::endpoint server = acceptor.local_endpoint();
    faf::thread_pool pool({.threads = 1});
    fire_and_forget(pool, serve, std::ref(acceptor), std::ref(io));
    fire_and_forget(pool, [server, &io]() -> faf::task<> {
        co_await show(server, "/trades", io);
        co_await show(server, "/quotes", io);
    });
    pool.drain(20s);
    work.reset();
    faf::drain(20s);
}

// Prints:
//   on asio's pool
//   you want /trades
//   you want /quotes
