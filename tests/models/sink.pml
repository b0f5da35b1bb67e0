/* SPDX-License-Identifier: MIT

   The global sink (detail/errors/sink_slot.hpp): threads that use it, with a pin or counted, while others
   replace it.

   Checked  Nobody uses a sink that is destroyed. When all have left, those that were replaced are destroyed.
   Left out How pins are claimed. Who uses a sink twice: the second time he is counted, as one without a pin.
   Memory   What is written to a pin may be seen by others any time later: when init comes to it, or a heavy
            barrier, or its owner takes the lock. A light barrier does nothing.

   Configurations           states
     (two with pins)    11,304,451

   Mutants, each found at once
     LOOKED_FIRST      who pins a sink looks whether it is in force, and pins it then
     NO_HEAVY_BARRIER  who replaces a sink looks for pins without one
     LISTED_EARLY      who replaces a sink puts it on the list, and passes the barrier then
     RETRIED_IN_SILENCE  who has pinned a sink that was replaced meanwhile does not look through the list
     LEFT_IN_SILENCE   who takes his pin off does not look whether the sink was replaced
     LEFT_LATE         he looks, and takes it off then
     NOT_COUNTED       who has no pin is not asked for when sinks are destroyed */

#ifndef USERS
#define USERS 2 /* with pins */
#endif
#ifndef REPLACED
#define REPLACED 2 /* sinks: 1 is the first one, and 0 stands for none */
#endif
#ifndef USES
#define USES 1 /* of each */
#endif

byte in_force = 1;
byte pin[USERS];
chan buffer[USERS] = [3] of { byte }; /* what is written to a pin and not yet seen */
bool listed[REPLACED + 2];
byte counted[REPLACED + 2];
bool destroyed[REPLACED + 2];
bool locked;
byte users = USERS + 1;

inline flush(whose)
{
    do
    :: nempty(buffer[whose]) -> buffer[whose] ? pin[whose]
    :: empty(buffer[whose]) -> break
    od;
    skip
}

inline heavy()
{
#ifndef NO_HEAVY_BARRIER
    atomic {
        for (i : 0 .. USERS - 1) { flush(i) }
        i = 0
    }
#endif
    skip
}

inline lock() { atomic { !locked -> locked = true } }
inline unlock() { locked = false }

/* Looks through the list. */
inline destroy_unused()
{
    lock();
    for (one : 1 .. REPLACED) {
        if
        :: listed[one] ->
            is_used = false;
#ifndef NOT_COUNTED
            is_used = (counted[one] > 0);
#endif
            for (i : 0 .. USERS - 1) { is_used = is_used || pin[i] == one }
            if
            :: !is_used -> listed[one] = false; destroyed[one] = true
            :: else
            fi
        :: else
        fi
    }
    atomic { one = 0; i = 0; is_used = false };
    unlock()
}

proctype user(byte me)
{
    byte seen, now, one, i, k;
    bool is_used, is_over;

    for (k : 1 .. USES) {
        do
        :: seen = in_force;
#ifdef LOOKED_FIRST
            now = in_force;
            buffer[me] ! seen;
#else
            buffer[me] ! seen;
            now = in_force;
#endif
            if
            :: now == seen -> break
            :: else -> buffer[me] ! 0;
#ifndef RETRIED_IN_SILENCE
                atomic { flush(me) };
                destroy_unused()
#endif
            fi
        od;
        now = 0;
        assert(!destroyed[seen]);
        skip; /* uses it */
        assert(!destroyed[seen]);
#ifdef LEFT_LATE
        is_over = (in_force != seen);
        buffer[me] ! 0;
#else
        buffer[me] ! 0;
        is_over = (in_force != seen);
#endif
#ifdef LEFT_IN_SILENCE
        is_over = false;
#endif
        if
        :: is_over -> atomic { flush(me) }; destroy_unused()
        :: else
        fi
    }
    atomic { flush(me) }; /* sooner or later */
    users--
}

proctype counted_user()
{
    byte seen, one, i;
    bool is_used;

    lock();
    seen = in_force;
    counted[seen]++;
    unlock();
    assert(!destroyed[seen]);
    skip; /* uses it */
    assert(!destroyed[seen]);
    lock();
    counted[seen]--;
    unlock();
    destroy_unused();
    users--
}

proctype replacer()
{
    byte old, one, i;
    bool is_used;

    do
    :: old == REPLACED -> break
    :: else ->
        lock();
        old = in_force;
        in_force = old + 1;
#ifdef LISTED_EARLY
        listed[old] = true;
        unlock();
        heavy();
#else
        heavy();
        listed[old] = true;
        unlock();
#endif
        destroy_unused()
    od;
    users == 0;
    for (one : 1 .. REPLACED) { assert(destroyed[one]) }
}

init
{
    byte i;
    atomic {
        for (i : 0 .. USERS - 1) { run user(i) }
        run counted_user();
        run replacer();
    }
end:
    do
    :: atomic { nempty(buffer[0]) -> buffer[0] ? pin[0] }
#if USERS > 1
    :: atomic { nempty(buffer[1]) -> buffer[1] ? pin[1] }
#endif
    od
}
