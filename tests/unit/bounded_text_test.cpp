// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/bounded_text.hpp>

#include "catch.hpp"

#include <climits>
#include <string>
#include <string_view>

using faf::detail::bounded_text;
using faf::detail::printable_sequence;

namespace {

std::string escaped(std::string_view text) {
    bounded_text<256> all;
    all.append_escaped(text);
    return std::string(all.view());
}

std::string number(long long value, std::size_t width = 1) {
    bounded_text<64> all;
    all.append_number(value, width);
    return std::string(all.view());
}

} // namespace

TEST_CASE("bounded text keeps what fits as it is") {
    bounded_text<16> text;
    CHECK(text.view().empty());
    text.append("one ");
    text.append("");
    text.append("two");
    CHECK(text.view() == "one two");
}

TEST_CASE("bounded text that is filled to the brim is not marked as cut") {
    bounded_text<16> text;
    text.append("0123456789abcdef");
    CHECK(text.view() == "0123456789abcdef");
    text.append("");
    CHECK(text.view() == "0123456789abcdef");
}

TEST_CASE("bounded text that is cut ends in dots and takes nothing more") {
    bounded_text<16> text;
    text.append("0123456789abcdefg");
    CHECK(text.view() == "0123456789abc...");
    text.append("x");
    text.append_escaped("x");
    text.append_number(7);
    CHECK(text.view() == "0123456789abc...");
}

TEST_CASE("bounded text that overflows in small steps is cut the same way") {
    bounded_text<16> text;
    for (const char c : std::string_view("0123456789abcdefg")) {
        text.append({&c, 1});
    }
    CHECK(text.view() == "0123456789abc...");
}

TEST_CASE("a cut leaves no half of a character behind") {
    for (std::size_t before = 8; before <= 13; ++before) {
        const std::string prefix(before, 'x');
        bounded_text<16> text;
        text.append(prefix + "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"); // three euro signs
        std::string_view all = text.view();
        REQUIRE(all.size() <= 16);
        REQUIRE(all.size() > before);
        REQUIRE(all.substr(all.size() - 3) == "...");
        all.remove_prefix(before);
        all.remove_suffix(3);
        CHECK(all.size() % 3 == 0);
    }
}

TEST_CASE("a cut of a text that is no UTF-8 still leaves most of it") {
    bounded_text<64> text;
    text.append(std::string(100, '\x80'));
    CHECK(text.view().size() > 56);
    CHECK(text.view().substr(text.view().size() - 3) == "...");
}

TEST_CASE("escaped text that is cut ends in dots and has no control characters") {
    for (std::size_t before = 0; before <= 16; ++before) {
        const std::string prefix(before, 'x');
        bounded_text<16> text;
        text.append_escaped(prefix + "\x1b\x1b\x1b\x1b\x1b");
        const std::string_view all = text.view();
        CHECK(all.size() == 16);
        CHECK(all.substr(13) == "...");
        CHECK(all.substr(0, 13) == (prefix + R"(\x1b\x1b\x1b\x1b\x1b)").substr(0, 13));
    }
}

TEST_CASE("printable text is left alone by escaping") {
    CHECK(escaped("plain text, 100% \"quoted\" %n %s") == "plain text, 100% \"quoted\" %n %s");
    CHECK(escaped("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x9a\x80") ==
          "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x9a\x80");
}

TEST_CASE("control characters are escaped") {
    CHECK(escaped("a\nb\rc\td") == "a\\nb\\rc\\td");
    CHECK(escaped("\x1b[31mred") == "\\x1b[31mred");
    CHECK(escaped(std::string_view("\0x", 2)) == "\\x00x");
    CHECK(escaped("\x7f\x01\x1f") == "\\x7f\\x01\\x1f");
    CHECK(escaped("\xc2\x9b"
                  "31m") == "\\xc2\\x9b31m"); // CSI in one character
}

TEST_CASE("characters that break or turn a line are escaped") {
    CHECK(escaped("\xe2\x80\xa8") == "\\xe2\\x80\\xa8"); // line separator
    CHECK(escaped("\xe2\x80\xae") == "\\xe2\\x80\\xae"); // right-to-left override
    CHECK(escaped("\xe2\x81\xa6") == "\\xe2\\x81\\xa6"); // left-to-right isolate
    CHECK(escaped("\xe2\x80\xa7") == "\xe2\x80\xa7");    // hyphenation point, harmless
    CHECK(escaped("\xe2\x80\x8f") == "\\xe2\\x80\\x8f"); // right-to-left mark
    CHECK(escaped("\xd8\x9c") == "\\xd8\\x9c");          // Arabic letter mark
}

TEST_CASE("bytes that are no UTF-8 are escaped one by one") {
    CHECK(escaped("\xff\xfe") == "\\xff\\xfe");
    CHECK(escaped("\x80") == "\\x80");
    CHECK(escaped("\xc3") == "\\xc3");                            // cut short
    CHECK(escaped("\xc3(") == "\\xc3(");                          // not continued
    CHECK(escaped("\xe2\x82") == "\\xe2\\x82");                   // cut short
    CHECK(escaped("\xc0\xaf") == "\\xc0\\xaf");                   // overlong
    CHECK(escaped("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");          // overlong
    CHECK(escaped("\xf0\x80\x80\xaf") == "\\xf0\\x80\\x80\\xaf"); // overlong
    CHECK(escaped("\xe0\x83\xa9") == "\\xe0\\x83\\xa9");          // overlong
    CHECK(escaped("\xf0\x82\x82\xac") == "\\xf0\\x82\\x82\\xac"); // overlong
    CHECK(escaped("\xed\xa0\x80") == "\\xed\\xa0\\x80");          // a surrogate
    CHECK(escaped("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80"); // beyond the last character
    CHECK(escaped("\xf5\x80\x80\x80") == "\\xf5\\x80\\x80\\x80");
}

TEST_CASE("the first and the last character of each length are printable") {
    static_assert(printable_sequence(" ") == 1);
    static_assert(printable_sequence("~") == 1);
    static_assert(printable_sequence("\xc2\xa0") == 2);
    static_assert(printable_sequence("\xdf\xbf") == 2);
    static_assert(printable_sequence("\xe0\xa0\x80") == 3);
    static_assert(printable_sequence("\xef\xbf\xbd") == 3);
    static_assert(printable_sequence("\xf0\x90\x80\x80") == 4);
    static_assert(printable_sequence("\xf4\x8f\xbf\xbf") == 4);
    static_assert(printable_sequence("\xed\x9f\xbf") == 3);
    static_assert(printable_sequence("\xee\x80\x80") == 3);
    static_assert(printable_sequence("\xc2\x9f") == 0);
    SUCCEED();
}

TEST_CASE("numbers are written in decimal and filled up with zeros") {
    CHECK(number(0) == "0");
    CHECK(number(42) == "42");
    CHECK(number(-7) == "-7");
    CHECK(number(7, 3) == "007");
    CHECK(number(1234, 3) == "1234");
    CHECK(number(LLONG_MAX) == "9223372036854775807");
    CHECK(number(LLONG_MIN) == "-9223372036854775808");
}
