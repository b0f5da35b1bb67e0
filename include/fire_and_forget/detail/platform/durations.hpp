// SPDX-License-Identifier: MIT
#pragma once

// Durations and the clocks, for all that is behind the front door. time.hpp has what is made of
// them.

// <chrono> itself is left out on purpose: with its calendars and text streams it costs the compiler
// much of what all other headers here do. <condition_variable> has to bring the clocks and
// durations along, since its members take them.
#include <condition_variable>
