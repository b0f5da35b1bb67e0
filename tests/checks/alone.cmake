# Each header that programs include compiles by itself, whatever they include before it. Two compilers at a
# time, each with half of the headers. Target all_verify_interface_header_sets tries those of the inside, too.
include(${CMAKE_CURRENT_LIST_DIR}/headers.cmake)
read_headers()
list(FILTER headers EXCLUDE REGEX "/detail/")

set(halves "" "")
set(turn 0)
foreach(header IN LISTS headers)
    list(APPEND half_${turn} ${INCLUDE}/${header})
    math(EXPR turn "1 - ${turn}")
endforeach()
separate_arguments(FLAGS)
set(compile ${COMPILER} ${FLAGS} -std=c++20 -I${INCLUDE} -fsyntax-only -x c++-header)
execute_process(
    COMMAND ${compile} ${half_0}
    COMMAND ${compile} ${half_1}
    RESULTS_VARIABLE results ERROR_VARIABLE said OUTPUT_VARIABLE said)
if(NOT results MATCHES "^0(;0)?$")
    message(FATAL_ERROR "A header needs another one before it:\n${said}")
endif()
