#!/bin/sh
# Runs the benchmarks and says how the library stands against its peers.
#
#   run.sh <directory of the programs> <directory for the results> [--quick]
#
# RUNS=n runs each program n times (5), each time beginning with another peer; idle, elasticity and
# fresh_blocking, which mostly wait, only once. Five runs take less than half an hour. Leaves raw.csv,
# summary.csv (median, least and most of the runs), elasticity.csv (what was seen over time), table.txt
# and the pictures. The machine should have nothing else to do.
set -eu
programs=$1
results=$2
quick=${3:---quick=no}
runs=${RUNS:-5}
here=$(dirname "$0")
questions="submit_cost submit_cost_apart burst producers fan_out recursion ordered paced gaps memory
    queue_length steady_allocations timers coroutines priorities back_pressure refusals channel"

for tool in datamash gnuplot; do
    command -v $tool >/dev/null || { echo "run.sh needs $tool" >&2; exit 1; }
done
mkdir -p "$results"

# What runs besides decides which cores the scheduler gives to whom, and with it everything else.
idle_share() { # in percent, over a second
    { head -n 1 /proc/stat; sleep 1; head -n 1 /proc/stat; } |
        awk '{ for (i = 2; i <= NF; ++i) all[NR] += $i; idle[NR] = $5 + $6 }
             END { printf "%d", 100 * (idle[2] - idle[1]) / (all[2] - all[1]) }'
}
quiet=$(idle_share)
if [ "$quiet" -lt 95 ]; then
    echo "run.sh: this machine is only $quiet % idle: do not trust the figures" >&2
fi

ask() { # question, run
    echo "run $2 of $runs: $1" >&2
    "$programs/bench_$1" "$quick" --rotate="$2" --series="$results/$1.csv" ||
        echo "run.sh: $1 has not been answered by all" >&2
}
run=1
while [ "$run" -le "$runs" ]; do
    for question in $questions; do
        ask "$question" "$run"
    done
    run=$((run + 1))
done >"$results/raw.csv"
for question in idle elasticity fresh_blocking; do
    ask $question 1
done >>"$results/raw.csv"

if command -v valgrind >/dev/null; then
    echo "instructions" >&2
    "$here/instructions.sh" "$programs/bench_instructions" "$quick" >>"$results/raw.csv"
else
    echo "run.sh: without valgrind no instructions are counted" >&2
fi

{
    echo question,peer,metric,unit,median,least,most
    datamash -t, -s -g 1,2,3,5 median 4 min 4 max 4 <"$results/raw.csv"
} >"$results/summary.csv"
awk -f "$here/table.awk" "$results/raw.csv" "$results/summary.csv" | tee "$results/table.txt"
gnuplot -e "results='$results'" "$here/pictures.gp"
echo "raw.csv, summary.csv, table.txt and the pictures are in $results" >&2
