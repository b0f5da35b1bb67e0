# Compiles SOURCE, which must fail with exactly one error: the sentence behind "// expect: ".
file(STRINGS ${SOURCE} line REGEX "^// expect: " LIMIT_COUNT 1)
string(REPLACE "// expect: " "" sentence "${line}")
if(sentence STREQUAL "")
    message(FATAL_ERROR "${SOURCE} does not say what it expects")
endif()

execute_process(
    COMMAND ${COMPILER} ${FLAGS} -std=c++20 -fsyntax-only -I${INCLUDE} ${SOURCE}
    RESULT_VARIABLE result
    ERROR_VARIABLE output)
if(result EQUAL 0)
    message(FATAL_ERROR "${SOURCE} compiles")
endif()
string(FIND "${output}" "${sentence}" found)
if(found EQUAL -1)
    message(FATAL_ERROR "Expected: ${sentence}\nThe compiler says:\n${output}")
endif()
string(REGEX MATCHALL " error: " errors "${output}")
list(LENGTH errors count)
if(NOT count EQUAL 1)
    message(FATAL_ERROR "${count} errors where one says it all:\n${output}")
endif()
