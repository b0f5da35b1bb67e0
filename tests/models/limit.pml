/* SPDX-License-Identifier: MIT

   The limit of a pool (detail/queue/pending_limit.hpp): callers take places, workers give them back, and who
   finds none waits in line. Only the first in line waits for places, for one or, as it likes, for two; who
   leaves the line calls the next.

   Checked  Never are more places taken than there are, but by who must not be refused (ANYWAY). Who is told
            that there is no place: there was none when he asked. When nothing moves any more, all have come
            in or have given up, and all places are free: nobody sleeps in line for good.
   Left out Looking for a moment before it sleeps. Looking again every 10 ms, which only a lost wake-up needs.
            Learning how many places to wait for:
            here the first in line waits for one or two, and for two not for ever. Store buffers: all of it is
            seq_cst.

   Configurations                                   states     seconds
     (two callers, two places)                     555,843           2
     MOST=1                                        957,439           4
     MOST=1 WORKERS=2                            6,128,145          14
     CALLERS=3 ENTRIES=1 MOST=1 IMPATIENT=1      1,088,409           4
     ENTRIES=1 ANYWAY                               43,955           1

   Mutants, each found at once
     LEFT_READ_FIRST      one is refused while a place is free
     ENTERED_ADDED        a place is taken by adding to what was read before: too many
     NO_SECOND_LOOK       the first in line sleeps without looking once more how many have left
     WAKE_AT_READ_FIRST   with MOST=1: who leaves looks for somebody to wake, and then gives its place back
     COUNTED_FROM_LEFT    places are counted from when the first begins to wait, not from those that are free
     WOKEN_WITHOUT_MUTEX  the wake-up comes between the second look and sleeping
     NOBODY_CALLED        who leaves the line does not call
     CALLED_ON_ENTRY_ONLY with IMPATIENT=1: who gives up does not call
     STANDS_IN_NO_LINE    who has just come waits to be called, though nobody has been
     SLEPT_FOR_TWO        with MOST=1: the first waits for two places without end */

#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef ENTRIES
#define ENTRIES 2 /* of each caller */
#endif
#ifndef WORKERS
#define WORKERS 1
#endif
#ifndef MOST
#define MOST 2
#endif
#ifndef IMPATIENT
#define IMPATIENT 0 /* so many callers may give up at any moment */
#endif

#define nobody 100

byte entered;
byte left_count;
byte left_by_then;
byte wake_at = nobody;
bool mutex;
bool has_first;
byte in_line; /* behind the first */

/* The condition variables: who is asleep. */
bool waits_for_places[CALLERS];
bool waits_in_line[CALLERS];

/* What the checks need. */
byte stored;
byte taken;
byte over; /* callers that are done */
byte extra; /* places taken by who must not be refused */

#define is_full (entered >= left_count + MOST)

inline lock_mutex() { d_step { !mutex -> mutex = true } }

#if CALLERS > 2
#define or_the_third(asleep) :: asleep[2] -> asleep[2] = false
#else
#define or_the_third(asleep)
#endif

/* Whichever. */
#define wake_one(asleep)                                                                           \
    atomic {                                                                                       \
        if                                                                                         \
        :: asleep[0] -> asleep[0] = false                                                          \
        :: asleep[1] -> asleep[1] = false                                                          \
        or_the_third(asleep)                                                                       \
        :: else                                                                                    \
        fi                                                                                         \
    }

/* ---- callers ---- */

inline look_who_has_entered()
{
    d_step { e = entered; was_full = was_full || is_full }
}

/* In the order of LEFT_READ_FIRST it may be refused without there having been a full moment. */
inline try_enter()
{
    was_full = false;
#ifdef LEFT_READ_FIRST
    d_step { l = left_count; was_full = is_full };
#endif
    look_who_has_entered();
    do
    ::
#ifndef LEFT_READ_FIRST
        l = left_by_then;
        if
        :: e >= l + MOST -> l = left_count; left_by_then = l
        :: else
        fi;
#endif
        if
        :: e >= l + MOST -> has_entered = false; assert(was_full); break
        :: else ->
#ifdef ENTERED_ADDED
            d_step { entered++; has_entered = true };
#else
            d_step {
                if
                :: entered == e -> entered++; has_entered = true
                :: else -> e = entered; was_full = is_full
                fi
            };
#endif
            if
            :: has_entered -> assert(entered <= left_count + MOST + extra); break
            :: else
            fi
        fi
    od
}

inline wait_as_first()
{
    if
    :: wanted = 1
    :: wanted = 2
    fi;
#ifdef COUNTED_FROM_LEFT
    at = left_count + wanted;
#else
    at = (entered + wanted > MOST -> entered + wanted - MOST : 0);
#endif
    wake_at = at;
#ifndef NO_SECOND_LOOK
    if
    :: left_count >= at
    :: else ->
#endif
        d_step { waits_for_places[me] = true; mutex = false };
        if
        :: !waits_for_places[me]
        :: may_give_up -> waits_for_places[me] = false
#ifndef SLEPT_FOR_TWO
        :: wanted > 1 -> waits_for_places[me] = false
#endif
        fi;
        lock_mutex();
#ifndef NO_SECOND_LOOK
    fi;
#endif
    wake_at = nobody
}

inline wait_in_line()
{
    in_line++;
    d_step { waits_in_line[me] = true; mutex = false };
    if
    :: !waits_in_line[me]
    :: may_give_up -> waits_in_line[me] = false
    fi;
    lock_mutex();
    in_line--
}

#define free_places (left_count + MOST - entered)

inline call_next()
{
#ifndef NOBODY_CALLED
    if
#ifdef CALLED_ON_ENTRY_ONLY
    :: !has_first && has_entered ->
#else
    :: !has_first ->
#endif
        wake_one(waits_in_line);
        if
        :: entered < left_count + MOST && free_places > MOST / 2 -> wake_one(waits_in_line)
        :: else
        fi
    :: else
    fi
#else
    skip
#endif
}

inline think_of_giving_up()
{
    has_waited = true;
    if
    :: may_give_up -> gives_up = true
    :: true
    fi
}

#ifdef STANDS_IN_NO_LINE
#define is_its_turn has_waited
#else
#define is_its_turn (has_waited || in_line == 0)
#endif

/* Who has just come may be first only if it likes, where others have been called: if places come quickly. */
inline wait_enter()
{
    lock_mutex();
    try_enter();
    do
    :: has_entered -> break
    :: !has_entered && gives_up -> try_enter(); break
    :: !has_entered && !gives_up && (is_first || !has_first) && (is_first || is_its_turn || in_line != 0) ->
        is_first = true;
        has_first = true;
        wait_as_first();
        try_enter();
        think_of_giving_up()
    :: !has_entered && !gives_up && !is_first && (has_first || !is_its_turn) ->
        wait_in_line();
        think_of_giving_up()
    od;
    if
    :: is_first -> is_first = false; has_first = false
    :: else
    fi;
    call_next();
    mutex = false
}

proctype caller(byte me)
{
    byte e, l, at, wanted, sent;
    bool was_full, has_entered, has_waited, is_first, gives_up;
    bool may_give_up = me < IMPATIENT;

    do
    :: sent < ENTRIES ->
        sent++;
        try_enter();
        if
        :: has_entered
        :: else -> wait_enter()
        fi;
        if
        :: has_entered -> stored++
        :: else
        fi;
        has_entered = false;
        has_waited = false;
        gives_up = false
    :: else -> break
    od;
    over++
}

/* A coroutine that goes on. */
#ifdef ANYWAY
active proctype resumed()
{
    d_step { entered++; extra++ };
    stored++
}
#endif

/* ---- workers ---- */

inline leave()
{
#ifdef WAKE_AT_READ_FIRST
    to_wake = wake_at;
    d_step { left_count++; now_left = left_count };
#else
    d_step { left_count++; now_left = left_count };
    to_wake = wake_at;
#endif
    if
    :: now_left >= to_wake ->
        d_step { to_wake = wake_at; wake_at = nobody };
        if
        :: to_wake != nobody ->
#ifdef WOKEN_WITHOUT_MUTEX
            wake_one(waits_for_places)
#else
            lock_mutex();
            wake_one(waits_for_places);
            mutex = false
#endif
        :: else
        fi
    :: else
    fi;
    to_wake = 0;
    now_left = 0
}

active [WORKERS] proctype worker()
{
    byte to_wake, now_left;

end_idle:
    do
    :: d_step { taken < stored -> taken++ };
        leave()
    od
}

init
{
    byte at;

    atomic {
        do
        :: at < CALLERS -> run caller(at); at++
        :: else -> break
        od
    };
    timeout ->
    d_step {
        assert(over == CALLERS);
        assert(left_count == entered)
    }
}
