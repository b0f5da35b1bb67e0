/* SPDX-License-Identifier: MIT

   Waiting until all submitted tasks are done (detail/executor/closing.hpp). Each submitter counts its tasks and
   each worker the finished ones by plain stores to words of their own. The waiter registers, passes a full
   fence, adds up the finished and then the submitted ones, and sleeps if they differ; a worker that has
   nothing to do passes a full fence and notifies if somebody is registered.

   Checked  The waiter wakes up. When it returns, its thread's own tasks have run.
   Left out The doorbell: idle workers see every published task. Deadlines. Several waiters.

   The second submitter takes its last task back, as in closing.pml, and a worker may die in a task
   (DEATHS, by default 1): both change what a waiter waits for, so both notify.

   Configurations              states     seconds
     TASKS=2                1,695,996           2
     WORKERS=1 DEATHS=0        25,949           0

   Mutants, each found at once
     NO_FENCE_IN_DRAIN         the wake-up is lost
     NO_FENCE_IN_WORKER        the wake-up is lost (a heavy barrier before the check is a fence, too)
     NOTIFIED_WITHOUT_MUTEX    the wake-up is lost between adding up and sleeping
     COUNTED_SUMMED_FIRST      submitted, then finished: sees quiet that never was
     COUNTED_AFTER_PUBLISH     a task may be finished before it is counted: the wake-up is lost
     WITHDRAWN_IN_SILENCE      the wake-up is lost
     DEAD_IN_SILENCE           the wake-up is lost */

#ifndef TASKS
#define TASKS 1 /* of submitter 0, which then drains */
#endif
#ifndef TASKS_1
#define TASKS_1 2 /* of submitter 1; it withdraws the last one if it can */
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif

/* What each submitter stored, and how much of it all can see. */
byte counted[2];
byte counted_seen[2];
byte published[2];
byte published_seen[2];
byte taken[2];

/* A worker's own counter of finished tasks. */
byte finished[WORKERS];
byte finished_seen[WORKERS];

/* The drain's waiter. */
bool registered;
bool registered_seen;
bool mutex;
bool waits;

/* What the checks need. */
byte ran[2];
byte withdrawn;
bool drained;
byte deaths;

#define something_to_take(lane) (taken[lane] < published_seen[lane])

/* ---- store buffers ---- */

/* A task counted before its publish, a release store, is never seen without its count. */
#ifdef COUNTED_AFTER_PUBLISH
#define publish_may_come_out(who) (published_seen[who] < published[who])
#else
#define publish_may_come_out(who)                                                                  \
    (published_seen[who] < published[who] && published_seen[who] < counted_seen[who])
#endif

active proctype store_buffers()
{
end_drained:
    do
    :: d_step { counted_seen[0] < counted[0] -> counted_seen[0]++ }
    :: d_step { counted_seen[1] < counted[1] -> counted_seen[1]++ }
    :: d_step { publish_may_come_out(0) -> published_seen[0]++ }
    :: d_step { publish_may_come_out(1) -> published_seen[1]++ }
    :: d_step { finished_seen[0] < finished[0] -> finished_seen[0]++ }
#if WORKERS > 1
    :: d_step { finished_seen[1] < finished[1] -> finished_seen[1]++ }
#endif
    :: d_step { registered && !registered_seen -> registered_seen = true }
    od
}

inline fence_of_submitter(who)
{
    atomic { counted_seen[who] = counted[who]; published_seen[who] = published[who] }
}

/* ---- submit, and what ends a wait ---- */

inline submit(who)
{
#ifdef COUNTED_AFTER_PUBLISH
    published[who]++;
    counted[who]++
#else
    counted[who]++;
    published[who]++
#endif
}

inline lock_mutex()
{
    d_step { !mutex -> mutex = true }
}

inline tell_waiter()
{
    if
    :: registered_seen ->
#ifdef NOTIFIED_WITHOUT_MUTEX
        waits = false
#else
        lock_mutex();
        waits = false;
        mutex = false
#endif
    :: else
    fi
}

/* As a submit does that finds the pool closed: a tombstone under the lane's lock, whose release also
   brings the publish out. The task is not counted any more, and that too can be what a drain waits for. */
inline withdraw_last()
{
    fence_of_submitter(1);
    atomic {
        if
        :: something_to_take(1) -> published[1]--; published_seen[1]--; withdrawn++
        :: else
        fi
    };
    if
    :: withdrawn != 0 ->
        d_step { counted[1]--; counted_seen[1]-- }; /* the store, and a full fence */
#ifndef WITHDRAWN_IN_SILENCE
        tell_waiter()
#endif
    :: else
    fi
}

active proctype submitter()
{
    do
    :: published[1] < TASKS_1 -> submit(1)
    :: else -> break
    od;
    withdraw_last()
}

/* ---- drain ---- */

inline register_waiter()
{
    registered = true;
#ifndef NO_FENCE_IN_DRAIN
    d_step {
        registered_seen = true;
        counted_seen[0] = counted[0];
        published_seen[0] = published[0]
    }
#endif
}

inline sum_finished()
{
    sum_of_finished = finished_seen[0];
#if WORKERS > 1
    sum_of_finished = sum_of_finished + finished_seen[1]
#endif
}

/* A thread sees its own stores. */
inline sum_counted()
{
    sum_of_counted = counted[0];
    sum_of_counted = sum_of_counted + counted_seen[1]
}

inline sum_both()
{
#ifdef COUNTED_SUMMED_FIRST
    sum_counted();
    sum_finished()
#else
    sum_finished();
    sum_counted()
#endif
}

active proctype drainer()
{
    byte sum_of_finished, sum_of_counted;

    do
    :: published[0] < TASKS -> submit(0)
    :: else -> break
    od;

    lock_mutex();
    register_waiter();
    do
    :: sum_both();
        if
        :: sum_of_finished == sum_of_counted -> break
        :: else ->
            d_step { waits = true; mutex = false };
            !waits;
            lock_mutex()
        fi
    od;
    assert(ran[0] == TASKS);
    drained = true;
    mutex = false
}

/* ---- workers ---- */

inline run_one(lane)
{
    d_step { ran[lane]++; finished[me]++; is_settled = false }
}

inline become_idle()
{
#ifndef NO_FENCE_IN_WORKER
    finished_seen[me] = finished[me];
#endif
    tell_waiter();
    is_settled = true
}

/* Killed by the task that it has just counted. */
inline die()
{
#ifdef DEAD_IN_SILENCE
    skip
#else
    become_idle()
#endif
}

proctype worker(byte me)
{
    bool is_settled = true;

end_idle:
    do
    :: d_step { something_to_take(0) -> taken[0]++ };
        run_one(0)
    :: d_step { something_to_take(1) -> taken[1]++ };
        run_one(1)
    :: !is_settled && !something_to_take(0) && !something_to_take(1) -> become_idle()
    :: atomic { !is_settled && deaths < DEATHS -> deaths++ };
        die(); break
    od
}

init
{
    byte at;

    atomic {
        do
        :: at < WORKERS -> run worker(at); at++
        :: else -> break
        od
    };
    timeout ->
    d_step {
        assert(drained);
        assert(ran[0] + ran[1] + withdrawn == TASKS + TASKS_1)
    }
}
