/* SPDX-License-Identifier: MIT

   How a strand hands its turn on (detail/adaptor/strand.hpp, turn_queue.hpp): producers push, and begin a
   turn where there is none; workers run turns, hand them on in between, and end them when nothing is left.

   Checked  Each task is run, dropped or refused, once. Never do two turns run, nor two tasks. Tasks of one
            producer run in its order. Nobody touches the strand when its last user has gone. Who has fired,
            and looks whether the executor below has nothing to do, sees that only when what he has fired is
            over: also while the turn that it waits for has not been handed over (TURN-4).
   Left out What the executor below does with the turn: it is run by one of the workers. Coroutines, which
            come in as tasks do. That the executor's counts are read one after the other: see drain.pml.

   Configurations                       states
     (two producers of two tasks)        651,318
     REFUSALS=1                        1,285,228   the executor refuses a turn
     PRODUCERS=3 TASKS=1 REFUSALS=1    1,277,422

   Mutants, each found at once
     ENDED_BY_STORE     the turn ends without looking whether something has come in
     BEGUN_WHEN_BUSY    a push into a line that the turn has emptied begins another
     USED_WHEN_HANDED   who has handed the turn on takes one more
     TURN_NO_USER       the turn does not keep the strand
     OTHERS_FORGOTTEN   a refused turn takes back its own task only (REFUSALS)
     NOT_OPENED         what is pushed behind a turn that is being handed over is not open below
     OPENED_UNLOCKED    (PRODUCERS=4 TASKS=1) it is, when the lock has been given back
     CLOSED_BY_ALL      each look of the turn closes it
     DROPPED_UNOPENED   what waits behind a turn that is refused is dropped, and not open (REFUSALS)
     ENDED_BEFORE_ON    the executor counts a turn as ended before it is handed on */

#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef TASKS
#define TASKS 2
#endif
#ifndef REFUSALS
#define REFUSALS 0
#endif
#define WORKERS 2
#define ITEMS (PRODUCERS * TASKS)

#define none 0

/* What there is of a turn: none; one that has not looked yet, without and with something behind it; one that
   has. */
#define begun 1
#define has_more 2
#define under_way 3

byte line[ITEMS]; /* what waits, in a piece that is large enough */
byte pushed;
byte seen;
byte taken;
byte turn;
byte users = 1; /* the owner's */
byte turns;     /* with the executor below */
byte refusals;

/* What the executor below counts: turns that it has or runs, and what is open in its books. */
byte known;
short open;

/* What the checks need. */
byte ended[ITEMS + 1];
byte last[PRODUCERS];
byte in_turn;
byte running;
byte producing = PRODUCERS;
bool gone;

inline touch() { assert(!gone) }

inline remove_user()
{
    d_step {
        touch();
        users--;
        if
        :: users == 0 -> gone = true
        :: else
        fi
    }
}

inline end(item)
{
    d_step { ended[item]++; assert(ended[item] == 1) }
}

/* `item` is what comes next; none: the turn has ended. A d_step that touches turn or pushed is what is
   done under the lock. */
inline take_next(item)
{
    item = none;
    if
    :: taken < seen -> d_step { touch(); item = line[taken]; taken++ }
    :: else ->
#ifdef ENDED_BY_STORE
        d_step { touch(); seen = pushed; is_over = taken == seen; before = turn };
        d_step {
            touch();
            if
            :: is_over -> turn = none; in_turn--
            :: else -> turn = under_way; item = line[taken]; taken++
            fi
        };
#else
        d_step {
            touch();
            seen = pushed;
            is_over = taken == seen;
            before = turn;
            if
            :: is_over -> turn = none; in_turn--
            :: else -> turn = under_way; item = line[taken]; taken++
            fi
        };
#endif
        if
#ifdef CLOSED_BY_ALL
        :: before != none -> open--
#else
        :: before == has_more -> open--
#endif
        :: else
        fi;
        before = none
    fi
}

/* Whether all that `self` has fired is over, if nothing is to be done below. */
inline look_whether_quiet()
{
    d_step {
        if
        :: known == 0 && open <= 0 ->
            i = 0;
            do
            :: i < TASKS -> assert(ended[self * TASKS + i + 1] == 1); i++
            :: else -> break
            od
        :: else
        fi
    }
}

proctype producer(byte self)
{
    byte i, item, before;
    bool is_over, is_first, is_behind;

    do
    :: i < TASKS ->
        item = self * TASKS + i + 1;
        d_step {
            touch();
#ifdef BEGUN_WHEN_BUSY
            is_first = taken == pushed;
#else
            is_first = turn == none;
#endif
            is_behind = turn == begun;
            line[pushed] = item;
            pushed++;
            if
            :: is_first -> turn = begun
            :: is_behind ->
                turn = has_more;
#if !defined NOT_OPENED && !defined OPENED_UNLOCKED
                open++
#endif
            :: else
            fi
        };
#ifdef OPENED_UNLOCKED
        if
        :: is_behind -> open++
        :: else
        fi;
#endif
        if
        :: is_first ->
#ifndef TURN_NO_USER
            d_step { touch(); users++ };
#endif
            if
            :: d_step { known++; turns++ }
            :: d_step { refusals < REFUSALS -> refusals++ };
                in_turn++; /* the turn is here, and does not run */
#ifndef DROPPED_UNOPENED
                open++;
#endif
                is_over = false;
                d_step { /* forget_first() */
                    touch();
                    before = turn;
                    turn = under_way;
                    seen = pushed;
                    item = line[taken];
                    taken++
                };
                if
                :: before == has_more -> open--
                :: else
                fi;
                before = none;
                end(item);
#ifdef OTHERS_FORGOTTEN
                d_step { turn = none; in_turn-- };
#else
                do
                :: take_next(item);
                    if
                    :: item == none -> break
                    :: else -> end(item)
                    fi
                od;
#endif
#ifndef DROPPED_UNOPENED
                open--;
#endif
                remove_user()
            fi
        :: else
        fi;
        i++
    :: else -> break
    od;
    producing--;
    look_whether_quiet()
}

/* The handle goes when nobody fires any more. */
active proctype owner()
{
    producing == 0;
    remove_user()
}

active [WORKERS] proctype worker()
{
    byte item, whose, before;
    bool is_over, is_handed;

end_idle:
    do
    :: d_step { turns > 0 -> turns--; in_turn++; assert(in_turn == 1) };
        is_handed = false;
        do
        :: is_over = false;
            take_next(item);
            if
            :: item == none -> break
            :: else
            fi;
            d_step { running++; assert(running == 1) };
            d_step {
                running--;
                whose = (item - 1) / TASKS;
                assert(item > last[whose]);
                last[whose] = item
            };
            end(item);
            if
            :: true
            :: taken < pushed && !is_handed ->
#ifdef ENDED_BEFORE_ON
                known--;
#endif
                d_step { touch(); is_handed = true; in_turn--; known++; turns++ };
#ifdef USED_WHEN_HANDED
                skip
#else
                break
#endif
            fi
        od;
        if
        :: is_handed
        :: else ->
#ifndef TURN_NO_USER
            remove_user()
#else
            skip
#endif
        fi;
#ifdef ENDED_BEFORE_ON
        if
        :: is_handed
        :: else -> known--
        fi
#else
        known--
#endif
    od
}

init
{
    atomic {
        byte i = 0;
        do
        :: i < PRODUCERS -> run producer(i); i++
        :: else -> break
        od
    }
}

active proctype checks()
{
    byte i;
    timeout ->
    i = 1;
    do
    :: i <= ITEMS -> assert(ended[i] == 1); i++
    :: else -> break
    od;
    assert(gone)
}
