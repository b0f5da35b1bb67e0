# Doxygen finds nothing missing in the reference of the public headers, and each name in it stands in an
# example. Without doxygen or awk the test is skipped.
find_program(DOXYGEN doxygen)
find_program(AWK NAMES awk mawk gawk)
if(NOT DOXYGEN OR NOT AWK)
    message("test skipped: there is no doxygen, or no awk")
    return()
endif()
execute_process(
    COMMAND ${CMAKE_COMMAND} -DDOXYGEN=${DOXYGEN} -DOUTPUT=${WORK} -P ${SOURCE}/.docs/reference.cmake
    RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(NOT result EQUAL 0)
    string(REPLACE "\n" "\n  " said "  ${said}") # what is indented keeps its lines
    message(FATAL_ERROR "${said}")
endif()

file(GLOB_RECURSE examples ${SOURCE}/examples/*.cpp ${SOURCE}/examples/*.hpp)
file(GLOB reference ${WORK}/xml/*.xml)
execute_process(COMMAND ${AWK} -f ${CMAKE_CURRENT_LIST_DIR}/shown.awk ${examples} ${reference}
    RESULT_VARIABLE result OUTPUT_VARIABLE missing)
if(NOT result EQUAL 0 OR missing)
    message(FATAL_ERROR "No example shows:\n${missing}")
endif()
