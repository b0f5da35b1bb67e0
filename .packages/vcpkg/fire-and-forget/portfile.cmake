# An overlay port of the tree that it lies in: vcpkg install fire-and-forget --overlay-ports=.packages/vcpkg
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS -DFIRE_AND_FORGET_BUILD_TESTS=OFF -DFIRE_AND_FORGET_BUILD_EXAMPLES=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME fire_and_forget CONFIG_PATH lib/cmake/fire_and_forget)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug" "${CURRENT_PACKAGES_DIR}/lib") # there are only headers
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
