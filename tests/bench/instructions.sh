#!/bin/sh
# How many instructions does a submit of a 32-byte closure take, and how many an item that goes
# through a channel? The difference of two runs under callgrind, so that what happens once falls out.
# Of a submit only the submitting thread counts, for the workers are held; of an item all that the
# program does, on one worker. empty_loop is what the loop itself takes.
#
#   instructions.sh <bench_instructions> [--quick]
#
# bench_channel stands beside it.
set -eu
program=$1
few=20000
many=60000
if [ "${2:-}" = --quick ]; then
    few=1000
    many=3000
fi

collected() { # <peer> <tasks> <program> [what to count]
    valgrind --tool=callgrind --callgrind-out-file=/dev/null ${4:+"$4"} \
        "$3" --peer="$1" --tasks="$2" 2>&1 | sed -n 's/.*Collected : //p'
}

difference() { # <peer> <program> [what to count]
    echo $(($(collected "$1" $many "$2" "${3:-}") - $(collected "$1" $few "$2" "${3:-}")))
}

tell() { # <peer> <metric> <instructions of all>
    echo "$1 $2 $3 $((many - few))" |
        awk '{ printf "instructions,%s,%s,%.4g,instructions\n", $1, $2, $3 / $4 }'
}

"$program" | while read -r peer; do
    tell "$peer" instructions_per_submit \
        "$(difference "$peer" "$program" --toggle-collect='*submit_loop*')"
done
tell fire_and_forget/fixed instructions_per_item \
    "$(difference fire_and_forget "$(dirname "$program")/bench_channel")"
