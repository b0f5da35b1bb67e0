// SPDX-License-Identifier: MIT
#pragma once

// What objects.cmake links: an object of each kind has one function, named on the command line.

struct object_answer {
    const char* kind;         ///< the inline namespace it uses
    const void* default_pool; ///< the same for all of one kind
    bool is_right;
};
