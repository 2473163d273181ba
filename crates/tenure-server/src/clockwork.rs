//! What happens by itself: looks, waves, notices, telling people, sealing. One worker asks the process what is due and does it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use jiff::SignedDuration;
use serde_json::Value;
use tenure_core::plan::Due;
use tenure_core::{Actor, Command};
use tenure_store::Fence;
use tokio::sync::watch;

use crate::live::{Live, Submission};
use crate::look::{self, LookError};
use crate::notify;
use crate::shift::{OnShift, Shift};

/// How often the process is asked, on the server's own clock …
const ASK_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// … and between which bounds on the wall's.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often full or old segments are sealed, on the wall's clock.
const SEAL_EVERY: Duration = Duration::from_secs(30);
/// How often expired sessions, receipts and events are forgotten, on the wall's clock.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// Work until the server stops.
pub async fn run(live: Arc<Live>, mut stopped: watch::Receiver<bool>) {
    let others = tokio::spawn(follow_others(Arc::clone(&live)));
    let (on_shift, telling_on_shift) = watch::channel(false);
    let telling = tokio::spawn(notify::run(Arc::clone(&live), telling_on_shift, stopped.clone()));
    let (mut sealed, mut forgot) = (Instant::now(), Instant::now());
    let mut kept = live.seq();
    let mut shift = Shift::default();
    while !*stopped.borrow() {
        let works = shift.check(&live).await;
        if *on_shift.borrow() == (works == OnShift::No) {
            on_shift.send_replace(works != OnShift::No);
        }
        live.turn();
        if let OnShift::Yes(fence) = works {
            do_what_is_due(&live, fence.as_ref()).await;
        }
        kept = live.keep_snapshot_sometimes(kept).await;
        if sealed.elapsed() >= SEAL_EVERY {
            seal(&live).await;
            sealed = Instant::now();
        }
        if forgot.elapsed() >= FORGET_EVERY {
            if let Err(error) = live.store.forget_expired(live.clock.now()).await {
                tracing::warn!(%error, "expired sessions were not forgotten");
            }
            live.keep_evaluations();
            expire(&live).await;
            forgot = Instant::now();
        }
        let pause = live.clock.on_the_wall(ASK_EVERY).clamp(PAUSE_MIN, PAUSE_MAX);
        // Either the pause is over, or the server stops (or is gone).
        let _ = tokio::time::timeout(pause, stopped.changed()).await;
    }
    others.abort();
    if let Err(error) = telling.await {
        tracing::error!(%error, "telling did not end well");
    }
    shift.end(&live).await;
}

/// Ask the process what is due now, and do each thing once. What fails is tried again at the next round.
pub async fn do_what_is_due(live: &Arc<Live>, fence: Option<&Fence>) {
    // What is decided at once does not wait for looks, which can take long.
    let (at_once, looks): (Vec<Due>, Vec<Due>) =
        live.due().into_iter().partition(|due| matches!(due, Due::Submit(_)));
    for due in at_once.into_iter().chain(looks) {
        match due {
            Due::Look { case } => failed(live, look::take(live, &case, fence).await),
            Due::LookAtRun { experiment } => failed(live, look::take_at_run(live, &experiment, fence).await),
            Due::Submit(command) => give(live, &command, fence).await,
        }
    }
    live.telemetry.keep_looks_of(&look::measuring(&live.state()));
}

fn failed(live: &Live, look: Result<(), LookError>) {
    if let Err(error) = look {
        live.telemetry.looks_failed.inc();
        tracing::warn!(%error, "a look failed");
    }
}

async fn give(live: &Live, command: &Command, fence: Option<&Fence>) {
    let Ok(Value::Object(mut form)) = serde_json::to_value(command) else { return };
    let Some(Value::Object(arguments)) = form.remove("with") else { return };
    let name = command.name().to_owned();
    let submission = Submission { name, arguments, fence: fence.cloned(), ..Submission::default() };
    if let Err(problem) = live.submit(&Actor::System, submission).await {
        tracing::warn!(?problem, command = command.name(), "what was due was not done");
    }
}

async fn seal(live: &Live) {
    match live.events.seal(live.clock.now()).await {
        Ok(sealed) if sealed.events > 0 => {
            tracing::info!(
                events = sealed.events,
                files = sealed.files,
                duplicates = sealed.duplicates,
                "sealed"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "sealing failed; the events stay in their segments"),
    }
    if let Err(error) = live.events.compact().await {
        tracing::warn!(%error, "compaction failed; the sealed files stay as they are");
    }
}

/// Remove the events that are older than the configuration keeps them.
async fn expire(live: &Live) {
    let days = live.config.events.retention_days;
    let kept = SignedDuration::from_hours(24 * i64::from(days));
    let Some(kept_from) = live.clock.now().checked_sub(kept).ok().filter(|_| days > 0) else { return };
    match live.events.expire(kept_from).await {
        Ok(removed) if removed.events > 0 => {
            tracing::info!(events = removed.events, files = removed.files, days, "old events were removed");
            if let Err(error) = live.engine.forget() {
                tracing::warn!(%error, "who was in cohorts of removed events is still kept");
            }
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "old events were not removed; tried again in an hour"),
    }
}

/// Apply what other nodes append, as it comes. On SQLite nobody else does, and there is nothing to do.
async fn follow_others(live: Arc<Live>) {
    let mut entries = std::pin::pin!(live.store.follow(live.seq()));
    while let Some(entry) = entries.next().await {
        let caught_up = match entry {
            Ok(entry) => live.catch_up_to(entry.seq).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = caught_up {
            tracing::error!(%error, "the journal cannot be followed; flags are served as they were");
        }
    }
}
