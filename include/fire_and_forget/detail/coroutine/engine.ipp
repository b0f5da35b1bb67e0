// SPDX-License-Identifier: MIT
#pragma once

// The bodies of what coroutine.hpp brings along.

#include "chain.ipp"
#include "chain_account.ipp"
#include "chain_elsewhere.ipp"
#include "chain_waits.ipp"
#include "drained_wait.ipp"
#include "fired_coroutine.ipp"
#include "foreign_wait.ipp"
#include "frame_pool.ipp"
#include "kept_membership.ipp"
#include "known_wait.ipp"
#include "outside_wait.ipp"
#include "stretch.ipp"
#include "task_promise.ipp"
#include "thrown.ipp"
