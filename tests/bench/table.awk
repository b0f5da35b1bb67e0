# awk -f table.awk raw.csv summary.csv
#
# The summary as a table: a block for each question, a row for each metric, in the order of raw.csv,
# and a column for each peer. Above a block stands what it asks. The last two columns name the best
# packaged peer and say what part of its figure the library's is; less than 1 is better. The library's
# is the pool as it comes; where a gate holds the workers, the one of fixed size.
BEGIN {
    FS = ","
    usual = "fire_and_forget"
    held = "fire_and_forget/fixed"
    split("timer samples tasks replaced 20us_samples 200us_samples timers sleepers pending_at_once " \
          "threads most_threads computing_most_threads thousand_earliest alone_share_of_low share_of_low share_of_normal items", words, " ")
    for (i in words) no_contest[words[i]] = 1

    asks["submit_cost"] = "What does one submit cost its caller? The workers keep up; free_: nobody waits for them."
    asks["submit_cost_apart"] = "The same where the caller has a core to itself and the workers have the others."
    asks["burst"] = "A million tasks from one thread: what does each cost until all are done?"
    asks["producers"] = "The same from 4 threads, and from 1,000."
    asks["fan_out"] = "Tasks that fire two more each: what does each cost until all are done?"
    asks["recursion"] = "A tree of tasks that add up: what does a leaf cost, and how much memory do those take that wait?"
    asks["ordered"] = "Eight million tasks that run one after the other in each of 1,000 places: at least half the rate of without_order, so at most twice its time."
    asks["paced"] = "A task every 20 or 200 us: what does the caller pay, and when does it start?"
    asks["gaps"] = "The same for other gaps, and for each way to wake a worker."
    asks["memory"] = "What does a task take that is queued?"
    asks["queue_length"] = "Does a task cost more when many are queued?"
    asks["steady_allocations"] = "How often does a submit ask for memory once the pool is warm?"
    asks["timers"] = "A million timers: what does each cost, and how late is it?"
    asks["coroutines"] = "A million coroutines that sleep: what does each take, and when are they done?"
    asks["priorities"] = "How long does a task of high priority wait behind a million others?"
    asks["back_pressure"] = "A producer that is faster than its consumer, with 1,024 places: what does a bound cost?"
    asks["refusals"] = "A call that is refused for a full queue: at most twice one that is accepted, whoever hears of it."
    asks["channel"] = "An item from one coroutine to another: 20 ns at most, 50 million a second, where there are places enough."
    asks["idle"] = "What does a pool cost that has nothing to do?"
    asks["elasticity"] = "A hundred tasks that block two threads: how many more come, and when are they done?"
    asks["fresh_blocking"] = "How soon does a short task start when all workers have just been blocked?"
    asks["instructions"] = "Instructions: 42 at most for a submit, 120 for an item of a channel, 110 for a task on the only worker of a pool."
}

function is_packaged(peer) { return peer !~ /^(fire_and_forget|bare_ring|empty_loop)/ }

function shown(value) {
    if (value == "") return "-"
    if (value == int(value) || value >= 100) return sprintf("%.0f", value)
    return sprintf(value >= 10 ? "%.1f" : "%.2f", value)
}

# The order of the columns: ours, its variants, the packaged peers, the limits.
function rank(peer) {
    if (peer == usual) return 1
    if (peer ~ /^fire_and_forget/) return 2
    return is_packaged(peer) ? 3 : 4
}

NR == FNR {
    if (!(($1, $2) in asked)) {
        asked[$1, $2] = 1
        if (!($1 in peers)) questions[++question_count] = $1
        peers[$1] = peers[$1] $2 " "
    }
    if (!(($1, $3) in unit)) {
        metrics[$1] = metrics[$1] $3 " "
        unit[$1, $3] = $5
    }
    next
}

FNR > 1 { median[$1, $2, $3] = $5 + 0 }

function print_row(question, metric, peer_list, peer_count,
                   i, peer, value, best, best_peer, ours) {
    printf "  %-32s %-12s", metric, unit[question, metric]
    for (i = 1; i <= peer_count; ++i) {
        peer = peer_list[i]
        value = ""
        if ((question, peer, metric) in median) {
            value = median[question, peer, metric]
            if (is_packaged(peer) && (best_peer == "" || value < best)) {
                best = value
                best_peer = peer
            }
        }
        printf " %*s", width(peer), shown(value)
    }
    ours = (question, usual) in asked ? usual : held
    if (best_peer != "" && !(metric in no_contest) && (question, ours, metric) in median) {
        # What is shown as nothing is not divided by.
        printf("   %-16s %s", best_peer,
               best >= 0.05 ? sprintf("%.2f", median[question, ours, metric] / best) : "-")
    }
    print ""
}

function width(peer) { return length(peer) > 9 ? length(peer) : 9 }

END {
    for (q = 1; q <= question_count; ++q) {
        question = questions[q]
        given = split(peers[question], unordered, " ")
        count = 0
        for (r = 1; r <= 4; ++r) {
            for (i = 1; i <= given; ++i) {
                if (rank(unordered[i]) == r) ordered[++count] = unordered[i]
            }
        }
        if (question in asks) print "# " asks[question]
        printf "%-47s", question
        for (i = 1; i <= count; ++i) printf " %*s", width(ordered[i]), ordered[i]
        printf "   %-16s %s\n", "best peer", "ours/best"
        metric_count = split(metrics[question], metric_list, " ")
        for (m = 1; m <= metric_count; ++m) {
            print_row(question, metric_list[m], ordered, count)
        }
        print ""
    }
}
