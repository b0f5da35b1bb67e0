# Makes the reference of the public headers, in html and xml below OUTPUT:
# cmake -DDOXYGEN=doxygen -DVERSION=1.0 -DOUTPUT=directory -P .docs/reference.cmake
cmake_minimum_required(VERSION 3.24)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH source)

# Every name says in which examples it stands.
file(GLOB examples RELATIVE ${source}/examples ${source}/examples/*.cpp)
list(TRANSFORM examples REPLACE "(.+)" "/** @example \\1 */\n")
file(WRITE ${OUTPUT}/examples.dox ${examples})

execute_process(COMMAND ${CMAKE_COMMAND} -E env FAF_VERSION=${VERSION} FAF_OUTPUT=${OUTPUT} ${DOXYGEN} .docs/Doxyfile
    WORKING_DIRECTORY ${source} COMMAND_ERROR_IS_FATAL ANY)
