# Runs SERVER and CLIENT together: the client reads the server's port from its output.
execute_process(COMMAND ${SERVER} 1000 COMMAND ${CLIENT} 1000
    RESULTS_VARIABLE codes ERROR_VARIABLE errors TIMEOUT 600)
if(NOT codes STREQUAL "0;0" OR NOT errors MATCHES "1000 connections, 0 failed, 0 dropped")
    message(FATAL_ERROR "exit codes ${codes}:\n${errors}")
endif()
