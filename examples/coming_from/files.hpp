// SPDX-License-Identifier: MIT
#pragma once

// What the programs of this folder do in the background: they load three files. There is no "b".

#include <cstdio>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>

inline std::mutex guard;
inline std::set<std::string> loaded;

inline void load(const std::string& name) {
    if (name == "b") {
        throw std::runtime_error("there is no file b");
    }
    const std::lock_guard lock(guard);
    loaded.insert(name);
}

inline void show_what_is_loaded() {
    for (const std::string& name : loaded) {
        std::printf("loaded %s\n", name.c_str());
    }
}
