# Runs PROGRAM and compares what it writes with what the last lines of its SOURCE say:
#
#   // Prints:
#   //   one line, where ... stands for any text
#   // On standard error:
#   //   another
#
# Both must match as a whole, and the program must end with 0.

# The lines under `title` as a regular expression; empty if there are none.
function(expected_output title result)
    file(READ ${SOURCE} text)
    set(lines "")
    string(FIND "${text}" "\n// ${title}:\n" begin)
    if(NOT begin EQUAL -1)
        string(LENGTH "\n// ${title}:" skip)
        math(EXPR begin "${begin} + ${skip}")
        string(SUBSTRING "${text}" ${begin} -1 text)
        string(REGEX MATCH "^(\n//   [^\n]*)+" lines "${text}")
        string(REGEX REPLACE "\n//   ([^\n]*)" "\\1\n" lines "${lines}")
        string(REGEX REPLACE "([][+.*()^$?|\\\\])" "\\\\\\1" lines "${lines}")
        string(REPLACE "\\.\\.\\." "[^\n]*" lines "${lines}")
    endif()
    set(${result} "^${lines}$" PARENT_SCOPE)
endfunction()

expected_output("Prints" expected_out)
expected_output("On standard error" expected_err)
if(expected_out STREQUAL "^$")
    message(FATAL_ERROR "${SOURCE} does not say what it prints")
endif()

execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE code)
if(NOT code EQUAL 0 OR NOT out MATCHES "${expected_out}" OR NOT err MATCHES "${expected_err}")
    set(text "exit code ${code}, standard output:\n${out}\nstandard error:\n${err}\n\
expected 0,\n${expected_out}\nand\n${expected_err}")
    string(REPLACE "\n" "\n  " text "  ${text}") # message() keeps the line breaks of an indented text
    message(FATAL_ERROR "${text}")
endif()
