// SPDX-License-Identifier: MIT
#pragma once

// The bodies of executors that stand on others, and of what only who waits for them has done.

#include "../pool/helping.ipp"
#include "cancellable_core.ipp"
#include "cohort_list.ipp"
#include "conflation.ipp"
#include "drain.ipp"
#include "given_up_turn.ipp"
#include "member_closure.ipp"
#include "member_set.ipp"
#include "scope_core.ipp"
#include "strand.ipp"
#include "turn_queue.ipp"
#include "waiting_line.ipp"
