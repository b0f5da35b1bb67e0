# The folders of detail/ are the modules of the library. An include goes down this list, or stays in its
# folder.
include(${CMAKE_CURRENT_LIST_DIR}/headers.cmake)
read_headers()

set(order front coroutine adaptor submit pool executor queue task errors observe data platform)

# The public headers that detail/ may include, by the place that they have in this list: what holds data
# only, what every header needs, and what an executor is. The others are the front.
set(public_submit executor)
set(public_data call_site error_report literal observer options stats time_span worker_info)
set(public_platform version)

function(module_of file variable)
    cmake_path(GET file STEM stem)
    if(file MATCHES "(^|/)detail/([^/]+)/")
        set(module ${CMAKE_MATCH_2})
    else()
        set(module front)
        foreach(place IN ITEMS submit data platform)
            if(stem IN_LIST public_${place})
                set(module ${place})
            endif()
        endforeach()
    endif()
    if(NOT module IN_LIST order)
        message(FATAL_ERROR "${file}: the folder ${module} is not in the list")
    endif()
    set(${variable} ${module} PARENT_SCOPE)
endfunction()

# detail/engine.hpp brings all bodies, after all that they need; it and engine.ipp are no module.
set(engine fire_and_forget/detail/engine.hpp fire_and_forget/detail/engine.ipp)
list(REMOVE_ITEM files ${engine})

foreach(file IN LISTS files)
    module_of(${file} above)
    list(REMOVE_ITEM includes_${file} ${engine})
    list(FIND order ${above} place_above)
    foreach(included IN LISTS includes_${file})
        module_of(${included} below)
        list(FIND order ${below} place_below)
        if(place_below LESS place_above)
            fault("${file} (${above}) includes ${included} (${below}): that runs up")
        endif()
    endforeach()
endforeach()
judge()
