# A hundred damaged lines among the real ones give a hundred reports and change nothing else. They
# come by a pipe.
include(${CMAKE_CURRENT_LIST_DIR}/expect.cmake)
find_trades()

execute_process(COMMAND ${DAMAGE} ${TRADES} COMMAND ${PROGRAM} --jump 5 -
    OUTPUT_VARIABLE out ERROR_VARIABLE err RESULTS_VARIABLE code)
mask_latency()
set_times(137916)
expect("the exit codes" "${code}" "0;0")
expect("standard output" "${out}" "${real_books}\
trades       137916        137816             100           0
jumps             0             0               0           0

error reports: 100
${times}")
# The symbols report in any order, so which ones are shown is open.
set(report "task .market_feed.cpp:[0-9]+ in [^\n]*fire[^\n]*. failed: std::invalid_argument: line [0-9]+: bad [a-z]+ [^\n]*\n")
expect_match("standard error" "${err}"
    "^${report}${report}${report}.further failures are counted, not shown.\n$")
