// SPDX-License-Identifier: MIT

// The questions of the C++ programs that Node has an answer to, asked of its setTimeout. Same work,
// same lines of output: node bench.mjs <Node or Node/promise> <question> [--quick]

import { readFileSync } from "node:fs";

const [peer, question, length] = process.argv.slice(2);
const isQuick = length === "--quick";

function tell(metric, value, unit) {
    console.log(`${question},${peer},${metric},${Number(value.toPrecision(7))},${unit}`);
}

function tasksFor(full) {
    return isQuick ? full / 50 : full;
}

const pageSize = 4096;

function residentBytes() {
    return Number(readFileSync("/proc/self/statm", "utf8").split(" ")[1]) * pageSize;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let tally = 0;

async function awaitAsleep(target) {
    while (tally < target) {
        await sleep(10);
    }
}

// A timer that nobody waits for, and the promise of one, whose failure somebody has to catch.
const runAfter = {
    "Node": (pause, fn) => void setTimeout(fn, pause),
    "Node/promise": (pause, fn) =>
        void new Promise((resolve) => setTimeout(resolve, pause)).then(fn).catch(console.error),
}[peer];

// Some timers and what became of them; see timers.cpp. Filled, so that their memory is there.
class TimerSet {
    constructor(size, stampedEvery) {
        this.size = size;
        this.stampedEvery = stampedEvery;
        this.fired = new Float64Array(size).fill(1);
        this.deadlines = new Float64Array(size / stampedEvery).fill(1);
    }

    insert(pauseOf) {
        const { size, stampedEvery, fired, deadlines } = this;
        const begin = performance.now();
        for (let i = 0; i < size; ++i) {
            const pause = pauseOf(i);
            if ((i + 1) % stampedEvery === 0) {
                deadlines[Math.floor(i / stampedEvery)] = performance.now() + pause;
            }
            runAfter(pause, () => {
                fired[i] = performance.now();
                ++tally;
            });
        }
        this.insertionNs = (1e6 * (performance.now() - begin)) / size;
    }

    lateness() {
        return this.deadlines.map((deadline, k) => this.fired[(k + 1) * this.stampedEvery - 1] - deadline);
    }

    lastAfterDeadline() {
        const latest = (all) => all.reduce((a, b) => Math.max(a, b));
        return latest(this.fired) - latest(this.deadlines);
    }
}

function tellDelays(prefix, delays, unit) {
    const sorted = delays.toSorted();
    const scale = unit === "us" ? 1000 : 1;
    for (const [name, share] of [["p50", 0.5], ["p99", 0.99], ["max", 1]]) {
        tell(prefix + name, scale * sorted[Math.ceil(share * sorted.length - 1e-6) - 1], unit);
    }
}

function tellLateness(prefix, all) {
    tell(prefix + "last_fired_after_deadline", all.lastAfterDeadline(), "ms");
    tellDelays(prefix + "lateness_", all.lateness(), "ms");
}

async function timers() {
    const many = tasksFor(1000000);
    const pause = isQuick ? 200 : 2000;
    let set = 0;
    const runs = async (all, pauseOf) => {
        const before = residentBytes();
        all.insert(pauseOf);
        all.bytes = residentBytes() - before;
        all.pending = set + all.size - tally;
        await awaitAsleep((set += all.size));
        return all;
    };

    await runs(new TimerSet(many / 100, 1), () => 10);
    const same = await runs(new TimerSet(many, 50), () => pause);
    tell("insertion_per_timer", same.insertionNs, "ns");
    tell("bytes_per_timer", same.bytes / many, "bytes");
    tell("pending_at_once", same.pending, "timers");
    tellLateness("", same);

    const steps = pause / 2 - 3; // a prime, so that the stamped ones meet all of them
    const spread = await runs(new TimerSet(many, 50), (i) => pause + ((i * 7919) % steps));
    tell("spread_insertion_per_timer", spread.insertionNs, "ns");
    tellLateness("spread_", spread);

    const thousand = await runs(new TimerSet(pause / 2, 1), (i) => 100 + ((i * 7919) % (pause / 2)));
    const late = thousand.lateness();
    tellDelays("thousand_", late, "us");
    tell("thousand_earliest", 1000 * Math.min(...late), "us");
    tell("timers", many, "timers");
}

await { timers }[question]();
