#!/usr/bin/env bash
# Which lines and branches of include/ the unit, stress and fault tests reach, by gcovr (5.2 or later):
# a table, then each line that none of them reaches. coverage.txt says why these are not reached.
#
#   tests/coverage.sh [DIR]      builds in DIR, build-coverage by default, without optimization
#
# What a child process did that ends without exit, as many of the fault tests' do, is not counted.
set -euo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$tests")
dir=${1:-$root/build-coverage}

command -v gcovr >/dev/null || { echo "coverage.sh needs gcovr" >&2; exit 1; }
launcher=$(command -v ccache || true)
cmake -S "$root" -B "$dir" -DCMAKE_BUILD_TYPE=None -DFIRE_AND_FORGET_TEST_FLAGS=-O0 \
    -DCMAKE_CXX_FLAGS="-O0 --coverage -fprofile-update=atomic" -DFIRE_AND_FORGET_BUILD_EXAMPLES=OFF \
    ${launcher:+-DCMAKE_CXX_COMPILER_LAUNCHER="$launcher"} >/dev/null
find "$dir" -name '*.gcda' -delete
targets=(unit_tests)
for source in "$tests"/stress/*.cpp "$tests"/faults/*.cpp; do
    targets+=("$(basename "$source" .cpp)")
done
cmake --build "$dir" --target "${targets[@]}" -j "${JOBS:-2}"
ctest --test-dir "$dir" -L '^(unit|stress|faults)$' -j "${JOBS:-2}" --output-on-failure --quiet ||
    echo "coverage.sh: some tests have failed" >&2

# For a source that can't be opened, because a #line has made its name up, gcovr would leave out all that its
# object has run.
gcov="bash -c 'gcov \"\$@\" 2> >(grep -v \"Cannot open source file\" >&2)' gcov"

# Branches that only an exception takes, out of code that throws none, are not counted.
report() {
    gcovr --root "$root" --filter "$root/include/" --object-directory "$dir" --gcov-ignore-parse-errors \
        --gcov-executable "$gcov" --exclude-throw-branches --exclude-unreachable-branches "$@" "$dir"
}
report --json "$dir/coverage.json" --txt "$dir/lines.txt" --print-summary
gcovr --root "$root" --add-tracefile "$dir/coverage.json" --branches --txt "$dir/branches.txt"
rm -f "$root"/*.gcov # gcovr forgets the one of a source whose name, by #line, has a line break
cat "$dir/lines.txt" "$dir/branches.txt"
