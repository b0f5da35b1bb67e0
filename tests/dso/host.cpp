// SPDX-License-Identifier: MIT
// A program that loads and unloads modules that use the library, and does not use it itself.
//
//   host <what> <rounds> <plugin>...

#include "loader.hpp"
#include "plugin.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

std::atomic<long> ran{0};

void check(bool holds, const char* what) {
    if (!holds) {
        std::printf("does not hold: %s\n", what);
        std::fflush(stdout);
        std::_Exit(1);
    }
}

class loaded_plugin {
public:
    explicit loaded_plugin(const std::string& path, symbols how = symbols::apart)
        : path_(path), handle_(load_module(path, how)) {
        check(handle_ != nullptr, "a plugin can be loaded");
        if (void* const entry = find_in(handle_, "plugin")) {
            functions_ = reinterpret_cast<plugin_entry>(entry)();
        }
    }
    loaded_plugin(loaded_plugin&& other) noexcept
        : path_(other.path_), handle_(std::exchange(other.handle_, nullptr)),
          functions_(other.functions_) {}
    ~loaded_plugin() {
        if (handle_ != nullptr) {
            unload_module(handle_);
        }
    }

    const plugin_functions* operator->() const { return functions_; }

private:
    std::string path_;
    loaded_module handle_;
    const plugin_functions* functions_ = nullptr;
};

void use_all(const loaded_plugin& one) {
    one->fire(20, 0, ran);
    one->fire_late(5, ran);
    one->fire_own_threads(5, ran);
    one->fire_coroutines(5, ran);
    one->use_own_pools(5, ran);
}
constexpr long ran_in_all = 20 + 5 + 5 + 5 + 2 * 5;

using paths = std::vector<std::string>;

/// Fires by a thread that ends, or by the main thread.
void by_a_thread(const std::function<void()>& fire) {
    std::thread(fire).join();
}
void by_main(const std::function<void()>& fire) {
    fire();
}

/// Loads, uses, shuts down and unloads each plugin: then it is gone.
template <auto By>
void unload(int rounds, const paths& plugins) {
    for (int round = 0; round < rounds; ++round) {
        for (const std::string& path : plugins) {
            const long before = ran;
            {
                const loaded_plugin one(path);
                By([&] { use_all(one); });
                check(one->drain(), "a plugin can be drained");
                check(one->shut_down(), "a plugin can be shut down");
                check(ran - before == ran_in_all, "all tasks ran");
            }
            check(!is_module_loaded(path), "after a shutdown a plugin is unloaded");
        }
    }
}

/// The same with all plugins at once.
void unload_together(int rounds, const paths& plugins) {
    for (int round = 0; round < rounds; ++round) {
        {
            std::vector<loaded_plugin> all;
            for (const std::string& path : plugins) {
                all.emplace_back(path);
            }
            std::thread([&] {
                for (const loaded_plugin& one : all) {
                    use_all(one);
                }
            }).join();
            for (const loaded_plugin& one : all) {
                check(one->drain() && one->shut_down(), "a plugin can be shut down");
            }
        }
        for (const std::string& path : plugins) {
            check(!is_module_loaded(path), "after a shutdown a plugin is unloaded");
        }
    }
}

/// Lets go of each plugin while it is at work: all that was fired still runs.
template <auto By, symbols How>
void let_go(int rounds, const paths& plugins) {
    const long before = ran;
    for (int round = 0; round < rounds; ++round) {
        for (const std::string& path : plugins) {
            const loaded_plugin one(path, How);
            By([&] {
                one->fire(5, 50, ran);
                use_all(one);
            });
        }
    }
    const long wanted = static_cast<long>(plugins.size()) * rounds * (5 + ran_in_all);
    for (int i = 0; i < 60'000 && ran - before < wanted; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    check(ran - before == wanted, "what a plugin has fired runs after it was let go of");
}

/// Ends the program while they are at work. Windows has ended their threads by the time they hear
/// of it.
void end(int rounds, const paths& plugins) {
    for (const std::string& path : plugins) {
        const loaded_plugin one(path);
        one->fire(rounds, 500, ran);
        use_all(one);
        one->fire(rounds, 500, ran);
    }
}

/// Whatever their static objects do.
void load(int rounds, const paths& plugins) {
    for (int round = 0; round < rounds; ++round) {
        for (const std::string& path : plugins) {
            const loaded_plugin one(path);
        }
    }
}

/// As settings have it: each plugin shuts down and may be unloaded or not, and nothing dies of it.
template <symbols How>
void shut_down(int rounds, const paths& plugins) {
    for (int round = 0; round < rounds; ++round) {
        for (const std::string& path : plugins) {
            const loaded_plugin one(path, How);
            std::thread([&] { use_all(one); }).join();
            one->shut_down();
        }
    }
}

} // namespace

int main(int count, char** given) {
    const std::map<std::string, void (*)(int, const paths&)> all{
        {"load", &load},
        {"end", &end},
        {"unload", &unload<&by_a_thread>},
        {"unload_fired_by_main", &unload<&by_main>},
        {"unload_together", &unload_together},
        {"let_go", &let_go<&by_a_thread, symbols::apart>},
        {"let_go_fired_by_main", &let_go<&by_main, symbols::apart>},
        {"let_go_global", &let_go<&by_a_thread, symbols::shared>},
        {"shut_down", &shut_down<symbols::apart>},
        {"shut_down_global", &shut_down<symbols::shared>},
    };
    check(count > 3 && all.count(given[1]) == 1, "host <what> <rounds> <plugin>...");
    all.at(given[1])(std::atoi(given[2]), paths(given + 3, given + count));
    std::puts("done");
}
