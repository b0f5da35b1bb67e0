# Each type and each function of the public headers has documentation of its own. documented.awk reads
# them; without awk the test is skipped.
include(${CMAKE_CURRENT_LIST_DIR}/headers.cmake)

find_program(AWK NAMES awk mawk gawk)
if(NOT AWK)
    message("skipped: there is no awk")
    return()
endif()
file(GLOB headers ${INCLUDE}/fire_and_forget/*.hpp)
if(NOT headers)
    message(FATAL_ERROR "There are no headers in ${INCLUDE}")
endif()
execute_process(COMMAND ${AWK} -f ${CMAKE_CURRENT_LIST_DIR}/documented.awk ${headers}
    RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(NOT result EQUAL 0)
    fault("${said}")
endif()
judge()
