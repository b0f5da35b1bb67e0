/* SPDX-License-Identifier: MIT

   Accept or refuse, against closing (detail/executor/closing.hpp, detail/queue/lane.hpp), with plain
   stores on the submit's side: check the phase, publish, check again, and take the task back if that is
   still possible. The closer sets the phase, passes a heavy barrier, tells workers that it is over,
   drops what it finds in the lanes and writes off what still runs.

   Checked  Each task has exactly one fate: refused, ran, or dropped. No task is left in a lane. Once the
            closer has counted, no worker runs or takes a task that is not written off.
            A closer that has time enough (PATIENT) waits for quiet before it closes and after: then no
            task is dropped whose submit has come back, or will, without having seen the closing.
   Left out Without PATIENT, the closer's wait for quiet (drain.pml): a deadline may pass at any time, so
            it starts at any time. Waking the workers. Blocks: "not taken yet" compares positions here. In
            the lane it must compare with the head, too: the slot's type stays set while the task runs.

   Configurations                    states     seconds
     (2 submitters, 2 workers)    1,391,044           2
     TASKS=2 WORKERS=1            1,754,381           2
     SUBMITTERS=1 TASKS=3           275,782           0
     PATIENT                      2,309,360           5
   By hand, too large for ctest:
     TASKS=2                     32,651,629          98

   Mutants, each found at once
     NO_HEAVY_BARRIER      a task comes out of the store buffer after the sweep
     NO_SECOND_CHECK       the same, for a submit that began before the closing
     NO_SECOND_WAIT        PATIENT: what came between the quiet and the closing is dropped
     RUNNING_AFTER_UNLOCK  a task is neither in the lane nor marked as running when the closer looks
     IDLE_STORED           load and store, not one step, at the end of a task: it ran and was dropped.
                           claim.pml shows how that step is made of plain stores
     OVER_READ_BEFORE_LOCK a worker looks whether all is over, then locks the lane: in between the closer
                           sweeps and counts, a submit publishes, and the worker takes that task before
                           its submitter can take it back */

#ifndef SUBMITTERS
#define SUBMITTERS 2
#endif
#ifndef TASKS
#define TASKS 1 /* of each submitter */
#endif
#ifndef WORKERS
#define WORKERS 2
#endif

#define ALL_TASKS (SUBMITTERS * TASKS)
#define none ALL_TASKS
#define task_of(lane, position) ((lane) * TASKS + (position))

/* A lane holds the tasks from head to tail; those from tail on are in the submitter's store buffer. */
byte buffered[SUBMITTERS];
byte tail[SUBMITTERS];
byte head[SUBMITTERS];
bool locked[SUBMITTERS]; /* the consumer lock */
bool tombstone[ALL_TASKS];

bool closed; /* the phase: what submits look at */
bool over;   /* what workers look at, which go on until the sweep */

#define idle 0
#define running 1
#define written_off 2
byte word[WORKERS];
byte holds[WORKERS]; /* which task a worker runs: what its report would name */

/* What the checks need. */
byte fates[ALL_TASKS];
byte refused, ran, dropped;
bool settled; /* the closer has counted and reported */
#ifdef PATIENT
bool is_safe[ALL_TASKS], was_dropped[ALL_TASKS];
#endif

#define something_to_take(lane) (head[lane] < tail[lane])

inline meet_fate(task, counter)
{
    fates[task]++;
    assert(fates[task] == 1);
    counter++
}

inline lock(lane)
{
    d_step { !locked[lane] -> locked[lane] = true }
}

inline unlock(lane)
{
    locked[lane] = false
}

inline flush(lane)
{
    tail[lane] = tail[lane] + buffered[lane];
    buffered[lane] = 0
}

active proctype store_buffers()
{
end_drained:
    do
    :: d_step { buffered[0] != 0 -> buffered[0]--; tail[0]++ }
#if SUBMITTERS > 1
    :: d_step { buffered[1] != 0 -> buffered[1]--; tail[1]++ }
#endif
    od
}

/* ---- submitters ---- */

/* The pool was closed under the task. The unlock is a release: whoever locks next sees the publish and
   the tombstone. */
inline withdraw(lane, position)
{
    lock(lane);
    if
    :: head[lane] <= position ->
        d_step {
            tombstone[task_of(lane, position)] = true;
            meet_fate(task_of(lane, position), refused)
        }
    :: else /* taken or dropped: it was accepted */
    fi;
    d_step { flush(lane); unlock(lane) }
}

inline submit(lane, position)
{
    if
    :: closed -> meet_fate(task_of(lane, position), refused)
    :: else ->
        buffered[lane]++;
#ifndef NO_SECOND_CHECK
        if
        :: closed -> withdraw(lane, position)
        :: else
#ifdef PATIENT
            -> assert(!was_dropped[task_of(lane, position)]);
            is_safe[task_of(lane, position)] = true
#endif
        fi
#endif
    fi
}

proctype submitter(byte me)
{
    byte sent;

    do
    :: sent < TASKS -> submit(me, sent); sent++
    :: else -> break
    od
}

/* ---- workers ---- */

inline mark_running()
{
    d_step {
        assert(!settled);
        word[me] = running;
        holds[me] = task
    }
}

inline end_running()
{
#ifdef IDLE_STORED
    was = word[me];
    word[me] = idle;
#else
    d_step { was = word[me]; word[me] = idle };
#endif
    d_step {
        if
        :: was == running -> meet_fate(task, ran)
        :: else /* written off: the closer has counted it as dropped */
        fi;
        task = none;
        was = idle
    }
}

/* Under the lock. */
inline take(lane)
{
    d_step {
        if
        :: something_to_take(lane) && !tombstone[task_of(lane, head[lane])] ->
            task = task_of(lane, head[lane]);
            head[lane]++
        :: something_to_take(lane) && tombstone[task_of(lane, head[lane])] -> head[lane]++
        :: else
        fi
    }
}

/* Whoever locks the lane after the sweep sees, if it looks then, that all is over. */
inline lock_and_look(lane)
{
    lock(lane);
#ifdef OVER_READ_BEFORE_LOCK
    has_looked = false
#else
    sees_over = over
#endif
}

inline take_and_run(lane)
{
    lock_and_look(lane);
    if
    :: !sees_over -> take(lane)
    :: else
    fi;
#ifdef RUNNING_AFTER_UNLOCK
    unlock(lane);
#endif
    if
    :: task != none -> mark_running()
    :: else
    fi;
#ifndef RUNNING_AFTER_UNLOCK
    unlock(lane);
#endif
    if
    :: task != none -> end_running()
    :: else
    fi
}

#ifdef OVER_READ_BEFORE_LOCK
#define may_look_into_lanes (has_looked && !sees_over)
#else
#define may_look_into_lanes !sees_over
#endif

/* With nothing to take, it may see at any time that all is over. */
proctype worker(byte me)
{
    byte task = none, was;
    bool sees_over, has_looked;

end_idle:
    do
    :: sees_over -> break
    :: may_look_into_lanes && something_to_take(0) -> take_and_run(0)
#if SUBMITTERS > 1
    :: may_look_into_lanes && something_to_take(1) -> take_and_run(1)
#endif
#ifdef OVER_READ_BEFORE_LOCK
    :: !has_looked -> sees_over = over; has_looked = true
#endif
    :: over -> sees_over = true
    od
}

/* ---- the closer ---- */

inline sweep(lane)
{
    do
    :: something_to_take(lane) ->
        d_step {
            if
            :: !tombstone[task_of(lane, head[lane])] ->
#ifdef PATIENT
                assert(!is_safe[task_of(lane, head[lane])]);
                was_dropped[task_of(lane, head[lane])] = true;
#endif
                meet_fate(task_of(lane, head[lane]), dropped)
            :: else
            fi;
            head[lane]++
        }
    :: else -> break
    od
}

inline write_off(who)
{
    d_step {
        if
        :: word[who] == running -> word[who] = written_off; meet_fate(holds[who], dropped)
        :: else
        fi
    }
}

inline heavy_barrier()
{
    d_step {
        at = 0;
        do
        :: at < SUBMITTERS -> flush(at); at++
        :: else -> break
        od;
        at = 0
    }
}

/* Nothing waits, and nothing runs or is just being taken: what the counters say. */
#if SUBMITTERS > 1
#define is_empty(lane) (!something_to_take(lane) && !locked[lane])
#define are_empty (is_empty(0) && is_empty(1))
#else
#define are_empty (!something_to_take(0) && !locked[0])
#endif
#if WORKERS > 1
#define are_idle (word[0] == idle && word[1] == idle)
#else
#define are_idle (word[0] == idle)
#endif

inline wait_quiet()
{
#ifdef PATIENT
    are_empty && are_idle
#else
    skip /* a deadline may pass at any time, so it starts at any time */
#endif
}

active proctype closer()
{
    byte at;

    wait_quiet();
    closed = true;
#ifndef NO_HEAVY_BARRIER
    heavy_barrier();
#endif
#ifndef NO_SECOND_WAIT
    wait_quiet();
#endif
    over = true;
    do
    :: at < SUBMITTERS -> lock(at); sweep(at); unlock(at); at++
    :: else -> break
    od;
    at = 0;
    do
    :: at < WORKERS -> write_off(at); at++
    :: else -> break
    od;
    at = 0;
    d_step {
        do
        :: at < WORKERS -> assert(word[at] != running); at++
        :: else -> break
        od;
        settled = true
    }
}

init
{
    byte at;

    atomic {
        do
        :: at < SUBMITTERS -> run submitter(at); at++
        :: else -> break
        od;
        at = 0;
        do
        :: at < WORKERS -> run worker(at); at++
        :: else -> break
        od
    };
    timeout ->
    d_step {
        assert(refused + ran + dropped == ALL_TASKS);
        at = 0;
        do
        :: at < ALL_TASKS -> assert(fates[at] == 1); at++
        :: else -> break
        od
    }
}
