// SPDX-License-Identifier: MIT
// One of two translation units of one program, each with every header: what is not inline would be
// defined twice, and both must see the same default pool.
#include "every_header.hpp"

faf::thread_pool* pool_seen_by_second();

int main() {
    faf::fire_and_forget([] {});
    const bool same = &faf::default_pool() == pool_seen_by_second();
    return same && faf::drain(std::chrono::seconds(10)) && faf::snapshot().succeeded == 2 ? 0 : 1;
}
