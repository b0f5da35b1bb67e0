// SPDX-License-Identifier: MIT
// expect: fire_and_forget: an array would be passed as a pointer to what may be gone by then: pass a std::string, a std::array, or &array[0] if it lives long enough.
#include <fire_and_forget/fire_and_forget.hpp>

#include <cstdio>

int main() {
    char line[80];
    std::snprintf(line, sizeof line, "%d", 42);
    faf::fire_and_forget([](const char* text) { std::puts(text); }, line);
}
