#!/usr/bin/env bash
# Builds the unit tests for another system, processor or kind of build, as one program with the engine
# compiled once, and runs them.
#
#   tests/portability/run.sh mingw-posix
#   FILES="unit/lanes_test stress/lane_stress" tests/portability/run.sh s390x aarch64
#   FILES="quick dso stress/lane_stress" tests/portability/run.sh mingw-posix
#
# FILES    which tests, as folder/stem or a folder, unit by default; quick for some of unit/, which take a
#          minute. One of stress/ is a program of its own; dso is for Windows, and loads and unloads DLLs
#          that hold the library.
# WORK     where it builds
# CASES    which cases, as Catch2 takes them
# LIMIT    in seconds, for a program
#
#   target                       is run by             Debian's packages
#   mingw-posix                  wine                  g++-mingw-w64-x86-64-posix wine64 wine
#   mingw-win32                  is refused, which is  g++-mingw-w64-x86-64-win32
#                                looked at
#   aarch64 armhf riscv64 s390x  qemu-user             g++-aarch64-linux-gnu and so on, qemu-user
#   i686                         an x86-64 itself      g++-i686-linux-gnu (Debian 12's qemu-i386 hangs at
#                                                      the start of a program's first thread)
#   m32                          an x86-64 itself      g++-12-multilib (g++-multilib drives out the others)
#   generic                      what is there for systems that are not Linux
#   static lto debug cxx23 cxx26 kinds of builds with CXX
#
# Catch2 has to be version 2, whose header is all there is of it.
#
# What does not apply is left out by the tests themselves: on Windows, signals, SIGPIPE, pthread_cancel
# and control groups, what is fired by destructors of thread_locals (GCC has freed these there when their
# destructors run), and pthread_exit in a task, which runs no destructors there.
set -euo pipefail
tests=$(cd "$(dirname "$0")/.." && pwd)
work=${WORK:-/tmp/fire_and_forget-portability}
launcher=$(command -v ccache || true)

mkdir -p "$work/include"
ln -sfn /usr/include/catch2 "$work/include/catch2"

files="" modules=""
for word in ${FILES:-unit}; do
    case $word in
    unit | stress) files+=" $(cd "$tests" && printf '%s\n' "$word"/*.cpp | sed 's/\.cpp$//')" ;;
    quick)
        files+=" unit/platform_test unit/time_test unit/alarm_clock_test unit/asymmetric_barrier_test
            unit/doorbell_test unit/native_thread_test unit/lanes_test unit/claim_test
            unit/thread_pool_test unit/stderr_sink_test"
        ;;
    dso) modules=yes ;;
    *) files+=" $word" ;;
    esac
done

# choose TARGET: sets compiler, flags, link (more of what the linker is called with) and run
choose() {
    compiler=${CXX:-g++} flags="-std=c++20" link="" run=""
    case $1 in
    mingw-posix)
        compiler=x86_64-w64-mingw32-g++-posix
        flags+=" -include $tests/portability/mingw_atomic_wait.hpp"
        link="-static -lsynchronization"
        run=wine
        export WINEPREFIX=${WINEPREFIX:-$work/wine} WINEDEBUG=${WINEDEBUG:--all}
        ;;
    aarch64 | riscv64 | s390x) compiler=$1-linux-gnu-g++ run="qemu-$1 -L /usr/$1-linux-gnu" ;;
    armhf) compiler=arm-linux-gnueabihf-g++ run="qemu-arm -L /usr/arm-linux-gnueabihf" ;;
    i686)
        compiler=i686-linux-gnu-g++
        run="/usr/i686-linux-gnu/lib/ld-linux.so.2 --library-path /usr/i686-linux-gnu/lib"
        ;;
    m32) flags+=" -m32 -idirafter /usr/include/x86_64-linux-gnu" ;; # g++-multilib links asm/ to there
    generic) flags+=" -U__linux__" ;;
    static) link="-static" ;;
    lto) flags+=" -flto" ;;
    debug) flags+=" -D_GLIBCXX_DEBUG -D_GLIBCXX_DEBUG_PEDANTIC" ;;
    cxx23) flags="-std=c++2b" ;;
    cxx26) flags="-std=c++2c" ;;
    *) echo "unknown target $1" && exit 2 ;;
    esac
    flags+=" -O1 -pthread -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
    flags+=" -I$work/include -I$tests/../include -I$tests/support"
}

compile() { nice $launcher "$compiler" $flags "$@"; }

# What wine says of a program that crashes, whose exit code may be 0 all the same.
crashed="^wine: Unhandled|^Unhandled exception"

# test_modules TARGET: DLLs go when they have shut down, stay while they work, and end with the program
test_modules() {
    local dir=$work/$1/dso what
    mkdir -p "$dir"
    compile "$tests/dso/host.cpp" -static -o "$dir/host.exe"
    compile -c "$tests/dso/plugin.cpp" -o "$dir/plugin.o"
    for what in 1 2; do
        compile -shared "$dir/plugin.o" $link -o "$dir/plugin_$what.dll"
    done
    for what in unload unload_fired_by_main unload_together let_go let_go_fired_by_main shut_down end; do
        (cd "$dir" && timeout "${LIMIT:-300}" $run host.exe "$what" 5 plugin_1.dll plugin_2.dll) \
            >"$dir/$what.log" 2>&1 || echo "ended by $?" >>"$dir/$what.log"
        if ! grep -q '^done' "$dir/$what.log" || grep -qE "^ended by|$crashed" "$dir/$what.log"; then
            head -n 40 "$dir/$what.log" && exit 1
        fi
        echo "$1: dso: $what"
    done
}

test_target() {
    local target=$1 dir=$work/$1 file objects=() programs=()
    choose "$target"
    mkdir -p "$dir"
    echo '#include <fire_and_forget/src.hpp>' >"$dir/engine.cpp"
    {
        printf '%s %s\n' "$tests/support/main.cpp" "$dir/main.o" "$dir/engine.cpp" "$dir/engine.o"
        for file in $files; do
            printf '%s %s\n' "$tests/$file.cpp" "$dir/$(basename "$file").o"
        done
    } >"$dir/jobs"
    export -f compile
    export launcher compiler flags
    xargs -P "${JOBS:-2}" -L 1 bash -c '
        grep -qsE "random_turns.hpp|define FIRE_AND_FORGET_STRESS" "$0" ||
            flags+=" -DFIRE_AND_FORGET_SEPARATE_COMPILATION"
        compile -c "$0" -o "$1"' <"$dir/jobs"
    for file in $files; do
        case $file in
        unit/*) objects+=("$dir/$(basename "$file").o") ;;
        *)
            programs+=("$dir/$(basename "$file").exe")
            compile "$dir/$(basename "$file").o" "$dir/main.o" "$dir/engine.o" $link -o "${programs[-1]}"
            ;;
        esac
    done
    if [ ${#objects[@]} -gt 0 ]; then
        programs=("$dir/unit.exe" "${programs[@]}")
        compile "${objects[@]}" "$dir/main.o" "$dir/engine.o" $link -o "$dir/unit.exe"
    fi
    local program
    for program in "${programs[@]}"; do
        echo "$target: $(basename "$program" .exe)"
        timeout "${LIMIT:-300}" $run "$program" "${CASES:-~[none]}" >"$program.log" 2>&1 ||
            echo "ended by $?" >>"$program.log"
        tail -n "${LINES_SHOWN:-40}" "$program.log"
        if ! grep -q '^All tests passed' "$program.log" || grep -qE "^ended by|$crashed" "$program.log"; then
            exit 1
        fi
    done
    if [ -n "$modules" ] && [ "$target" != "${target#mingw}" ]; then
        test_modules "$target"
    fi
}

for target in "$@"; do
    if [ "$target" = mingw-win32 ]; then
        cmake -DCOMPILER=x86_64-w64-mingw32-g++-win32 -DSOURCE="$tests/misuse/no_threads.cpp" \
            -DINCLUDE="$tests/../include" -P "$tests/misuse/check.cmake"
        echo "$target: is refused in one sentence"
    else
        test_target "$target"
    fi
done
