// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/errors/stderr_sink.hpp>

#include "captured_stderr.hpp"
#include "catch.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

using namespace faf::detail;
using namespace std::chrono_literals;

namespace {

static_assert(base_name("/home/me/feed.cpp") == "feed.cpp");
static_assert(base_name("feed.cpp") == "feed.cpp");
static_assert(base_name("C:\\src\\feed.cpp") == "feed.cpp");
static_assert(base_name("src/").empty());
static_assert(base_name("").empty());

faf::call_site place() {
    return faf::call_site::current();
}

std::string time_text(std::time_t seconds, int milliseconds) {
    const wall_time when{utc_of(seconds), milliseconds};
    report_line line;
    append_time(line, when);
    return std::string(line.view());
}

std::string report_text_of(const faf::error_report& report) {
    report_line line;
    append_report(line, report);
    return std::string(line.view());
}

faf::error_report report_at(faf::call_site where, std::uint64_t tasks = 1) {
    faf::error_report report{};
    report.where = where;
    report.suppressed = tasks - 1;
    return report;
}

std::string written(stderr_sink& sink, const faf::error_report& report) {
    const faf_test::captured_stderr out;
    sink.write(report);
    return out.text();
}

#define PLACE faf::call_site::current()

/// More places than the rate limiter has room for: a place is a line.
std::vector<faf::call_site> many_places() {
    return {
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
        PLACE, //
    };
}

#undef PLACE

} // namespace

// How GCC and clang spell functions --------------------------------------------------------------

TEST_CASE("the plain name of a function has neither result, parameters nor template arguments") {
    CHECK(plain_function("void on_tick()") == "on_tick");
    CHECK(plain_function("int main(int, char**)") == "main");
    CHECK(plain_function("void ns::feed::on_tick(int) [with T = int]") == "ns::feed::on_tick");
    CHECK(plain_function("void ns::feed::on_tick(int) [T = int]") == "ns::feed::on_tick");
    CHECK(plain_function("static constexpr const char* ns::f(int)") == "ns::f");
    CHECK(plain_function("std::map<int, std::string> ns::f(int)") == "ns::f");
    CHECK(plain_function("void ns::box<int, char>::put(int)") == "ns::box<int, char>::put");
    CHECK(plain_function("ns::feed::feed(int)") == "ns::feed::feed");
    CHECK(plain_function("ns::feed::~feed()") == "ns::feed::~feed");
}

TEST_CASE("the plain name of a lambda is that of the function around it") {
    CHECK(plain_function("on_tick()::<lambda()>") == "on_tick");
    CHECK(plain_function("ns::on_tick()::<lambda(auto:1)> [with auto:1 = int]") == "ns::on_tick");
    CHECK(plain_function("auto on_tick()::(anonymous class)::operator()() const") == "on_tick");
    CHECK(plain_function("auto ns::on_tick()::(lambda)::operator()(int) const") == "ns::on_tick");
}

TEST_CASE("a plain name is left as it is") {
    CHECK(plain_function("on_tick") == "on_tick");
    CHECK(plain_function("operator()") == "operator()");
    CHECK(plain_function("<lambda()>") == "<lambda()>"); // one that is in no function
    CHECK(plain_function("").empty());
}

TEST_CASE("an operator is left as it is") {
    CHECK(plain_function("bool ns::less::operator()(int, int) const") ==
          "bool ns::less::operator()(int, int) const");
    CHECK(plain_function("ns::feed::operator bool() const") == "ns::feed::operator bool() const");
}

TEST_CASE("a function in an unnamed namespace keeps its name") {
    CHECK(plain_function("void {anonymous}::on_tick()") == "{anonymous}::on_tick");
    CHECK(plain_function("void ns::{anonymous}::on_tick()") == "ns::{anonymous}::on_tick");
    const auto holds = [](std::string_view signature) {
        return plain_function(signature).find("on_tick") != std::string_view::npos;
    };
    CHECK(holds("void (anonymous namespace)::on_tick()"));
    CHECK(holds("void ns::(anonymous namespace)::on_tick()"));
}

TEST_CASE("a function whose result has parentheses keeps its name") {
    const auto holds = [](std::string_view signature) {
        return plain_function(signature).find("make") != std::string_view::npos;
    };
    CHECK(holds("std::function<void()> make()"));
    CHECK(holds("std::function<void(int)> ns::make(int)"));
    CHECK(holds("decltype(auto) make()"));
    CHECK(holds("void (* make())(int)"));
}

// One report, one line ---------------------------------------------------------------------------

TEST_CASE("time is written in UTC to the millisecond") {
    CHECK(time_text(0, 0) == "1970-01-01T00:00:00.000Z");
    CHECK(time_text(1'769'860'800, 123) == "2026-01-31T12:00:00.123Z");
    CHECK(time_text(1'769'903'999, 999) == "2026-01-31T23:59:59.999Z");
    CHECK(time_text(1'769'821'323, 4) == "2026-01-31T01:02:03.004Z");
    CHECK(time_text(1'709'164'800, 0) == "2024-02-29T00:00:00.000Z");
#if !defined(_WIN32) // which knows no time before
    CHECK(time_text(-1, 999) == "1969-12-31T23:59:59.999Z");
#endif
}

TEST_CASE("a report is written with its task, place, kind, type and text") {
    faf::error_report report{};
    report.task = "refresh";
    report.type = "std::runtime_error";
    report.what = "no route";
    report.where = place();
    CHECK(std::regex_match(
        report_text_of(report),
        std::regex(R"re(task "refresh" \(stderr_sink_test\.cpp:\d+ in .*place.*\) failed: )re"
                   R"re(std::runtime_error: no route)re")));
}

TEST_CASE("a report leaves out what it does not know") {
    faf::error_report report{};
    report.kind = faf::failure::abandoned;
    CHECK(report_text_of(report) == "task was abandoned");
    report.what = "why";
    CHECK(report_text_of(report) == "task was abandoned: why");
    report.suppressed = 3;
    CHECK(report_text_of(report) == "task was abandoned: why (and 3 more)");
}

TEST_CASE("a report is one line whatever it tells") {
    faf::error_report report{};
    report.task = "a\nb";
    report.type = "t\x1b[2J";
    report.what = "x\r\ny\xff%n%s\x1b]0;title\x07";
    CHECK(report_text_of(report) ==
          R"(task "a\nb" failed: t\x1b[2J: x\r\ny\xff%n%s\x1b]0;title\x07)");
}

TEST_CASE("a name can't pretend to be the rest of the report") {
    faf::error_report report{};
    report.task = R"(a" failed: all is well)";
    CHECK(report_text_of(report) == R"(task "a\" failed: all is well" failed)");
    report.task = std::string_view("a\\n");
    CHECK(report_text_of(report) == R"(task "a\\n" failed)");
}

TEST_CASE("a name and a type that are cut say so") {
    faf::error_report report{};
    const std::string name = std::string(127, 'n') + "\xe2\x82\xac";
    const std::string type = std::string(255, 't') + "\xe2\x82\xac";
    report.task = name;
    report.type = type;
    CHECK(report_text_of(report) ==
          "task \"" + std::string(127, 'n') + "\"... failed: " + std::string(255, 't') + "...");
}

TEST_CASE("a report of endless texts is cut") {
    const std::string endless(100'000, '\x01');
    faf::error_report report{};
    report.task = endless;
    report.type = endless;
    report.what = endless;
    CHECK(report_text_of(report).size() <= 2048);
}

TEST_CASE("the sink writes a whole line with a time in front") {
    stderr_sink sink;
    faf::error_report report{};
    report.task = "refresh";
    report.what = "no route";
    const std::string line = written(sink, report);
    CHECK(std::regex_match(line, std::regex("\\[fire_and_forget\\] "
                                            "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z "
                                            "task \"refresh\" failed: no route\n")));
}

TEST_CASE("the sink ends a line that was cut, too") {
    const std::string endless(100'000, '\x01');
    stderr_sink sink;
    faf::error_report report{};
    report.what = endless;
    const std::string line = written(sink, report);
    CHECK(line.size() <= 2049);
    CHECK(line.substr(line.size() - 4) == "...\n");
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
}

TEST_CASE("the sink writes no line for a cancelled task") {
    stderr_sink sink;
    faf::error_report report{};
    report.kind = faf::failure::cancelled;
    CHECK(written(sink, report).empty());
}

TEST_CASE("the sink keeps errno") {
    stderr_sink sink;
    errno = 4711;
    written(sink, {});
    CHECK(errno == 4711);
}

TEST_CASE("the sink writes five lines from one place and tells at the end what it held back") {
    stderr_sink sink;
    faf::error_report report{};
    report.where = place();
    const faf_test::captured_stderr out;
    for (int i = 0; i < 5; ++i) {
        sink.write(report);
    }
    const std::string five = out.text();
    CHECK(std::count(five.begin(), five.end(), '\n') == 5);
    sink.write(report);
    report.suppressed = 9; // speaks for ten
    sink.write(report);
    CHECK(out.text() == five);
    sink.flush();
    const std::string last = out.text().substr(five.size());
    CHECK(std::regex_match(last, std::regex("\\[fire_and_forget\\] .*Z 11 more.* task "
                                            "\\(stderr_sink_test\\.cpp:\\d+ in .*place.*\\) failed "
                                            ".*suppressed.*\n")));
    sink.flush();
    CHECK(out.text() == five + last);
}

// Not too many from one place ---------------------------------------------------------------------

TEST_CASE("the rate limiter lets five reports through, then none until its window is over") {
    rate_limiter limiter;
    const faf::call_site where = place();
    const rate_limiter::clock::time_point start(100s);
    for (int i = 0; i < 5; ++i) {
        const auto verdict = limiter.admit(report_at(where), start + i * 1ms);
        CHECK(verdict.admitted);
        CHECK(verdict.suppressed == 0);
    }
    CHECK_FALSE(limiter.admit(report_at(where), start + 5ms).admitted);
    CHECK_FALSE(limiter.admit(report_at(where, 10), start + 999ms).admitted);
    const auto next = limiter.admit(report_at(where), start + 1s);
    CHECK(next.admitted);
    CHECK(next.suppressed == 11);
    CHECK(limiter.admit(report_at(where), start + 1s).suppressed == 0);
}

TEST_CASE("the rate limiter counts places apart") {
    rate_limiter limiter;
    const auto places = many_places();
    const rate_limiter::clock::time_point start(100s);
    for (int i = 0; i < 6; ++i) {
        static_cast<void>(limiter.admit(report_at(places[0]), start));
    }
    CHECK_FALSE(limiter.admit(report_at(places[0]), start).admitted);
    CHECK(limiter.admit(report_at(places[1]), start).admitted);
}

TEST_CASE("the rate limiter counts kinds of failure apart") {
    rate_limiter limiter;
    faf::error_report report = report_at(place());
    const rate_limiter::clock::time_point start(100s);
    for (int i = 0; i < 6; ++i) {
        static_cast<void>(limiter.admit(report, start));
    }
    CHECK_FALSE(limiter.admit(report, start).admitted);
    report.kind = faf::failure::abandoned;
    CHECK(limiter.admit(report, start).admitted);
}

TEST_CASE("the rate limiter tells each unseen count once") {
    rate_limiter limiter;
    const auto places = many_places();
    const rate_limiter::clock::time_point start(100s);
    for (int i = 0; i < 7; ++i) {
        static_cast<void>(limiter.admit(report_at(places[0]), start));
        static_cast<void>(limiter.admit(report_at(places[1]), start));
    }
    std::uint64_t unseen = 0;
    int told = 0;
    for (auto place = limiter.take_unseen(); place.count > 0; place = limiter.take_unseen()) {
        unseen += place.count;
        ++told;
    }
    CHECK(told == 2);
    CHECK(unseen == 4);
}

TEST_CASE("the rate limiter with too many places gives up the one it heard of longest ago") {
    static_assert(rate_limiter::places == 64);
    rate_limiter limiter;
    const auto places = many_places();
    const rate_limiter::clock::time_point start(100s);
    for (int i = 0; i < 7; ++i) {
        static_cast<void>(limiter.admit(report_at(places[0]), start)); // two of them unseen
    }
    for (std::size_t i = 1; i < 64; ++i) {
        CHECK(limiter.admit(report_at(places[i]), start + i * 1ms).evicted.count == 0);
    }
    CHECK_FALSE(
        limiter.admit(report_at(places[0]), start + 100ms).admitted); // three; the newest again
    const auto second =
        limiter.admit(report_at(places[64]), start + 101ms); // takes the room of [1]
    CHECK(second.admitted);
    CHECK(second.evicted.count == 0);
    CHECK(second.evicted.where.line() == places[1].line());
    for (std::size_t i = 2; i < 64; ++i) {
        static_cast<void>(limiter.admit(report_at(places[i]), start + 102ms));
    }
    static_cast<void>(limiter.admit(report_at(places[64]), start + 102ms));
    const auto first = limiter.admit(report_at(places[65]), start + 103ms); // takes the room of [0]
    CHECK(first.evicted.where.line() == places[0].line());
    CHECK(first.evicted.count == 3);
}

TEST_CASE("the sink tells what it held back of a place that had to give way") {
    stderr_sink sink;
    const auto places = many_places();
    faf::error_report report{};
    const faf_test::captured_stderr out;
    report.where = places[0];
    for (int i = 0; i < 6; ++i) {
        sink.write(report);
    }
    for (std::size_t i = 1; i <= 64; ++i) {
        report.where = places[i];
        sink.write(report);
    }
    const std::string text = out.text();
    const std::string line = std::to_string(places[0].line());
    CHECK(std::regex_search(
        text, std::regex("Z 1 more.* task \\(stderr_sink_test\\.cpp:" + line + " .*suppressed")));
    CHECK(std::count(text.begin(), text.end(), '\n') == 5 + 64 + 1);
}

// Last, for what it does to the numbers of the lines: a file that has a name of more than one line.
namespace {
// clang-format off
#line 7 "src/odd\n\tname.cpp"
faf::call_site odd_place() { return faf::call_site::current(); }
// clang-format on
} // namespace

TEST_CASE("the name of a file is escaped") {
    faf::error_report report{};
    report.where = odd_place();
    const std::string text = report_text_of(report);
    CHECK(text.find(R"(task (odd\n\tname.cpp:7 in )") == 0);
}
