//! How fast the statistics are. `bench-stats moments` judges the moments that the peer judges too, a row a line of
//! standard input; `bench-stats alone` times what has a bound of its own.
//!
//! One JSON line a measurement: `{"what", "runs", "seconds", "each_us"}`.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use serde::Deserialize;
use tenure_stats::anytime;
use tenure_stats::estimate::{Estimate, Kind, Level, Scale, difference};
use tenure_stats::evidence;
use tenure_stats::guardrail::{self, Guardrail};
use tenure_stats::moments::Moments;
use tenure_stats::replication::{Original, Rollout, Told, correct, replicate};
use tenure_stats::sentence;
use tenure_stats::sequential::{Sides, Spending, bounds};
use tenure_stats::verdict::{Direction, Look, Monitor, Plan, Wave, look};
use tenure_stats::wave::Epoch;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("moments") => moments(),
        Some("alone") => alone(),
        _ => {
            eprintln!("usage: bench-stats moments < ROWS.json | bench-stats alone");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// One look of one metric, as the driver writes it: sums of both arms.
#[derive(Deserialize)]
struct Row {
    control: Sums,
    treatment: Sums,
}

#[derive(Deserialize)]
struct Sums {
    n: u64,
    sum: f64,
    sum_squares: f64,
}

impl Sums {
    fn level(&self) -> Level {
        let moments = Moments::from_sums(self.n, self.sum, self.sum_squares).expect("the driver's moments");
        Level::of(Kind::Mean, &moments).expect("the driver's arms have units")
    }
}

/// The same answer as the peer's sequential two-sided test: estimate, standard error, always-valid interval and p-value, of
/// every row. Prints a checksum, so that both sides can be seen to agree.
fn moments() {
    let rows: Vec<Row> = std::io::stdin()
        .lines()
        .map(|line| serde_json::from_str(&line.expect("rows on standard input")).expect("a row"))
        .collect();
    let tuned = anytime::optimal_x_approximate(0.05).expect("a level");
    let judge = |row: &Row| -> [f64; 5] {
        let effect = difference(&row.control.level(), &row.treatment.level()).expect("arms that vary");
        let x = tuned * (row.control.n + row.treatment.n) as f64 / 5000.0;
        let [low, high] = effect.within(anytime::critical(x, 0.05).expect("a level"));
        [effect.value, effect.se, low, high, anytime::p_of_log_e(anytime::log_e(effect.z(), x))]
    };
    let checksum: f64 = rows.iter().map(|row| judge(row)[3]).sum();
    let report = over("moments", &rows, |row| {
        black_box(judge(black_box(row)));
    });
    println!("{}", report.with("checksum", checksum));
    // The product's own answer to the same rows: planned and forever bound, sample ratio, words.
    let plan = Plan::new(Kind::Mean, Direction::Increase, Scale::Absolute, 0.05, 1, 0.05).expect("a plan");
    let report = over("verdicts", &rows, |row| {
        let (control, treatment) = (row.control.level(), row.treatment.level());
        let epoch = Epoch { index: 0, control, treatment, treatment_share: 0.5 };
        black_box(look(&plan, &Monitor::default(), &measured(vec![epoch])).expect("a plan"));
    });
    println!("{report}");
}

/// Rows that are timed in one go: short enough to be done between two interruptions by another process.
const BATCH: usize = 500;

/// Batches are done this often, and the quickest time counts: what the machine did beside them does not.
const ROUNDS: usize = 5;

/// The time of all rows, batch by batch.
fn over(what: &str, rows: &[Row], mut judge: impl FnMut(&Row)) -> Report {
    let mut seconds = 0.0;
    for batch in rows.chunks(BATCH) {
        let mut round = || {
            let started = Instant::now();
            batch.iter().for_each(&mut judge);
            started.elapsed().as_secs_f64()
        };
        seconds += (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min);
    }
    Report::of(what, ROUNDS * rows.len(), seconds, rows.len())
}

fn alone() {
    let plan =
        Plan::new(Kind::Proportion, Direction::Increase, Scale::Relative, 0.05, 1, 0.012).expect("a plan");
    let arm = |n: u64, successes: u64| Moments::from_counts(n, successes).expect("counts");
    let epoch = |index: u32, n: u64| {
        let epoch =
            Epoch::of_moments(index, Kind::Proportion, &arm(n, n * 12 / 100), &arm(n, n * 127 / 1000), 0.5);
        epoch.expect("arms that vary")
    };
    // The tenth of 28 daily looks, in the third wave.
    let mut monitor = Monitor::default();
    for day in 1..10u64 {
        let epochs = vec![epoch(0, 700), epoch(1, 1_400), epoch(2, 500 * day)];
        monitor = look(&plan, &monitor, &measured(epochs)).expect("a plan").0;
    }
    let now = measured(vec![epoch(0, 700), epoch(1, 1_400), epoch(2, 5_000)]);
    let original = Original::new(0.06, 0.02);
    let errors = Guardrail::new(Direction::Decrease, 0.01, 2, 0.004).expect("a margin");
    let told = Told::of(Kind::Proportion);
    let report = time("verdict with all evidence", || {
        let (next, judged) = look(&plan, black_box(&monitor), black_box(&now)).expect("a plan");
        let (value, se) = judged.estimate.zip(judged.se).expect("arms that vary");
        let rollout = Rollout { estimate: value, se, interval: judged.interval };
        let found = replicate(&original, &rollout, Scale::Relative).expect("an original").told(told);
        let estimate = |value, se| Estimate::new(value, se).expect("an estimate");
        let seen = evidence::weigh(&estimate(0.06, 0.02), &estimate(value, se)).expect("an original");
        let lines = sentence::evidence(&found, &seen, &told);
        let guarded = guardrail::judge(&errors, &estimate(0.001, 0.002)).expect("a guardrail");
        black_box((next, judged, found, lines, guarded));
    });
    println!("{report}");

    let fractions: Vec<f64> = (1..=100).map(|look| f64::from(look) / 100.0).collect();
    for (what, spending) in [
        ("bounds of 100 looks, O'Brien-Fleming", Spending::ObrienFleming),
        ("bounds of 100 looks, Pocock", Spending::Pocock),
    ] {
        let report = time(what, || {
            black_box(bounds(spending, 0.02, black_box(&fractions), Sides::Both).expect("fractions"));
        });
        println!("{report}");
    }
    let mut monitor = Monitor::default();
    for day in 1..100u64 {
        monitor = look(&plan, &monitor, &measured(vec![epoch(0, 100 * day)])).expect("a plan").0;
    }
    let now = measured(vec![epoch(0, 10_000)]);
    let report = time("hundredth look, its path remembered", || {
        black_box(look(&plan, black_box(&monitor), &now).expect("a plan"));
    });
    println!("{report}");
    let report = time("correction for selection", || {
        black_box(correct(black_box(2.1), 1.0, 1.959963984540054).expect("an original"));
    });
    println!("{report}");
}

fn measured(epochs: Vec<Epoch>) -> Look {
    Look {
        epochs,
        wave: Wave::Measured,
        minimum_duration_passed: true,
        largest_duration_reached: false,
        fault: None,
        original: None,
    }
}

struct Report(serde_json::Value);

impl Report {
    fn of(what: &str, runs: usize, seconds: f64, pieces: usize) -> Self {
        let each_us = 1e6 * seconds / pieces as f64;
        Self(serde_json::json!({ "what": what, "runs": runs, "seconds": seconds, "each_us": each_us }))
    }

    fn with(mut self, name: &str, value: f64) -> Self {
        self.0[name] = value.into();
        self
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// The quickest time of one piece of work, of rounds that together last a second.
fn time(what: &str, mut round: impl FnMut()) -> Report {
    round();
    let (mut seconds, mut runs) = (f64::INFINITY, 0);
    let begun = Instant::now();
    while begun.elapsed().as_secs_f64() < 1.0 || runs < 20 {
        let started = Instant::now();
        round();
        seconds = seconds.min(started.elapsed().as_secs_f64());
        runs += 1;
    }
    Report::of(what, runs, seconds, 1)
}
