# Compiles SOURCE, which must fail with exactly one error: the sentence behind "// expect: ". Behind
# "// flags: " may stand more of what the compiler is called with.
file(STRINGS ${SOURCE} line REGEX "^// expect: " LIMIT_COUNT 1)
string(REPLACE "// expect: " "" sentence "${line}")
if(sentence STREQUAL "")
    message(FATAL_ERROR "${SOURCE} does not say what it expects")
endif()

file(STRINGS ${SOURCE} flags REGEX "^// flags: " LIMIT_COUNT 1)
string(REPLACE "// flags: " "" flags "${flags}")
separate_arguments(flags UNIX_COMMAND "${flags}")

execute_process(
    COMMAND ${COMPILER} -std=c++20 ${flags} -fsyntax-only -I${INCLUDE} ${SOURCE}
    RESULT_VARIABLE result
    ERROR_VARIABLE output)
if(result EQUAL 0)
    message(FATAL_ERROR "${SOURCE} compiles")
endif()
string(FIND "${output}" "${sentence}" found)
if(found EQUAL -1)
    message(FATAL_ERROR "Expected: ${sentence}\nThe compiler says:\n${output}")
endif()
string(REGEX REPLACE "[^\n]* fatal error: [^\n]*fire_and_forget stops here[^\n]*" "" output "${output}")
string(REGEX MATCHALL " error: " errors "${output}")
list(LENGTH errors count)
if(NOT count EQUAL 1)
    # clang goes on about the arguments of a function that is not available.
    string(REGEX REPLACE " error: (cannot pass |call to deleted constructor|reference to overloaded function )" "" output "${output}")
    string(REGEX MATCHALL " error: " errors "${output}")
    list(LENGTH errors count)
endif()
if(NOT count EQUAL 1)
    message(FATAL_ERROR "${count} errors where one says it all:\n${output}")
endif()
