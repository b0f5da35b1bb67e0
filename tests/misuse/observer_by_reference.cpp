// SPDX-License-Identifier: MIT
// expect: write it as ({.threads = 4, .name = "x"}), in this order
#include <fire_and_forget/latency_histograms.hpp>
#include <fire_and_forget/thread_pool.hpp>

int main() {
    static faf::latency_histograms latency;
    const faf::thread_pool pool({.observer = latency});
}
