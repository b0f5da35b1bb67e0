// SPDX-License-Identifier: MIT
// expect: an error sink is called with a report
#include <fire_and_forget/fire_and_forget.hpp>

#include <exception>

int main() {
    faf::set_error_sink([](const std::exception&) {});
}
