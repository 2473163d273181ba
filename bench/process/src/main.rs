//! What a start, a desk, a portfolio and a tick of the clockwork cost at 100, 1,000 and 10,000 cases of 200 entries each.
//!
//! A journal is written into SQLite by real commands. Each start is measured in a process of its own, so that its time is a
//! start's and its memory is what a server would hold for it: the journal is read, decoded and folded as the server does
//! it, or its snapshot is read and the rest folded.
//!
//! `bench-process [CASES …]`; entries a case: `BENCH_ENTRIES` (200).

mod company;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use company::Company;
use jiff::Timestamp;
use tenure_core::id::AccountId;
use tenure_core::plan::plan;
use tenure_core::{Actor, Recorded, State};
use tenure_store::{Entry, Location, PAGE_MAX, Snapshot, Store};

const FORMAT: &str = "bench";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [start, folder] = arguments.as_slice()
        && start == "start"
    {
        return started(Path::new(folder)).await;
    }
    let mut cases: Vec<usize> = arguments.iter().map(|count| count.parse()).collect::<Result<_, _>>()?;
    if cases.is_empty() {
        cases = vec![100, 1_000, 10_000];
    }
    let entries: u64 = std::env::var("BENCH_ENTRIES").unwrap_or_else(|_| "200".to_owned()).parse()?;
    println!(
        "  cases    entries  journal MiB  snapshot MiB  replay s  from snapshot s  memory MiB  desk ms  portfolio ms  plan ms"
    );
    for cases in cases {
        measure(cases, entries).await?;
    }
    Ok(())
}

async fn measure(cases: usize, entries: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&Location::folder(folder.path())).await?;
    let mut company = Company::found(&store).await?;
    for number in 0..cases {
        company.carries(number, entries).await?;
    }
    company.flush().await?;
    let state = std::mem::take(&mut company.state);
    store.close().await;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let journal: u64 =
        std::fs::read_dir(folder.path())?.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum();
    let replay = in_its_own_process(folder.path())?;

    let store = Store::open(&Location::folder(folder.path())).await?;
    let bytes = serde_json::to_vec(&state)?;
    let snapshot = bytes.len() as u64;
    store
        .put_snapshot(&Snapshot { format: FORMAT.to_owned(), seq: i64::try_from(state.seq)?, bytes })
        .await?;
    store.close().await;
    let kept = in_its_own_process(folder.path())?;
    if (replay.seq, kept.seq) != (state.seq, state.seq) {
        bail!("a start ended at another entry: {} and {} of {}", replay.seq, kept.seq, state.seq);
    }
    println!(
        "{cases:>7} {:>10} {:>12.0} {:>13.1} {:>9.2} {:>16.2} {:>11.0} {:>8.2} {:>13.2} {:>8.2}",
        state.seq,
        mib(journal),
        mib(snapshot),
        replay.seconds,
        kept.seconds,
        replay.memory_mib.max(kept.memory_mib),
        replay.desk_ms,
        replay.portfolio_ms,
        replay.plan_ms,
    );
    Ok(())
}

/// What a start found.
struct Started {
    seq: u64,
    seconds: f64,
    memory_mib: f64,
    desk_ms: f64,
    portfolio_ms: f64,
    plan_ms: f64,
}

fn in_its_own_process(folder: &Path) -> Result<Started> {
    let output = Command::new(std::env::current_exe()?).arg("start").arg(folder).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [seq, seconds, memory_mib, desk_ms, portfolio_ms, plan_ms] = numbers[..] else {
        bail!("the start failed: {}", String::from_utf8_lossy(&output.stderr));
    };
    Ok(Started { seq: seq as u64, seconds, memory_mib, desk_ms, portfolio_ms, plan_ms })
}

/// Start as a server does: the latest snapshot, then every entry behind it.
async fn started(folder: &Path) -> Result<()> {
    let begun = Instant::now();
    let store = Store::open(&Location::folder(folder)).await?;
    let mut state = match store.latest_snapshot(FORMAT).await? {
        Some(snapshot) => serde_json::from_slice(&snapshot.bytes)?,
        None => State::default(),
    };
    let mut last = None;
    loop {
        let page = store.read(i64::try_from(state.seq)?, PAGE_MAX).await?;
        let Some(entry) = page.last() else { break };
        last = Some(entry.at);
        for entry in &page {
            tenure_core::apply(&mut state, &decode(entry)?);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let now = last.unwrap_or_else(|| {
        state.cases.values().map(|case| case.stage_since).max().unwrap_or(Timestamp::UNIX_EPOCH)
    });
    let actor = Actor::of(AccountId::new("oda")?);
    let desk_ms = median_ms(|| {
        std::hint::black_box(state.desk(&actor, now));
    });
    let portfolio_ms = median_ms(|| {
        std::hint::black_box(state.portfolio(now));
    });
    let plan_ms = median_ms(|| {
        std::hint::black_box(plan(&state, now));
    });
    println!("{} {seconds} {} {desk_ms} {portfolio_ms} {plan_ms}", state.seq, memory_mib()?);
    Ok(())
}

fn decode(entry: &Entry) -> Result<Recorded> {
    let body = serde_json::from_str(&entry.body)?;
    let actor = AccountId::new(&entry.actor)?;
    Ok(Recorded::decode(entry.seq.unsigned_abs(), entry.at, actor, &entry.kind, entry.version, body)?)
}

fn median_ms(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<Duration> = (0..21)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1_000.0
}

/// The most memory this process held at once.
fn memory_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).context("the kernel says VmHWM")?;
    let kib: f64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
    Ok(kib / 1024.0)
}
