// SPDX-License-Identifier: MIT
#pragma once

// The engine, unless it is compiled separately. What users include to fire tasks includes this at
// its end.

#include "platform/abi.hpp"

#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "engine.ipp"
#endif
