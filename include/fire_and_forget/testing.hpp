// SPDX-License-Identifier: MIT
#pragma once

// For the tests of programs that fire tasks: an executor that runs them when told, another one in
// the place of the default pool, and a sink that remembers. No threads, no sleeps.

#include "testing/error_recorder.hpp"
#include "testing/manual_executor.hpp"
#include "testing/scoped_default_executor.hpp"
