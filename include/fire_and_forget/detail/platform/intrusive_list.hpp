// SPDX-License-Identifier: MIT
#pragma once

// A list of what somebody else keeps. library_threads.hpp, coroutine_books.hpp, exit_registry.hpp
// and running_tasks.hpp have some.

#include "abi.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What is on it has its place in itself: `T* next`, and `T** link`, which leads to the pointer to
/// it, and is null for what is on no list. The newest comes first. Not thread-safe.
template <class T>
class intrusive_list {
public:
    intrusive_list() noexcept = default;
    intrusive_list(const intrusive_list&) = delete;
    intrusive_list& operator=(const intrusive_list&) = delete;

    /// Null if it is empty.
    T* first() const noexcept { return first_; }

    /// The first one for which `is_it` holds; null if there is none.
    template <class Predicate>
    T* find(Predicate is_it) const noexcept {
        T* one = first_;
        while (one != nullptr && !is_it(*one)) {
            one = one->next;
        }
        return one;
    }

    void add(T& fresh) noexcept {
        fresh.next = first_;
        fresh.link = &first_;
        if (first_ != nullptr) {
            first_->link = &fresh.next;
        }
        first_ = &fresh;
    }

    /// False if it is on no list.
    static bool remove(T& gone) noexcept {
        if (gone.link == nullptr) {
            return false;
        }
        *gone.link = gone.next;
        if (gone.next != nullptr) {
            gone.next->link = gone.link;
        }
        gone.link = nullptr;
        return true;
    }

private:
    T* first_ = nullptr;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
