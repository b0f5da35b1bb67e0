// SPDX-License-Identifier: MIT
#pragma once

/// The version of the library, as numbers for the preprocessor. CMake reads it from here.
#define FIRE_AND_FORGET_VERSION_MAJOR 0
#define FIRE_AND_FORGET_VERSION_MINOR 2
#define FIRE_AND_FORGET_VERSION_PATCH 0
