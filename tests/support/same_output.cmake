# The programs HERE and THERE write the same to standard output, and end with 0. What is to run THERE, if it
# is a script, stands in RUN_BY.
separate_arguments(RUN_BY UNIX_COMMAND "${RUN_BY}")
execute_process(COMMAND ${HERE} OUTPUT_VARIABLE here COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${RUN_BY} ${THERE} OUTPUT_VARIABLE there COMMAND_ERROR_IS_FATAL ANY)
if(NOT here STREQUAL there OR here STREQUAL "")
    message(FATAL_ERROR "Here:\n${here}There:\n${there}")
endif()
