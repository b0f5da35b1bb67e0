#!/bin/sh
# How many instructions does a submit of a 32-byte closure take, how many does a worker take for that
# task, and how many does an item that goes through a channel? The difference of two runs under
# callgrind, so that what happens once falls out. Of a submit only the submitting thread counts, for the
# workers are held; of a task all other threads, on which callgrind lets one run at a time; of an item
# all that the program does, on one worker. empty_loop is what the loop itself takes.
#
#   instructions.sh <bench_instructions> [--quick]
#   instructions.sh <bench_instructions> --check
#
# bench_channel stands beside it. With --check only the library's submit and task are counted, and it
# fails where they take more than they may: so does a compiler that no longer inlines what it should.
set -eu
program=$1
few=20000
many=60000
if [ "${2:-}" = --quick ]; then
    few=1000
    many=3000
fi
most_per_submit=43
most_per_task=110

collected() { # <peer> <tasks> <program> [what to count]
    valgrind --tool=callgrind --callgrind-out-file=/dev/null ${4:+"$4"} \
        "$3" --peer="$1" --tasks="$2" 2>&1 | sed -n 's/.*Collected : //p'
}

kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
by_workers() { # <peer> <tasks> <program>
    rm -f "$kept"/*
    valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file="$kept/of" \
        "$3" --peer="$1" --tasks="$2" >"$kept/said" 2>&1
    awk '/^totals:/ && FILENAME !~ /-01$/ { sum += $2 } END { printf "%d\n", sum }' "$kept"/of-*
}

difference() { # <peer> <program> [what to count]
    echo $(($(collected "$1" $many "$2" "${3:-}") - $(collected "$1" $few "$2" "${3:-}")))
}

tell() { # <peer> <metric> <instructions of all>
    echo "$1 $2 $3 $((many - few))" |
        awk '{ printf "instructions,%s,%s,%.4g,instructions\n", $1, $2, $3 / $4 }'
}

submit() { # <peer>
    tell "$1" instructions_per_submit \
        "$(difference "$1" "$program" --toggle-collect='*submit_loop*')"
}
task() { # <peer>
    tell "$1" instructions_per_task \
        "$(($(by_workers "$1" $many "$program") - $(by_workers "$1" $few "$program")))"
}

if [ "${2:-}" = --check ]; then
    peer=fire_and_forget/one_thread
    (submit $peer && task $peer) |
        awk -F, -v submit=$most_per_submit -v task=$most_per_task '
            { print }
            $3 == "instructions_per_submit" { seen++; over += $4 > submit }
            $3 == "instructions_per_task" { seen++; over += $4 > task }
            END { exit seen != 2 || over > 0 }'
    exit
fi

"$program" | while read -r peer; do
    submit "$peer"
    [ "$peer" = empty_loop ] || task "$peer"
done
tell fire_and_forget/fixed instructions_per_item \
    "$(difference fire_and_forget "$(dirname "$program")/bench_channel")"
