// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/errors/bounded_text.hpp>

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

std::string quoted(std::string_view text, std::size_t most = 100) {
    bounded_text<256> all;
    all.append_quoted(text, most);
    return std::string(all.view());
}

std::string beginning(std::string_view text, std::size_t most) {
    bounded_text<256> all;
    all.append_escaped_beginning(text, most);
    return std::string(all.view());
}

/// What was escaped, as a reader would take it: the inverse of escaping.
std::string read_back(std::string_view text) {
    std::string all;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            all += text[i];
        } else if (const char kind = text[++i]; kind == 'x') {
            all += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            all += kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind == 't' ? '\t' : kind;
        }
    }
    return all;
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

TEST_CASE("bounded text that was cut takes nothing more though it has room for it") {
    bounded_text<16> text;
    text.append("0123456789a");
    text.append_escaped("\x01\x01"); // of which the first fits but for the dots
    CHECK(text.view() == "0123456789a...");
    text.append_quoted("", 1);
    text.append_escaped("x");
    text.append("x");
    CHECK(text.view() == "0123456789a...");
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

TEST_CASE("a cut leaves no half of an escape behind") {
    for (const std::string_view escape : {"\x1b", "\n", "\\"}) {
        const std::string whole = escaped(escape);
        for (std::size_t before = 0; before <= 16; ++before) {
            const std::string prefix(before, 'x');
            bounded_text<16> text;
            text.append_escaped(prefix);
            for (int i = 0; i < 9; ++i) {
                text.append_escaped(escape);
            }
            std::string expected = prefix;
            while (expected.size() + whole.size() <= 13) {
                expected += whole;
            }
            expected.resize(expected.size() < 13 ? expected.size() : 13);
            CHECK(text.view() == expected + "...");
        }
    }
}

TEST_CASE("a cut leaves no half of an escape behind, whatever is appended after it") {
    bounded_text<16> text;
    text.append("0123456789");
    text.append_escaped("\x1b"); // fits
    CHECK(text.view() == "0123456789\\x1b");
    text.append(") too long");
    CHECK(text.view() == "0123456789...");
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

TEST_CASE("characters that are not seen are escaped") {
    CHECK(escaped("\xef\xbb\xbfrefresh") == "\\xef\\xbb\\xbfrefresh"); // byte order mark
    CHECK(escaped("a\xe2\x80\x8b"
                  "b") == "a\\xe2\\x80\\x8bb");                   // zero width space
    CHECK(escaped("\xe2\x80\x8d") == "\\xe2\\x80\\x8d");          // zero width joiner
    CHECK(escaped("\xe2\x81\xa0") == "\\xe2\\x81\\xa0");          // word joiner
    CHECK(escaped("\xc2\xad") == "\\xc2\\xad");                   // soft hyphen
    CHECK(escaped("\xe2\x80\x8a") == "\xe2\x80\x8a");             // hair space, which is seen
    CHECK(escaped("\xe2\x80\xab") == "\\xe2\\x80\\xab");          // right-to-left embedding
    CHECK(escaped("\xe2\x81\xa9") == "\\xe2\\x81\\xa9");          // end of an isolate
    CHECK(escaped("\xf3\xa0\x81\x81") == "\\xf3\\xa0\\x81\\x81"); // a tag
}

TEST_CASE("a newline and the two characters that stand for it do not look alike") {
    CHECK(escaped("a\nb") == R"(a\nb)");
    CHECK(escaped(R"(a\nb)") == R"(a\\nb)");
    CHECK(escaped(R"(\x1b)") == R"(\\x1b)");
    CHECK(escaped(R"(C:\temp)") == R"(C:\\temp)");
}

TEST_CASE("what was escaped can be read back, whatever it was") {
    for (int first = 0; first < 256; ++first) {
        for (const char second : {'\0', '\n', '"', '\\', 'n', 'x', '1', '\x80', '\xbf', '\xef'}) {
            for (const std::string_view end : {"", "1b", "\xbb\xbf", "\\"}) {
                std::string text{static_cast<char>(first), second};
                text += end;
                CHECK(read_back(escaped(text)) == text);
                const std::string in_quotes = quoted(text);
                CHECK(read_back(in_quotes.substr(1, in_quotes.size() - 2)) == text);
            }
        }
    }
}

TEST_CASE("a quote inside a quoted name does not end it") {
    CHECK(quoted("refresh") == R"("refresh")");
    CHECK(quoted(R"(a" failed: "b)") == R"("a\" failed: \"b")");
    CHECK(quoted(R"(a\)") == R"("a\\")");
    CHECK(quoted("") == R"("")");
}

TEST_CASE("a name that is too long is cut between characters, and the cut is not in the quotes") {
    CHECK(quoted("0123456789", 10) == R"("0123456789")");
    CHECK(quoted("0123456789...", 10) == R"("0123456789"...)");
    CHECK(quoted("012345678\xe2\x82\xac", 10) == R"("012345678"...)");
    CHECK(quoted("01234567\xe2\x82\xac", 10) == R"("01234567"...)");
    CHECK(quoted("0123456\xe2\x82\xac!", 10) == "\"0123456\xe2\x82\xac\"...");
    CHECK(quoted("012345678\n9", 10) == R"("012345678\n"...)");
    CHECK(beginning("0123456789", 10) == "0123456789");
    CHECK(beginning("012345678\xe2\x82\xac", 10) == "012345678...");
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
    static_assert(printable_sequence("\xef\xbb\xbe") == 3);
    static_assert(printable_sequence("\xef\xbb\xbf") == 0);
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
