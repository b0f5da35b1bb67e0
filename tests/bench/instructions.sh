#!/bin/sh
# How many instructions does a submit of a 32-byte closure take? The difference of two runs under
# callgrind, so that what happens once falls out; the workers are held, so that only the submitting
# thread counts. empty_loop is what the loop itself takes.
#
#   instructions.sh <the program> [--quick]
set -eu
program=$1
few=20000
many=60000
if [ "${2:-}" = --quick ]; then
    few=1000
    many=3000
fi

collected() { # <peer> <tasks>
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*submit_loop*' \
        "$program" --peer="$1" --tasks="$2" 2>&1 | sed -n 's/.*Collected : //p'
}

"$program" | while read -r peer; do
    difference=$(($(collected "$peer" $many) - $(collected "$peer" $few)))
    echo "$peer $difference $((many - few))" |
        awk '{ printf "instructions,%s,instructions_per_submit,%.4g,instructions\n", $1, $2 / $3 }'
done
