/* SPDX-License-Identifier: MIT

   The doorbell (detail/queue/doorbell.hpp): who wakes whom. The protocol is doorbell.inc; here a task
   runs and ends, or with LONG_TASK the first task of lane 0 blocks its worker until the last one of that
   lane has run.

   Checked  When nothing moves any more, every task has run; `sleeping` never falls below 0. Where one adapts
            (ADAPTIVE), no submit rings while one naps, and one at a time writes down when tasks come.
            With UNLESS_LEFT_TO_OTHERS: or else somebody did not ring, or rang in vain, in one of the
            two races that are left by choice. So there is no third, and the keeper's tick repairs both:
              1  a submit sees LOOKING or RINGING in the moment when whoever looks leaves with another
                 task, and its own task is still in the store buffer;
              2  a ring means a sleeper that is just leaving with another task, which it found by its
                 second look, while all other sleepers are unhired: the notification meets nobody.
   Left out The wrap-around of the epoch; blocks; closing; worker death (departure.pml).

   Configurations                                                       states     seconds
     LANES=2 TASKS_1=1                                               6,061,616           7
     WORKERS=3                                                       3,185,702           4
     UNHIRED=1 TRY_LOCKS                                                81,255           0
     UNHIRED=2 REFUSALS=1 (the second submit hires)                        895           0
     LONG_TASK UNLESS_LEFT_TO_OTHERS WORKERS=3 UNHIRED=1 TRY_LOCKS   4,820,748           6
     LONG_TASK KEEPER TASKS=3 TRY_LOCKS                              1,420,964           2
     LONG_TASK KEEPER TASKS=3 UNHIRED=2 REFUSALS=2                     780,333           1
     KEEPER LOST_WAKES=1                                             5,359,438           6
     KEEPER LOST_WAKES=1 UNHIRED=1                                   5,387,018           6
     KEEPER LOST_WAKES=1 LONG_TASK                                   3,197,240           3
     BY_WORKER LONG_TASK TASKS=3 KEEPER LOST_WAKES=1                   101,595           0
     BY_WORKER LONG_TASK LANES=2 WORKERS=3 UNHIRED=3                   619,325           1
     BY_WORKER LONG_TASK LANES=2 WORKERS=3                           4,479,431           5
     BY_WORKER LONG_TASK TASKS=3 UNHIRED=2 REFUSALS=1 KEEPER           253,777           0
     ADAPTIVE LONG_TASK UNLESS_LEFT_TO_OTHERS WORKERS=3 UNHIRED=1    2,849,510           3
     ADAPTIVE LONG_TASK KEEPER TASKS=3                               1,208,121           1
     ADAPTIVE LONG_TASK KEEPER LOST_WAKES=1                          4,063,884           5
   By hand, too large for ctest:
     LANES=2                                                        19,599,189          36
     LANES=2 UNHIRED=1                                              16,008,006          34
     LONG_TASK KEEPER LANES=2 TASKS_1=1                             34,812,245          88
     LONG_TASK UNLESS_LEFT_TO_OTHERS LANES=2 TASKS_1=1 TRY_LOCKS    12,881,036          22
     ADAPTIVE LANES=2 TASKS_1=1                                      7,732,805          12

   Mutants, each found at once
     NO_HEAVY_BARRIER           on parking
     NO_SECOND_LOOK             on parking
     RINGING_KEPT_ON_PARKING    (on leaving it does no harm: clearing it there only saves a tick)
     EPOCH_READ_LATE            after the second look
     NOTIFY_BEFORE_EPOCH
     RINGING_KEPT_WHEN_REFUSED  with UNHIRED=2 REFUSALS=1: the next submit does not try again
     LOCKED_IS_EMPTY            with LONG_TASK UNLESS_LEFT_TO_OTHERS TRY_LOCKS
     LONG_TASK alone            the two races, without the keeper
     TASKS=1 UNHIRED=2 REFUSALS=1   the only ring finds no thread, without the keeper
     RING_ONLY_FOR_WORK         with BY_WORKER LONG_TASK: whoever looked and leaves rings only if it sees
                                another task
     ASLEEP_WITH_NOBODY_LOOKING with BY_WORKER LONG_TASK TASKS=3: a worker that found LOOKING taken falls
                                asleep in a later step, when nobody looks any more
   With the keeper the last two hold: then they cost a tick.
     LOST_WAKES=1 alone         without the keeper
     RING_IN_SILENCE            with KEEPER LOST_WAKES=1: a ring does not call the keeper, who sleeps
     RINGING_IS_NO_ACTIVITY     with KEEPER LOST_WAKES=1: it goes back to sleep while the task is still in a
                                store buffer
     CALLED_ONCE                with KEEPER LOST_WAKES=1 LONG_TASK: a worker that wakes by itself calls the
                                keeper once, and that call is the one that is lost
     ANYBODY_TAKES_BACK         with KEEPER LOST_WAKES=1 UNHIRED=1: the keeper, who finds no vacancy, takes
                                back the ring of another, whose call was lost
     TURN_KEPT_WHILE_RUNNING    with ADAPTIVE LONG_TASK KEEPER: whoever naps keeps LOOKING while it runs
                                what it has found, and nobody rings for what comes meanwhile
     TURN_GIVEN_UP_FOR_NAP      with ADAPTIVE: submits ring although one naps
     NOTED_LATE                 with ADAPTIVE: whoever has found a task writes that down when another may
                                look already */

#include "doorbell.inc"

inline run_task()
{
#ifdef LONG_TASK
    if
    :: is_first ->
end_in_long_task:
        last_ran
    :: else
    fi;
    d_step { ran++; last_ran = last_ran || is_last; task = 0 }
#else
    ran++
#endif
}

proctype worker(byte me; bool hired)
{
    bool mine, found, holds, in_vain, rings;
    byte task, seen, at;

    work(hired)
}

init
{
    byte i, seen, at;
    bool rings;

    start();
    timeout -> assert(all_is_well)
}
