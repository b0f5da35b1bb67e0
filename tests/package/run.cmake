# Installs the library from BUILD into a fresh prefix and uses it as strangers do: by find_package, by
# pkg-config's flags, by a plain copy of include/, as one file, and as a subproject. COMPILER and FLAGS are those of
# the build under test.
function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    message("${output}")
    if(NOT result EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "failed: ${command}")
    endif()
endfunction()

set(prefix ${WORK}/prefix)
file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
set(common -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=${FLAGS}" -DCMAKE_PREFIX_PATH=${prefix})
separate_arguments(flags UNIX_COMMAND "${FLAGS}")

# The installed tree may be moved.
file(RENAME ${prefix} ${prefix}-moved)
set(prefix ${prefix}-moved)
list(APPEND common -DCMAKE_PREFIX_PATH=${prefix})

foreach(variant IN ITEMS "" "-fno-rtti" "-fno-exceptions")
    set(dir ${WORK}/consumer${variant})
    run(${CMAKE_COMMAND} -S ${SOURCE}/tests/package/consumer -B ${dir} ${common}
        "-DCMAKE_CXX_FLAGS=${FLAGS} ${variant}")
    run(${CMAKE_COMMAND} --build ${dir})
    run(${dir}/consumer)
    run(${dir}/consumer_separate)
endforeach()

run(${CMAKE_COMMAND} -S ${SOURCE}/tests/package/refused -B ${WORK}/refused ${common})

run(${CMAKE_COMMAND} -S ${SOURCE}/tests/package/subproject -B ${WORK}/subproject ${common}
    -DFIRE_AND_FORGET_SOURCE=${SOURCE})
run(${CMAKE_COMMAND} --build ${WORK}/subproject)
run(${WORK}/subproject/consumer)
run(${WORK}/subproject/consumer_separate)

run(${COMPILER} ${flags} -std=c++20 -pthread -I${SOURCE}/include
    ${SOURCE}/tests/package/consumer.cpp -o ${WORK}/copied)
run(${WORK}/copied)

find_program(PKG_CONFIG NAMES pkg-config pkgconf)
if(PKG_CONFIG)
    file(GLOB_RECURSE pc ${prefix}/fire_and_forget.pc)
    cmake_path(GET pc PARENT_PATH pc_dir)
    file(WRITE ${WORK}/engine.cpp "#include <fire_and_forget/src.hpp>\n")
    foreach(package IN ITEMS fire_and_forget fire_and_forget-separate)
        execute_process(COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${pc_dir}
            ${PKG_CONFIG} --cflags --libs ${package}
            OUTPUT_VARIABLE pc_flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
        separate_arguments(pc_flags UNIX_COMMAND "${pc_flags}")
        set(sources ${SOURCE}/tests/package/consumer.cpp)
        if(package MATCHES "separate")
            list(APPEND sources ${WORK}/engine.cpp)
        endif()
        run(${COMPILER} ${flags} -std=c++20 ${sources} ${pc_flags} -o ${WORK}/${package})
        run(${WORK}/${package})
    endforeach()
else()
    message("no pkg-config here: its file is not tried")
endif()

# All of it in one file, whole in each of two files that are compiled, or with the engine in one of them.
find_program(AWK NAMES awk mawk gawk)
if(AWK)
    run(${CMAKE_COMMAND} --build ${BUILD} --target single_file)
    set(single ${BUILD}/single_file/fire_and_forget.hpp)
    file(READ ${SOURCE}/tests/package/consumer.cpp consumer)
    string(REGEX REPLACE "<fire_and_forget/[a-z_]+[.]hpp>" "\"${single}\"" consumer "${consumer}")
    file(WRITE ${WORK}/consumer.cpp "${consumer}")
    file(WRITE ${WORK}/second.cpp "#define FIRE_AND_FORGET_IMPLEMENTATION\n#include \"${single}\"\n")
    foreach(separate IN ITEMS "" -DFIRE_AND_FORGET_SEPARATE_COMPILATION)
        run(${COMPILER} ${flags} -std=c++20 -pthread ${separate} ${WORK}/consumer.cpp ${WORK}/second.cpp
            -o ${WORK}/one_file)
        run(${WORK}/one_file)
    endforeach()
else()
    message("no awk here: the library in one file is not tried")
endif()
