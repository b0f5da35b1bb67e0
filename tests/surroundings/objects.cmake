# Links objects of different flags, or of different compilers (OF), into one program and runs it.
cmake_minimum_required(VERSION 3.24)

if(OF STREQUAL flags)
    set(compilers ${COMPILER})
    set(kinds plain cxx23 no_exceptions no_rtti address)
else()
    set(kinds plain cxx23)
    # Of each compiler that is there, whatever its name, once.
    foreach(name IN ITEMS ${COMPILER} g++ clang++ clang++-14 clang++-16 clang++-18 clang++-19)
        unset(found)
        find_program(found ${name} NO_CACHE)
        if(found)
            file(REAL_PATH ${found} real)
            if(NOT real IN_LIST known)
                list(APPEND known ${real})
                list(APPEND compilers ${found})
            endif()
        endif()
    endforeach()
    list(LENGTH compilers count)
    if(count LESS 2)
        message("skipped: there is no other compiler")
        return()
    endif()
endif()

set(flags_plain -O2)
set(flags_cxx23 -std=c++2b -O0)
set(flags_no_exceptions -fno-exceptions)
set(flags_no_rtti -fno-rtti)
set(flags_address -fsanitize=address)
set(link_flags -pthread)
if(OF STREQUAL flags)
    list(APPEND link_flags -fsanitize=address)
endif()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(names "")
set(objects "")
foreach(compiler IN LISTS compilers)
    foreach(kind IN LISTS kinds)
        cmake_path(GET compiler FILENAME name)
        string(MAKE_C_IDENTIFIER "${name}_${kind}" name)
        execute_process(
            COMMAND ${compiler} -std=c++20 -O1 -pthread ${flags_${kind}} -DTHIS_OBJECT=${name}
                -I${INCLUDE} -c ${SOURCE}/one_object.cpp -o ${WORK}/${name}.o
            COMMAND_ERROR_IS_FATAL ANY)
        string(APPEND names " X(${name})")
        list(APPEND objects ${WORK}/${name}.o)
    endforeach()
endforeach()
execute_process(
    COMMAND ${COMPILER} -std=c++20 ${link_flags} "-DOBJECTS=${names}" ${SOURCE}/objects.cpp ${objects}
        -o ${WORK}/all
    COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/all COMMAND_ERROR_IS_FATAL ANY)
