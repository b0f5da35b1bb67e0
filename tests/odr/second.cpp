// SPDX-License-Identifier: MIT
#include "every_header.hpp"

faf::thread_pool* pool_seen_by_second();

faf::thread_pool* pool_seen_by_second() {
    faf::fire_and_forget([] {});
    return &faf::default_pool();
}
