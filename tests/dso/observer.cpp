// SPDX-License-Identifier: MIT
// A program whose observers hear of the tasks of a module, and are asked when that is unloaded.
//
//   observer <plugin>

#include "loader.hpp"
#include "plugin.hpp"

#include <fire_and_forget/latency_histograms.hpp>
#include <fire_and_forget/trace.hpp>

#include <atomic>
#include <cstdio>
#include <string>

namespace {

int check(bool holds, const char* what) {
    if (!holds) {
        std::printf("does not hold: %s\n", what);
    }
    return holds ? 0 : 1;
}

bool names_task(const std::string& text) {
    return text.find("observed") != text.npos && text.find("plugin.cpp:") != text.npos;
}

} // namespace

int main(int count, char** given) {
    int failures = check(count == 2, "observer <plugin>");
    faf::trace_recorder trace;
    faf::latency_histograms latency;
    std::atomic<long> ran{0};
    {
        const loaded_module plugin = load_module(given[1], symbols::apart);
        const auto& of_plugin = *reinterpret_cast<plugin_entry>(find_in(plugin, "plugin"))();
        of_plugin.use_observed_pool(20, trace, ran);
        of_plugin.use_observed_pool(20, latency, ran);
        failures += check(of_plugin.shut_down(), "a plugin can be shut down");
        unload_module(plugin);
    }
    failures += check(!is_module_loaded(given[1]), "after a shutdown a plugin is unloaded");
    failures += check(ran == 40, "all tasks ran");
    failures += check(names_task(trace.json()), "a trace knows the tasks");
    failures += check(names_task(latency.text()), "histograms know the tasks");
    failures += check(names_task(latency.prometheus()), "Prometheus hears of the tasks");
    return failures;
}
