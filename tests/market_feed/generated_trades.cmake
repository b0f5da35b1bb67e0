# Without a file: a million trades, the same in every run and with every compiler, and three lines
# that are none.
include(${CMAKE_CURRENT_LIST_DIR}/expect.cmake)

run()
expect("the exit code" "${code}" 0)
set_times(1000003)
set(books [[
symbol       trades        volume            VWAP        last
AIG          125082      68876100       47.072184     45.0300
BAC          125232      68951200       14.939261     17.2900
GE           124893      68596900       21.459798     21.1400
IBM          125407      69047100      178.208105    177.4600
KO           125396      69071800       35.847527     34.7900
MSFT         124167      68295800       32.533076     32.1300
T            124993      68612700       31.793232     31.8300
XOM          124830      68272400       91.318626     95.6900

tasks      accepted     succeeded          failed     refused
trades      1000003       1000000               3           0
jumps           109           109               0           0

error reports: 3
]])
expect("standard output" "${out}" "${books}${times}")
expect_match("standard error" "${err}" "line 250002: bad price \"37.x5\"\n")
expect_match("standard error" "${err}" "line 500003: bad size \"-500\"\n")
expect_match("standard error" "${err}" "line 750004: bad symbol \"\"\n")
