# Does the check CHECK find what is wrong? It has to let a right tree pass, and to fail on each wrong one for
# its reason. The trees are made in WORK.
cmake_minimum_required(VERSION 3.24)

set(include ${WORK}/include/fire_and_forget)
file(REMOVE_RECURSE ${WORK})

# header(<path> <line>...)
function(header path)
    list(JOIN ARGN "\n" text)
    file(WRITE ${include}/${path} "#pragma once\n${text}\n")
endfunction()

# passes() and fails(<regex: what it must say>), for the tree as it is now
function(ask)
    execute_process(
        COMMAND ${CMAKE_COMMAND} -DINCLUDE=${WORK}/include -DPLACES=${WORK}/include -DSOURCE=${WORK}
            -DWORK=${WORK}/output -DCOMPILER=${COMPILER}
            -DLONGEST=3 -P ${CMAKE_CURRENT_LIST_DIR}/${CHECK}.cmake
        RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
    set(result ${result} PARENT_SCOPE)
    set(said "${said}" PARENT_SCOPE)
endfunction()
function(passes)
    ask()
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "A right tree does not pass:\n${said}")
    endif()
endfunction()
function(fails because)
    ask()
    if(result EQUAL 0 OR NOT said MATCHES "${because}")
        message(FATAL_ERROR "This should have failed with '${because}':\n${said}")
    endif()
endfunction()

if(CHECK STREQUAL "arrows")
    header(fire_and_forget.hpp "#include \"detail/pool/pool.hpp\"" "#include \"options.hpp\"")
    header(options.hpp "#include \"detail/platform/clock.hpp\"")
    header(detail/platform/clock.hpp)
    header(detail/pool/pool.hpp "#include \"../../options.hpp\"" "#include \"../queue/lane.hpp\"" "#include \"part.hpp\"")
    header(detail/pool/part.hpp)
    header(detail/queue/lane.hpp)
    header(detail/queue/lane.ipp "#include \"lane.hpp\"")
    header(executor.hpp "#include \"detail/queue/lane.hpp\"" "#include \"detail/engine.hpp\"")
    header(detail/engine.hpp "#include \"engine.ipp\"")
    header(detail/engine.ipp "#include \"queue/lane.ipp\"")
    passes()
    header(detail/queue/lane.ipp "#include \"../pool/part.hpp\"")
    fails("lane.ipp .queue. includes fire_and_forget/detail/pool/part.hpp .pool.: that runs up")
    header(detail/queue/lane.ipp "#include <fire_and_forget/fire_and_forget.hpp>")
    fails("lane.ipp .queue. includes fire_and_forget/fire_and_forget.hpp .front.: that runs up")
    header(detail/queue/lane.ipp)
    header(options.hpp "#include \"detail/queue/lane.hpp\"")
    fails("options.hpp .data. includes fire_and_forget/detail/queue/lane.hpp .queue.: that runs up")
    header(options.hpp)
    header(detail/stray/thing.hpp)
    fails("the folder stray is not in the list")

elseif(CHECK STREQUAL "chrono")
    header(fire_and_forget.hpp "#include \"detail/time.hpp\"")
    header(detail/time.hpp "#include <mutex>")
    header(trace.hpp "#include <chrono>")
    passes()
    header(detail/time.hpp "#include <chrono>")
    fails("detail/time.hpp, which the front door brings, includes <chrono>")

elseif(CHECK STREQUAL "reference")
    find_program(DOXYGEN doxygen)
    if(NOT DOXYGEN)
        message("test skipped: there is no doxygen")
        return()
    endif()
    file(COPY ${CMAKE_CURRENT_LIST_DIR}/../../.docs DESTINATION ${WORK})
    file(WRITE ${WORK}/README.md "# A title\n")
    file(WRITE ${WORK}/examples/README.md "# Another title\n")
    header(thing.hpp "namespace faf::inline FIRE_AND_FORGET_ABI {" "/// A thing." "struct thing {"
        "    int size = 0\\; ///< its size" "}\\;" "}")
    file(WRITE ${WORK}/examples/01.cpp "faf::thing one{.size = 2};\n")
    passes()
    file(WRITE ${WORK}/examples/01.cpp "faf::thing one;\n")
    fails("faf::thing has size")
    header(thing.hpp "namespace faf::inline FIRE_AND_FORGET_ABI {" "/// A thing." "struct thing {"
        "    int size = 0\\;" "}\\;" "}")
    fails("size .variable. of struct faf::thing is not documented")

elseif(CHECK STREQUAL "chain") # of three at most
    header(fire_and_forget.hpp "#include \"detail/a.hpp\"")
    header(detail/a.hpp "#include \"b.hpp\"" "#include \"a.ipp\"")
    header(detail/a.ipp "#include \"b.hpp\"" "#include \"fire_and_forget.hpp\"")
    header(detail/b.hpp)
    passes()
    header(detail/b.hpp "#include \"c.hpp\"")
    header(detail/c.hpp)
    fails("4 files, one including the next, are more than 3.*a.hpp.*b.hpp.*c.hpp")
    header(detail/b.hpp "#include \"a.hpp\"")
    fails("include each other")

elseif(CHECK STREQUAL "neighbours")
    header(fire_and_forget.hpp "// First detail/pool.hpp, and from there to detail/lane.hpp." "#include \"detail/pool.hpp\"")
    header(detail/pool.hpp "// Its queues are in lane.hpp." "// fire_and_forget.hpp comes here." "#include \"lane.hpp\"")
    header(detail/lane.hpp "// pool.hpp has these." "" "namespace faf {" "// clock.hpp is not meant: this is no top")
    header(detail/lane.ipp "// The bodies of lane.hpp, by clock.hpp." "#include \"clock.hpp\"" "#include \"lane.hpp\"")
    header(detail/clock.hpp "// lane.ipp asks it.")
    passes()
    header(detail/clock.hpp "// pool.hpp asks it.")
    fails("clock.hpp names pool.hpp: neither includes the other")
    header(detail/clock.hpp "// line.hpp asks it.")
    fails("clock.hpp names line.hpp: there is no such header")
    header(detail/clock.hpp "// ../lane.hpp asks it.")
    fails("clock.hpp names ../lane.hpp: there is no such header")

elseif(CHECK STREQUAL "tags")
    header(lane.hpp
        "/// Invariants  LANE-1  Only the owner changes tail_. LANE-2 follows from it."
        "///             LANE-2  UTF-8 and P2300 are no tags."
        "int tail_ // LANE-1")
    header(bell.hpp "/// Orderings  BELL-1  See LANE-1." "/// LANE-2 and so on")
    passes()
    header(bell.hpp "/// Orderings  LANE-1  Once more.")
    fails("LANE-1 is defined in .*lane.hpp and in .*bell.hpp|LANE-1 is defined in .*bell.hpp and in .*lane.hpp")
    header(bell.hpp "int word_ // BELL-3")
    fails("BELL-3, in .*bell.hpp, is not defined")
    header(bell.hpp "int word_ // O1")
    fails("a tag without its structure: int word_ // O1")

elseif(CHECK STREQUAL "lines")
    string(REPEAT "x" 97 short)
    string(REPEAT "µ" 97 micro)
    header(a.hpp "// ${short}" "// ${micro}" "/// The same for all.")
    passes()
    header(a.hpp "// ${short}x")
    fails("101 columns: // x")
    header(a.hpp "// ${micro}µ")
    fails("101 columns: // µ")
    header(a.hpp "/// The same.")
    fails("the same as what")

elseif(CHECK STREQUAL "documented")
    set(right [[
namespace faf {
namespace detail {
int answer();
}
/// A type.
class thing {
public:
    /// Makes one.
    explicit thing(int n) noexcept : n_(n) {}
    thing(const thing&) = delete;
    /// A sum.
    int sum(int more) const { return std::max(n_, more); }

private:
    void change() { n_ = 0; }
    int n_;
};
/// A function.
template <class T>
T twice(T x) {
    return two(x);
}
}
]])
    file(WRITE ${include}/a.hpp "${right}")
    passes()
    foreach(one IN ITEMS "A type." "Makes one." "A sum." "A function.")
        string(REPLACE "/// ${one}\n" "\n" wrong "${right}")
        file(WRITE ${include}/a.hpp "${wrong}")
        fails("no documentation: ")
    endforeach()

elseif(CHECK STREQUAL "alone")
    header(a.hpp "#include <vector>" "inline std::vector<int> numbers()" "{ return {}\\;}")
    header(b.hpp "#include \"a.hpp\"")
    header(c.hpp)
    passes()
    header(c.hpp "std::vector<int> more()\;")
    fails("needs another one before it.*c.hpp")

else()
    message(FATAL_ERROR "There is no check ${CHECK}")
endif()
