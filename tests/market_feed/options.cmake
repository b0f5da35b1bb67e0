# What is shown on request, of a few thousand trades.
include(${CMAKE_CURRENT_LIST_DIR}/expect.cmake)

set(lines "time_ms,symbol,price,size,exchange\n")
foreach(i RANGE 1 2000)
    math(EXPR cents "${i} % 4")
    string(APPEND lines "${i},ABC,10.0${cents},100,P\n")
endforeach()
file(WRITE ${WORK}/few.csv "${lines}")

# A picture: the bars of each add up to the trades.
run(--histogram ${WORK}/few.csv)
expect("the exit code" "${code}" 0)
foreach(title IN ITEMS "how long a submit took" "how long a task waited")
    expect_match("standard output" "${out}" "\n${title}\n(  up to +[0-9]+ [num]?s +[0-9]+( #+| [.])?\n)+")
endforeach()
string(REGEX MATCHALL "up to +[0-9]+ [num]?s +[0-9]+" bars "${out}")
set(drawn 0)
foreach(bar IN LISTS bars)
    string(REGEX MATCH "[0-9]+$" many "${bar}")
    math(EXPR drawn "${drawn} + ${many}")
endforeach()
expect("what both pictures show" "${drawn}" 4000)

# A pace is kept: the last of 2,000 trades at 5,000 a second comes after 0.4 seconds.
execute_process(COMMAND ${PROGRAM} --pace 5000 ${WORK}/few.csv OUTPUT_VARIABLE out)
expect_match("standard output" "${out}"
    "\n2000 trades in (0\\.399|0\\.[4-9][0-9][0-9]|[1-9][0-9]*\\.[0-9]+) s: [0-9]+ a second\n")

# Four ways side by side.
run(--baseline ${WORK}/few.csv)
expect("the exit code" "${code}" 0)
expect("standard error" "${err}" "")
set(row "( +[0-9]+)+\n")
expect_match("standard output" "${out}" "\nthe first 2000 trades in four ways, in ns: [^\n]*
 +a second +submit p50 +p99 +p99.9 +max +queue p50 +p99
inline${row}std::async${row}mutex queue${row}fire_and_forget${row}$")

# Progress is shown on a terminal only.
run(${WORK}/few.csv)
expect("standard error" "${err}" "")
find_program(SCRIPT script)
if(SCRIPT AND CMAKE_HOST_SYSTEM_NAME STREQUAL Linux)
    execute_process(COMMAND ${SCRIPT} -qec "${PROGRAM} --pace 5000 ${WORK}/few.csv" /dev/null
        OUTPUT_VARIABLE shown RESULT_VARIABLE code)
    expect("the exit code on a terminal" "${code}" 0)
    expect_match("a terminal" "${shown}" "\\[K[0-9]+ trades, [0-9]+ a second ")
endif()
