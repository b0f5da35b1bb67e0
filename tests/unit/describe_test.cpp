// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/errors/describe.hpp>

#include "catch.hpp"

#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

using namespace faf::detail;

namespace somewhere {

struct nested_error {};

class feed {
public:
    struct broken : std::runtime_error {
        using runtime_error::runtime_error;
    };
};

template <class T>
struct error_of {};

} // namespace somewhere

namespace {

struct description {
    std::string type;
    std::string what;
    bool is_out_of_memory = false;
    bool has_exception = false;
};

template <class Throw>
description describe(Throw throw_something) {
    try {
        throw_something();
    } catch (...) {
        const exception_description thrown;
        return {std::string(thrown.type()), std::string(thrown.what()), thrown.is_out_of_memory(),
                thrown.exception() != nullptr};
    }
    return {};
}

struct silent : std::exception {
    const char* what() const noexcept override { return nullptr; }
};

struct left : std::exception {};
struct right : std::exception {};
struct twice_an_exception : left, right {};

struct not_to_be_copied {
    not_to_be_copied() = default;
    not_to_be_copied(const not_to_be_copied&) { throw std::logic_error("copied"); }
};

/// A chain of `depth` exceptions, the outermost first.
std::exception_ptr chain_of(int depth) {
    std::exception_ptr chain;
    for (int level = depth - 1; level >= 0; --level) {
        try {
            if (chain == nullptr) {
                throw std::runtime_error("level " + std::to_string(level));
            }
            try {
                std::rethrow_exception(chain);
            } catch (...) {
                std::throw_with_nested(std::runtime_error("level " + std::to_string(level)));
            }
        } catch (...) {
            chain = std::current_exception();
        }
    }
    return chain;
}

template <class T, class E>
struct either {
    std::optional<T> value;
    E failure{};
    bool has_value() const { return value.has_value(); }
    const E& error() const { return failure; }
};

template <class Error>
std::string error_text(const Error& error) {
    report_text text;
    append_error_text(text, error);
    return std::string(text.view());
}

static_assert(without_nesting("std::_Nested_exception<ns::x>") == "ns::x");
static_assert(without_nesting("std::__nested<ns::x<int>>") == "ns::x<int>");
static_assert(without_nesting("ns::x<int>") == "ns::x<int>");
static_assert(without_nesting("").empty());

static_assert(error_result<std::error_code>);
static_assert(error_result<std::exception_ptr>);
static_assert(error_result<either<int, std::string>>);
static_assert(!error_result<int>);
static_assert(!error_result<bool>);
static_assert(!error_result<std::optional<int>>, "no value is no error");
static_assert(!error_result<std::error_condition>);
static_assert(!error_result<std::unique_ptr<int>>);

static_assert(type_name<int>() == "int");
static_assert(type_name<somewhere::nested_error>() == "somewhere::nested_error");
static_assert(type_name<somewhere::error_of<int>>() == "somewhere::error_of<int>");

} // namespace

TEST_CASE("an exception is described by its type and its text") {
    const description thrown = describe([] { throw std::runtime_error("no route"); });
    CHECK(thrown.type == "std::runtime_error");
    CHECK(thrown.what == "no route");
    CHECK(thrown.has_exception);
    CHECK_FALSE(thrown.is_out_of_memory);
}

TEST_CASE("the names of nested types are readable") {
    CHECK(describe([] { throw somewhere::feed::broken("x"); }).type == "somewhere::feed::broken");
    CHECK(describe([] { throw somewhere::nested_error(); }).type == "somewhere::nested_error");
    CHECK(describe([] { throw somewhere::error_of<int>(); }).type == "somewhere::error_of<int>");
}

TEST_CASE("a thrown number is described by its value") {
    const description thrown = describe([] { throw -42; });
    CHECK(thrown.type == "int");
    CHECK(thrown.what == "-42");
}

TEST_CASE("a thrown string is described by its text") {
    CHECK(describe([] { throw "a literal"; }).what == "a literal");
    CHECK(describe([] { throw "a literal"; }).type == "char const*");
    CHECK(describe([] { throw std::string("a string"); }).what == "a string");
    CHECK(describe([] {
              static char writable[] = "writable";
              throw static_cast<char*>(writable);
          }).what == "writable");
}

TEST_CASE("a null text is described as null") {
    CHECK(describe([] { throw silent(); }).what == "(null)");
    CHECK(describe([] { throw static_cast<const char*>(nullptr); }).what == "(null)");
}

TEST_CASE("an exception without a text is described by its type alone") {
    const description thrown = describe([] { throw somewhere::nested_error(); });
    CHECK(thrown.what.empty());
    CHECK(describe([] { throw 1.5; }).type == "double");
}

TEST_CASE("a type that is std::exception twice over is described by its type") {
    const description thrown = describe([] { throw twice_an_exception(); });
    CHECK(thrown.type.find("twice_an_exception") != std::string::npos);
    CHECK(thrown.what.empty());
}

TEST_CASE("an exception that can't be copied is described without a copy") {
    const description thrown = describe([] { throw not_to_be_copied(); });
    CHECK(thrown.type.find("not_to_be_copied") != std::string::npos);
}

TEST_CASE("a lack of memory is recognised, also where it is nested in something else") {
    CHECK(describe([] { throw std::bad_alloc(); }).is_out_of_memory);
    CHECK(describe([] { throw std::bad_array_new_length(); }).is_out_of_memory);
    const description nested = describe([] {
        try {
            throw std::bad_alloc();
        } catch (...) {
            std::throw_with_nested(std::runtime_error("no buffer"));
        }
    });
    CHECK(nested.is_out_of_memory);
}

TEST_CASE("what is nested in an exception is described after it") {
    const description thrown = describe([] {
        try {
            throw 7;
        } catch (...) {
            try {
                std::throw_with_nested(std::logic_error("middle"));
            } catch (...) {
                std::throw_with_nested(somewhere::feed::broken("outer"));
            }
        }
    });
    CHECK(thrown.type == "somewhere::feed::broken");
    CHECK(thrown.what == "outer; caused by std::logic_error: middle; caused by int: 7");
}

TEST_CASE("a nested exception that holds nothing ends the description") {
    struct with_nothing : std::runtime_error, std::nested_exception {
        using runtime_error::runtime_error;
    };
    const std::exception_ptr empty_inside = std::make_exception_ptr(with_nothing("alone"));
    CHECK(describe([&] { std::rethrow_exception(empty_inside); }).what == "alone");
}

TEST_CASE("a chain of eight nested exceptions is described to the end") {
    const description thrown = describe([] { std::rethrow_exception(chain_of(9)); });
    CHECK(thrown.what.find("level 8") != std::string::npos);
    CHECK(thrown.what.find("...") == std::string::npos);
}

TEST_CASE("a chain of ten thousand nested exceptions is described up to a limit") {
    const description thrown = describe([] { std::rethrow_exception(chain_of(10'000)); });
    CHECK(thrown.type == "std::runtime_error");
    CHECK(thrown.what.find("level 0; caused by std::runtime_error: level 1") == 0);
    CHECK(thrown.what.find("level 8; caused by ...") != std::string::npos);
    CHECK(thrown.what.find("level 9") == std::string::npos);
    CHECK(thrown.what.size() <= 1024);
}

TEST_CASE("a text longer than a KiB is cut") {
    const description thrown = describe([] { throw std::runtime_error(std::string(5000, 'x')); });
    CHECK(thrown.what == std::string(1021, 'x') + "...");
}

TEST_CASE("an error code is set or not by its value") {
    CHECK(holds_error(std::make_error_code(std::errc::timed_out)));
    CHECK_FALSE(holds_error(std::error_code()));
    CHECK(holds_error(std::make_exception_ptr(1)));
    CHECK_FALSE(holds_error(std::exception_ptr()));
    CHECK(holds_error(either<int, int>{std::nullopt, 3}));
    CHECK_FALSE(holds_error(either<int, int>{0, 3}));
}

TEST_CASE("an error is told in its own words") {
    CHECK(error_text(std::error_code(2, std::generic_category())) ==
          "generic:2 " + std::generic_category().message(2));
    CHECK(error_text(std::string("lost")) == "lost");
    CHECK(error_text("literal") == "literal");
    CHECK(error_text(std::string_view("view")) == "view");
    CHECK(error_text(std::runtime_error("thrown at nobody")) == "thrown at nobody");
    CHECK(error_text(static_cast<const std::exception&>(silent())) == "(null)");
    CHECK(error_text(-5) == "-5");
    CHECK(error_text(somewhere::nested_error()).empty());
    struct with_message {
        std::string message() const { return "a message"; }
    };
    CHECK(error_text(with_message()) == "a message");
}

TEST_CASE("an error's words may be a string, a view or a pointer, also a null one") {
    struct string_what {
        std::string what() const { return "a string"; }
    };
    struct view_what {
        std::string_view what() const { return "a view"; }
    };
    struct null_message {
        const char* message() const { return nullptr; }
    };
    CHECK(error_text(string_what()) == "a string");
    CHECK(error_text(view_what()) == "a view");
    CHECK(error_text(null_message()) == "(null)");
}

TEST_CASE("an error that is a null text is told as null") {
    const char* const nothing = nullptr;
    CHECK(error_text(nothing) == "(null)");
}
