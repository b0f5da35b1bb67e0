# The tags of invariants and orderings, such as LANE-1. One is defined where a comment line begins with it,
# or with what kind of tag it is; two blanks follow, and what it says:
#
#   /// Invariants  LANE-1  Only the owner changes tail_.
#   ///             LANE-2  ...
#
# Each is defined once, and each that is mentioned in include/ or TESTS is defined. A tag of one letter, as
# O1, could be that of any structure.
include(${CMAKE_CURRENT_LIST_DIR}/headers.cmake)
read_headers()

set(tag "[A-Z][A-Z]+-[0-9]+")
set(old_tag "[A-Z][0-9][0-9]?[^\nA-Za-z0-9_]") # and no paper, as P2300
set(no_tags UTF-8)

list(TRANSFORM files PREPEND ${INCLUDE}/ OUTPUT_VARIABLE paths)
if(TESTS)
    foreach(kind IN ITEMS cpp hpp pml inc txt)
        file(GLOB_RECURSE found ${TESTS}/*.${kind})
        list(APPEND paths ${found})
    endforeach()
    list(FILTER paths EXCLUDE REGEX "CMakeLists.txt$")
endif()

set(defined "")
foreach(path IN LISTS paths)
    read_text(${path} text)
    string(REPLACE "\n" " \n" text "\n${text}")

    string(REGEX MATCHALL "\n *///? +([A-Z][a-z]+  +)?${tag}  +[^ \n]" definitions "${text}")
    foreach(definition IN LISTS definitions)
        string(REGEX MATCH "${tag}" name "${definition}")
        if(NOT path MATCHES "\\.[hi]pp$")
            continue()
        endif()
        if(name IN_LIST defined)
            fault("${name} is defined in ${defined_in_${name}} and in ${path}")
        endif()
        list(APPEND defined ${name})
        set(defined_in_${name} ${path})
    endforeach()

    string(REGEX MATCHALL "[^A-Za-z0-9_-]${tag}[^A-Za-z0-9_]" found "${text}")
    foreach(mention IN LISTS found)
        string(REGEX MATCH "${tag}" name "${mention}")
        list(APPEND mentioned ${name})
        set(mentioned_in_${name} ${path})
    endforeach()

    if(NOT path MATCHES "\\.cpp$" AND text MATCHES "[^A-Za-z0-9_+-]${old_tag}")
        string(REGEX MATCHALL "\n[^\n]*(//|/\\*)[^\n]*[^\nA-Za-z0-9_+-]${old_tag}[^\n]*" lines "${text}")
        foreach(line IN LISTS lines)
            string(STRIP "${line}" line)
            fault("${path}: a tag without its structure: ${line}")
        endforeach()
    endif()
endforeach()

list(REMOVE_DUPLICATES mentioned)
list(REMOVE_ITEM mentioned ${no_tags})
foreach(name IN LISTS mentioned)
    if(NOT name IN_LIST defined)
        fault("${name}, in ${mentioned_in_${name}}, is not defined")
    endif()
endforeach()
list(LENGTH defined count)
message(STATUS "${count} tags")
judge()
