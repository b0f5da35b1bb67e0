// SPDX-License-Identifier: MIT
#include "qt_threads.hpp"

#include <QRunnable>
#include <QThreadPool>

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>

namespace faf_bench {

namespace {

/// One allocation holds all, as in a program that derives its task from QRunnable. The pool
/// deletes it.
class runnable final : public QRunnable {
public:
    runnable(void (*run)(void*), const void* closure, std::size_t size) : run_(run) {
        std::memcpy(closure_.data(), closure, size);
    }

    void run() override { run_(closure_.data()); }

private:
    void (*run_)(void*);
    alignas(std::max_align_t) std::array<std::byte, qt_threads::closure_size> closure_;
};

} // namespace

qt_threads::qt_threads(unsigned threads) : pool_(std::make_unique<QThreadPool>()) {
    pool_->setMaxThreadCount(static_cast<int>(threads));
    pool_->setExpiryTimeout(-1); // threads that have nothing to do stay
}

qt_threads::~qt_threads() = default;

void qt_threads::start(void (*run)(void*), const void* closure, std::size_t size) {
    pool_->start(new runnable(run, closure, size));
}

} // namespace faf_bench
