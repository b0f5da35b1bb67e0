# Every header opens its namespace with FIRE_AND_FORGET_ABI: what did not would be one and the same
# for objects that are laid out differently.
file(GLOB_RECURSE headers ${INCLUDE}/*.hpp ${INCLUDE}/*.ipp)
foreach(header IN LISTS headers)
    file(STRINGS ${header} lines REGEX "^ *(inline )?namespace")
    foreach(line IN LISTS lines)
        # Inside of it, others follow; the macro is part of the line that names faf.
        if(line MATCHES "namespace faf" AND NOT line MATCHES "^namespace faf::inline FIRE_AND_FORGET_ABI(::[a-z_:]+)? {$")
            message(SEND_ERROR "${header}: ${line}")
        endif()
    endforeach()
    file(STRINGS ${header} code REGEX "^(namespace|class|struct|inline|template|constexpr|enum|using) ")
    file(STRINGS ${header} opened REGEX "^namespace faf::inline FIRE_AND_FORGET_ABI")
    if(code AND NOT opened AND NOT header MATCHES "/windows.hpp$") # functions of the system
        message(SEND_ERROR "${header} does not open the namespace of the library")
    endif()
endforeach()
