//! The one thread that writes. It takes what waits, writes it as one message, syncs once, and only then
//! answers everybody in the group. A write or sync that fails ends the segment at its last good length: what
//! the operating system still holds of a failed sync cannot be trusted.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::columns::batch_of;
use crate::config::Config;
use crate::disk::{Disk, DiskFile};
use crate::error::AppendError;
use crate::event::Event;
use crate::segment::Encoder;
use crate::state::{Segment, State};

/// What an append got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Events that are durable now.
    pub events: usize,
    /// The segment that holds them; none holds nothing.
    pub segment: Option<u64>,
}

/// Which segment to close.
#[derive(Debug, Clone, Copy)]
pub enum Close {
    /// The present one, whatever it holds.
    Any,
    /// The present one if it was opened at this time or before.
    OpenedBy(Timestamp),
}

pub(crate) enum Job {
    Append {
        events: Vec<Event>,
        /// The events' share of the queue, given back when they are durable or refused.
        permit: OwnedSemaphorePermit,
        reply: oneshot::Sender<Result<Receipt, AppendError>>,
    },
    Close {
        which: Close,
        reply: oneshot::Sender<()>,
    },
}

/// The handle on the thread; dropping it lets the thread finish what waits and joins it.
pub struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. `next` numbers its first segment.
    pub fn start(disk: Arc<dyn Disk>, state: Arc<State>, config: Config, next: u64) -> io::Result<Self> {
        let (jobs, inbox) = channel();
        let mut writing = Writing { disk, state, config, next, active: None, bytes: Vec::new() };
        let thread =
            std::thread::Builder::new().name("event-log".into()).spawn(move || writing.run(&inbox))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Hands a job to the thread; gives it back if the thread is gone.
    pub(crate) fn send(&self, job: Job) -> Result<(), Job> {
        match &self.jobs {
            Some(jobs) => jobs.send(job).map_err(|unsent| unsent.0),
            None => Err(job),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already, and its waiters saw the log closed.
            let _ = thread.join();
        }
    }
}

/// The thread's own state.
struct Writing {
    disk: Arc<dyn Disk>,
    state: Arc<State>,
    config: Config,
    next: u64,
    active: Option<Active>,
    /// Kept between commits for its capacity.
    bytes: Vec<u8>,
}

/// The segment being written.
struct Active {
    number: u64,
    file: Arc<dyn DiskFile>,
    encoder: Encoder,
    len: u64,
}

struct Waiting {
    events: Vec<Event>,
    permit: OwnedSemaphorePermit,
    reply: oneshot::Sender<Result<Receipt, AppendError>>,
}

impl Writing {
    fn run(&mut self, inbox: &Receiver<Job>) {
        let mut held = None;
        while let Some(job) = held.take().or_else(|| inbox.recv().ok()) {
            match job {
                Job::Close { which, reply } => {
                    self.close(which);
                    // Whoever asked may have gone away; the segment is closed all the same.
                    let _ = reply.send(());
                }
                Job::Append { events, permit, reply } => {
                    let mut group = vec![Waiting { events, permit, reply }];
                    held = self.gather(inbox, &mut group);
                    self.commit(group);
                }
            }
        }
    }

    /// Takes what else waits into the group, up to the bound or to a job of another kind, which is returned.
    fn gather(&self, inbox: &Receiver<Job>, group: &mut Vec<Waiting>) -> Option<Job> {
        let mut count = group[0].events.len();
        while count < self.config.commit_events_max {
            match inbox.try_recv() {
                Ok(Job::Append { events, permit, reply }) => {
                    count += events.len();
                    group.push(Waiting { events, permit, reply });
                }
                Ok(other) => return Some(other),
                Err(_) => return None,
            }
        }
        None
    }

    fn commit(&mut self, group: Vec<Waiting>) {
        let outcome = self.write(&group);
        for Waiting { events, permit, reply } in group {
            let answer =
                outcome.clone().map(|segment| Receipt { events: events.len(), segment: Some(segment) });
            drop(permit);
            // A caller that stopped waiting does not make the events less durable.
            let _ = reply.send(answer);
        }
    }

    /// Makes the group durable and visible; returns the segment's number.
    fn write(&mut self, group: &[Waiting]) -> Result<u64, AppendError> {
        let started = Instant::now();
        let outcome = self.write_durably(group);
        let mut state = self.state.lock();
        state.counters.last_commit = started.elapsed();
        match &outcome {
            Ok(_) => state.counters.commits += 1,
            Err(_) => state.counters.commits_failed += 1,
        }
        outcome
    }

    fn write_durably(&mut self, group: &[Waiting]) -> Result<u64, AppendError> {
        let encode = |error: arrow::error::ArrowError| AppendError::Encode { message: error.to_string() };
        let events: Vec<&Event> = group.iter().flat_map(|waiting| &waiting.events).collect();
        let batch = batch_of(events.iter().copied()).map_err(encode)?;
        let (mut active, is_new) = match self.active.take() {
            Some(active) => (active, false),
            None => (self.open_segment()?, true),
        };
        self.bytes.clear();
        if is_new {
            active.encoder.schema(&mut self.bytes);
        }
        if let Err(error) = active.encoder.batch(&batch, &mut self.bytes) {
            self.abandon(&active, is_new);
            return Err(encode(error));
        }
        let written = active
            .file
            .write_all_at(&self.bytes, active.len)
            .and_then(|()| active.file.sync_data())
            // The name is as much needed to find the events again as their bytes are.
            .and_then(|()| if is_new { self.disk.sync() } else { Ok(()) });
        if let Err(error) = written {
            self.abandon(&active, is_new);
            return Err(AppendError::of_disk(&error));
        }
        active.len += self.bytes.len() as u64;
        self.publish(&active, &events);
        let number = active.number;
        self.active = Some(active);
        let bytes_max = self.config.segment_bytes_max;
        self.close_if(|segment| segment.bytes >= bytes_max);
        Ok(number)
    }

    fn open_segment(&mut self) -> Result<Active, AppendError> {
        let encoder = Encoder::new().map_err(|error| AppendError::Encode { message: error.to_string() })?;
        let number = self.next;
        // A number is used once, whatever comes of it: a leftover of a failed attempt is never written again.
        self.next += 1;
        let file = self.disk.create(&segment_name(number)).map_err(|error| AppendError::of_disk(&error))?;
        Ok(Active { number, file, encoder, len: 0 })
    }

    /// Ends a segment whose last write failed, at its last good length. Should that fail too, the tail is
    /// not in the state and is never read; only a crash could bring it back, as events that were not
    /// acknowledged.
    fn abandon(&mut self, active: &Active, is_new: bool) {
        if is_new {
            let _ = self.disk.remove(&segment_name(active.number));
            return;
        }
        let _ = active.file.truncate(active.len).and_then(|()| active.file.sync_data());
        if let Some(segment) = self.state.lock().segments.get_mut(&active.number) {
            segment.closed = true;
        }
    }

    fn publish(&self, active: &Active, events: &[&Event]) {
        let mut state = self.state.lock();
        state.counters.appended_events += events.len() as u64;
        state.counters.appended_bytes += self.bytes.len() as u64;
        let segment = state.segments.entry(active.number).or_insert_with(|| Segment {
            file: Arc::clone(&active.file),
            bytes: 0,
            events: 0,
            opened_at: events.first().map_or(Timestamp::UNIX_EPOCH, |event| event.received_at()),
            closed: false,
        });
        segment.bytes = active.len;
        segment.events += events.len() as u64;
    }

    fn close(&mut self, which: Close) {
        self.close_if(|segment| match which {
            Close::Any => true,
            Close::OpenedBy(time) => segment.opened_at <= time,
        });
    }

    fn close_if(&mut self, due: impl Fn(&Segment) -> bool) {
        let Some(active) = &self.active else { return };
        let mut state = self.state.lock();
        if let Some(segment) = state.segments.get_mut(&active.number)
            && due(segment)
        {
            segment.closed = true;
            drop(state);
            self.active = None;
        }
    }
}

/// The file of a segment.
pub fn segment_name(number: u64) -> String {
    format!("segment-{number:016}.arrows")
}

/// The number in a segment's file name.
pub fn segment_number(name: &str) -> Option<u64> {
    name.strip_prefix("segment-")?.strip_suffix(".arrows")?.parse().ok()
}
