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
        for (;;) {
            const std::ptrdiff_t got = read_at(all.size(), part);
            if (got <= 0) {
                return all;
            }
            all.append(part.data(), static_cast<std::size_t>(got));
        }
    }

private:
    /// Leaves the place alone where the next line is written; on Windows, only of a thread that
    /// does not write meanwhile.
    std::ptrdiff_t read_at(std::size_t offset, std::array<char, 4096>& part) const {
#if defined(_WIN32)
        ::lseek(::fileno(file_), static_cast<long>(offset), SEEK_SET);
        return ::read(::fileno(file_), part.data(), static_cast<unsigned>(part.size()));
#else
        return ::pread(::fileno(file_), part.data(), part.size(), static_cast<off_t>(offset));
#endif
    }

    std::FILE* file_;
    int before_;
};

} // namespace faf_test
