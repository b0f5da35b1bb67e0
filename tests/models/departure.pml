/* SPDX-License-Identifier: MIT

   A worker's thread dies by force in a task (detail/pool/workforce.hpp): pthread_exit, or a cancellation. The
   task is counted as failed; the place becomes a vacancy and a sleeper, and whatever is queued is seen to
   by a ring, which hires a replacement or wakes a parked worker. On top of doorbell.inc.

   Checked  When nothing moves any more, every task has run (or failed), although up to DEATHS of them
            kill their thread; `sleeping` never falls below 0.
   Left out What dies with the thread (locks it holds: none while a task runs); a drain that waits for it
            (drain.pml); closing.

   A ring reads `sleeping`, then the vacancies, and calls a sleeper if there are more sleepers than
   vacancies, else it hires, under the mutex. A worker that leaves raises both under the mutex, the vacancies
   first. Without the mutex a ring of long ago (one sleeper, who has left since and dies now) hires for a
   vacancy that `sleeping` does not count yet, and the new thread takes it below 0. The other way round, a
   ring in between calls a sleeper where there is none, and its RINGING keeps the dead worker's own ring back.

   Configurations                                                   states     seconds
     WORKERS=1 TASKS=3 DEATHS=2                                    244,794           0
     DEATHS=2                                                    1,724,085           2
     LONG_TASK UNLESS_LEFT_TO_OTHERS TASKS=3 UNHIRED=1           1,982,988           2
     LONG_TASK KEEPER                                            1,102,187           1
     WORKERS=1 TASKS=3 REFUSALS=1 KEEPER                           272,537           0
     WORKERS=1 KEEPER LOST_WAKES=1                                 687,742           0
     BY_WORKER LONG_TASK UNHIRED=2 TASKS=3 DEATHS=2                 20,439           0
     ADAPTIVE DEATHS=2                                           2,176,496           2
   By hand, too large for ctest:
     LONG_TASK KEEPER TASKS=3                                    5,849,477           8
     REFUSALS=1 KEEPER                                           6,285,736           8
     WORKERS=3                                                  24,545,019          52

   Mutants, each found at once
     NO_RING_ON_DEPARTURE             the dead worker's place does not see to the queue
     NO_HEAVY_BARRIER_ON_DEPARTURE    it looks without it
     VACATED_WITHOUT_MUTEX            `sleeping` falls below 0
     VACANCY_AFTER_SLEEPER            with WORKERS=1: a task stays behind
     RING_ONLY_FOR_WORK_ON_DEPARTURE  with BY_WORKER LONG_TASK UNHIRED=2 TASKS=3: rings only if a lane is not
                                      empty. But nobody may join the sleepers while nobody looks. With the
                                      keeper it holds, and costs a tick.
   RINGING_KEPT_ON_DEPARTURE does no harm. */

#ifndef DEATHS
#define DEATHS 1
#endif
#include "doorbell.inc"

byte deaths;

/* A task that kills its thread has its fate too: it failed. */
inline run_task()
{
#ifdef LONG_TASK
    if
    :: is_first ->
end_in_long_task:
        last_ran
    :: else
    fi;
    d_step { ran++; last_ran = last_ran || is_last; task = 0 };
#else
    ran++;
#endif
    atomic {
        if
        :: deaths < DEATHS -> deaths++; killed = true
        :: true
        fi
    }
}

inline lock_mutex()
{
#ifdef VACATED_WITHOUT_MUTEX
    skip
#else
    d_step { !mutex -> mutex = true }
#endif
}

inline unlock_mutex()
{
    mutex = false
}

inline vacate()
{
#ifdef VACANCY_AFTER_SLEEPER
    d_step { sleeping++; ringing = false };
    vacancies++;
#else
    vacancies++;
#ifdef RINGING_KEPT_ON_DEPARTURE
    sleeping++;
#else
    d_step { sleeping++; ringing = false };
#endif
#endif
#ifndef NO_HEAVY_BARRIER_ON_DEPARTURE
    heavy_barrier()
#endif
}

inline depart()
{
    lock_mutex();
    vacate();
    unlock_mutex();
#if defined(BY_WORKER) && !defined(RING_ONLY_FOR_WORK_ON_DEPARTURE)
    ring();
#else
    look();
    if
    :: found ->
#ifndef NO_RING_ON_DEPARTURE
        ring()
#endif
    :: else
    fi;
#endif
    found = false
}

proctype worker(byte me; bool hired)
{
    bool mine, found, holds, in_vain, rings, killed;
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
