/* SPDX-License-Identifier: MIT

   What waits for its time (detail/queue/timer_queue.hpp) and the thread that sees to it
   (detail/executor/keeper.hpp): PUSHERS threads push ITEMS items each, the keeper serves and sleeps until
   the next is due, and with CLOSING somebody closes the queue at any moment. The clock goes from 0 to 2;
   items are due at 1 or 2.

   Checked  When nothing moves any more, every item has been fired, was refused, or was given up by whoever
            closed: none is forgotten in the intake while the keeper sleeps.
   Left out Store buffers: all four accesses of KEEPER-2 are seq_cst, so an interleaving is all there is. The
            heap's order (unit/timer_heap_test.cpp), repeated items, want of memory.

   Configurations                  states     seconds
     (two pushers, two items)   9,780,413           9
     ITEMS=1 CLOSING            1,173,762           2
     PUSHERS=1 ITEMS=3 CLOSING    767,319           1
   By hand, too large for ctest:
     PUSHERS=3 ITEMS=1         11,879,821          13
     CLOSING                   40,904,688
     PUSHERS=3 ITEMS=1 CLOSING 46,302,073

   Mutants, each found at once
     NEWS_BEFORE_GETS_UP     the keeper looks for news and then says when it gets up
     NO_NEWS                 it does not look at all
     GETS_UP_READ_FIRST      a push reads when the keeper gets up before it is in the intake
     CALL_FORGOTTEN          the keeper goes to sleep though it has just been called
     CLOSED_IN_TWO_STEPS     with CLOSING: the intake is emptied, and then closed */

#ifndef PUSHERS
#define PUSHERS 2
#endif
#ifndef ITEMS
#define ITEMS 2
#endif
#define ALL (PUSHERS * ITEMS)
#define NEVER 9
#define END 2

#define NOWHERE 0
#define IN_INTAKE 1
#define IN_HEAP 2
#define FIRED 3
#define GIVEN_UP 4
#define REFUSED 5

byte place[ALL], due[ALL];
byte time, gets_up = NEVER;
bool closed, called, serving;

inline move_all(from, to)
{
    d_step {
        i = 0;
        do
        :: i < ALL ->
            if
            :: place[i] == from -> place[i] = to
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

inline lock_service() { d_step { !serving -> serving = true } }
inline unlock_service() { serving = false }

inline fire_due()
{
    d_step {
        i = 0;
        next = NEVER;
        do
        :: i < ALL ->
            if
            :: place[i] == IN_HEAP && due[i] <= now -> place[i] = FIRED
            :: place[i] == IN_HEAP && due[i] > now && due[i] < next -> next = due[i]
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

inline look_for_news()
{
    d_step {
        i = 0;
        news = false;
        do
        :: i < ALL -> news = news || place[i] == IN_INTAKE; i++
        :: else -> break
        od;
        i = 0
    }
}

proctype pusher(byte me)
{
    byte n, item, seen;
    bool kept;

    do
    :: n < ITEMS ->
        item = me * ITEMS + n;
        n++;
        if
        :: due[item] = 1
        :: due[item] = 2
        fi;
#ifdef GETS_UP_READ_FIRST
        seen = gets_up;
#endif
        d_step { /* the compare-exchange that succeeds, or finds the mark */
            kept = !closed;
            if
            :: kept -> place[item] = IN_INTAKE
            :: else -> place[item] = REFUSED
            fi
        };
        if
        :: kept ->
#ifndef GETS_UP_READ_FIRST
            seen = gets_up;
#endif
            if
            :: due[item] < seen -> called = true
            :: else
            fi
        :: else
        fi
    :: else -> break
    od
}

proctype keeper()
{
    byte i, next, now;
    bool news;

    do
    :: gets_up = 0;
        now = time;
        lock_service();
        if
        :: !closed -> move_all(IN_INTAKE, IN_HEAP)
        :: else
        fi;
        fire_due();
        unlock_service();
#ifdef NEWS_BEFORE_GETS_UP
        look_for_news();
        gets_up = next;
#else
        gets_up = next;
#ifndef NO_NEWS
        look_for_news();
#endif
#endif
        if
        :: news && !closed -> skip
        :: else ->
#ifdef CALL_FORGOTTEN
            called = false;
#endif
end_asleep: /* a condition variable: the call is noted under the mutex under which this waits */
            d_step { called || gets_up <= time -> called = false }
        fi;
        news = false
    od
}

proctype closer()
{
    byte i;

    lock_service();
#ifdef CLOSED_IN_TWO_STEPS
    move_all(IN_INTAKE, IN_HEAP);
    closed = true;
#else
    atomic { closed = true; move_all(IN_INTAKE, IN_HEAP) };
#endif
    move_all(IN_HEAP, GIVEN_UP);
    unlock_service()
}

proctype clock()
{
    do
    :: time < END -> time++
    :: else -> break
    od
}

init
{
    byte i;
    bool settled = true;

    atomic {
        i = 0;
        do
        :: i < PUSHERS -> run pusher(i); i++
        :: else -> break
        od;
        run keeper();
        run clock();
#ifdef CLOSING
        run closer()
#endif
    };
    timeout ->
    i = 0;
    do
    :: i < ALL -> settled = settled && place[i] >= FIRED; i++
    :: else -> break
    od;
    assert(settled)
}
