/* SPDX-License-Identifier: MIT

   The lane (detail/queue/lane.hpp): one producer, several consumers, blocks that are recycled.

   Checked  Each task runs exactly once; tasks are taken in the order of their submits; no closure is
            constructed over another, run before it is there, or freed with its block; no freed block
            is touched; at the end the lane's last block and its spare are all that is left.
   Left out Store buffers: a task is published by a release store and everything else is handed over
            under the consumer lock, by `unfinished` (acquire and release) or by the spare (release,
            acquire), so that the model may be sequentially consistent. A try-lock that fails is tried
            again later, so here the consumer waits. Closures on the heap; handing the lane to another
            thread. One place for a spare.

   Configurations                              states
     TASKS=7                                4,065,287
     CONSUMERS=3 TASKS=4                    1,293,818
     THROWN_COPIES=2 (tombstones)           3,628,142
     SLOTS=1 BLOCKS=6                       5,627,418

   Mutants, each found at once
     NO_CONSUMER_SHARE    `unfinished` starts at the number of slots: a task is lost
     RECYCLED_WHEN_TAKEN  a task's share is given up when it is taken: its closure goes with the block
     TYPE_KEPT            a slot's type is not reset: a task is taken that is not there
     TYPE_BEFORE_CLOSURE  published, then constructed: runs what is not there
     NEXT_KEPT            (TASKS=7) a recycled block keeps `next`: the head runs ahead into a freed block
     SPARE_STORED         the spare is set by load and store: of two blocks one leaks */

#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef BLOCKS
#define BLOCKS 4 /* more than can be in use at a time */
#endif
#ifndef TASKS
#define TASKS 5
#endif
#ifndef THROWN_COPIES
#define THROWN_COPIES 0
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif

/* A block is freed when its last share is given up: one a slot, and one of the consumer side. */
#ifdef NO_CONSUMER_SHARE
#define SHARES SLOTS
#else
#define SHARES (SLOTS + 1)
#endif

#define none BLOCKS
#define slot_of(block, index) ((block) * SLOTS + (index))

#define empty 0
#define task 1
#define tombstone 2

/* Of each block, and of each of its slots. */
bool in_use[BLOCKS];
byte next[BLOCKS];
byte unfinished[BLOCKS];
byte type[BLOCKS * SLOTS];
byte closure[BLOCKS * SLOTS]; /* which task's; 0: none is constructed there */

/* The lane. */
byte spare = none;
bool taking; /* the consumer lock */
byte head_block;
byte head_slot;

/* What the checks need. */
byte tail_block;
byte thrown;
byte ran;
byte last_taken;
byte ran_times[TASKS + 1];

inline allocate(block)
{
    d_step {
        block = 0;
        do
        :: block < BLOCKS && in_use[block] -> block++
        :: else -> break
        od;
        assert(block < BLOCKS);
        in_use[block] = true;
        next[block] = none;
        unfinished[block] = SHARES;
        at = 0;
        do
        :: at < SLOTS -> type[slot_of(block, at)] = empty; at++
        :: else -> break
        od;
        at = 0
    }
}

inline deallocate(block)
{
    d_step {
        assert(in_use[block]);
        in_use[block] = false;
        at = 0;
        do
        :: at < SLOTS -> assert(closure[slot_of(block, at)] == 0); at++
        :: else -> break
        od;
        at = 0
    }
}

/* ---- the producer ---- */

/* The only taker of the spare: two plain accesses, no read-modify-write. */
inline append_block()
{
    fresh = spare;
    if
    :: fresh != none -> spare = none
    :: else -> allocate(fresh)
    fi;
    d_step { assert(in_use[tail_block]); next[tail_block] = fresh };
    d_step { tail_block = fresh; tail_slot = 0; fresh = none }
}

inline construct(slot)
{
    d_step {
        assert(in_use[tail_block]);
        assert(closure[slot] == 0);
        closure[slot] = sent
    }
}

inline set_type(slot, value)
{
    d_step { assert(in_use[tail_block]); type[slot] = value }
}

proctype producer()
{
    byte sent, tail_slot, fresh = none, at;

    do
    :: sent < TASKS ->
        sent++;
        if
        :: tail_slot == SLOTS -> append_block()
        :: else
        fi;
        if
        :: true ->
#ifdef TYPE_BEFORE_CLOSURE
            set_type(slot_of(tail_block, tail_slot), task);
            construct(slot_of(tail_block, tail_slot))
#else
            construct(slot_of(tail_block, tail_slot));
            set_type(slot_of(tail_block, tail_slot), task)
#endif
        :: thrown < THROWN_COPIES ->
            thrown++;
            set_type(slot_of(tail_block, tail_slot), tombstone)
        fi;
        tail_slot++
    :: else -> break
    od
}

/* ---- the consumers ---- */

#define something_to_take                                                                          \
    (head_slot == SLOTS -> next[head_block] != none : type[slot_of(head_block, head_slot)] != empty)

inline keep_or_free(block)
{
#ifdef SPARE_STORED
    if
    :: spare == none -> spare = block
    :: else -> deallocate(block)
    fi
#else
    atomic {
        if
        :: spare == none -> spare = block
        :: else -> deallocate(block)
        fi
    }
#endif
}

inline give_up_shares(block, count)
{
    d_step {
        assert(in_use[block]);
        assert(unfinished[block] >= count);
        unfinished[block] = unfinished[block] - count;
        is_last = (unfinished[block] == 0)
    };
    if
    :: is_last ->
        is_last = false;
        unfinished[block] = SHARES;
#ifndef NEXT_KEPT
        next[block] = none;
#endif
        keep_or_free(block)
    :: else
    fi
}

inline move_head_on()
{
    d_step { head_block = after; after = none; head_slot = 0 }
}

/* Of the blocks that were passed under the lock, when it is held no more. */
inline let_go_of_passed()
{
#ifndef NO_CONSUMER_SHARE
    do
    :: passed != reached ->
        d_step { assert(in_use[passed]); old = passed; passed = next[old] };
        give_up_shares(old, 1);
        old = none
    :: else -> break
    od;
#endif
    atomic { passed = none; reached = none }
}

inline bury_tombstone()
{
    type[slot_of(head_block, head_slot)] = empty;
    head_slot++;
    give_up_shares(head_block, 1)
}

/* Under the lock. Ends with the block and slot of a task, or with block == none. */
inline pop()
{
    do
    :: head_slot == SLOTS ->
        d_step { assert(in_use[head_block]); after = next[head_block] };
        if
        :: after == none -> break
        :: else -> move_head_on()
        fi
    :: else ->
        d_step { assert(in_use[head_block]); kind = type[slot_of(head_block, head_slot)] };
        if
        :: kind == empty -> break
        :: kind == tombstone -> bury_tombstone()
        :: kind == task ->
            d_step {
                block = head_block;
                slot = slot_of(head_block, head_slot);
                head_slot++;
                assert(closure[slot] > last_taken);
                last_taken = closure[slot]
            };
#ifdef RECYCLED_WHEN_TAKEN
            give_up_shares(block, 1);
#endif
            break
        fi
    od;
    kind = empty
}

inline run_in_place()
{
    d_step { assert(closure[slot] != 0); id = closure[slot] };
    d_step { assert(closure[slot] == id); ran_times[id]++; ran++; id = 0; closure[slot] = 0 };
#ifndef TYPE_KEPT
    type[slot] = empty;
#endif
    slot = 0
}

/* The shares of consecutive tasks of one block are given up together. */
inline settle()
{
    if
    :: batch != 0 -> give_up_shares(batch_block, batch); batch = 0
    :: else
    fi;
    batch_block = none
}

proctype consumer()
{
    byte block = none, slot, kind, id, after = none, at;
    byte passed = none, reached = none, old = none;
    byte batch_block = none, batch;
    bool is_last;

end_idle:
    do
    :: atomic { (batch != 0 || something_to_take) && !taking -> taking = true; passed = head_block };
        pop();
        atomic { reached = head_block; taking = false };
        let_go_of_passed();
        if
        :: block == none || block != batch_block -> settle()
        :: else
        fi;
        if
        :: block != none ->
            run_in_place();
#ifndef RECYCLED_WHEN_TAKEN
            batch++;
#endif
            batch_block = block;
            block = none
        :: else
        fi
    od
}

/* ---- at the end ---- */

inline check_all_ran_once()
{
    assert(ran + thrown == TASKS);
    at = 1;
    do
    :: at <= TASKS -> assert(ran_times[at] <= 1); at++
    :: else -> break
    od
}

/* The lane's last block and its spare are all there is. */
inline check_no_leak()
{
    assert(head_block == tail_block);
    assert(unfinished[head_block] == SHARES - head_slot);
    count = 0;
    at = 0;
    do
    :: at < BLOCKS -> count = count + in_use[at]; at++
    :: else -> break
    od;
    assert(count == 1 + (spare != none))
}

init
{
    byte at, count, first;

    atomic {
        allocate(first);
        run producer();
        do
        :: at < CONSUMERS -> run consumer(); at++
        :: else -> break
        od
    };
    timeout ->
    d_step {
        check_all_ran_once();
        check_no_leak()
    }
}
