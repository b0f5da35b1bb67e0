/* SPDX-License-Identifier: MIT

   How a strand hands its turn on (detail/adaptor/strand.hpp, turn_queue.hpp): producers push, and begin a
   turn where there is none; workers run turns, hand them on in between, and end them when nothing is left.

   Checked  Each task is run, dropped or refused, once. Never do two turns run, nor two tasks. Tasks of one
            producer run in its order. Nobody touches the strand when its last user has gone.
   Left out What the executor below does with the turn: it is run by one of the workers. Coroutines, which
            come in as tasks do.

   Configurations                      states
     (two producers of two tasks)     87,472
     REFUSALS=1                     194,973   the executor refuses a turn
     PRODUCERS=3 TASKS=1 REFUSALS=1   146,267

   Mutants, each found at once
     ENDED_BY_STORE     the turn ends without looking whether something has come in
     BEGUN_WHEN_BUSY    a push into a line that the turn has emptied begins another
     USED_WHEN_HANDED   who has handed the turn on takes one more
     TURN_NO_USER       the turn does not keep the strand
     OTHERS_FORGOTTEN   a refused turn takes back its own task only (REFUSALS) */

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

byte line[ITEMS]; /* what waits, in a piece that is large enough */
byte pushed;
byte seen;
byte taken;
bool has_turn;
byte users = 1; /* the owner's */
byte turns;     /* with the executor below */
byte refusals;

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

/* `item` is what comes next; none: the turn has ended. A d_step that touches has_turn or pushed is what is
   done under the lock. */
inline take_next(item)
{
    item = none;
    if
    :: taken < seen -> d_step { touch(); item = line[taken]; taken++ }
    :: else ->
#ifdef ENDED_BY_STORE
        d_step { touch(); seen = pushed; is_over = taken == seen };
        d_step {
            touch();
            if
            :: is_over -> has_turn = false; in_turn--
            :: else -> item = line[taken]; taken++
            fi
        }
#else
        d_step {
            touch();
            seen = pushed;
            is_over = taken == seen;
            if
            :: is_over -> has_turn = false; in_turn--
            :: else -> item = line[taken]; taken++
            fi
        }
#endif
    fi
}

proctype producer(byte self)
{
    byte i, item;
    bool is_over, is_first;

    do
    :: i < TASKS ->
        item = self * TASKS + i + 1;
        d_step {
            touch();
#ifdef BEGUN_WHEN_BUSY
            is_first = taken == pushed;
#else
            is_first = !has_turn;
#endif
            has_turn = true;
            line[pushed] = item;
            pushed++
        };
        if
        :: is_first ->
#ifndef TURN_NO_USER
            d_step { touch(); users++ };
#endif
            if
            :: turns++
            :: d_step { refusals < REFUSALS -> refusals++ };
                in_turn++; /* the turn is here, and does not run */
                is_over = false;
                take_next(item);
                end(item);
#ifdef OTHERS_FORGOTTEN
                d_step { has_turn = false; in_turn-- };
#else
                do
                :: take_next(item);
                    if
                    :: item == none -> break
                    :: else -> end(item)
                    fi
                od;
#endif
                remove_user()
            fi
        :: else
        fi;
        i++
    :: else -> break
    od;
    producing--
}

/* The handle goes when nobody fires any more. */
active proctype owner()
{
    producing == 0;
    remove_user()
}

active [WORKERS] proctype worker()
{
    byte item, whose;
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
            :: d_step { taken < pushed && !is_handed -> touch(); is_handed = true; in_turn--; turns++ };
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
        fi
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
