// SPDX-License-Identifier: MIT
#pragma once

// Qt's pool behind a few functions: who includes Qt has to be compiled with -fPIC, and the other
// peers are not to be measured with that.

#include <cstddef>
#include <memory>

class QThreadPool;

namespace faf_bench {

class qt_threads {
public:
    static constexpr std::size_t closure_size = 64;

    explicit qt_threads(unsigned threads);
    ~qt_threads(); ///< when all has run

    qt_threads(const qt_threads&) = delete;
    qt_threads& operator=(const qt_threads&) = delete;

    /// Runs `run` with a copy of the `size` bytes at `closure`.
    void start(void (*run)(void* closure), const void* closure, std::size_t size);

private:
    const std::unique_ptr<QThreadPool> pool_;
};

} // namespace faf_bench
