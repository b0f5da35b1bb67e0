// SPDX-License-Identifier: MIT
#pragma once

// Something for the keeper to look after, in tests of the keeper.

#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/executor/keeper.hpp>

#include <mutex>

namespace faf_test {

class test_ward : protected faf::detail::ward {
public:
    test_ward(const test_ward&) = delete;
    test_ward& operator=(const test_ward&) = delete;

protected:
    test_ward() noexcept = default;
    ~test_ward() = default;

    void enlist() { static_cast<void>(faf::detail::keeper::instance().enlist(*this)); }

    /// Waits for a visit that is under way.
    void strike_off() {
        faf::detail::keeper::instance().strike_off(*this);
        const std::lock_guard until_it_is_over(visit_);
    }

private:
    bool has_news() const noexcept override { return false; }
    bool try_hold() noexcept override {
        visit_.lock();
        return true;
    }
    void let_go() noexcept override { visit_.unlock(); }

    std::mutex visit_;
};

} // namespace faf_test
