// SPDX-License-Identifier: MIT
// One task's own error handler. It is asked first; the global sink hears only of the tasks that
// have none.

#include <fire_and_forget/fire_and_forget.hpp>

#include <iostream>
#include <stdexcept>
#include <string>

using faf::fire_and_forget;

void upload(const std::string& file) {
    throw std::runtime_error("no route to host for " + file);
}

int main() {
    const std::string file = "report.pdf";

    const auto put_back = [file](const faf::error_report& report) {
        std::cout << report.what << "; " << file << " goes back to the outbox\n";
    };
    fire_and_forget({.name = "upload", .on_error = put_back}, upload, file);
}

// Prints:
//   no route to host for report.pdf; report.pdf goes back to the outbox
