/* SPDX-License-Identifier: MIT

   The channel of coroutines (detail/coroutine/channel_core.hpp) and its ring (bounded_ring.hpp): producers
   and consumers who claim cells, wait, and serve each other, and one who closes it.

   Checked  Each item that was taken is popped once, and what was refused is not. A cell is filled when it is
            empty, and emptied when it is full. Nobody waits for ever: once it is closed, all come to their end.
            There are never more items than it has room for.
   Left out The order of those who wait. Who is stopped while he waits: he leaves the queue under the lock,
            as one who is served. Positions that come again. It has one producer and one consumer unless it
            is told otherwise, and takes long then.
   Memory   Passing a turn on may be seen by others any time later: when init comes to it, or a heavy
            barrier, or who has passed it on leaves the lock or passes on the next.

   Configurations           states
     (room for one)         143,374

   Mutants, each found at once
     LOOKED_FIRST      who is about to wait looks at the ring, and says so then
     NO_HEAVY_BARRIER  who is about to wait does not have those seen who have claimed a cell before
     LOOKED_EARLY      who has a cell looks for those who wait before he passes the turn on
     TURN_NOT_ASKED    a cell is claimed for there is one less, or more: it may still be in use
     CLOSED_IN_SILENCE  who closes it does not look for those who wait
     DRAINED_IN_SILENCE  those who wait for items go on when it is closed, and not when it is drained */

#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef PRODUCERS
#define PRODUCERS 1
#endif
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef ITEMS
#define ITEMS 2 /* of each producer */
#endif
#define ACTORS (PRODUCERS + CONSUMERS)
#define nothing 255

/* The ring. */
byte turn[CAPACITY];
byte cell[CAPACITY]; /* 0: it is empty */
byte tail;
byte head;
bool closed;

/* What each has passed on that nobody else has seen yet: the cell, or nothing. */
byte delayed[ACTORS + 1];

/* Those who wait. */
#define pushing 1
#define popping 2
bool locked;
bool awaited[3];
byte waits_at[ACTORS];
bool served[ACTORS];
byte place[ACTORS]; /* an item, or 0 */

/* What the checks need. */
byte taken;
byte popped;
byte seen[PRODUCERS * ITEMS + 1];

inline publish(whose)
{
    if
    :: delayed[whose] != nothing -> turn[delayed[whose]]++; delayed[whose] = nothing
    :: else
    fi
}

inline heavy()
{
#ifdef NO_HEAVY_BARRIER
    skip
#else
    d_step {
        for (i : 0 .. ACTORS) { publish(i) }
        i = 0
    }
#endif
}

inline lock() { d_step { !locked -> locked = true } }
inline unlock() { d_step { publish(self); locked = false } }

#ifdef TURN_NOT_ASKED
#define may_claim(end) ((end == pushing && tail - head < CAPACITY) || (end == popping && head < tail))
#else
#define may_claim(end) (found == 2 * (at / CAPACITY) + (end == popping))
#endif
#define position(end) (end == pushing -> tail : head)

/* `claimed` is the cell, or nothing. */
inline try_claim(end)
{
    claimed = nothing;
    do
    :: end == pushing && closed -> break
    :: else ->
        at = position(end);
        found = turn[at % CAPACITY] + (delayed[self] == at % CAPACITY);
        if
        :: may_claim(end) ->
            d_step {
                if
                :: end == pushing && tail == at && !closed -> tail++; claimed = at % CAPACITY
                :: end == popping && head == at -> head++; claimed = at % CAPACITY
                :: else
                fi
            };
            if
            :: claimed != nothing -> break
            :: else
            fi
        :: else ->
            if
            :: position(end) == at -> break
            :: else
            fi
        fi
    od;
    skip;
    d_step { at = 0; found = 0 }
}

/* Between a cell and the place of `who`. */
inline move(end, who)
{
    if
    :: end == pushing ->
        d_step {
            assert(cell[claimed] == 0);
            cell[claimed] = place[who];
            place[who] = 0;
            taken++;
            assert(taken - popped <= CAPACITY + CONSUMERS)
        }
    :: else ->
        d_step {
            assert(cell[claimed] != 0);
            place[who] = cell[claimed];
            cell[claimed] = 0
        }
    fi
}

inline pass_on() { d_step { publish(self); delayed[self] = claimed } }

#ifdef DRAINED_IN_SILENCE
#define is_over(end) (closed && (end == pushing || (by_closer && head == tail)))
#else
#define is_over(end) (closed && (end == pushing || head == tail))
#endif

/* One of those who wait at `end`; nothing, if none does. */
inline choose(end)
{
    d_step {
        other = nothing;
        for (i : 0 .. ACTORS - 1) {
            if
            :: waits_at[i] == end && other == nothing -> other = i
            :: else
            fi
        }
        i = 0
    }
}

inline note(end)
{
    d_step {
        awaited[end] = false;
        for (i : 0 .. ACTORS - 1) {
            if
            :: waits_at[i] == end -> awaited[end] = true
            :: else
            fi
        }
        i = 0
    }
}

inline serve_one(end)
{
    lock();
    choose(end);
    if
    :: other == nothing -> claimed = nothing; note(end); unlock()
    :: else ->
        try_claim(end);
        if
        :: claimed != nothing -> waits_at[other] = 0; note(end); unlock();
            move(end, other);
            pass_on();
            served[other] = true
        :: claimed == nothing && is_over(end) -> waits_at[other] = 0; note(end); unlock();
            served[other] = true
        :: else -> other = nothing; note(end); unlock()
        fi
    fi
}

inline serve()
{
    do
    :: serve_one(popping);
        if
        :: other != nothing
        :: else ->
            serve_one(pushing);
            if
            :: other != nothing
            :: else -> break
            fi
        fi
    od
}

/* After what was claimed at `end` for oneself. */
inline finish(end, me)
{
    move(end, me);
#ifdef LOOKED_EARLY
    seen_awaited = awaited[3 - end];
    pass_on();
#else
    pass_on();
    seen_awaited = awaited[3 - end];
#endif
    if
    :: seen_awaited -> serve()
    :: else
    fi
}

/* Moves between the ring and place[me], waiting if need be. */
inline come(end, me)
{
    try_claim(end);
    if
    :: claimed != nothing -> finish(end, me)
    :: else ->
        lock();
#ifdef LOOKED_FIRST
        try_claim(end);
        awaited[end] = true;
#else
        d_step {
            awaited[end] = true;
            is_under_way = (tail - head != (end == pushing -> CAPACITY : 0))
        };
        if
        :: is_under_way -> heavy()
        :: else
        fi;
        is_under_way = false;
        try_claim(end);
#endif
        if
        :: claimed != nothing -> note(end); unlock(); finish(end, me)
        :: claimed == nothing && is_over(end) -> note(end); unlock()
        :: else -> waits_at[me] = end; unlock(); served[me]; served[me] = false
        fi
    fi
}

proctype producer(byte me)
{
    byte at, found, claimed, other, i, k;
    byte self = me;
    bool seen_awaited, is_under_way;
    bool by_closer = false;

    for (k : 1 .. ITEMS) {
        place[me] = me * ITEMS + k;
        come(pushing, me);
        if
        :: place[me] != 0 -> place[me] = 0; break /* it is closed */
        :: else
        fi
    }
}

proctype consumer(byte me)
{
    byte at, found, claimed, other, i;
    byte self = me;
    bool seen_awaited, is_under_way;
    bool by_closer = false;

    do
    :: come(popping, me);
        if
        :: place[me] == 0 -> break
        :: else ->
            d_step {
                seen[place[me]]++;
                assert(seen[place[me]] == 1);
                place[me] = 0;
                popped++
            }
        fi
    od;
    assert(closed && head == tail)
}

proctype closer()
{
    byte at, found, claimed, other, i;
    byte self = ACTORS;
    bool by_closer = true;

    closed = true;
#ifndef CLOSED_IN_SILENCE
    if
    :: awaited[pushing] || awaited[popping] -> serve()
    :: else
    fi
#endif
}

init
{
    byte i;
    atomic {
        for (i : 0 .. ACTORS) { delayed[i] = nothing }
        for (i : 0 .. PRODUCERS - 1) { run producer(i) }
        for (i : PRODUCERS .. ACTORS - 1) { run consumer(i) }
        run closer();
    }
    do
    :: _nr_pr == 1 -> break
    :: atomic { delayed[0] != nothing -> publish(0) }
    :: atomic { delayed[1] != nothing -> publish(1) }
    :: atomic { delayed[2] != nothing -> publish(2) }
#if ACTORS > 2
    :: atomic { delayed[3] != nothing -> publish(3) }
#endif
    od;
    assert(taken == popped);
    assert(head == tail)
}
