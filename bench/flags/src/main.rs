//! What an evaluation costs, beside the evaluators of other systems, in one run: `bench-flags [MILLISECONDS [PEER …]]`
//! prints the table of bench/README.md, of all peers where none is named. A number is the median of several rounds, in which all take turns.
//!
//! Everybody is asked the same: what a system compiles or prepares once, and the caller's context in its own type, are made
//! beforehand. Answers are compared before anything is timed; of a rollout, whose hash is each system's own, the share.

mod eppo;
mod flagd;
mod flagsmith;
mod growthbook;
mod launchdarkly;
mod unleash;

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Duration;

use bench_flags::workload::{Workload, thousands};
use bench_flags::{Subject, tenure, workload};
use tokio::runtime::Runtime;

/// Sets a system up for a workload and so many callers.
type SetUp = fn(Workload, usize) -> Subject;

type System = (&'static str, SetUp);

const SYSTEMS: [System; 7] = [
    ("tenure-flags", tenure::subject),
    ("eppo_core", eppo::subject),
    ("unleash-yggdrasil", unleash::subject),
    ("launchdarkly-server-sdk", launchdarkly::subject),
    ("growthbook-rust-sdk", growthbook::subject),
    ("flagsmith-flag-engine", flagsmith::subject),
    ("flagd-evaluation-engine", flagd::subject),
];

/// Callers take turns, so that no branch is learnt by heart.
const CALLERS: usize = 64;
const CALLERS_OF_A_ROLLOUT: usize = 2_000;
const ROUNDS: usize = 7;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let each = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(100);
    let each = Duration::from_millis(each);
    let named: Vec<String> = arguments.collect();
    let is_asked = |peer: &str| named.is_empty() || named.iter().any(|name| name == peer);
    let systems: Vec<System> =
        SYSTEMS.into_iter().filter(|(name, _)| *name == "tenure-flags" || is_asked(name)).collect();
    compare_systems(&systems, each);
    grow(each);
}

fn compare_systems(systems: &[System], each: Duration) {
    let names: Vec<&str> = systems.iter().map(|(name, _)| *name).collect();
    println!("| nanoseconds | {} | ahead of the fastest peer |", names.join(" | "));
    println!("|---|{}", "--:|".repeat(systems.len() + 1));
    for workload in Workload::ALL {
        let subjects: Vec<Subject> =
            systems.iter().map(|(name, set_up)| checked(name, *set_up, workload)).collect();
        let times = time(&subjects, each);
        let fastest = times[1..].iter().copied().fold(f64::INFINITY, f64::min);
        let cells: Vec<String> = times.iter().map(|time| shown(*time)).collect();
        println!("| {} | {} | {:.1} times |", workload.name(), cells.join(" | "), fastest / times[0]);
    }
}

/// Our own cost at 10 and 100 times the keys and flags, and of what the product serves instead of a bare percentage.
fn grow(each: Duration) {
    println!("\n| nanoseconds, tenure-flags | 1 times | 10 times | 100 times |\n|---|--:|--:|--:|");
    let rows: [(&str, fn(usize) -> Workload, usize); 3] = [
        ("a segment of 10,000 keys", Workload::Segment, 10_000),
        ("one of 1,000 flags, with three conditions", Workload::Among, 1_000),
        ("a flag of 1,000, in bulk", Workload::Bulk, 1_000),
    ];
    for (name, workload, size) in rows {
        let cells = [1, 10, 100].map(|times| {
            let workload = workload(size * times);
            let flags = if let Workload::Bulk(flags) = workload { flags as f64 } else { 1.0 };
            let spent = time(&[checked("tenure-flags", tenure::subject, workload)], each);
            shown(spent[0] / flags)
        });
        println!("| {name} | {} |", cells.join(" | "));
    }
    let spent = time(&[checked("tenure-flags", tenure::subject, Workload::Measured)], each);
    println!("| {} | {} | | |", Workload::Measured.name(), shown(spent[0]));
}

/// A subject whose answers are right.
fn checked(name: &str, set_up: SetUp, workload: Workload) -> Subject {
    launchdarkly::CHECKING.set(true);
    let subject = set_up(workload, CALLERS);
    for caller in 0..CALLERS {
        let on = subject(caller);
        if let Some(expected) = workload.expected(caller) {
            assert_eq!(on, expected, "{name} on {} for caller {caller}", workload.name());
        }
    }
    if workload == Workload::Rollout {
        let many = set_up(workload, CALLERS_OF_A_ROLLOUT);
        let on: usize = (0..CALLERS_OF_A_ROLLOUT).map(&many).sum();
        let half = CALLERS_OF_A_ROLLOUT as f64 / 2.0;
        let off_by = (on as f64 - half).abs() / (half / 2.0).sqrt();
        assert!(off_by < 4.0, "{name} admits {on} of {CALLERS_OF_A_ROLLOUT}: {off_by:.1} sigma off");
    }
    launchdarkly::CHECKING.set(false);
    subject
}

/// Nanoseconds of one answer of each subject: the median of the rounds, of the processor's time and not the clock's, since
/// other programs may take turns with this one.
fn time(subjects: &[Subject], each: Duration) -> Vec<f64> {
    let counts: Vec<usize> = subjects.iter().map(|subject| calibrate(subject, each)).collect();
    let mut rounds = vec![Vec::with_capacity(ROUNDS); subjects.len()];
    for _ in 0..ROUNDS {
        for ((subject, count), rounds) in subjects.iter().zip(&counts).zip(&mut rounds) {
            rounds.push(run(subject, *count).as_nanos() as f64 / *count as f64);
        }
    }
    let median = |mut rounds: Vec<f64>| {
        rounds.sort_by(f64::total_cmp);
        rounds[ROUNDS / 2]
    };
    rounds.into_iter().map(median).collect()
}

/// So many answers as take about this long.
fn calibrate(subject: &Subject, each: Duration) -> usize {
    let mut count = 1;
    loop {
        let spent = run(subject, count);
        if spent * 2 > each || count > 1 << 30 {
            return (count as f64 * each.as_secs_f64() / spent.as_secs_f64()).ceil() as usize;
        }
        count *= 2;
    }
}

fn run(subject: &Subject, count: usize) -> Duration {
    let start = processor_time();
    for turn in 0..count {
        black_box(subject(black_box(turn % CALLERS)));
    }
    processor_time() - start
}

/// What this thread has run so far, as Linux counts it: exact to a tick of the scheduler, some milliseconds.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = text.split(' ').next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

fn shown(nanoseconds: f64) -> String {
    if nanoseconds < 100.0 { format!("{nanoseconds:.1}") } else { thousands(nanoseconds.round() as usize) }
}

/// For the clients that want one.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}
