// SPDX-License-Identifier: MIT
#include "every_header.hpp"

#include "second.hpp"

#include <atomic>
#include <chrono>

namespace second {

namespace {
std::atomic<int> heard{0};
}

void count_errors() {
    faf::set_error_sink([](const faf::error_report&) { ++heard; });
}

void fire_all_kinds() {
    using namespace std::chrono_literals;
    faf::fire_and_forget([] {});
    faf::fire_and_forget({.after = 1ms}, [] {});
    faf::fire_and_forget(faf::own_thread, [] {});
    faf::fire_and_forget([]() -> faf::task<> { co_await faf::sleep_for(1ms); });
}

int errors() {
    return heard;
}

std::uint64_t accepted() {
    return faf::snapshot().accepted;
}

const void* pool() {
    return &faf::default_pool();
}

} // namespace second
