// SPDX-License-Identifier: MIT
// cpp-httplib takes its threads from a TaskQueue. This one is a pool: it grows while all of its
// threads wait for clients that keep their connections open, and ends with what it has begun.

#include <fire_and_forget/fire_and_forget.hpp>

#include <httplib.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using faf::fire_and_forget;
using namespace std::chrono_literals;

/// The server makes one, and deletes it when it has stopped.
class pool_queue : public httplib::TaskQueue {
public:
    void enqueue(std::function<void()> serve) override {
        fire_and_forget(pool_, {.name = "connection"}, std::move(serve));
    }

    void shutdown() override { pool_.shutdown(10s); }

private:
    faf::thread_pool pool_{{.threads = 2, .max_threads = 64, .name = "http"}};
};

int main() {
    httplib::Server server;
    server.new_task_queue = [] { return new pool_queue; };
    server.Get("/hello", [](const httplib::Request&, httplib::Response& response) {
        response.set_content("hello", "text/plain");
    });
    const int port = server.bind_to_any_port("127.0.0.1");
    std::thread listener([&] { server.listen_after_bind(); });
    while (!server.is_running()) {
        std::this_thread::sleep_for(1ms);
    }

    // Each keeps its connection, and with it a thread of the server.
    std::vector<httplib::Client> clients;
    for (int i = 0; i < 16; ++i) {
        clients.emplace_back("127.0.0.1", port);
        clients.back().set_keep_alive(true);
    }
    int served = 0;
    for (httplib::Client& client : clients) {
        const httplib::Result answer = client.Get("/hello");
        served += answer && answer->body == "hello" ? 1 : 0;
    }
    std::printf("%d of 16 clients were served at the same time\n", served);

    clients.clear();
    server.stop();
    listener.join();
}

// Prints:
//   16 of 16 clients were served at the same time
