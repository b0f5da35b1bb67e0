/* SPDX-License-Identifier: MIT

   The kind of barrier that changes (detail/platform/asymmetric_barrier.hpp) while others rely on it: one
   thread stores and passes a light barrier, two store and pass a heavy one, each loads what the other has
   stored. A third has the barrier become asymmetric, and at any time a sandbox may refuse the system call.

   Checked  Of one who passes a light barrier and one who passes a heavy one, one sees the other's store.
   Memory   A store reaches one thread after the other, as on POWER: each has its own view, of what is stored
            and of the kind, which only grows. A fence waits until all threads have what its own thread has
            stored and seen; the pause of who gives up, until all have all. The system call is a fence of each.

   Configurations    states
     (all)           482,123

   Mutants, each found at once
     BEGUN_AT_ONCE   it becomes asymmetric in one step
     NO_FENCE        in two, without the fence between them
     ENDED_AT_ONCE   it becomes symmetric before the pause
     NO_PAUSE        there is none
     LIGHT_RELIES    while it begins or ends, a light barrier is no fence
     HEAVY_RELIES    while it begins or ends, a heavy one is only a fence */

#define heavies 2
#define light_one heavies
#define setter (heavies + 1)
#define threads (heavies + 2)

#define undecided 0
#define symmetric 1
#define asymmetric 2
#define beginning 3
#define ending 4

#define most_kinds 8

byte kinds[most_kinds]; /* all that the kind has been, in its order */
byte latest;
byte seen[threads]; /* the last of these that a thread has seen */
bool is_stored[heavies];   /* by who passes a heavy barrier */
bool is_there[heavies];    /* for who passes the light one */
bool is_light_stored;      /* by who passes the light one */
bool is_light_there[heavies];
bool is_refused;
bool light_missed[heavies];
bool heavy_missed[heavies];

#define kind_for(self) (kinds[seen[self]])

/* Whether all have what `self` has seen of the kind. */
#define has_spread(self)                                                                           \
    (seen[0] >= seen[self] && seen[1] >= seen[self] && seen[2] >= seen[self] && seen[3] >= seen[self])
#define light_is_there (!is_light_stored || (is_light_there[0] && is_light_there[1]))

inline change(self, kind)
{
    assert(latest + 1 < most_kinds);
    latest++;
    kinds[latest] = kind;
    seen[self] = latest
}

inline give_up(self)
{
#ifdef ENDED_AT_ONCE
    d_step { change(self, symmetric) };
#else
    d_step { change(self, ending) };
#endif
#ifndef NO_PAUSE
    latest == seen[0] && latest == seen[1] && latest == seen[2] && latest == seen[3] && light_is_there;
#endif
#ifndef ENDED_AT_ONCE
    d_step { change(self, symmetric) }
#endif
}

proctype heavy(byte self)
{
    byte kind;

    is_stored[self] = true;
    is_there[self] && has_spread(self); /* BARRIER-1 */
    kind = kind_for(self);
    if
#ifdef HEAVY_RELIES
    :: kind == asymmetric ->
#else
    :: kind >= asymmetric ->
#endif
        if
        :: !is_refused -> light_is_there && has_spread(self) && has_spread(light_one)
        :: is_refused -> give_up(self)
        fi
    :: else
    fi;
    heavy_missed[self] = !is_light_there[self]
}

active proctype light()
{
    byte kind;

    is_light_stored = true;
    kind = kind_for(light_one);
    if
    :: kind == asymmetric
#ifdef LIGHT_RELIES
    :: kind > asymmetric
#endif
    :: else -> light_is_there && has_spread(light_one)
    fi;
    light_missed[0] = !is_there[0];
    light_missed[1] = !is_there[1]
}

active proctype chooser()
{
    if
    :: d_step { latest == 0 ->
#ifdef BEGUN_AT_ONCE
        change(setter, asymmetric) }
#else
        change(setter, beginning) };
#ifndef NO_FENCE
        has_spread(setter);
#endif
        if
        :: d_step { kinds[latest] == beginning -> change(setter, asymmetric) }
        :: kinds[latest] != beginning
        fi
#endif
    :: latest != 0
    fi
}

active proctype sandbox()
{
    is_refused = true
}

/* Stores reach others. */
active proctype memory()
{
end_idle:
    do
    :: d_step { seen[0] < latest -> seen[0]++ }
    :: d_step { seen[1] < latest -> seen[1]++ }
    :: d_step { seen[2] < latest -> seen[2]++ }
    :: d_step { seen[3] < latest -> seen[3]++ }
    :: is_stored[0] && !is_there[0] -> is_there[0] = true
    :: is_stored[1] && !is_there[1] -> is_there[1] = true
    :: is_light_stored && !is_light_there[0] -> is_light_there[0] = true
    :: is_light_stored && !is_light_there[1] -> is_light_there[1] = true
    od
}

init
{
    atomic { run heavy(0); run heavy(1) };
    timeout ->
    assert(!(light_missed[0] && heavy_missed[0]));
    assert(!(light_missed[1] && heavy_missed[1]))
}
