// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "bounded_text.hpp"
#include "describe.hpp"

#include <exception>
#include <new>
#include <string>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE exception_description::exception_description() {
    exception_ = std::current_exception();
    const std::exception_ptr nested = append_text();
    append_chain(nested);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE std::exception_ptr exception_description::append_text() {
    std::exception_ptr nested;
#if defined(__cpp_exceptions)
    try {
        throw;
    } catch (const std::bad_alloc& e) {
        is_out_of_memory_ = true;
        text_.append(or_null(e.what()));
    } catch (const std::exception& e) {
        text_.append(or_null(e.what()));
    } catch (const std::string& text) {
        text_.append(text);
    } catch (const char* text) {
        text_.append(or_null(text));
    } catch (int number) {
        text_.append_number(number);
    } catch (...) { // Of any other type the name has to do.
    }
    try {
        throw;
    } catch (const std::nested_exception& e) {
        nested = e.nested_ptr();
    } catch (...) { // Nothing is nested in it.
    }
#endif
    return nested;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
exception_description::append_chain(std::exception_ptr link) {
#if defined(__cpp_exceptions)
    for (int depth = 0; link != nullptr; ++depth) {
        text_.append("; caused by ");
        if (depth == nesting_limit) {
            text_.append("...");
            return;
        }
        std::exception_ptr next;
        try {
            std::rethrow_exception(link);
        } catch (...) { // Whatever it is, it is described like the first.
            text_.append(without_nesting(current_exception_type().name()));
            text_.append(": ");
            next = append_text();
        }
        link = std::move(next);
    }
#else
    (void)link;
#endif
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
