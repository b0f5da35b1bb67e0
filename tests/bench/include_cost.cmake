# What does including the front door cost the compiler? Against <future>, in one run. Needs hyperfine.
find_program(HYPERFINE hyperfine REQUIRED)
file(MAKE_DIRECTORY ${WORK})
foreach(header IN ITEMS future fire_and_forget/fire_and_forget.hpp)
    cmake_path(GET header STEM name)
    file(WRITE ${WORK}/${name}.cpp "#include <${header}>\nint main() {}\n")
    list(APPEND commands -n "<${header}>"
        "${COMPILER} -std=c++20 -I${INCLUDE} -c ${WORK}/${name}.cpp -o ${WORK}/${name}.o")
endforeach()
execute_process(COMMAND ${HYPERFINE} -N --warmup 2 --runs 15 --style basic ${commands}
    COMMAND_ERROR_IS_FATAL ANY)
