// SPDX-License-Identifier: MIT
#pragma once

// The bodies of executors that stand on others.

#include "strand.ipp"
