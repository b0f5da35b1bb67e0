// SPDX-License-Identifier: MIT
// How often does a submit ask for memory, once the pool has warmed up and the workers keep up?
// Counted in malloc and its kin, on all threads, because not everybody comes by operator new. What
// an allocator of one's own does inside, like that of oneTBB, is not seen.

#include "ask.hpp"
#include "tally.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace {
std::atomic<std::uint64_t> allocations{0};

void note_allocation() noexcept {
    allocations.fetch_add(1, std::memory_order_relaxed);
}
} // namespace

// glibc lets a program bring its own malloc, and keeps the original under these names.
// NOLINTBEGIN(bugprone-reserved-identifier): they are glibc's
extern "C" {
void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* old, std::size_t size) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;

void* malloc(std::size_t size) noexcept {
    note_allocation();
    return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
    note_allocation();
    return __libc_calloc(count, size);
}

void* realloc(void* old, std::size_t size) noexcept {
    note_allocation();
    return __libc_realloc(old, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
    note_allocation();
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    note_allocation();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept {
    note_allocation();
    *result = __libc_memalign(alignment, size);
    return *result == nullptr ? ENOMEM : 0;
}
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

using namespace faf_bench;

struct steady_allocations {
    static constexpr const char* name = "steady_allocations";
    static constexpr auto asked = the_library + best_pools + threads_per_task + go + the_limit;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        constexpr std::size_t keeping_up = 64;
        const std::size_t tasks = how.tasks_for<Peer>(100'000);
        Peer peer;
        std::uint64_t submitted = 0;

        const auto fire = [&](std::size_t count) {
            for (std::size_t i = 1; i <= count; ++i) {
                peer.submit(work{});
                if (i % keeping_up == 0) {
                    settle(peer);
                    await_busily(submitted + i);
                }
            }
            settle(peer);
            await_busily(submitted += count);
        };

        fire(tasks); // warm-up
        const std::uint64_t before = allocations.load();
        fire(tasks);
        const std::uint64_t made = allocations.load() - before;
        tell("allocations_per_submit", static_cast<double>(made) / static_cast<double>(tasks),
             "calls");
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<steady_allocations>(argc, argv);
}
