//! Crashes at every step: what was acknowledged is there exactly once, what was not, once or not at all. (Thousands of drawn
//! histories of them are lived through in `tenure-sim`.)

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use tenure_events::{AppendError, Config, EventLog};

use crate::child;
use crate::disk::{FaultyDisk, FaultyStore, Power, Survives};
use crate::world::{ids, now, outcomes};

/// Small bounds, so that a short run closes segments, seals and compacts.
fn small() -> Config {
    Config { segment_bytes_max: 6_000, seal_bytes_max: 20_000, day_files_max: 2, ..Config::default() }
}

/// A log on a faulty disk and store, and what it promised.
struct Scene {
    disk: FaultyDisk,
    objects: Arc<InMemory>,
    acknowledged: BTreeSet<String>,
    attempted: BTreeSet<String>,
}

impl Scene {
    fn new() -> Self {
        Self {
            disk: FaultyDisk::new(Power::lasting()),
            objects: Arc::new(InMemory::new()),
            acknowledged: BTreeSet::new(),
            attempted: BTreeSet::new(),
        }
    }

    async fn open(&self) -> Result<EventLog, tenure_events::OpenError> {
        let store = FaultyStore::new(self.disk.power.clone(), Arc::clone(&self.objects));
        EventLog::open_on(Arc::new(self.disk.clone()), Arc::new(store), small()).await
    }

    async fn append(&mut self, log: &EventLog, prefix: &str, count: usize) -> Result<(), AppendError> {
        let events = outcomes(prefix, count);
        let ids: Vec<String> = events.iter().map(|event| event.id().to_owned()).collect();
        self.attempted.extend(ids.iter().cloned());
        log.append(events).await?;
        assert!(self.disk.is_durable(ids.concat().as_bytes()), "{prefix} was acknowledged before its sync");
        self.acknowledged.extend(ids);
        Ok(())
    }

    fn cut_power(&mut self, survives: Survives) {
        self.disk = self.disk.after_power_cut(survives);
    }

    async fn check(&self, log: &EventLog, when: &str) {
        let found = ids(log).await;
        let distinct: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!(found.len(), distinct.len(), "{when}: an event stands twice");
        let lost: Vec<_> = self.acknowledged.difference(&distinct).collect();
        assert!(lost.is_empty(), "{when}: acknowledged and lost: {lost:?}");
        let invented: Vec<_> = distinct.difference(&self.attempted).collect();
        assert!(invented.is_empty(), "{when}: never sent: {invented:?}");
    }
}

/// Appends, seals and compacts with the power going after each possible number of operations.
#[tokio::test]
async fn a_power_cut_between_any_two_operations_loses_and_doubles_nothing() {
    let mut cuts = 0;
    for survives in [
        Survives::Nothing,
        Survives::Everything,
        Survives::Half,
        Survives::Lengths,
        Survives::Any(1),
        Survives::Any(2),
    ] {
        // Losing all that was not synced is the hard case: it is tried after every operation.
        let stride = if survives == Survives::Nothing { 1 } else { 5 };
        for operations in (0..).step_by(stride) {
            let mut scene = Scene::new();
            let log = scene.open().await.unwrap();
            scene.append(&log, "before", 20).await.unwrap();
            log.seal_all().await.unwrap();
            scene.disk.power.cut_after(operations);
            for round in 0..2 {
                // Failures are the point; what was acknowledged is noted.
                let _ = scene.append(&log, &format!("r{round}-a"), 20).await;
                let _ = scene.append(&log, &format!("r{round}-b"), 1).await;
                let _ = log.seal_all().await;
            }
            let _ = log.compact().await;
            let survived = !scene.disk.power.is_cut();
            drop(log);
            scene.cut_power(survives);
            let when = format!("power cut after {operations} operations, {survives:?} survives");
            let log = scene.open().await.unwrap();
            scene.check(&log, &when).await;
            scene.append(&log, "after", 5).await.unwrap();
            log.seal_all().await.unwrap();
            log.compact().await.unwrap();
            scene.check(&log, &format!("{when}, sealed")).await;
            assert_eq!(log.stats().unsealed_events, 0);
            if survived {
                break;
            }
            cuts += 1;
        }
    }
    assert!(cuts > 50, "only {cuts} cuts were tried");
}

#[tokio::test]
async fn a_failed_sync_is_told_to_all_waiters_and_the_next_append_works() {
    let mut scene = Scene::new();
    let log = scene.open().await.unwrap();
    scene.append(&log, "good", 3).await.unwrap();
    scene.disk.failing_syncs.store(1, std::sync::atomic::Ordering::SeqCst);
    let refused = scene.append(&log, "bad", 3).await.unwrap_err();
    assert!(matches!(&refused, AppendError::Disk { message } if message == "sync failed"), "{refused:?}");
    assert!(refused.is_uncertain());
    scene.append(&log, "next", 3).await.unwrap();
    assert_eq!(ids(&log).await, ["good0", "good1", "good2", "next0", "next1", "next2"]);
    assert_eq!(log.stats().commits_failed, 1);
    assert_eq!(log.stats().segments, 2, "the failed segment is closed at its last good length");
}

#[tokio::test]
async fn a_full_disk_is_told_and_appends_work_again_when_there_is_room() {
    let mut scene = Scene::new();
    let log = scene.open().await.unwrap();
    scene.append(&log, "good", 3).await.unwrap();
    scene.disk.room.store(1_000, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..3 {
        let refused = scene.append(&log, "bad", 30).await.unwrap_err();
        assert!(matches!(refused, AppendError::DiskFull), "{refused:?}");
    }
    scene.disk.room.store(u64::MAX, std::sync::atomic::Ordering::SeqCst);
    scene.append(&log, "next", 1).await.unwrap();
    assert_eq!(ids(&log).await, ["good0", "good1", "good2", "next0"]);
}

/// A real full disk: a tmpfs of 256 KiB in a mount namespace of its own.
#[test]
fn a_small_tmpfs_that_fills_up_loses_nothing_acknowledged() {
    if let Some(folder) = child::folder() {
        fill_up(&folder);
        println!("filled up and went on");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let inner =
        child::command("crash::a_small_tmpfs_that_fills_up_loses_nothing_acknowledged", folder.path());
    let script = "mount -t tmpfs -o size=256k tmpfs \"$1\" || exit 77; shift; exec \"$@\"";
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]).arg(folder.path());
    command.arg(inner.get_program()).args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    match command.output() {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("filled up and went on"), "{said}");
        }
        Ok(output) if output.status.code() == Some(101) => {
            panic!("{}", String::from_utf8_lossy(&output.stdout))
        }
        other => println!("skipped: cannot mount a tmpfs in a namespace of its own ({other:?})"),
    }
}

fn fill_up(folder: &std::path::Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let ballast = folder.join("ballast");
        std::fs::write(&ballast, vec![0; 64 << 10]).unwrap();
        let log = EventLog::open(&folder.join("log"), Config::default()).await.unwrap();
        let mut acknowledged = Vec::new();
        let refused = loop {
            let prefix = format!("a{}-", acknowledged.len());
            match log.append(outcomes(&prefix, 10)).await {
                Ok(_) => acknowledged.extend((0..10).map(|number| format!("{prefix}{number}"))),
                Err(refused) => break refused,
            }
        };
        assert!(matches!(refused, AppendError::DiskFull), "{refused:?}");
        assert!(log.seal_all().await.is_err(), "there is no room for a sealed file either");
        std::fs::remove_file(&ballast).unwrap();
        log.append(outcomes("after", 10)).await.unwrap();
        log.seal_all().await.unwrap();
        acknowledged.extend((0..10).map(|number| format!("after{number}")));
        acknowledged.sort();
        assert_eq!(ids(&log).await, acknowledged);
        drop(log);
        let log = EventLog::open(&folder.join("log"), Config::default()).await.unwrap();
        assert_eq!(ids(&log).await, acknowledged);
    });
}

/// SIGKILL of a process that appends from eight tasks and seals all the while.
#[test]
fn acknowledged_events_survive_a_kill_at_any_moment() {
    if let Some(folder) = child::folder() {
        return append_until_killed(&folder);
    }
    const ROUNDS: u64 = 10;
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut child =
            child::spawn("crash::acknowledged_events_survive_a_kill_at_any_moment", folder.path());
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = said.by_ref().map(Result::unwrap).find(|line| line.starts_with("ack ")).unwrap();
        std::thread::sleep(Duration::from_millis(3 + round * 17));
        child.kill().unwrap();
        child.wait().unwrap();
        let rest = said.map_while(Result::ok);
        let acks = std::iter::once(first).chain(rest).filter_map(|line| {
            // A line that the kill cut short has no full stop.
            line.strip_prefix("ack ")?.strip_suffix('.').map(str::to_owned)
        });
        let before = acknowledged.len();
        for append in acks {
            acknowledged.extend((0..5).map(|number| format!("{append}-{number}")));
        }
        assert!(acknowledged.len() > before, "round {round} acknowledged nothing");
        runtime.block_on(async {
            let log = EventLog::open(folder.path(), small()).await.unwrap();
            let found = ids(&log).await;
            let distinct: BTreeSet<String> = found.iter().cloned().collect();
            assert_eq!(found.len(), distinct.len(), "round {round}: an event stands twice");
            let lost: Vec<_> = acknowledged.difference(&distinct).collect();
            assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        });
    }
}

fn append_until_killed(folder: &std::path::Path) {
    let run = std::process::id();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let log = Arc::new(EventLog::open(folder, small()).await.unwrap());
        for task in 0..8 {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for append in 0.. {
                    let append = format!("p{run}-t{task}-{append}");
                    log.append(outcomes(&format!("{append}-"), 5)).await.unwrap();
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "ack {append}.").unwrap();
                    out.flush().unwrap();
                }
            });
        }
        loop {
            log.seal_all().await.unwrap();
            log.compact().await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
}

#[tokio::test]
async fn a_folder_that_another_process_holds_is_refused_by_name() {
    if let Some(folder) = child::folder() {
        let _log = EventLog::open(&folder, Config::default()).await.unwrap();
        println!("held");
        // Until the parent lets go of the pipe.
        std::io::stdin().read_line(&mut String::new()).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        child::spawn("crash::a_folder_that_another_process_holds_is_refused_by_name", folder.path());
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.ends_with("held")));
    let error = EventLog::open(folder.path(), Config::default()).await.err().unwrap().to_string();
    assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    assert!(error.contains("another process") && error.contains("stop it"), "{error}");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    EventLog::open(folder.path(), Config::default()).await.unwrap();
}

#[tokio::test]
async fn a_dropped_log_gives_the_folder_free_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let log = EventLog::open(folder.path(), Config::default()).await.unwrap();
        log.seal(now()).await.unwrap();
    }
}
