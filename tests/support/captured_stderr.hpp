// SPDX-License-Identifier: MIT
#pragma once

// What a piece of code writes to standard error, down to the file descriptor.

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>

#include <unistd.h>

namespace faf_test {

/// While it lives, standard error goes to a file of its own.
class captured_stderr {
public:
    captured_stderr() : file_(std::tmpfile()), before_(::dup(STDERR_FILENO)) {
        std::fflush(stderr);
        ::dup2(::fileno(file_), STDERR_FILENO);
    }
    ~captured_stderr() {
        std::fflush(stderr);
        ::dup2(before_, STDERR_FILENO);
        ::close(before_);
        std::fclose(file_);
    }
    captured_stderr(const captured_stderr&) = delete;
    captured_stderr& operator=(const captured_stderr&) = delete;

    /// All that was written so far.
    std::string text() const {
        std::string all;
        std::array<char, 4096> part{};
        off_t offset = 0;
        for (;;) {
            const ssize_t got = ::pread(::fileno(file_), part.data(), part.size(), offset);
            if (got <= 0) {
                return all;
            }
            all.append(part.data(), static_cast<std::size_t>(got));
            offset += got;
        }
    }

private:
    std::FILE* file_;
    int before_;
};

} // namespace faf_test
