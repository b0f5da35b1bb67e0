# What the user gets wrong: a sentence on standard error, nothing on the other, and exit code 2.
include(${CMAKE_CURRENT_LIST_DIR}/expect.cmake)

function(expect_refusal sentence)
    run(${ARGN})
    expect("the exit code of market_feed ${ARGN}" "${code}" 2)
    expect("standard output of market_feed ${ARGN}" "${out}" "")
    expect("standard error of market_feed ${ARGN}" "${err}" "market_feed: ${sentence}\n")
endfunction()

set(header "time_ms,symbol,price,size,exchange")
file(WRITE ${WORK}/empty.csv "")
file(WRITE ${WORK}/header_only.csv "${header}\n")
file(WRITE ${WORK}/other.csv "name,age\nAda,36\n")
file(WRITE ${WORK}/one.csv "${header}\n14400614,BAC,13.9400,500,P") # no newline at the end

expect_refusal("cannot open ${WORK}/missing.csv" ${WORK}/missing.csv)
expect_refusal("the file is empty" ${WORK}/empty.csv)
expect_refusal("there are no trades in the file" ${WORK}/header_only.csv)
expect_refusal("the first line is not ${header}" ${WORK}/other.csv)
expect_refusal("unknown option --fast" --fast)
expect_refusal("one file at a time, please" ${WORK}/one.csv ${WORK}/one.csv)
foreach(percentage IN ITEMS much -1 100.1 1.23456)
    expect_refusal("--jump needs a percentage, as in --jump 0.5" --jump ${percentage})
endforeach()
expect_refusal("--jump needs a percentage, as in --jump 0.5" --jump)

foreach(threads IN ITEMS 0 -2 many 1001 1.5)
    expect_refusal("--threads needs a number up to 1000, as in --threads 4" --threads ${threads})
endforeach()
expect_refusal("--threads needs a number up to 1000, as in --threads 4" --threads)
foreach(pace IN ITEMS 0 fast 10000001 0.5)
    expect_refusal("--pace needs a number of trades a second, as in --pace 50000" --pace ${pace})
endforeach()
expect_refusal("--pace needs a number of trades a second, as in --pace 50000" --pace)
expect_refusal("--serial and --conflate exclude each other" --serial --conflate)
expect_refusal("--serial and --conflate exclude each other" --conflate --threads 2 --serial)
expect_refusal("--baseline compares what does all of the work: leave out --conflate"
    --conflate --baseline)
expect_refusal("--baseline reads the trades more than once: name a file" --baseline -)

run(--help)
expect("the exit code" "${code}" 0)
expect("standard error" "${err}" "")
expect_match("standard output" "${out}" "^market_feed .OPTION.... .FILE.\n.*--help")

run(${WORK}/one.csv)
expect("the exit code" "${code}" 0)
expect("standard error" "${err}" "")
expect_match("standard output" "${out}" "\nBAC +1 +500 +13.940000 +13.9400\n.*\ntrades +1 +1 +0 +0\n")

# Results that nobody can read are no success.
if(EXISTS /dev/full)
    execute_process(COMMAND ${PROGRAM} ${WORK}/one.csv
        OUTPUT_FILE /dev/full ERROR_VARIABLE err RESULT_VARIABLE code)
    expect("the exit code" "${code}" 2)
    expect("standard error" "${err}" "market_feed: cannot write the results\n")
endif()
