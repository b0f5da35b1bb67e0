// SPDX-License-Identifier: MIT

// Runs what the objects of objects.cmake have, at the same time. OBJECTS names their functions,
// each in X().
#include "one_object.hpp"

#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#define X(name) object_answer name();
OBJECTS
#undef X

struct object {
    const char* name;
    object_answer (*run)();
    object_answer answer{};
};

int main() {
    std::vector<object> all{
#define X(name) {#name, &name},
        OBJECTS
#undef X
    };
    std::vector<std::thread> threads;
    for (object& one : all) {
        threads.emplace_back([&one] { one.answer = one.run(); });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    bool are_right = true;
    for (const object& one : all) {
        std::printf("%-24s %s %s\n", one.name, one.answer.kind,
                    one.answer.is_right ? "right" : "WRONG");
        are_right = are_right && one.answer.is_right;
        for (const object& other : all) {
            const bool same_kind = std::strcmp(one.answer.kind, other.answer.kind) == 0;
            if (same_kind != (one.answer.default_pool == other.answer.default_pool)) {
                std::printf("%s and %s: one pool is not one kind\n", one.name, other.name);
                are_right = false;
            }
        }
    }
    return are_right ? 0 : 1;
}
