/* SPDX-License-Identifier: MIT

   The count of a task_scope (detail/task/cohort.hpp): members begin and leave, or are cancelled, while
   the owner cancels what has not begun, waits until all have gone, and frees it all.

   Checked  Nobody touches what has been freed. The owner does not sleep when all have gone. As many members
            are cancelled as the owner was told, and each either runs or is cancelled.
   Left out Several cohorts, and members that come meanwhile: one that runs keeps its own from being empty.

   Mutants, each found at once
     LAST_LEAVES_UNLOCKED  the last one, awaited, leaves before it takes the lock
     AWAITED_APART         whether it is awaited is not part of the word that is compared
     LOOKS_UNLOCKED        the owner finds it empty without the lock
     BEGUN_IN_TWO_STEPS    whether it is cancelled is asked before it begins, not as it does */

#ifndef MEMBERS
#define MEMBERS 2
#endif

byte alive = MEMBERS;
byte unbegun = MEMBERS;
bool awaited;
bool cancelled;

bool locked;
bool asleep;
bool freed;

/* What the checks need. */
byte told;
byte dropped;
byte ran;

inline touch() { assert(!freed) }
inline lock() { atomic { !locked -> touch(); locked = true } }
inline unlock() { d_step { touch(); locked = false } }

inline begin_or_not(begun)
{
#ifdef BEGUN_IN_TWO_STEPS
    d_step { touch(); begun = !cancelled };
    d_step { if :: begun -> unbegun-- :: else fi }
#else
    d_step {
        touch();
        begun = !cancelled;
        if :: begun -> unbegun-- :: else fi
    }
#endif
}

inline leave()
{
    byte a;
    bool w;
    bool done = false;
    do
    :: done -> break
    :: else ->
        d_step { touch(); a = alive; w = awaited };
        if
        :: w && a == 1 ->
#ifdef LAST_LEAVES_UNLOCKED
            d_step { touch(); alive-- };
            lock();
#else
            lock();
            d_step { touch(); alive-- };
#endif
            d_step { touch(); if :: alive == 0 -> asleep = false :: else fi };
            unlock();
            done = true
        :: else ->
            d_step {
                touch();
#ifdef AWAITED_APART
                if :: alive == a -> alive--; done = true :: else fi
#else
                if :: alive == a && awaited == w -> alive--; done = true :: else fi
#endif
            }
        fi
    od
}

active [MEMBERS] proctype member()
{
    bool begun;
    begin_or_not(begun);
    d_step { if :: begun -> ran++ :: else -> dropped++ fi };
    leave()
}

active proctype owner()
{
    if
    :: lock();
       d_step { told = unbegun; unbegun = 0; cancelled = true };
       unlock()
    :: skip
    fi;
#ifdef LOOKS_UNLOCKED
    if :: alive == 0 -> goto quiet :: else fi;
#endif
    lock();
    awaited = true;
    do
    :: alive == 0 -> break
    :: else ->
        d_step { asleep = true; locked = false };
#ifdef LOOKS_UNLOCKED
        if :: !asleep :: alive == 0 -> goto quiet fi;
#else
        !asleep;
#endif
        lock()
    od;
    unlock();
quiet:
    freed = true;
    assert(dropped == told && ran + dropped == MEMBERS)
}
