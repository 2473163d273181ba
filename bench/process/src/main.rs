//! What a start, a desk, a portfolio and a round of the clockwork cost at 100, 1,000 and 10,000 cases of 200 entries each.
//!
//! A journal is written into SQLite by real commands. Each start is measured in a process of its own, so that its time is a
//! start's and its memory is what a server would hold for it: the journal is read, decoded and folded as the server does
//! it, or its snapshot is read and the rest folded.
//!
//! `bench-process [CASES …]`; entries a case: `BENCH_ENTRIES` (200).

mod company;
mod script;

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use company::Company;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use tenure_core::board::Board;
use tenure_core::filter::Filter;
use tenure_core::id::AccountId;
use tenure_core::snapshot::Part;
use tenure_core::{Actor, Recorded, State};
use tenure_store::{Fact, Location, Snapshot, Store};

/// As the `tenure` command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FORMAT: &str = "bench";
/// How much of a desk is shown at once.
const DESK: usize = 100;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [start, folder, now] = arguments.as_slice()
        && start == "start"
    {
        return started(Path::new(folder), now.parse()?).await;
    }
    let mut cases: Vec<usize> = arguments.iter().map(|count| count.parse()).collect::<Result<_, _>>()?;
    if cases.is_empty() {
        cases = vec![100, 1_000, 10_000];
    }
    let entries: u64 = std::env::var("BENCH_ENTRIES").unwrap_or_else(|_| "200".to_owned()).parse()?;
    println!(
        "| cases | entries | journal MiB | snapshot MiB | start s (processor) | start from snapshot s (processor) | memory MiB | desk ms | portfolio ms | what is due ms | an entry µs |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for cases in cases {
        measure(cases, entries).await?;
    }
    Ok(())
}

async fn measure(cases: usize, entries: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&Location::folder(folder.path())).await?;
    let mut company = Company::found(&store).await?;
    company.carries(cases, entries).await?;
    company.flush().await?;
    let (state, now) = (std::mem::take(&mut company.state), company.now);
    drop(company);
    store.close().await;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let journal: u64 =
        std::fs::read_dir(folder.path())?.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum();
    let replay = in_its_own_process(folder.path(), now)?;

    let store = Store::open(&Location::folder(folder.path())).await?;
    let seq = state.seq;
    let parts = state.into_parts();
    let snapshot = Snapshot::write(FORMAT, i64::try_from(seq)?, parts).await?;
    let packed = snapshot.bytes() as u64;
    store.put_snapshot(&snapshot).await?;
    drop(snapshot);
    store.close().await;
    let kept = in_its_own_process(folder.path(), now)?;
    if (replay.seq, kept.seq) != (seq, seq) {
        bail!("a start ended at another entry: {} and {} of {seq}", replay.seq, kept.seq);
    }
    println!(
        "| {cases} | {} | {:.0} | {:.1} | {:.2} ({:.2}) | {:.2} ({:.2}) | {:.0} | {:.2} | {:.2} | {:.2} | {:.0} |",
        seq,
        mib(journal),
        mib(packed),
        replay.seconds,
        replay.worked,
        kept.seconds,
        kept.worked,
        replay.memory_mib.max(kept.memory_mib),
        replay.desk_ms,
        replay.portfolio_ms,
        replay.due_ms,
        replay.note_us,
    );
    Ok(())
}

/// What a start found.
struct Started {
    seq: u64,
    /// Seconds of the processor, and of the clock.
    worked: f64,
    seconds: f64,
    memory_mib: f64,
    desk_ms: f64,
    portfolio_ms: f64,
    due_ms: f64,
    note_us: f64,
}

fn in_its_own_process(folder: &Path, now: Timestamp) -> Result<Started> {
    let output =
        Command::new(std::env::current_exe()?).arg("start").arg(folder).arg(now.to_string()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [seq, worked, seconds, memory_mib, desk_ms, portfolio_ms, due_ms, note_us] = numbers[..] else {
        bail!("the start failed: {}", String::from_utf8_lossy(&output.stderr));
    };
    Ok(Started { seq: seq as u64, worked, seconds, memory_mib, desk_ms, portfolio_ms, due_ms, note_us })
}

/// Start as a server does: the latest snapshot, then every entry behind it, then the board. Then ask it what people and the
/// clockwork ask.
async fn started(folder: &Path, now: Timestamp) -> Result<()> {
    let (begun, worked) = (Instant::now(), processor_seconds()?);
    let store = Store::open(&Location::folder(folder)).await?;
    let mut state = match store.latest_snapshot(FORMAT).await? {
        Some(snapshot) => State::from_parts(snapshot.read::<Part>().await?),
        None => State::default(),
    };
    let mut pages = store.pages(i64::try_from(state.seq)?, |fact| decode(&fact));
    while let Some(page) = pages.try_next().await? {
        page.iter().for_each(|recorded| tenure_core::apply(&mut state, recorded));
    }
    let mut board = Board::of(&state, now);
    let seconds = [processor_seconds()? - worked, begun.elapsed().as_secs_f64()];

    let actor = Actor::of(AccountId::new("oda")?);
    let desk_ms = median_ms(|| {
        black_box(board.desk(&state, &actor, &Filter::default(), now, DESK));
    });
    let portfolio_ms = median_ms(|| {
        black_box(board.portfolio(&state, &Filter::default(), now));
    });
    let due_ms = median_ms(|| {
        board.turn(&state, now);
        black_box(board.plan(&state, now));
    });
    let mut last = store.pages(i64::try_from(state.seq)? - 1, |fact| decode(&fact));
    let last = last.try_next().await?.context("a journal has a last entry")?.remove(0);
    let note_us = 1_000.0 * median_ms(|| board.note(&state, &last));
    println!(
        "{} {} {} {} {desk_ms} {portfolio_ms} {due_ms} {note_us}",
        state.seq,
        seconds[0],
        seconds[1],
        memory_mib()?
    );
    Ok(())
}

fn decode(fact: &Fact) -> Result<Recorded> {
    let actor = AccountId::new(&fact.actor)?;
    Ok(Recorded::decode(fact.seq.unsigned_abs(), fact.at, actor, &fact.kind, fact.version, &fact.body)?)
}

/// Seconds that the processor has worked for this process, in all its threads, as Linux counts them: what a start takes
/// where nothing else runs.
fn processor_seconds() -> Result<f64> {
    let mut seconds = 0.0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let nanoseconds: f64 = text.split(' ').next().context("the kernel says nanoseconds")?.parse()?;
        seconds += nanoseconds / 1e9;
    }
    Ok(seconds)
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
