# Draws summary.csv: gnuplot -e "results='<directory>'" pictures.gp
# One idea a picture, as SVG to publish and as PNG to look at. The library is the strong red.

summary = results . "/summary.csv"

# <name in summary.csv> <colour>, in the order of the legend
peers = "fire_and_forget fire_and_forget/fixed oneTBB asio moodycamel mutex+deque Go tokio boost::asio QThreadPool GThreadPool std::async std::thread bare_ring"
colours = "#d00020 #f2858f #1f5fa8 #3fa34d #8456b0 #e08a1e #29a6b8 #b7410e #9ccc65 #35524a #c9a227 #8c6d4a #7a8794 #000000"
place_of(peer, i) = word(peers, i) eq peer ? i : place_of(peer, i + 1)
style(peer) = place_of(peer, 1)
do for [i = 1:words(peers)] {
    width = i == 1 ? 4 : 1.8
    dashes = i == words(peers) ? 2 : 1
    set linetype i linecolor rgb word(colours, i) linewidth width dashtype dashes \
        pointtype 4 + i pointsize 0.9
}

# Who has answered a question.
asked(question) = system(sprintf( \
    "for peer in %s; do grep -qF '%s,'$peer, '%s' && echo $peer; done", peers, question, summary))

# The medians of one peer in the order of the metrics named, as lines "place value".
medians(question, peer, metrics) = sprintf( \
    "< awk -F, -v q='%s' -v p='%s' -v m='%s' 'BEGIN { n = split(m, name, \" \") } " \
    . "$1 == q && $2 == p { v[$3] = $5 } " \
    . "END { for (i = 1; i <= n; ++i) if (name[i] in v) print i, v[name[i]] }' '%s'", \
    question, peer, metrics, summary)

set encoding utf8
set border 3 linecolor rgb "#606060"
set tics nomirror out
set grid ytics linetype -1 linecolor rgb "#dcdcdc" linewidth 1
set key noenhanced outside right center vertical reverse Left samplen 2.5 spacing 1.25

do for [format in "svg png"] {
    if (format eq "svg") {
        set terminal svg size 960,540 font "sans-serif,15" background rgb "white"
    } else {
        set terminal pngcairo size 960,540 font "sans,11" background rgb "white"
    }

    set output results . "/submit_cost." . format
    set title "What one submit costs its caller while the workers keep up"
    set ylabel "time in the caller, of which the clock takes about 20 ns"
    set xlabel "share of the submits that cost no more"
    set logscale y
    set ytics ("10 ns" 10, "100 ns" 100, "1 µs" 1e3, "10 µs" 1e4, "100 µs" 1e5, "1 ms" 1e6, \
        "10 ms" 1e7, "100 ms" 1e8)
    set xrange [0.7:5.3]
    set yrange [9:*]
    set xtics ("half" 1, "99 %%" 2, "99.9 %%" 3, "99.99 %%" 4, "all" 5)
    plot for [peer in asked("submit_cost")] \
        medians("submit_cost", peer, "p50 p99 p99.9 p99.99 max") \
        with linespoints linetype style(peer) title peer

    set output results . "/throughput." . format
    set title "What one task costs from its submit until all are done"
    set ylabel "time per task"
    unset xlabel
    set yrange [2:5e5]
    ordered = asked("burst")
    width = words(ordered) + 2 # of a group of bars, in bars
    set xrange [0.3:3 * width - 1.3]
    set xtics ("one thread submits" width / 2.0 - 0.5, \
        "four threads submit" 1.5 * width - 0.5, "each submits two more" 2.5 * width - 1)
    set boxwidth 0.9
    set style fill solid 1.0 noborder
    group(place) = word("burst producers fan_out", place)
    metric(place) = place == 2 ? "total_per_task_4" : "total_per_task"
    shown(ns) = ns < 1e3 ? sprintf("%.0f", ns) : ns < 1e4 ? sprintf("%.1fk", ns / 1e3) \
        : sprintf("%.0fk", ns / 1e3)
    at(place, i) = (place - 1) * width + i
    # The bare ring, the last, has one producer and one consumer: only the first group has it.
    bars(place) = words(asked(group(place)))
    bar(place, i) = medians(group(place), word(ordered, i), metric(place))
    plot for [place = 1:3] for [i = 1:bars(place)] bar(place, i) using (at(place, i)):2 \
            with boxes linetype style(word(ordered, i)) \
            title (place == 1 ? word(ordered, i) : ""), \
        for [place = 1:3] for [i = 1:bars(place)] bar(place, i) using (at(place, i)):2:(shown($2)) \
            with labels rotate by 90 left offset 0,0.4 font ",8" notitle

    set output results . "/queue_length." . format
    set title "Does a task cost more when many are queued?"
    set ylabel "nanoseconds per task, to submit and run it"
    set xlabel "tasks queued at once"
    unset logscale y
    set ytics autofreq
    set yrange [0:*]
    set xrange [0.8:4.2]
    set xtics ("10,000" 1, "100,000" 2, "1,000,000" 3, "10,000,000" 4)
    lengths = "per_task_at_10000 per_task_at_100000 per_task_at_1000000 per_task_at_10000000"
    plot for [peer in asked("queue_length")] medians("queue_length", peer, lengths) \
        with linespoints linetype (peer eq "fire_and_forget/fixed" ? 1 : style(peer)) title peer

    if (asked("gaps") ne "") {
        set output results . "/gaps." . format
        set multiplot layout 2,2 margins screen 0.08,0.74,0.09,0.84 spacing screen 0.1,0.19 \
            title "One task after the other: what the time between them makes of it"
        gap_names = "5 10 20 50 100 200 500 1000 2000 5000 10000 20000"
        those(metric) = system(sprintf("for gap in %s; do printf '%%sus_%s ' $gap; done", \
            gap_names, metric))
        ways = "fire_and_forget fire_and_forget/by_caller fire_and_forget/by_worker oneTBB tokio"
        answered = system(sprintf("for peer in %s; do grep -qF \"gaps,$peer,\" '%s' && echo $peer; done", \
            ways, summary))
        way(peer) = peer eq "fire_and_forget/by_caller" ? style("asio") \
            : peer eq "fire_and_forget/by_worker" ? style("moodycamel") : style(peer)
        way_name(peer) = peer[1:16] eq "fire_and_forget/" ? "wake::" . peer[17:*] : peer
        set xrange [0.5:12.5]
        set xtics ("5 µs" 1, "50 µs" 4, "500 µs" 7, "5 ms" 10)
        unset xlabel
        unset ylabel
        set logscale y
        set yrange [9:*]
        set ytics ("10 ns" 10, "100 ns" 100, "1 µs" 1e3, "10 µs" 1e4, "100 µs" 1e5, "1 ms" 1e6, \
            "10 ms" 1e7)
        set key at screen 0.76,0.5 left center
        array titles[3] = ["the caller, half of them", "the caller, 99.9 %", "the start, half of them"]
        do for [panel = 1:3] {
            set title titles[panel]
            metric = word("caller_p50 caller_p99.9 start_p50", panel)
            plot for [peer in answered] medians("gaps", peer, those(metric)) \
                with linespoints linetype way(peer) title (panel == 3 ? way_name(peer) : "")
        }
        unset logscale y
        set yrange [0:*]
        set ytics autofreq
        set title "processors used, without the caller's"
        plot for [peer in answered] medians("gaps", peer, those("cores")) \
            with linespoints linetype way(peer) notitle
        unset multiplot
        unset title
        set key outside right center
    }
    # Without the library's answer there is no series.
    series = results . "/elasticity.csv"
    if (int(system(sprintf("cat '%s' 2>/dev/null | wc -l", series))) > 1) {
        set output results . "/elasticity." . format
        set multiplot layout 1,2 margins screen 0.08,0.81,0.14,0.9 spacing screen 0.08 \
            title "100 tasks that sleep are fired at a pool of two threads, " \
            . "then a short one now and then"
        unset title
        set xtics autofreq
        set yrange [0:*]
        set datafile separator ","
        set ylabel "threads, tasks"
        set xlabel "milliseconds: how it grows"
        set xrange [0:50]
        set key at screen 0.82,0.5 left center
        plot series using (1e3 * $1):2 skip 1 with steps linetype 1 title "threads", \
            series using (1e3 * $1):3 skip 1 with steps linetype style("oneTBB") linewidth 3 title "tasks that wait"
        unset ylabel
        set xlabel "seconds: until the threads have gone"
        set xrange [0:*] noextend
        plot series using 1:2 skip 1 with steps linetype 1 notitle, \
            series using 1:3 skip 1 with steps linetype style("oneTBB") linewidth 3 notitle
        unset multiplot
        set datafile separator whitespace
        set key outside right center
    }
    set output
}
