// SPDX-License-Identifier: MIT

// The questions of the C++ programs, asked of tokio. Same work, same lines of output.

use std::cell::Cell;
use std::process::exit;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*};
use std::sync::Barrier;
use std::thread::{self, sleep, yield_now};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle};

const WORKERS: usize = 2;

/// The work of the measured tasks; see tally.hpp.
mod tally {
    use super::*;

    #[repr(align(128))]
    struct Line(AtomicU64);

    const EMPTY: Line = Line(AtomicU64::new(0));
    const SIZE: usize = 64;
    static LINES: [Line; SIZE] = [EMPTY; SIZE];
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static MINE: Cell<usize> = const { Cell::new(SIZE) });

    pub fn count(step: u64) {
        let mut mine = MINE.with(Cell::get);
        if mine == SIZE {
            mine = THREADS.fetch_add(1, SeqCst).min(SIZE - 1);
            MINE.with(|place| place.set(mine));
        }
        let line = &LINES[mine].0;
        if mine == SIZE - 1 {
            line.fetch_add(step, Release);
        } else {
            line.store(line.load(Relaxed) + step, Release);
        }
    }

    pub fn sum() -> u64 {
        let used = THREADS.load(Relaxed).min(SIZE);
        LINES[..used].iter().map(|line| line.0.load(Acquire)).sum()
    }
}

/// 32 bytes of capture, all of them read.
#[derive(Clone, Copy)]
struct Work {
    step: u64,
    first: u64,
    second: u64,
    third: u64,
}

const WORK: Work = Work {
    step: 1,
    first: 5,
    second: 6,
    third: 3,
};
const LEAF: Work = Work {
    step: 1,
    first: 0,
    second: 0,
    third: 0,
};

impl Work {
    fn run(self) {
        tally::count(self.step + (self.first ^ self.second ^ self.third));
    }
}

fn submit(pool: &Handle) {
    let work = std::hint::black_box(WORK); // read from memory, not folded into the code
    pool.spawn(async move { work.run() });
}

fn await_busily(target: u64) {
    let mut look = 1u32;
    while tally::sum() < target {
        if look % 256 == 0 {
            yield_now();
        } else {
            std::hint::spin_loop();
        }
        look += 1;
    }
}

extern "C" {
    fn prctl(option: i32, ...) -> i32;
}
const PR_SET_TIMERSLACK: i32 = 29;

fn await_asleep(target: u64) {
    unsafe { prctl(PR_SET_TIMERSLACK, 1u64, 0u64, 0u64, 0u64) };
    loop {
        let done = tally::sum();
        if done >= target {
            return;
        }
        sleep(Duration::from_nanos(
            ((target - done) * 10).clamp(10_000, 1_000_000),
        ));
    }
}

fn ns(time: Duration) -> f64 {
    time.as_nanos() as f64
}

struct Question {
    name: String,
    is_quick: bool,
    seconds: f64,
}

impl Question {
    fn tell(&self, metric: &str, value: f64, unit: &str) {
        println!("{},tokio,{},{},{}", self.name, metric, value, unit);
    }

    fn tasks(&self, full: usize) -> usize {
        if self.is_quick {
            full / 50
        } else {
            full
        }
    }

    fn tell_percentiles(&self, prefix: &str, samples: &mut [f64]) {
        samples.sort_by(f64::total_cmp);
        for (name, share) in [
            ("p50", 0.5),
            ("p99", 0.99),
            ("p99.9", 0.999),
            ("p99.99", 0.9999),
            ("max", 1.0),
        ] {
            self.tell(&format!("{prefix}{name}"), rank(samples, share), "ns");
        }
    }

    fn tell_caller_percentiles(&self, prefix: &str, samples: &mut [f64], overhead: f64) {
        self.tell_percentiles(prefix, samples);
        let net = (rank(samples, 0.5) - overhead).max(0.0);
        self.tell(&format!("{prefix}p50_net"), net, "ns");
    }
}

/// The sample that `share` of all do not exceed; they are sorted.
fn rank(samples: &[f64], share: f64) -> f64 {
    samples[(share * samples.len() as f64 - 1e-6).ceil() as usize - 1]
}

/// What two reads of the clock with nothing between them see.
fn overhead() -> f64 {
    let mut reads: Vec<f64> = (0..10_001)
        .map(|_| {
            let before = Instant::now();
            ns(before.elapsed())
        })
        .collect();
    reads.sort_by(f64::total_cmp);
    rank(&reads, 0.5)
}

fn submit_cost(asked: &Question, pool: &Handle) {
    const KEEPING_UP: usize = 64;
    let overhead = overhead();
    let size = asked.tasks(400_000);
    let take = |batch: usize| -> Vec<f64> {
        let before_all = tally::sum();
        let mut samples = vec![1.0; size];
        for (i, sample) in samples.iter_mut().enumerate() {
            let before = Instant::now();
            submit(pool);
            *sample = ns(before.elapsed());
            if (i + 1) % batch == 0 {
                await_busily(before_all + i as u64 + 1);
            }
        }
        await_busily(before_all + size as u64);
        samples
    };
    take(KEEPING_UP); // warm-up
    let mut keeping_up = take(KEEPING_UP);
    let mut rows = vec![1.0; size / KEEPING_UP];
    for row in rows.iter_mut() {
        let done = tally::sum();
        let begin = Instant::now();
        for _ in 0..KEEPING_UP {
            submit(pool);
        }
        *row = ns(begin.elapsed()) / KEEPING_UP as f64;
        await_busily(done + KEEPING_UP as u64);
    }
    let mut free = take(size);
    asked.tell("timer", overhead, "ns");
    asked.tell("samples", size as f64, "tasks");
    asked.tell_caller_percentiles("", &mut keeping_up, overhead);
    rows.sort_by(f64::total_cmp);
    asked.tell("row_p50", rank(&rows, 0.5), "ns");
    asked.tell(
        "row_mean",
        rows.iter().sum::<f64>() / rows.len() as f64,
        "ns",
    );
    asked.tell_caller_percentiles("free_", &mut free, overhead);
}

fn burst(asked: &Question, pool: &Handle) {
    let tasks = asked.tasks(1_000_000);
    let fire = |count: usize| {
        let done = tally::sum();
        let begin = Instant::now();
        for _ in 0..count {
            submit(pool);
        }
        let caller = begin.elapsed();
        await_asleep(done + count as u64);
        (ns(caller), ns(begin.elapsed()))
    };
    fire(tasks); // warm-up
    let (caller, total) = fire(tasks);
    asked.tell("total_per_task", total / tasks as f64, "ns");
    asked.tell("caller_per_task", caller / tasks as f64, "ns");
    asked.tell("tasks", tasks as f64, "tasks");
}

fn producers(asked: &Question, pool: &Handle) {
    let tasks = asked.tasks(1_000_000);
    let ns_per_task = |threads: usize, count: usize| {
        let share = (count + threads - 1) / threads;
        let ready = Barrier::new(threads + 1);
        let go_on = Barrier::new(threads + 1);
        thread::scope(|producing| {
            for _ in 0..threads {
                producing.spawn(|| {
                    ready.wait();
                    go_on.wait();
                    for _ in 0..share {
                        submit(pool);
                    }
                });
            }
            ready.wait();
            sleep(Duration::from_millis(20)); // they have to reach their wait, too
            let done = tally::sum();
            let begin = Instant::now();
            go_on.wait();
            await_asleep(done + (share * threads) as u64);
            ns(begin.elapsed()) / (share * threads) as f64
        })
    };
    ns_per_task(4, tasks); // warm-up
    let few = ns_per_task(4, tasks);
    let many = ns_per_task(1000, tasks);
    asked.tell("total_per_task_4", few, "ns");
    asked.tell("total_per_task_1000", many, "ns");
    asked.tell("ratio_1000_to_4", many / few, "times");
    asked.tell("tasks", tasks as f64, "tasks");
}

fn branch(depth: u64, leaf: Work) {
    if depth > 0 {
        tokio::spawn(async move { branch(depth - 1, leaf) });
        tokio::spawn(async move { branch(depth - 1, leaf) });
    }
    leaf.run();
}

fn fan_out(asked: &Question, pool: &Handle) {
    let depth = if asked.is_quick { 14 } else { 19 };
    let ns_per_task = |levels: u64| {
        let tasks = (2u64 << levels) - 1;
        let done = tally::sum();
        let leaf = std::hint::black_box(LEAF);
        let begin = Instant::now();
        pool.spawn(async move { branch(levels, leaf) });
        await_asleep(done + tasks);
        ns(begin.elapsed()) / tasks as f64
    };
    ns_per_task(depth); // warm-up
    asked.tell("total_per_task", ns_per_task(depth), "ns");
    asked.tell("tasks", ((2u64 << depth) - 1) as f64, "tasks");
}

/// Where a task leaves how long it has waited: the thread that made the place waits for the task.
#[derive(Clone, Copy)]
struct Place(*mut f64);
unsafe impl Send for Place {}

impl Place {
    fn set(self, value: f64) {
        unsafe { self.0.write(value) }
    }
}

/// Fires one task after the other at each pace, in microseconds: what does that cost the caller,
/// how long until the task starts, and what do those who run it take of the processors?
fn at_paces(asked: &Question, pool: &Handle, paces: &[(u64, usize)]) {
    let overhead = overhead();
    let fire = |every: Duration, count: usize| {
        let (mut cost, mut start) = (vec![1.0; count], vec![1.0; count]);
        let done = tally::sum();
        let mut next = Instant::now();
        for i in 0..count {
            while Instant::now() < next {
                std::hint::spin_loop();
            }
            let (waited, step) = (Place(&mut start[i]), std::hint::black_box(1));
            let before = Instant::now();
            pool.spawn(async move {
                waited.set(ns(before.elapsed()));
                tally::count(step);
            });
            let after = Instant::now();
            cost[i] = ns(after - before);
            next = if before + every > after {
                before + every
            } else {
                after + every
            };
        }
        await_busily(done + count as u64);
        (cost, start)
    };
    asked.tell("timer", overhead, "ns");
    fire(Duration::from_micros(20), 1000); // warm-up
    for &(us, count) in paces {
        let (used, begin) = (
            cpu_seconds_of(|number| number != own_number()),
            Instant::now(),
        );
        let (mut cost, mut start) = fire(Duration::from_micros(us), count);
        let cores = (cpu_seconds_of(|number| number != own_number()) - used)
            / begin.elapsed().as_secs_f64();
        asked.tell_caller_percentiles(&format!("{us}us_caller_"), &mut cost, overhead);
        asked.tell_percentiles(&format!("{us}us_start_"), &mut start);
        asked.tell(&format!("{us}us_cores"), cores, "cores");
        asked.tell(&format!("{us}us_samples"), count as f64, "tasks");
    }
}

fn paced(asked: &Question, pool: &Handle) {
    let paces = [(20, asked.tasks(50_000)), (200, asked.tasks(5_000))];
    at_paces(asked, pool, &paces);
}

fn gaps(asked: &Question, pool: &Handle) {
    let gaps = [
        5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000,
    ];
    let paces = gaps.map(|us| (us, asked.tasks(500_000 / us as usize).max(30)));
    at_paces(asked, pool, &paces);
}

fn resident_bytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    4096.0
        * text
            .split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<f64>()
            .unwrap()
}

/// The workers stand at a gate, as in gate.hpp.
fn memory(asked: &Question, pool: &Handle) {
    let tasks = asked.tasks(1_000_000);
    submit(pool); // what is made once at the first task does not count
    await_asleep(1);
    static HELD: AtomicUsize = AtomicUsize::new(0);
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
    for worker in 1..=WORKERS {
        let gate = gate.clone();
        pool.spawn(async move {
            HELD.fetch_add(1, SeqCst);
            let _ = gate.lock().unwrap().recv();
        });
        while HELD.load(SeqCst) != worker {
            sleep(Duration::from_micros(50));
        }
    }
    let before = resident_bytes();
    for _ in 0..tasks {
        submit(pool);
    }
    let after = resident_bytes();
    if tally::sum() != 1 {
        eprintln!("the workers were not held");
        exit(1);
    }
    drop(open);
    await_asleep(1 + tasks as u64);
    asked.tell(
        "bytes_per_queued_task",
        (after - before) / tasks as f64,
        "bytes",
    );
    asked.tell("tasks", tasks as f64, "tasks");
}

/// The measuring thread's, which is the process's.
fn own_number() -> u32 {
    std::process::id()
}

/// What all threads have used, to the nanosecond.
fn cpu_seconds() -> f64 {
    cpu_seconds_of(|_| true)
}

fn cpu_seconds_of(counts: impl Fn(u32) -> bool) -> f64 {
    threads()
        .filter(|thread| counts(number_of(thread)))
        .map(|thread| std::fs::read_to_string(thread.join("schedstat")).unwrap_or_default())
        .map(|text| {
            text.split_whitespace()
                .next()
                .unwrap_or("0")
                .parse::<f64>()
                .unwrap()
        })
        .sum::<f64>()
        / 1e9
}

fn number_of(thread: &std::path::Path) -> u32 {
    thread
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

fn threads() -> impl Iterator<Item = std::path::PathBuf> {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|thread| thread.unwrap().path())
}

/// Those of the measuring thread do not count.
fn wake_ups() -> f64 {
    threads()
        .filter(|thread| number_of(thread) != own_number())
        .map(|thread| std::fs::read_to_string(thread.join("status")).unwrap_or_default())
        .map(|text| {
            let line = text
                .lines()
                .find(|line| line.starts_with("voluntary_ctxt_switches:"));
            line.unwrap()
                .split_whitespace()
                .nth(1)
                .unwrap()
                .parse::<f64>()
                .unwrap()
        })
        .sum()
}

fn idle(asked: &Question, pool: &Handle) {
    let tasks = asked.tasks(100_000);
    for _ in 0..tasks {
        submit(pool);
    }
    await_asleep(tasks as u64);
    sleep(Duration::from_millis(100));
    let seconds = if asked.is_quick { 0.5 } else { asked.seconds };
    let wake_ups_before = wake_ups();
    let cpu_before = cpu_seconds();
    sleep(Duration::from_secs_f64(seconds));
    let used = cpu_seconds() - cpu_before;
    let woken = wake_ups() - wake_ups_before;
    asked.tell("cpu_ms_per_second", 1e3 * used / seconds, "ms");
    asked.tell("wake_ups_per_second", woken / seconds, "1/s");
}

fn main() {
    let mut asked = Question {
        name: String::new(),
        is_quick: false,
        seconds: 10.0,
    };
    for argument in std::env::args().skip(1) {
        match argument.split_once('=').unwrap_or((&argument, "")) {
            ("--quick", value) => asked.is_quick = value != "no",
            ("--seconds", value) => asked.seconds = value.parse().unwrap(),
            _ => asked.name = argument,
        }
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .build()
        .unwrap();
    let pool = runtime.handle();
    match asked.name.as_str() {
        "submit_cost" => submit_cost(&asked, pool),
        "burst" => burst(&asked, pool),
        "producers" => producers(&asked, pool),
        "fan_out" => fan_out(&asked, pool),
        "paced" => paced(&asked, pool),
        "gaps" => gaps(&asked, pool),
        "memory" => memory(&asked, pool),
        "idle" => idle(&asked, pool),
        _ => exit(2),
    }
}
