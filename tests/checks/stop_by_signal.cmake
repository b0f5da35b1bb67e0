# The example ends by a signal that is really sent to it, with its exit code:
#   cmake -DPROGRAM=... -DSIGNAL=TERM -DTELLS=... -DWORK=... -P stop_by_signal.cmake
set(run [[
"$1" >"$3" 2>&1 &
for turn in $(seq 600); do
    if grep -q ready "$3"; then break; fi
    sleep 0.1
done
kill -"$2" $!
wait $!
code=$?
cat "$3"
rm -f "$3"
exit $code
]])
execute_process(COMMAND sh -c "${run}" sh ${PROGRAM} ${SIGNAL} ${WORK}.${SIGNAL}.txt
    OUTPUT_VARIABLE output RESULT_VARIABLE code TIMEOUT 120)
set(expected "ready\n${TELLS}: stopping\nwhat came before that still runs\nall done\n")
if(NOT code EQUAL 0 OR NOT output STREQUAL expected)
    message(FATAL_ERROR "exit code ${code}, and it printed:\n${output}")
endif()
