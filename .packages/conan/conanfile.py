"""Of the tree that it lies in: conan create .packages/conan"""
from os import path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, cmake_layout
from conan.tools.files import copy


class FireAndForget(ConanFile):
    name = "fire_and_forget"
    version = "0.2.0"
    description = "Runs any callable in the background with one call that returns at once"
    license = "MIT"
    topics = ("thread-pool", "background-tasks", "coroutines", "header-only")
    package_type = "header-library"
    settings = "os", "compiler", "build_type", "arch"
    generators = "CMakeToolchain"
    no_copy_source = True

    def export_sources(self):
        top = path.join(self.recipe_folder, "..", "..")
        for kept in ("include/*", "CMakeLists.txt", "LICENSE", "README.md", ".docs/*"):
            copy(self, kept, top, self.export_sources_folder)

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.compiler == "msvc":
            raise ConanInvalidConfiguration("On Windows it needs MinGW with posix threads")

    def layout(self):
        cmake_layout(self)

    def build(self):
        cmake = CMake(self)
        cmake.configure(variables={"FIRE_AND_FORGET_BUILD_TESTS": "OFF",
                                   "FIRE_AND_FORGET_BUILD_EXAMPLES": "OFF"})

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, path.join(self.package_folder, "licenses"))

    def package_id(self):
        self.info.clear()  # headers are the same everywhere

    def package_info(self):
        # The library's own CMake package, which has fire_and_forget::separate, too.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [path.join("lib", "cmake", "fire_and_forget")]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
