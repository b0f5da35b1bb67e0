# Lines of at most 100 columns, as .clang-format has them: it breaks code, and leaves comments alone. But
# for what a program prints, in comments of the examples, and what a compiler says, in tests/misuse. And no
# comment that says "The same.", of which the reader has to guess what it is the same as.
include(${CMAKE_CURRENT_LIST_DIR}/headers.cmake)

foreach(place IN LISTS PLACES)
    file(GLOB_RECURSE found ${place}/*.hpp ${place}/*.ipp ${place}/*.cpp)
    list(APPEND paths ${found})
endforeach()
if(NOT paths)
    message(FATAL_ERROR "There are no files in ${PLACES}")
endif()

string(REPEAT "[^\n]" 101 too_much)
# The bytes of UTF-8 that follow the first one of a character.
string(ASCII 128 least)
string(ASCII 191 most)

foreach(path IN LISTS paths)
    read_text(${path} text)
    string(REGEX MATCHALL "\n${too_much}[^\n]*" lines "\n${text}")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "[${least}-${most}]" "" columns "${line}")
        string(LENGTH "${columns}" length) # with the end of the line before
        if(length GREATER 101 AND NOT line MATCHES "^\n//(   | expect: )")
            math(EXPR length "${length} - 1")
            string(STRIP "${line}" line)
            fault("${path}: ${length} columns: ${line}")
        endif()
    endforeach()
    if(text MATCHES "//+ The same\\.[^\n]*\n")
        fault("${path}: the same as what? ${CMAKE_MATCH_0}")
    endif()
endforeach()
judge()
