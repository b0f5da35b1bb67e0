/* SPDX-License-Identifier: MIT

   Dormant lanes (detail/queue/lanes.hpp, LANES-4): the keeper has workers pass by lanes in which nothing is
   stored, their owners rouse them. Beside the doorbell, of which only what a sleeping worker needs is here:
   whether one sleeps, and a call.

   Owner    Each has a lane and stores TASKS tasks. A publish goes into its store buffer and comes out at any
            later time, or when somebody passes a heavy barrier. After it come the doorbell and the notice,
            of which it reads the older value: the light barrier does nothing. Rousing is under the mutex,
            and the doorbell is read again after it.
   Keeper   It may make any lane dormant ROUNDS times: notice, heavy barrier, and under the mutex a look.
   Worker   It takes from lanes that are awake; before it sleeps it enters as asleep, passes a heavy barrier
            and looks into those that are awake once more.

   Checked  When nothing moves any more, every task has run. A lane without its notice is awake.
   Left out That the keeper finds the lane idle for a while first: here it is at once. Who sleeps and rings in
            detail (doorbell.pml).

   Configurations                 states     seconds
     (one owner, three tasks)     92,662           0
     LANES=2 TASKS=1 ROUNDS=2    652,516           1
     LANES=2 TASKS=2 ROUNDS=1  2,116,299           3
   By hand, too large for ctest:
     LANES=2 TASKS=2 ROUNDS=2  6,668,846          12

   Mutants, each found at once
     NO_HEAVY_BARRIER         the keeper looks before it sees what an owner has stored that saw no notice
     NO_LOOK                  it does not look again
     FORGOTTEN_FIRST          it takes the lane away before it puts up the notice
     NOTICE_READ_FIRST        the owner reads the notice before it publishes
     NOT_ROUSED               it takes the notice down, and does no more
     BELL_READ_BEFORE_ROUSING it relies on what it has read of the doorbell before it roused the lane
     ROUSED_WITHOUT_MUTEX     it rouses the lane while the keeper is about to take it away */

#ifndef LANES
#define LANES 1
#endif
#ifndef TASKS
#define TASKS 3
#endif
#ifndef ROUNDS
#define ROUNDS 3
#endif

byte buffered[LANES], visible[LANES];
bool awake[LANES] = true;
bool notice[LANES];
byte ran;

bool sleeping, called;
bool mutex;

#define all_ran (ran == LANES * TASKS)

inline lock()
{
    atomic { !mutex -> mutex = true }
}

inline unlock()
{
    mutex = false
}

inline heavy_barrier()
{
    d_step {
        visible[0] = visible[0] + buffered[0];
        buffered[0] = 0;
#if LANES > 1
        visible[1] = visible[1] + buffered[1];
        buffered[1] = 0;
#endif
    }
}

active proctype store_buffers()
{
end_drained:
    do
    :: d_step { buffered[0] != 0 -> buffered[0]--; visible[0]++ }
#if LANES > 1
    :: d_step { buffered[1] != 0 -> buffered[1]--; visible[1]++ }
#endif
    od
}

inline announce(is_seen_asleep)
{
    if
    :: is_seen_asleep -> called = true
    :: else
    fi
}

proctype owner(byte lane)
{
    byte sent;
    bool saw_notice, saw_sleeper;

    do
    :: sent < TASKS ->
        sent++;
#ifdef NOTICE_READ_FIRST
        saw_notice = notice[lane];
        buffered[lane]++;
        saw_sleeper = sleeping;
#else
        buffered[lane]++;
        saw_sleeper = sleeping;
        saw_notice = notice[lane];
#endif
        if
        :: saw_notice ->
#ifdef ROUSED_WITHOUT_MUTEX
            notice[lane] = false;
            awake[lane] = true;
#else
            lock();
            notice[lane] = false;
#ifndef NOT_ROUSED
            awake[lane] = true;
#endif
            unlock();
#endif
#ifndef BELL_READ_BEFORE_ROUSING
            saw_sleeper = sleeping
#endif
        :: else
        fi;
        announce(saw_sleeper);
        saw_notice = false;
        saw_sleeper = false
    :: else -> break
    od
}

#define seems_used(lane) (visible[lane] != 0)

inline make_dormant(lane)
{
#ifdef FORGOTTEN_FIRST
    awake[lane] = false;
    notice[lane] = true;
#else
    notice[lane] = true;
#endif
#ifndef NO_HEAVY_BARRIER
    heavy_barrier();
#endif
    lock();
    is_noticed = notice[lane];
    if
    :: is_noticed ->
        is_noticed = false;
        if
#ifndef NO_LOOK
        :: seems_used(lane) -> notice[lane] = false; awake[lane] = true
        :: else -> awake[lane] = false
#else
        :: true -> awake[lane] = false
#endif
        fi
    :: else
    fi;
    unlock()
}

active proctype keeper()
{
    byte rounds;
    bool is_noticed;

    do
    :: rounds < ROUNDS ->
        rounds++;
        if
        :: awake[0] -> make_dormant(0)
#if LANES > 1
        :: awake[1] -> make_dormant(1)
#endif
        :: true
        fi
    :: else -> break
    od
}

#define may_take(lane) (awake[lane] && visible[lane] != 0)
#if LANES > 1
#define something_to_take (may_take(0) || may_take(1))
#else
#define something_to_take may_take(0)
#endif

active proctype worker()
{
    do
    :: d_step { may_take(0) -> visible[0]--; ran++ }
#if LANES > 1
    :: d_step { may_take(1) -> visible[1]--; ran++ }
#endif
    :: !something_to_take ->
        d_step { called = false; sleeping = true };
        heavy_barrier();
        if
        :: something_to_take
        :: else ->
end_asleep:
            called
        fi;
        sleeping = false
    od
}

init
{
    atomic {
        run owner(0);
#if LANES > 1
        run owner(1);
#endif
    };
    timeout -> assert(all_ran);
#ifndef FORGOTTEN_FIRST
    assert(notice[0] || awake[0])
#endif
}
