# Checks one configuration of one spin model, exhaustively.
#
#   cmake -DMODEL=<file.pml> "-DDEFINES=-DX;-DY" -DEXPECT=holds|fails [-DBECAUSE=<regex>] -DWORK=<dir>
#         -P check.cmake
#
# holds: no error, and the search was complete. fails: an assertion or an invalid end state, and where
# BECAUSE is given, one whose text matches it: a mutant that fails for another reason proves nothing.
cmake_minimum_required(VERSION 3.24)

foreach(argument IN ITEMS MODEL EXPECT WORK)
    if(NOT ${argument})
        message(FATAL_ERROR "${argument} is not given")
    endif()
endforeach()
if(NOT EXPECT MATCHES "^(holds|fails)$")
    message(FATAL_ERROR "EXPECT is ${EXPECT}: neither holds nor fails")
endif()
find_program(SPIN spin REQUIRED)
find_program(CC NAMES cc gcc clang REQUIRED)

# Megabytes, and steps: far above what the configurations need (600 MB, 400 steps).
set(memory 2500)
set(depth 100000)

function(run what)
    execute_process(COMMAND ${ARGN}
        WORKING_DIRECTORY ${WORK}
        RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${what} ends with ${result}:\n${output}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

cmake_path(ABSOLUTE_PATH MODEL)
cmake_path(ABSOLUTE_PATH WORK)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
run("spin" ${SPIN} -a ${DEFINES} ${MODEL})
if(output MATCHES "[Ee]rror:")
    message(FATAL_ERROR "spin complains:\n${output}")
endif()
# A mutant is soon seen to fail: for most of them, the compiler takes longer than the search. And more than
# -O1 costs more than it saves.
set(level -O1)
if(EXPECT STREQUAL "fails")
    set(level -O0)
endif()
run("the compiler" ${CC} ${level} -w -DSAFETY -DCOLLAPSE -DMEMLIM=${memory} -o pan pan.c)
run("the search" ./pan -m${depth} -w23)

if(NOT output MATCHES "State-vector [^\n]*errors: ([0-9]+)")
    message(FATAL_ERROR "The search did not say how it ended:\n${output}")
endif()
set(errors ${CMAKE_MATCH_1})
string(REGEX MATCH "([0-9.e+]+) states, stored" ignored "${output}")
set(states ${CMAKE_MATCH_1})

if(output MATCHES "max search depth too small|out of memory|reached -DMEMLIM|invalid array index|error: ")
    message(FATAL_ERROR "The search is worth nothing: ${CMAKE_MATCH_0}\n${output}")
endif()
if(EXPECT STREQUAL "holds")
    if(NOT errors EQUAL 0 OR output MATCHES "Search not completed")
        message(FATAL_ERROR "It does not hold. To read how:\n"
            "cd ${WORK} && ${SPIN} -p -k *.trail ${DEFINES} ${MODEL}\n${output}")
    endif()
    message(STATUS "holds, in all of its ${states} states")
else()
    if(errors EQUAL 0)
        message(FATAL_ERROR "The mutant holds:\n${output}")
    endif()
    if(NOT output MATCHES "pan:1: (assertion violated [^\n]*|invalid end state)")
        message(FATAL_ERROR "The mutant fails for a strange reason:\n${output}")
    endif()
    set(reason "${CMAKE_MATCH_1}")
    if(BECAUSE AND NOT reason MATCHES "${BECAUSE}")
        message(FATAL_ERROR "The mutant should fail because of ${BECAUSE}:\n${output}")
    endif()
    message(STATUS "fails as it should, after ${states} states: ${reason}")
endif()
