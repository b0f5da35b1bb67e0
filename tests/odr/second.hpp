// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace second {

void count_errors();
void fire_all_kinds();
int errors();
std::uint64_t accepted();
const void* pool();

} // namespace second
