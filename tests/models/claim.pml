/* SPDX-License-Identifier: MIT

   What a worker has claimed (detail/queue/claim.hpp): it begins and ends tasks with plain stores, while
   others withdraw what it has not begun, and one gives up what it runs.

   Owner    It claims a run of TASKS tasks, whose first it begins at once; then, when that is over, by
            itself a single one, and a run again. It begins the next task with the store that ends the one
            before, or with another after that. Its stores of the state go through a buffer, which comes
            out at any later time, or when somebody passes a heavy barrier. What it does under its lock is
            seen when that is let go, so it is one step.
   Others   THIEVES withdraw all that is not begun and run it themselves; a closer gives up what the owner
            runs, and before that withdraws what it has not begun, as at the end of a pool.
   Numbers  One bit of a task's number would do for the answer; here it is the number itself.

   Checked  Each task is begun by one, and is counted by one: by who ran it, or by the closer. The owner
            reads a slot only if the task is its own. Nothing is left.

   Left out The claim of who withdraws, into which it puts what it has withdrawn while it holds both locks.
            A claim that is lent to another worker with tasks left in it. What is passing, and comes back.
            Who sleeps and who looks (WORKER-5).

   Configurations                   states     seconds
     (one thief, the closer)     3,810,715           7
     THIEVES=2 NO_CLOSER TASKS=4   304,149           1
   By hand, too large for ctest:
     THIEVES=2                  31,100,413          61

   Mutants, each found at once
     NO_HEAVY_TO_WITHDRAW   owner and thief both begin a task
     NO_HEAVY_TO_GIVE_UP    owner and closer both count a task
     NO_SECOND_READ         the thief takes what the owner has begun meanwhile
     NOT_AWAITED            the owner takes what a thief has set aside for what it keeps, or gives up its own
     ANSWER_NOT_AWAITED     the owner takes a question for an answer
     NUMBER_USED_AGAIN      the closer's answer about a task that was lost is taken for the next one
     ANSWER_OVERWRITTEN     the owner has begun the next task, which the closer gives up as well before the
                            owner has read what was decided about the last
     BEGINNING_IS_RUNNING   the closer gives up what the owner finds it has lost
     NO_LOOK_UNDER_LOCK     the same: meanwhile it has lost the task and claimed more */

#ifndef TASKS
#define TASKS 3
#endif
#ifndef THIEVES
#define THIEVES 1
#endif
#define ALL (TASKS + 1 + 2)

#define idle 0
#define beginning 1
#define task 2

#define none 0
#define asking 1
#define given_up 2

/* The state, as the owner knows it and as all see it: number and kind. */
byte own_number, own_kind;
byte number, kind;
chan buffer = [4] of { byte, byte };

byte last;
bool locked;
byte asked, answer;
bool and_before; /* the number before asked was given up, and the owner may not know */

/* Which task has which number: what behind_ comes to. 255: none. */
byte task_of[16] = 255;

byte begun[ALL], counted[ALL];
byte handed_out; /* tasks that the lane has given away */
byte over; /* threads */
#ifdef NO_CLOSER
#define OTHERS THIEVES
#else
#define OTHERS (THIEVES + 1)
#endif

inline begin_it(it)
{
    begun[it]++;
    assert(begun[it] == 1)
}

inline count_it(it)
{
    counted[it]++;
    assert(counted[it] == 1)
}

inline come_out()
{
    buffer ? number, kind
}

inline flush()
{
    d_step {
        do
        :: nempty(buffer) -> come_out()
        :: empty(buffer) -> break
        od
    }
}

active proctype store_buffer()
{
end_drained:
    do
    :: atomic { nempty(buffer) -> come_out() }
    od
}

inline store(its_number, its_kind)
{
    atomic {
        nfull(buffer);
        own_number = its_number;
        own_kind = its_kind;
        buffer ! own_number, own_kind
    }
}

/* ---- the owner ---- */

/* Begins the first of `count` tasks and claims the rest. Alone it needs no lock. */
inline put(count)
{
    if
    :: count > 1 ->
        atomic {
            !locked -> locked = true;
            i = 0;
            do
            :: i < count -> task_of[own_number + 1 + i] = handed_out; handed_out++; i++
            :: else -> break
            od;
            last = own_number + count;
            own_number = own_number + 1;
            own_kind = task;
            flush();
            number = own_number;
            kind = task;
            locked = false
        }
    :: else ->
        atomic { task_of[own_number + 1] = handed_out; handed_out++ };
        store(own_number + 1, task)
    fi;
    left = count - 1;
    mine = task_of[own_number];
    begin_it(mine)
}

inline await_answer(ended)
{
#ifndef ANSWER_NOT_AWAITED
    !(asked == ended && answer == asking);
#endif
    is_given_up = (asked == ended && answer != none) || (asked == ended + 1 && and_before)
}

inline count_unless_given_up(ended)
{
    if
    :: asked >= ended -> await_answer(ended)
    :: else -> is_given_up = false
    fi;
    if
    :: is_given_up
    :: else -> count_it(mine)
    fi;
    is_given_up = false
}

inline end_it()
{
    store(own_number, idle);
    count_unless_given_up(own_number)
}

inline keep_begun()
{
    is_lost = false;
    if
    :: own_number > last ->
#ifdef NOT_AWAITED
        is_lost = true
#else
        atomic { !locked -> locked = true };
        is_lost = own_number > last;
        locked = false
#endif
    :: else
    fi;
    if
    :: is_lost ->
        left = 0;
#ifdef NUMBER_USED_AGAIN
        store(own_number - 1, idle)
#else
        store(own_number, idle)
#endif
    :: else ->
        mine = task_of[own_number];
        begin_it(mine);
        store(own_number, task);
        runs = true
    fi;
    is_lost = false
}

inline begin_next()
{
    left--;
    store(own_number + 1, beginning);
    keep_begun()
}

inline go_on()
{
    left--;
    runs = false;
    store(own_number + 1, beginning);
    count_unless_given_up(own_number - 1);
    keep_begun()
}

/* The task that was put, and those behind it. */
inline run_all()
{
    runs = true;
    do
    :: runs && left > 0 -> go_on()
    :: runs -> end_it(); runs = false
    :: !runs && left > 0 -> begin_next()
    :: !runs && left == 0 -> break
    od
}

active proctype owner()
{
    byte mine, left, i;
    bool runs, is_lost, is_given_up;

    put(TASKS);
    run_all();
    put(1);
    run_all();
    put(2);
    run_all();
    over++
}

/* ---- who withdraws ---- */

inline withdraw()
{
    atomic { !locked -> locked = true };
    all = last;
    seen = number;
    if
    :: all > seen ->
        last = seen;
#ifndef NO_HEAVY_TO_WITHDRAW
        flush();
#endif
#ifndef NO_SECOND_READ
        seen = number;
#endif
        if
        :: seen >= all -> last = all; seen = all
        :: else -> last = seen
        fi
    :: else -> all = 0; seen = 0
    fi;
    atomic {
        first = seen;
        do
        :: first < all -> first++; begin_it(task_of[first]); count_it(task_of[first])
        :: else -> break
        od;
        first = 0
    }
    locked = false;
    all = 0;
    seen = 0
}

proctype thief()
{
    byte all, seen, first;

    withdraw();
    withdraw();
    over++
}

/* ---- who gives up ---- */

inline give_up()
{
    seen = number;
    was = kind;
    if
    :: was == idle || (asked == seen && answer != none)
    :: else ->
        atomic {
            and_before = (asked + 1 == seen && answer != none) || (asked == seen && and_before);
#ifdef ANSWER_OVERWRITTEN
            and_before = false;
#endif
            asked = seen;
            answer = asking
        };
#ifndef NO_HEAVY_TO_GIVE_UP
        flush();
#endif
        if
        :: atomic { number != seen || kind == idle -> answer = none }
        :: atomic { number == seen && kind == task -> answer = given_up; count_it(task_of[seen]) }
        :: atomic { number == seen && kind == beginning -> was = beginning };
#ifdef BEGINNING_IS_RUNNING
            atomic { answer = given_up; count_it(task_of[seen]) }
#else
            atomic { !locked -> locked = true };
            atomic {
                if
#ifndef NO_LOOK_UNDER_LOCK
                :: number != seen || kind == idle -> answer = none
                :: number == seen && kind == task -> answer = given_up; count_it(task_of[seen])
                :: number == seen && kind == beginning && seen > last -> answer = none
                :: number == seen && kind == beginning && seen <= last ->
                    answer = given_up;
                    count_it(task_of[seen])
#else
                :: seen <= last -> answer = given_up; count_it(task_of[seen])
                :: else -> answer = none
#endif
                fi;
                locked = false
            }
#endif
        fi
    fi;
    seen = 0;
    was = 0
}

#ifndef NO_CLOSER
active proctype closer()
{
    byte all, seen, first, was;

    give_up();
    withdraw();
    give_up();
    over++
}
#endif

init {
    byte i;

    atomic {
        i = 0;
        do
        :: i < THIEVES -> run thief(); i++
        :: else -> break
        od
    };
    over == OTHERS + 1;
    i = 0;
    do
    :: i < ALL ->
        assert(begun[i] == 1);
        assert(counted[i] == 1);
        i++
    :: else -> break
    od
}
