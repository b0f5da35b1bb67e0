# A file that fires at the default pool as it is compiles nothing of what a pool does only where its options
# ask for it, or for who waits for a scope: pool_extras.hpp and helping.hpp. A file that has both does, or
# the names that are looked for here would be out of date.
include(${CMAKE_CURRENT_LIST_DIR}/headers.cmake)

# compile(<variable> <line>...): the symbols of a file that consists of these lines
function(compile symbols)
    list(JOIN ARGN "\n" text)
    string(REPLACE "@" ";" text "${text}") # which would end an item of the list
    file(WRITE ${WORK}/${symbols}.cpp "${text}\n")
    separate_arguments(flags NATIVE_COMMAND "${FLAGS}")
    execute_process(
        COMMAND ${COMPILER} ${flags} -std=c++20 -O1 -fno-inline -I${INCLUDE} -S ${WORK}/${symbols}.cpp -o ${WORK}/${symbols}.s
        COMMAND_ERROR_IS_FATAL ANY)
    file(STRINGS ${WORK}/${symbols}.s found REGEX "^_Z[A-Za-z0-9_$.]*:")
    set(${symbols} "${found}" PARENT_SCOPE)
endfunction()

compile(plain "#include <fire_and_forget/fire_and_forget.hpp>"
    "int main() { faf::fire_and_forget([] {})@"
    "}")
compile(all "#include <fire_and_forget/fire_and_forget.hpp>" "#include <fire_and_forget/task_scope.hpp>"
    "int main() { faf::thread_pool pool@" "faf::task_scope scope(pool)@"
    "faf::fire_and_forget(scope, [] {})@" "}")
foreach(name IN ITEMS 9admission9make_room 11caller_runs3run 12thread_hooks3run 6detail7observe 7helping4help)
    if(plain MATCHES ${name})
        fault("a file with one plain call has ${name}")
    endif()
    if(NOT all MATCHES ${name})
        fault("no file has ${name}")
    endif()
endforeach()
judge()
