#!/usr/bin/env bash
# What does the library cost who compiles with it? User time and code (size's text) of a file with one
# call, header-only and with separate compilation where there is such a thing, against a file with one
# std::async; what one more call costs; how much the compiler has to read.
#
#   tests/bench/compile.sh [DIRECTORY]      where to compile, a new one if none is given
#
# Medians of RUNS (5), each of which compiles every file in turn. Asks $CXX (g++) and clang++-19, if it is
# there, with CXXFLAGS (-O2).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
include=$(dirname "$(dirname "$here")")/include
work=${1:-$(mktemp -d)}
runs=${RUNS:-5}
separate=FIRE_AND_FORGET_SEPARATE_COMPILATION
mkdir -p "$work"
cd "$work"

# calls NUMBER STATEMENT INCLUDE: a file whose main makes so many calls, each with a callable of its own
calls() {
    local i
    printf '#include <%s>\n#include <cstdio>\nint main() {\n' "$3"
    for ((i = 1; i <= $1; ++i)); do
        # shellcheck disable=SC2059
        printf "    $2\n" "$i"
    done
    printf '}\n'
}
fire='faf::fire_and_forget([] { std::puts("task %d"); });'
async='static_cast<void>(std::async(std::launch::async, [] { std::puts("task %d"); }));'
front=fire_and_forget/fire_and_forget.hpp
calls 1 "$async" future >async_1.cpp
calls 51 "$async" future >async_51.cpp
calls 1 "$fire" $front >header_1.cpp
calls 51 "$fire" $front >header_51.cpp
files="async_1 async_51 header_1 header_51"
if grep -rq $separate "$include"; then
    for number in 1 51; do
        { echo "#define $separate"; cat header_$number.cpp; } >separate_$number.cpp
    done
    { echo "#define $separate"; echo '#include <fire_and_forget/src.hpp>'; } >engine_0.cpp
    files="$files separate_1 separate_51 engine_0"
fi

median() { sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

compilers=${CXX:-g++}
if command -v clang++-19 >/dev/null && [ "$compilers" != clang++-19 ]; then
    compilers="$compilers clang++-19"
fi
TIMEFORMAT=%U
for compiler in $compilers; do
    rm -f -- *.seconds
    for ((run = 1; run <= runs; ++run)); do
        for file in $files; do
            # shellcheck disable=SC2086
            { time "$compiler" -std=c++20 ${CXXFLAGS:--O2} -pthread -I"$include" -c $file.cpp -o $file.o; } \
                2>>$file.seconds
        done
    done
    for file in $files; do
        echo "${file/_/ } $(median <$file.seconds) $(size $file.o | awk 'NR == 2 { print $1 }')"
    done | awk -v compiler="$("$compiler" --version | head -n 1)" '
        { time[$1, $2] = $3; code[$1, $2] = $4; if (!($1 in seen)) { seen[$1]; ways[++n] = $1 } }
        END {
            name["async"] = "std::async"; name["header"] = "header-only"; name["separate"] = "separate"
            printf "%s\n  %-28s %9s %6s %12s %6s\n", compiler, "", "user time", "ratio", "code", "ratio"
            for (i = 1; i <= n; ++i) {
                w = ways[i]
                if (w == "engine") {
                    printf "  %-28s %7.2f s  %5s %8.1f KB\n", "the engine, once", time[w, 0], "", code[w, 0] / 1000
                    continue
                }
                printf "  %-28s %7.2f s  %5.2f %8.1f KB  %6.2f\n", "one call, " name[w], time[w, 1], \
                    time[w, 1] / time["async", 1], code[w, 1] / 1000, code[w, 1] / code["async", 1]
            }
            for (i = 1; i <= n; ++i) {
                w = ways[i]
                if (w == "engine") continue
                t = (time[w, 51] - time[w, 1]) / 50; c = (code[w, 51] - code[w, 1]) / 50
                if (w == "async") { t0 = t; c0 = c }
                printf "  %-28s %7.1f ms %5.2f %8.0f B   %6.2f\n", "one more call, " name[w], 1e3 * t, t / t0, c, c / c0
            }
        }'
done

# A line that is empty or begins with // has no code; blocks of comments are not used here.
find "$include" -name '*.[hi]pp' -exec cat {} + | grep -cvE '^ *(//.*)?$' |
    awk '{ print "lines of code in include/, without comments and blanks: " $1 }'
if command -v cmake >/dev/null; then
    cmake -DINCLUDE="$include" -DLONGEST=1000 -P "$here/../checks/chain.cmake" |
        sed -n 's/^-- \([0-9]*\) files .*/longest chain of includes, from the front door: \1/p'
fi
