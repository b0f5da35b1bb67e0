/* SPDX-License-Identifier: MIT

   A coroutine that waits for somebody else's code (detail/coroutine/outside_wait.hpp): who settles what
   it waits for, itself while it comes to rest, and whoever closes its executor meet in any order.

   Checked  The coroutine has one fate: it goes on at once, is resumed, or is destroyed. Nobody touches its
            frames when it may be running again or is gone; with SHARED, that includes who settles, until
            he has. Whoever closes leaves none behind that waits.
            With STOPPED somebody also asks it to stop, and it goes on; its frames are its own then.
   Left out What is written when it is settled, which the claim of one caller guards. Several waits for one
            event after each other.

   Configurations    states
     (own frames)       119
     SHARED             131
     NEVER_SETTLED       32
     STOPPED            551
     STOPPED, NEVER_SETTLED and NEVER_CLOSED  58

   Mutants, each found at once
     LINKED_UNLOCKED    it enters itself in the event, and only then on the list: who closes misses it
     OVER_NOT_HEEDED    it comes onto the list when that has been closed
     TAKEN_UNASKED      who closes takes what is on the list without asking the event
     RESUMED_FIRST      who settles has it go on before he takes it off the list
     DESTROYED_AT_ONCE  who closes destroys it while others may touch its frames (SHARED)
     NOT_LOOKED         it enters itself, and does not look whether it was asked to stop meanwhile
     STOPPED_ON_THE_LIST  who asks it to stop has it go on before he takes it off the list */

#define none 0
#define waits 1   /* at rest, and on the list */
#define lost 2    /* being given up */
#define late 3    /* given up; who settles it destroys it */
#define settled 4
byte waiter = none;

bool locked; /* the books */
bool over;
bool listed;
bool is_asked; /* to stop */

/* What the checks need. */
byte fates;      /* went on, was resumed, or was destroyed */
bool is_settled; /* nobody else touches the frames any more */

inline lock() { d_step { !locked -> locked = true } }
inline unlock() { locked = false }

inline meet_fate() { d_step { fates++; assert(fates == 1) } }

/* Its frames are there, and it does not run. */
inline touch() { assert(fates == 0) }

inline destroy()
{
    d_step {
#ifdef SHARED
        assert(is_settled);
#endif
        fates++;
        assert(fates == 1)
    }
}

/* It was given up by who calls this. */
inline give_up()
{
    touch();
#if defined(SHARED) && !defined(DESTROYED_AT_ONCE)
    d_step {
        if
        :: waiter == lost -> waiter = late; gone = true
        :: else -> gone = false
        fi
    };
    if
    :: gone
    :: else -> destroy()
    fi
#else
    d_step {
        if
        :: waiter == lost -> waiter = none
        :: else
        fi
    };
    destroy()
#endif
}

active proctype coroutine()
{
    bool gone, is_first;

#ifdef LINKED_UNLOCKED
    d_step { is_first = waiter == none; if :: is_first -> waiter = waits :: else fi };
    lock();
    if
    :: is_first -> listed = true; unlock()
    :: else -> unlock(); meet_fate()
    fi
#else
    lock();
    if
#ifndef OVER_NOT_HEEDED
    :: over ->
        unlock();
#ifdef SHARED
        d_step { is_first = waiter == none; if :: is_first -> waiter = lost :: else fi };
        if
        :: is_first -> give_up()
        :: else -> meet_fate()
        fi
#else
        meet_fate()
#endif
#endif
    :: else ->
        d_step { is_first = waiter == none; if :: is_first -> waiter = waits :: else fi };
#if defined(STOPPED) && !defined(NOT_LOOKED)
        if
        :: is_first && is_asked ->
            d_step { if :: waiter == waits -> waiter = none; is_first = false :: else fi }
        :: else
        fi;
#endif
        if
        :: is_first -> listed = true
        :: else
        fi;
        unlock();
        if
        :: is_first
        :: else -> meet_fate()
        fi
    fi
#endif
}

#ifdef STOPPED
active proctype stopper()
{
    bool is_mine;

    is_asked = true;
    d_step { is_mine = waiter == waits; if :: is_mine -> waiter = none :: else fi };
    if
    :: is_mine ->
#ifdef STOPPED_ON_THE_LIST
        meet_fate();
#endif
        lock();
#ifndef STOPPED_ON_THE_LIST
        touch();
#endif
        listed = false;
        unlock();
#ifndef STOPPED_ON_THE_LIST
        meet_fate()
#endif
    :: else
    fi
}
#endif

active proctype settler()
{
    byte found;

#ifdef NEVER_SETTLED
end_never:
    false;
#endif
    d_step { found = waiter; waiter = settled; is_settled = true };
    if
    :: found == waits ->
#ifdef RESUMED_FIRST
        meet_fate();
#endif
        lock();
#ifndef RESUMED_FIRST
        touch();
#endif
        listed = false;
        unlock();
#ifndef RESUMED_FIRST
        meet_fate()
#endif
    :: found == late -> destroy()
    :: else
    fi
}

active proctype closer()
{
    bool gone, taken;

#ifdef NEVER_CLOSED
end_never:
    false;
#endif
    lock();
    over = true;
    if
    :: listed ->
        touch();
#ifdef TAKEN_UNASKED
        d_step { taken = true; if :: waiter == waits -> waiter = lost :: else fi };
#else
        d_step { taken = waiter == waits; if :: taken -> waiter = lost :: else fi };
#endif
        if
        :: taken -> listed = false
        :: else
        fi
    :: else
    fi;
    unlock();
    if
    :: taken -> give_up()
    :: else
    fi
}

active proctype checks()
{
#if defined(SHARED) && defined(NEVER_SETTLED)
    timeout -> assert((fates == 1 || waiter == late) && !listed)
#else
    timeout -> assert(fates == 1 && !listed)
#endif
}
