# For the scripts next to it: runs PROGRAM, the market_feed example, and compares.

# run(<argument>...): sets out, err and code. Figures that differ from run to run become <ns>.
macro(run)
    execute_process(COMMAND ${PROGRAM} ${ARGN}
        OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE code)
    mask_latency()
endmacro()

# A percentile is at least a nanosecond: zeros stay and are found. (A task may have waited less.)
macro(mask_latency)
    set(figures "p50 [1-9][0-9]*, p99 [1-9][0-9]*, p99.9 [1-9][0-9]*, max [1-9][0-9]*\n")
    string(REGEX REPLACE "${figures}" "<ns>\n" out "${out}")
    string(REGEX REPLACE "in [0-9]+\\.[0-9]+ s: [1-9][0-9]* a second\n" "in <time>\n" out "${out}")
endmacro()

# What stands below the books and the counters.
macro(set_times trades)
    set(times "
submit, in ns: <ns>
queue, in ns: <ns>
${trades} trades in <time>
")
endmacro()

# message() keeps the line breaks of a text that is indented.
function(complain text)
    string(REPLACE "\n" "\n  " text "  ${text}")
    message(SEND_ERROR "${text}")
endfunction()

# expect(<what> <value> <wanted>)
function(expect what value wanted)
    if(NOT value STREQUAL wanted)
        complain("${what} is\n${value}\nand not\n${wanted}\n(exit code ${code}, standard error: ${err})")
    endif()
endfunction()

function(expect_match what value pattern)
    if(NOT value MATCHES "${pattern}")
        complain("${what} is\n${value}\nwhich does not match\n${pattern}")
    endif()
endfunction()

# The real trades, where they are to be had.
function(find_trades)
    if(NOT TRADES)
        set(TRADES ${CMAKE_CURRENT_LIST_DIR}/../../../shared/data/trades-20131007.csv)
    endif()
    set(TRADES ${TRADES} PARENT_SCOPE)
    if(NOT EXISTS ${TRADES})
        message(FATAL_ERROR "test skipped: there is no ${TRADES}; set FIRE_AND_FORGET_TRADES")
    endif()
endfunction()

set(real_books [[
symbol       trades        volume            VWAP        last
AIG           25351       5300449       48.925055     48.7900
BAC           88172      64411712       13.861906     13.8100
IBM           24293       3960352      182.500507    181.9900

tasks      accepted     succeeded          failed     refused
]])
