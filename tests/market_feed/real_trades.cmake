# Totals, last prices and jumps of a day of real trades, as awk finds them, too.
include(${CMAKE_CURRENT_LIST_DIR}/expect.cmake)
find_trades()

run(${TRADES})
expect("the exit code" "${code}" 0)
expect("standard output" "${out}" "${real_books}\
trades       137816        137816               0           0
jumps             4             4               0           0

error reports: 0

submit, in ns: <ns>
")
expect_match("standard error" "${err}" "^(AIG|BAC|IBM) jumps from [0-9.]+ to [0-9.]+
(AIG|BAC|IBM) jumps from [0-9.]+ to [0-9.]+
(AIG|BAC|IBM) jumps from [0-9.]+ to [0-9.]+
.further jumps are counted, not shown.
$")

# A change of the price is a jump of more than 0 percent: these come out right in the right order
# only.
run(--jump 0 ${TRADES})
expect("the exit code" "${code}" 0)
expect_match("standard output" "${out}" "\njumps         25865         25865               0           0\n")
