//! Writes an event log of any size, and takes a look at it: one process each, so that its time and memory are its own.
//!
//! ```text
//! bench-analysis write FOLDER EXPOSURES DAYS [FROM_DAY]   as many days of units, three outcomes each; prints the files
//! bench-analysis look FOLDER AS_OF_DAY [COHORTS]          ten metrics; prints seconds, memory and the answer
//! ```
//!
//! `BENCH_THREADS` (2), `BENCH_MEMORY_MIB` (256).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};
use tenure_analysis::{Aggregation, Embedded, Engine, Epoch, Metric, Query, Settings};
use tenure_events::{Config, Draft, Event, EventLog, Kind, Received, Unit};

const METRICS: usize = 10;
const OUTCOMES_PER_UNIT: u64 = 3;
/// Events sent again, a day later: one in so many.
const REPEATED: u64 = 200;
const BATCH: usize = 16_000;
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["write", folder, exposures, days] => {
            write(folder.as_ref(), exposures.parse()?, 0, days.parse()?).await
        }
        ["write", folder, exposures, days, from] => {
            write(folder.as_ref(), exposures.parse()?, from.parse()?, days.parse()?).await
        }
        ["look", folder, day] => look(folder.as_ref(), day.parse()?, None).await,
        ["look", folder, day, cohorts] => look(folder.as_ref(), day.parse()?, Some(cohorts.into())).await,
        _ => bail!("write FOLDER EXPOSURES DAYS [FROM_DAY], or look FOLDER AS_OF_DAY [COHORTS]"),
    }
}

fn start_of(day: i64) -> Result<Timestamp> {
    Ok("2026-01-01T00:00:00Z".parse::<Timestamp>()? + SignedDuration::from_hours(24 * day))
}

/// The same numbers for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Days of units, each exposed once and doing three things within 30 hours.
async fn write(folder: &Path, exposures: u64, from: i64, days: i64) -> Result<()> {
    let config = Config { seal_bytes_max: 192 << 20, unsealed_bytes_max: 8 << 30, ..Config::default() };
    let log = EventLog::open(folder, config).await?;
    let mut chance = Chance(7 + from as u64);
    let mut later: BTreeMap<i64, Vec<Event>> = BTreeMap::new();
    let per_day = exposures / days as u64;
    for day in from..from + days {
        let mut today = later.remove(&day).unwrap_or_default();
        let begin = start_of(day)?;
        for place in 0..per_day {
            let unit = Unit::new("user", format!("customer-{:09}", day as u64 * 1_000_000 + place));
            let variant = ["control", "treatment"][chance.below(2) as usize];
            let first = begin + SignedDuration::from_micros(chance.below(86_400_000_000) as i64);
            let exposure = Kind::Exposure {
                flag: "checkout".to_owned(),
                variant: variant.to_owned(),
                revision: Some("PC-1/1".to_owned()),
                reason: Some("SPLIT".to_owned()),
            };
            let mut add = |kind: Kind, at: Timestamp, id: u64| -> Result<()> {
                let draft = |at_day: i64| -> Result<Event> {
                    let draft = Draft {
                        id: Some(format!("{:016x}", id)),
                        at: Some(at),
                        units: vec![unit.clone()],
                        kind: kind.clone(),
                        source: "api".to_owned(),
                        attributes: BTreeMap::new(),
                    };
                    let received =
                        at + SignedDuration::from_hours(24 * at_day) + SignedDuration::from_millis(300);
                    Ok(Event::new(draft, Received { at: received, index: 0 })?)
                };
                let of_day = (at.as_second() - start_of(0)?.as_second()).div_euclid(86_400);
                let event = draft(0)?;
                if of_day == day {
                    today.push(event)
                } else {
                    later.entry(of_day).or_default().push(event)
                }
                if id.is_multiple_of(REPEATED) {
                    later.entry(of_day + 1).or_default().push(draft(1)?);
                }
                Ok(())
            };
            let number = (day as u64 * 1_000_000 + place) * 4;
            add(exposure, first, number)?;
            for outcome in 1..=OUTCOMES_PER_UNIT {
                let name = format!("event-{}", chance.below(METRICS as u64));
                let value = Some(chance.below(10_000) as f64 / 100.0);
                let after = SignedDuration::from_micros(chance.below(30 * 3_600_000_000) as i64);
                add(Kind::Outcome { name, value }, first + after, number + outcome)?;
            }
        }
        append(&log, today).await?;
    }
    for (_, events) in later {
        append(&log, events).await?;
    }
    let view = log.view().await?;
    let bytes: u64 = view.files.iter().map(|file| file.bytes).sum();
    println!("{}", serde_json::json!({"events": view.events(), "files": view.files.len(), "bytes": bytes}));
    Ok(())
}

async fn append(log: &EventLog, mut events: Vec<Event>) -> Result<()> {
    while !events.is_empty() {
        let rest = events.split_off(events.len().min(BATCH));
        log.append(std::mem::replace(&mut events, rest)).await?;
    }
    log.seal_all().await?;
    Ok(())
}

async fn look(folder: &Path, day: i64, cohorts: Option<PathBuf>) -> Result<()> {
    let number = |name: &str, default: usize| -> Result<usize> {
        std::env::var(name)
            .map_or(Ok(default), |text| text.parse().with_context(|| format!("{name} is no number")))
    };
    let log = Arc::new(EventLog::open(folder, Config::default()).await?);
    let settings = Settings {
        threads: number("BENCH_THREADS", 2)?,
        memory_bytes_max: number("BENCH_MEMORY_MIB", 256)? << 20,
        cohorts,
        cohort_bytes_max: 8 << 30,
        ..Settings::default()
    };
    let engine = Embedded::new(log, settings)?;
    let query = query(day)?;
    let started = Instant::now();
    let answer = engine.measure(&query).await?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{}", serde_json::json!({"seconds": seconds, "memory_mib": peak_mib()?, "answer": answer}));
    Ok(())
}

fn query(day: i64) -> Result<Query> {
    let aggregations = [
        Aggregation::Any,
        Aggregation::Count,
        Aggregation::Sum,
        Aggregation::Mean,
        Aggregation::Any,
        Aggregation::Count,
        Aggregation::Sum,
        Aggregation::Mean,
        Aggregation::Any,
        Aggregation::Sum,
    ];
    let metric = |(place, aggregation): (usize, &Aggregation)| Metric {
        name: format!("metric-{place}"),
        event: format!("event-{place}"),
        filter: Vec::new(),
        aggregation: *aggregation,
        window: Some(WINDOW),
        cap: None,
    };
    Ok(Query {
        flag: "checkout".to_owned(),
        revision: Some("PC-1/1".to_owned()),
        unit_type: "user".to_owned(),
        arms: vec!["control".to_owned(), "treatment".to_owned()],
        epochs: vec![
            Epoch { index: 0, starts_at: start_of(0)? },
            Epoch { index: 1, starts_at: start_of(5)? },
            Epoch { index: 2, starts_at: start_of(20)? },
        ],
        as_of: start_of(day)?,
        lateness: SignedDuration::from_hours(7 * 24),
        days: 0,
        metrics: aggregations.iter().enumerate().map(metric).collect(),
    })
}

/// The most memory that this process ever held.
fn peak_mib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(peak.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}
