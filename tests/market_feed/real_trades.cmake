# Totals, last prices and jumps of a day of real trades, as awk finds them, too.
include(${CMAKE_CURRENT_LIST_DIR}/expect.cmake)
find_trades()

run(--threads 4 ${TRADES})
set_times(137816)
expect("the exit code" "${code}" 0)
expect("standard output" "${out}" "${real_books}\
trades       137816        137816               0           0
jumps             4             4               0           0

error reports: 0
${times}")
expect_match("standard error" "${err}" "^(AIG|BAC|IBM) jumps from [0-9.]+ to [0-9.]+
(AIG|BAC|IBM) jumps from [0-9.]+ to [0-9.]+
(AIG|BAC|IBM) jumps from [0-9.]+ to [0-9.]+
.further jumps are counted, not shown.
$")

# A change of the price is a jump of more than 0 percent: these come out right in the right order
# only.
run(--serial --jump 0 ${TRADES})
expect("the exit code" "${code}" 0)
expect_match("standard output" "${out}" "\njumps         25865         25865               0           0\n")

# Of each symbol the newest trade runs in any case: the last prices are right, and what did not run
# was replaced.
run(--conflate --threads 1 ${TRADES})
expect("the exit code" "${code}" 0)
foreach(last IN ITEMS "AIG .* 48.7900" "BAC .* 13.8100" "IBM .* 181.9900")
    expect_match("standard output" "${out}" "\n${last}\n")
endforeach()
string(REGEX MATCH "\ntrades +137816 +([0-9]+) +0 +0\n.*\nreplaced by newer trades: ([0-9]+)\n" _ "${out}")
if(NOT CMAKE_MATCH_1 OR NOT CMAKE_MATCH_2)
    complain("no counts of a conflated run in\n${out}")
else()
    math(EXPR all "${CMAKE_MATCH_1} + ${CMAKE_MATCH_2}")
    expect("what ran and what was replaced" "${all}" 137816)
endif()
