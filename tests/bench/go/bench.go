// SPDX-License-Identifier: MIT

// The questions of the C++ programs, asked of Go's own statement. Same work, same lines of output.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	peer     = flag.String("peer", "Go", "which of Go's own ways")
	quick    = flag.Bool("quick", false, "a smoke test")
	seconds  = flag.Float64("seconds", 10, "how long the idle are watched")
	question string
)

func tell(metric string, value float64, unit string) {
	fmt.Printf("%s,%s,%s,%.7g,%s\n", question, *peer, metric, value, unit)
}

func tasksFor(full int) int {
	if *quick {
		return full / 50
	}
	return full
}

// A goroutine cannot know its thread: the tasks spread their counts over the lines by themselves.
type line struct {
	count atomic.Uint64
	_     [120]byte
}

var lines [64]line

func count(at, step uint64) { lines[at%64].count.Add(step) }

func tally() (sum uint64) {
	for i := range lines {
		sum += lines[i].count.Load()
	}
	return sum
}

func awaitBusily(target int) {
	for tally() < uint64(target) {
		runtime.Gosched()
	}
}

func awaitAsleep(target int) {
	for done := tally(); done < uint64(target); done = tally() {
		left := time.Duration(uint64(target)-done) * 10
		if left < 10*time.Microsecond {
			left = 10 * time.Microsecond
		} else if left > time.Millisecond {
			left = time.Millisecond
		}
		time.Sleep(left)
	}
}

// The 32-byte closure: four words, all of them read.
func submit(at int) {
	a, b, c, d := uint64(at), uint64(1), uint64(6), uint64(6)
	go func() { count(a, b+(c^d)) }()
}

var start = time.Now()

func now() int64 { return int64(time.Since(start)) }

func timer() int64 {
	reads := make([]int64, 10001)
	for i := range reads {
		before := now()
		reads[i] = now() - before
	}
	sort.Slice(reads, func(i, j int) bool { return reads[i] < reads[j] })
	return reads[len(reads)/2]
}

// The sample that share of all do not exceed; they are sorted.
func rank(samples []int64, share float64) int64 {
	return samples[int(math.Ceil(share*float64(len(samples))-1e-6))-1]
}

func tellPercentiles(prefix string, samples []int64) {
	sort.Slice(samples, func(i, j int) bool { return samples[i] < samples[j] })
	for _, p := range []struct {
		name  string
		share float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}, {"max", 1}} {
		tell(prefix+p.name, float64(rank(samples, p.share)), "ns")
	}
}

func tellCallerPercentiles(prefix string, samples []int64, overhead int64) {
	tellPercentiles(prefix, samples)
	tell(prefix+"p50_net", math.Max(0, float64(samples[(len(samples)-1)/2]-overhead)), "ns")
}

func submitCost() {
	overhead := timer()
	samples := make([]int64, tasksFor(400000))
	submitted := 0
	sample := func(batch int) {
		for i := range samples {
			before := now()
			submit(i)
			samples[i] = now() - before
			if (i+1)%batch == 0 {
				awaitBusily(submitted + i + 1)
			}
		}
		submitted += len(samples)
		awaitBusily(submitted)
	}
	tell("timer", float64(overhead), "ns")
	tell("samples", float64(len(samples)), "tasks")
	sample(64)
	sample(64)
	tellCallerPercentiles("", samples, overhead)
	rows := make([]float64, len(samples)/64)
	sum := 0.0
	for row := range rows {
		begin := now()
		for i := 0; i < 64; i++ {
			submit(i)
		}
		rows[row] = float64(now()-begin) / 64
		sum += rows[row]
		submitted += 64
		awaitBusily(submitted)
	}
	sort.Float64s(rows)
	tell("row_p50", rows[(len(rows)-1)/2], "ns")
	tell("row_mean", sum/float64(len(rows)), "ns")
	sample(len(samples))
	tellCallerPercentiles("free_", samples, overhead)
}

func burst() {
	tasks := tasksFor(1000000)
	submitted := 0
	fire := func(n int) (caller, total float64) {
		begin := time.Now()
		for i := 0; i < n; i++ {
			submit(i)
		}
		caller = float64(time.Since(begin))
		submitted += n
		awaitAsleep(submitted)
		return caller, float64(time.Since(begin))
	}
	fire(tasks) // warm-up
	caller, total := fire(tasks)
	tell("total_per_task", total/float64(tasks), "ns")
	tell("caller_per_task", caller/float64(tasks), "ns")
	tell("tasks", float64(tasks), "tasks")
}

func producers() {
	tasks := tasksFor(1000000)
	submitted := 0
	perTask := func(producing, n int) float64 {
		share := (n + producing - 1) / producing
		gate := make(chan struct{})
		for i := 0; i < producing; i++ {
			go func() {
				<-gate
				for j := 0; j < share; j++ {
					submit(j)
				}
			}()
		}
		time.Sleep(20 * time.Millisecond)
		submitted += share * producing
		begin := time.Now()
		close(gate)
		awaitAsleep(submitted)
		return float64(time.Since(begin)) / float64(share*producing)
	}
	perTask(4, tasks) // warm-up
	few := perTask(4, tasks)
	many := perTask(1000, tasks)
	tell("total_per_task_4", few, "ns")
	tell("total_per_task_1000", many, "ns")
	tell("ratio_1000_to_4", many/few, "times")
	tell("tasks", float64(tasks), "tasks")
}

func branch(depth, at, b, c uint64) {
	if depth > 0 {
		go func() { branch(depth-1, 2*at, b, c) }()
		go func() { branch(depth-1, 2*at+1, b, c) }()
	}
	count(at, b+c)
}

func fanOut() {
	depth := uint64(19)
	if *quick {
		depth -= 5
	}
	submitted := 0
	perTask := func(levels uint64) float64 {
		tasks := 2<<levels - 1
		submitted += tasks
		begin := time.Now()
		go branch(levels, 1, 1, 0)
		awaitAsleep(submitted)
		return float64(time.Since(begin)) / float64(tasks)
	}
	perTask(depth) // warm-up
	tell("total_per_task", perTask(depth), "ns")
	tell("tasks", float64(uint64(2)<<depth-1), "tasks")
}

func paced() {
	overhead := timer()
	submitted := 0
	fire := func(every int64, cost, started []int64) {
		next := now()
		for i := range cost {
			for now() < next {
			}
			waited, at, step := &started[i], uint64(i), uint64(1)
			before := now()
			go func() {
				*waited = now() - before
				count(at, step)
			}()
			after := now()
			cost[i] = after - before
			next = before + every
			if next < after {
				next = after + every
			}
		}
		submitted += len(cost)
		awaitBusily(submitted)
	}
	askAt := func(every int64, tasks int) {
		cost, started := make([]int64, tasks), make([]int64, tasks)
		fire(every, cost, started)
		prefix := strconv.FormatInt(every/1000, 10) + "us_"
		tellCallerPercentiles(prefix+"caller_", cost, overhead)
		tellPercentiles(prefix+"start_", started)
		tell(prefix+"samples", float64(tasks), "tasks")
	}
	tell("timer", float64(overhead), "ns")
	fire(20000, make([]int64, 1000), make([]int64, 1000))
	askAt(20000, tasksFor(50000))
	askAt(200000, tasksFor(5000))
}

func residentBytes() float64 {
	text, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	return pages * float64(os.Getpagesize())
}

// The scheduler cannot be held: the goroutines wait at a gate, which takes no more than their
// being.
func memory() {
	tasks := tasksFor(1000000)
	gate := make(chan struct{})
	before := residentBytes()
	for i := 0; i < tasks; i++ {
		a, b, c := uint64(i), uint64(1), uint64(0)
		go func() {
			<-gate
			count(a, b+c)
		}()
	}
	after := residentBytes()
	close(gate)
	awaitAsleep(tasks)
	tell("bytes_per_queued_task", (after-before)/float64(tasks), "bytes")
	tell("tasks", float64(tasks), "tasks")
}

func cpuSeconds() float64 {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func voluntarySwitches(thread string) float64 {
	text, _ := os.ReadFile(thread + "/status")
	_, after, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
	number, _, _ := strings.Cut(strings.TrimSpace(after), "\n")
	switches, _ := strconv.ParseFloat(number, 64)
	return switches
}

func wakeUps() (sum float64) {
	self := strconv.Itoa(syscall.Gettid())
	threads, _ := filepath.Glob("/proc/self/task/*")
	for _, thread := range threads {
		if filepath.Base(thread) != self {
			sum += voluntarySwitches(thread)
		}
	}
	return sum
}

func idle() {
	runtime.LockOSThread() // wakeUps leaves this thread's own out
	tasks := tasksFor(100000)
	for i := 0; i < tasks; i++ {
		submit(i)
	}
	awaitAsleep(tasks)
	time.Sleep(100 * time.Millisecond)
	watched := *seconds
	if *quick {
		watched = 0.5
	}
	wakeUpsBefore := wakeUps()
	cpuBefore := cpuSeconds()
	time.Sleep(time.Duration(watched * float64(time.Second)))
	used := cpuSeconds() - cpuBefore
	woken := wakeUps() - wakeUpsBefore
	tell("cpu_ms_per_second", 1e3*used/watched, "ms")
	tell("wake_ups_per_second", woken/watched, "1/s")
}

func steadyAllocations() {
	tasks := tasksFor(100000)
	submitted := 0
	fire := func() {
		for i := 1; i <= tasks; i++ {
			submit(i)
			if i%64 == 0 {
				awaitBusily(submitted + i)
			}
		}
		submitted += tasks
		awaitBusily(submitted)
	}
	allocations := func() float64 {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return float64(memory.Mallocs)
	}
	fire()
	before := allocations()
	fire()
	tell("allocations_per_submit", (allocations()-before)/float64(tasks), "calls")
}

func tellDelays(prefix string, delays []int64, unit string) {
	sort.Slice(delays, func(i, j int) bool { return delays[i] < delays[j] })
	scale := map[string]float64{"us": 1e3, "ms": 1e6}[unit]
	tell(prefix+"p50", float64(rank(delays, 0.5))/scale, unit)
	if len(delays) >= 100 {
		tell(prefix+"p99", float64(rank(delays, 0.99))/scale, unit)
	}
	tell(prefix+"max", float64(rank(delays, 1))/scale, unit)
}

func latest(times []int64) int64 {
	found := times[0]
	for _, time := range times {
		if time > found {
			found = time
		}
	}
	return found
}

// A goroutine that sleeps, or the runtime's timer, which starts one when it is due.
func runAfter(pause time.Duration, fn func()) {
	if *peer == "Go/AfterFunc" {
		time.AfterFunc(pause, fn)
		return
	}
	go func() {
		time.Sleep(pause)
		fn()
	}()
}

// Some timers and what became of them; see timers.cpp.
type timerSet struct {
	stampedEvery     int
	fired, deadlines []int64
	perInsertion     float64
}

// Filled, so that their memory is there.
func filled(size int) []int64 {
	all := make([]int64, size)
	for i := range all {
		all[i] = 1
	}
	return all
}

func newTimerSet(size, stampedEvery int) *timerSet {
	return &timerSet{
		stampedEvery: stampedEvery,
		fired:        filled(size),
		deadlines:    filled(size / stampedEvery),
	}
}

func (t *timerSet) insert(pauseOf func(i int) time.Duration) {
	begin := time.Now()
	for i := range t.fired {
		pause, fired := pauseOf(i), &t.fired[i]
		if (i+1)%t.stampedEvery == 0 {
			t.deadlines[i/t.stampedEvery] = now() + int64(pause)
		}
		at := uint64(i)
		runAfter(pause, func() {
			*fired = now()
			count(at, 1)
		})
	}
	t.perInsertion = float64(time.Since(begin)) / float64(len(t.fired))
}

func (t *timerSet) lateness() []int64 {
	late := make([]int64, len(t.deadlines))
	for k := range late {
		late[k] = t.fired[(k+1)*t.stampedEvery-1] - t.deadlines[k]
	}
	return late
}

func (t *timerSet) tellLateness(prefix string) {
	last := float64(latest(t.fired) - latest(t.deadlines))
	tell(prefix+"last_fired_after_deadline", last/1e6, "ms")
	tellDelays(prefix+"lateness_", t.lateness(), "ms")
}

func timers() {
	many, pause := tasksFor(1000000), 2000
	if *quick {
		pause = 200
	}
	set := 0
	await := func(size int) {
		set += size
		for tally() < uint64(set) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	milliseconds := func(count int) time.Duration { return time.Duration(count) * time.Millisecond }

	newTimerSet(many/100, 1).insert(func(int) time.Duration { return milliseconds(10) })
	await(many / 100)

	same := newTimerSet(many, 50)
	before := residentBytes()
	same.insert(func(int) time.Duration { return milliseconds(pause) })
	after := residentBytes()
	pending := uint64(set+many) - tally()
	await(many)
	tell("insertion_per_timer", same.perInsertion, "ns")
	tell("bytes_per_timer", (after-before)/float64(many), "bytes")
	tell("pending_at_once", float64(pending), "timers")
	same.tellLateness("")

	steps := pause/2 - 3 // a prime, so that the stamped ones meet all of them
	spread := newTimerSet(many, 50)
	spread.insert(func(i int) time.Duration { return milliseconds(pause + i*7919%steps) })
	await(many)
	tell("spread_insertion_per_timer", spread.perInsertion, "ns")
	spread.tellLateness("spread_")

	size := pause / 2 // one for each millisecond
	thousand := newTimerSet(size, 1)
	thousand.insert(func(i int) time.Duration { return milliseconds(100 + i*7919%size) })
	await(size)
	late := thousand.lateness()
	tellDelays("thousand_", late, "us")
	tell("thousand_earliest", float64(late[0])/1e3, "us")
	tell("timers", float64(many), "timers")
}

func coroutines() {
	many, pause := tasksFor(1000000), 4*time.Second
	if *quick {
		pause = 500 * time.Millisecond
	}
	start := func(size int, pause time.Duration) {
		for i := 0; i < size; i++ {
			go func(i int) {
				time.Sleep(pause)
				count(uint64(i), 1)
			}(i)
		}
	}
	await := func(target int) {
		for tally() < uint64(target) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	start(many/100, 10*time.Millisecond)
	await(many / 100)

	before := residentBytes()
	for i := 0; i < many; i += many / 1000 {
		start(many/1000, pause)
		time.Sleep(time.Millisecond)
	}
	tell("bytes_per_sleeper", (residentBytes()-before)/float64(many), "bytes")
	await(many + many/100)

	begin := time.Now()
	start(many, pause)
	end := time.Now()
	await(2*many + many/100)
	late := time.Since(end.Add(pause))
	tell("start_per_coroutine", float64(end.Sub(begin).Nanoseconds())/float64(many), "ns")
	tell("all_done_after_last_deadline", float64(late.Nanoseconds())/1e6, "ms")
	tell("sleepers", float64(many), "coroutines")
}

func processThreads() float64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(text), "\nThreads:")
	number, _, _ := strings.Cut(strings.TrimSpace(after), "\n")
	threads, _ := strconv.ParseFloat(number, 64)
	return threads
}

// The runtime keeps the threads that it once had; when they go is not asked.
func elasticity() {
	const sleepers, shorts = 100, 20
	const sampledEvery = 5 * time.Millisecond
	sleep, shortEvery := 2*time.Second, 80*time.Millisecond
	if *quick {
		sleep, shortEvery = sleep/4, shortEvery/4
	}
	for i := 0; i < 1000; i++ {
		submit(i)
	}
	awaitBusily(1000)
	time.Sleep(100 * time.Millisecond)

	ended, waited := make([]int64, sleepers), make([]int64, shorts)
	mostThreads := 0.0
	begin := time.Now()
	begun := now()
	for i := range ended {
		end, at := &ended[i], uint64(i)
		go func() {
			time.Sleep(sleep)
			*end = now()
			count(at, 1)
		}()
	}
	fired := 0
	for at := time.Duration(0); at < 2*sleep; at += sampledEvery {
		time.Sleep(time.Until(begin.Add(at)))
		if fired < shorts && at >= shortEvery*time.Duration(fired+1) {
			wait, before := &waited[fired], now()
			fired++
			go func() {
				*wait = now() - before
				count(0, 1)
			}()
		}
		mostThreads = math.Max(mostThreads, processThreads()-1)
	}
	awaitBusily(1000 + sleepers + shorts)
	tell("all_done_after", float64(latest(ended)-begun)/1e9, "s")
	tellDelays("short_task_start_", waited, "ms")
	tell("most_threads", mostThreads, "threads")
	computing()
}

var result atomic.Uint64

func compute(at, steps uint64) {
	state := steps
	for i := uint64(0); i < steps; i++ {
		state = state*6364136223846793005 + 1442695040888963407
	}
	result.Store(state)
	count(at, 1)
}

func computing() {
	const tasks = 100
	steps := uint64(10000000)
	if *quick {
		steps /= 10
	}
	allDone := tally() + tasks
	mostThreads := 0.0
	begin := time.Now()
	for i := uint64(0); i < tasks; i++ {
		at := i
		go func() { compute(at, steps) }()
	}
	for tally() < allDone {
		time.Sleep(5 * time.Millisecond)
		mostThreads = math.Max(mostThreads, processThreads()-1)
	}
	tell("computing_all_done_after", time.Since(begin).Seconds(), "s")
	tell("computing_most_threads", mostThreads, "threads")
}

// A channel of functions is the bounded queue, and a goroutine its worker.
func backPressure() {
	const bound, busy = 1024, 1000
	queue := make(chan func(), bound)
	go func() {
		for task := range queue {
			task()
		}
	}()
	items := tasksFor(500000)
	cost := make([]int64, items)
	submitted := 0
	produce := func(n int) float64 {
		begin := time.Now()
		for i := 0; i < n; i++ {
			at, step := uint64(i), uint64(1)
			before := now()
			queue <- func() {
				for begun := now(); now()-begun < busy; {
				}
				count(at, step)
			}
			cost[i] = now() - before
		}
		submitted += n
		awaitAsleep(submitted)
		return float64(time.Since(begin)) / float64(n)
	}
	overhead := timer()
	produce(items / 10)
	tell("total_per_item", produce(items), "ns")
	tell("timer", float64(overhead), "ns")
	tellCallerPercentiles("submit_", cost, overhead)
	tell("items", float64(items), "items")
	close(queue)
}

// A full channel of functions and a select with a default; see refusals.cpp.
func refusals() {
	const room, rowLength, workers = 16 * 1024, 64, 2
	queue := make(chan func(), room)
	for i := 0; i < workers; i++ {
		go func() {
			for task := range queue {
				task()
			}
		}()
	}
	rounds := 40
	if *quick {
		rounds = 2
	}
	try := func(at int) bool {
		a, b, c, d := uint64(at), uint64(1), uint64(6), uint64(6)
		select {
		case queue <- func() { count(a, b+(c^d)) }:
			return true
		default:
			return false
		}
	}
	submitted := 0
	takeRound := func(row int, samples *[2][]int64) {
		open, held := make(chan bool), make(chan bool)
		for i := 0; i < workers; i++ {
			queue <- func() {
				held <- true
				<-open
			}
			<-held
		}
		for k, isAccepted := range []bool{true, false} {
			for i := 0; i < room; i += row {
				isRight := true
				before := now()
				for call := 0; call < row; call++ {
					isRight = try(i+call) == isAccepted && isRight
				}
				samples[k] = append(samples[k], now()-before)
				if !isRight {
					panic("a call was refused, or was not")
				}
			}
		}
		close(open)
		submitted += room
		awaitAsleep(submitted)
	}
	overhead := timer()
	for _, row := range []int{rowLength, 1} {
		var warmUp, samples [2][]int64
		takeRound(row, &warmUp)
		for i := 0; i < rounds; i++ {
			takeRound(row, &samples)
		}
		if row == 1 {
			tellPercentiles("accepted_", samples[0])
			tellPercentiles("refused_", samples[1])
			tell("timer", float64(overhead), "ns")
			tell("samples", float64(len(samples[1])), "calls")
			continue
		}
		var middle [2]float64
		for k := range samples {
			sort.Slice(samples[k], func(i, j int) bool { return samples[k][i] < samples[k][j] })
			middle[k] = float64(rank(samples[k], 0.5)) / rowLength
		}
		tell("row_accepted", middle[0], "ns")
		tell("row_refused", middle[1], "ns")
		tell("refused_to_accepted", middle[1]/middle[0], "times")
	}
	close(queue)
}

// A producer, a consumer and the channel between them; see channel.cpp.
func channel() {
	const rounds = 20
	for _, threads := range []int{1, 2} {
		runtime.GOMAXPROCS(threads)
		for _, places := range []int{1, 64, 1024} {
			items := tasksFor(10000000) / rounds
			if places == 1 {
				items /= 10
			}
			queue := make(chan uint64, places)
			pass := func() float64 {
				sum := make(chan uint64)
				begin := time.Now()
				go func() {
					for i := 1; i <= items; i++ {
						queue <- uint64(i)
					}
				}()
				go func() {
					var all uint64
					for i := 0; i < items; i++ {
						all += <-queue
					}
					sum <- all
				}()
				if n := uint64(items); <-sum != n*(n+1)/2 {
					panic("the sum is wrong")
				}
				return float64(time.Since(begin)) / float64(items)
			}
			pass() // warm-up
			taken := make([]float64, rounds)
			for i := range taken {
				taken[i] = pass()
			}
			sort.Float64s(taken)
			name := fmt.Sprintf("threads_%d_places_%d", threads, places)
			tell(name, taken[(rounds-1)/2], "ns")
			tell(name+"_slowest", taken[rounds-1], "ns")
		}
	}
}

func main() {
	flag.Parse()
	question = flag.Arg(0)
	runtime.GOMAXPROCS(2)
	map[string]func(){
		"submit_cost": submitCost, "burst": burst, "producers": producers, "fan_out": fanOut,
		"paced": paced, "memory": memory, "idle": idle, "steady_allocations": steadyAllocations,
		"timers": timers, "coroutines": coroutines, "elasticity": elasticity, "back_pressure": backPressure,
		"refusals": refusals, "channel": channel,
	}[question]()
}
