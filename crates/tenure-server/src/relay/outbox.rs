//! Exposures and outcomes on their way upstream: a queue on disk. What was taken in is synced before it is acknowledged, and
//! is kept until the upstream has acknowledged it. An event keeps its identity, so that one that is sent twice counts once.
//!
//! Lines of JSON in numbered files; the file `cursor` says how far the upstream has them. One thread writes: it takes what
//! arrived meanwhile, writes and syncs it at once, and only then answers everybody in the group. Who reads waits for no sync
//! of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tenure_events::{Event, Kind};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use crate::data_dir::{replace, sync_folder};

/// A file of this size is followed by the next.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// Bytes that may wait; more are refused until the upstream has taken some.
const BYTES_MAX: u64 = 1 << 30;
/// Bytes that may wait for the writer; more are refused until it has written some.
const QUEUED_BYTES_MAX: u32 = 64 << 20;
/// A group that has grown to this is written.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// The most events that are handed out at once …
const BATCH_EVENTS_MAX: usize = 1_000;
/// … and their bytes.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// The queue. Shared by reference; dropping it lets what waits for the writer be written.
#[derive(Debug)]
pub struct Outbox {
    queue: Arc<Queue>,
    /// Bytes that may still be handed to the writer.
    room: Arc<Semaphore>,
    writer: Writer,
}

/// Why events were not taken in.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The upstream has been away for long, or the disk is slow.
    #[error("{bytes} bytes of events wait for {awaited}, {bytes_max} may; send again when some have gone")]
    Full {
        /// What waits.
        bytes: u64,
        /// The bound.
        bytes_max: u64,
        /// For what it waits.
        awaited: &'static str,
    },
    /// The disk failed.
    #[error("events cannot be kept: {0}; check the disk and send again")]
    Disk(#[from] io::Error),
}

/// What is durable, and how far the upstream has it.
#[derive(Debug)]
struct Queue {
    folder: PathBuf,
    /// Where what is durable ends. Held for no longer than to look or to set.
    written: Mutex<Place>,
    /// How far the upstream has it. Held while files are read: there is one reader.
    read: Mutex<Place>,
    /// What lies between; whoever holds `read` alone takes away of it.
    bytes: AtomicU64,
    events: AtomicU64,
    arrived: Notify,
}

/// A place in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    file: u64,
    offset: u64,
}

/// Events that wait, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// An event a line.
    pub lines: Vec<u8>,
    /// How many.
    pub events: u64,
    from: Place,
    to: Place,
}

impl Outbox {
    /// Opens the queue in a folder, made if needed. A line that a crash left half written was never acknowledged: it goes.
    ///
    /// # Errors
    /// The folder cannot be used, or the system gives no thread.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let writing = Writing::open(folder)?;
        let (queue, room) = (Arc::clone(&writing.queue), Semaphore::new(QUEUED_BYTES_MAX as usize));
        Ok(Self { queue, room: Arc::new(room), writer: Writer::start(writing)? })
    }

    /// Takes events in, all or none. Returns when they are durable: written and synced with whatever else waited.
    ///
    /// # Errors
    /// Too much waits already, or the disk fails.
    pub async fn append(&self, events: &[Event]) -> Result<(), OutboxError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for event in events {
            lines.extend_from_slice(json!(wire(event)).to_string().as_bytes());
            lines.push(b'\n');
        }
        let permit = self.room_for(lines.len())?;
        let (reply, answer) = oneshot::channel();
        self.writer.send(Waiting { lines, events: events.len() as u64, permit, reply })?;
        answer.await.map_err(|_| ended())?
    }

    /// A share of the room. What is larger than all of it takes it whole, and so goes alone.
    fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, OutboxError> {
        let permits = u32::try_from(bytes).map_or(QUEUED_BYTES_MAX, |bytes| bytes.min(QUEUED_BYTES_MAX));
        Arc::clone(&self.room).try_acquire_many_owned(permits).map_err(|_| {
            let bytes_max = u64::from(QUEUED_BYTES_MAX);
            let bytes = bytes_max.saturating_sub(self.room.available_permits() as u64);
            OutboxError::Full { bytes, bytes_max, awaited: "the disk" }
        })
    }

    /// The oldest events that wait; none when all were sent.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn oldest(&self) -> io::Result<Option<Batch>> {
        let queue = Arc::clone(&self.queue);
        blocking(move || queue.oldest()).await
    }

    /// The upstream has a batch for good.
    ///
    /// # Errors
    /// The disk fails; the batch is then sent again, which changes nothing.
    pub async fn sent(&self, batch: Batch) -> io::Result<()> {
        let queue = Arc::clone(&self.queue);
        blocking(move || queue.sent(&batch)).await
    }

    /// Returns when something may have arrived.
    pub async fn arrived(&self) {
        self.queue.arrived.notified().await;
    }

    /// How many events wait.
    pub fn events(&self) -> u64 {
        self.queue.events.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended() -> OutboxError {
    io::Error::other("what writes them has ended").into()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Events on their way to the disk.
#[derive(Debug)]
struct Waiting {
    lines: Vec<u8>,
    events: u64,
    /// Their share of the room, given back when they are durable or refused.
    permit: OwnedSemaphorePermit,
    reply: oneshot::Sender<Result<(), OutboxError>>,
}

impl Waiting {
    fn answer(self, outcome: Result<(), OutboxError>) {
        drop(self.permit);
        // A caller that stopped waiting does not make the events less durable.
        let _ = self.reply.send(outcome);
    }
}

/// The handle on the thread; dropping it lets the thread finish what waits and joins it.
#[derive(Debug)]
struct Writer {
    inbox: Option<Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    fn start(mut writing: Writing) -> io::Result<Self> {
        let (inbox, arriving) = channel();
        let thread =
            std::thread::Builder::new().name("outbox".into()).spawn(move || writing.run(&arriving))?;
        Ok(Self { inbox: Some(inbox), thread: Some(thread) })
    }

    fn send(&self, waiting: Waiting) -> Result<(), OutboxError> {
        let inbox = self.inbox.as_ref().ok_or_else(ended)?;
        inbox.send(waiting).map_err(|_| ended())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.inbox = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already, and its waiters saw it ended.
            let _ = thread.join();
        }
    }
}

/// The thread's own state.
#[derive(Debug)]
struct Writing {
    queue: Arc<Queue>,
    /// The file that is written, open.
    file: File,
    /// Where what is durable ends in it.
    at: Place,
    /// A write failed, and may have left something behind that place.
    is_torn: bool,
}

impl Writing {
    fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let files = numbers(folder)?;
        let read = read_cursor(folder)?;
        let first = files.first().copied().unwrap_or(1);
        // A file that was sent whole is gone, and the cursor may still name it.
        let read = if read.file < first { Place { file: first, offset: 0 } } else { read };
        let last = files.last().copied().unwrap_or(first).max(read.file);
        let path = path_of(folder, last);
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        let whole = whole_lines(&mut file)?;
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        file.sync_all()?;
        sync_folder(folder)?;
        let read = if read.file == last { Place { offset: read.offset.min(whole), ..read } } else { read };
        let at = Place { file: last, offset: whole };
        let queue = Queue::between(folder, &files, read, at)?;
        Ok(Self { queue: Arc::new(queue), file, at, is_torn: false })
    }

    fn run(&mut self, arriving: &Receiver<Waiting>) {
        while let Ok(first) = arriving.recv() {
            self.commit(gather(first, arriving));
        }
    }

    /// Makes a group durable at once, but for those for whom there is no more room, and answers everybody.
    fn commit(&mut self, group: Vec<Waiting>) {
        let (mut lines, mut taken): (Vec<u8>, Vec<Waiting>) = (Vec::new(), Vec::with_capacity(group.len()));
        let before = self.queue.bytes.load(Ordering::Relaxed);
        for waiting in group {
            let bytes = before + lines.len() as u64;
            if bytes + waiting.lines.len() as u64 > BYTES_MAX {
                let full = OutboxError::Full { bytes, bytes_max: BYTES_MAX, awaited: "the upstream" };
                waiting.answer(Err(full));
                continue;
            }
            lines.extend_from_slice(&waiting.lines);
            taken.push(waiting);
        }
        if taken.is_empty() {
            return;
        }
        let events: u64 = taken.iter().map(|waiting| waiting.events).sum();
        let outcome = self.append(&lines, events);
        for waiting in taken {
            waiting.answer(match &outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string()).into()),
            });
        }
    }

    /// Makes lines durable, and only then lets them be read.
    fn append(&mut self, lines: &[u8], events: u64) -> io::Result<()> {
        if let Err(error) = self.write(lines) {
            // Should this fail, too, it is tried again before the next write.
            let _ = self.cut();
            return Err(error);
        }
        self.queue.grows(lines.len() as u64, events, self.at);
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.cut()?;
        if self.at.offset >= FILE_BYTES_MAX {
            self.next_file()?;
        }
        self.is_torn = true;
        self.file.write_all(lines)?;
        self.file.sync_data()?;
        self.is_torn = false;
        self.at.offset += lines.len() as u64;
        Ok(())
    }

    /// What a failed write left was not acknowledged: it goes, and the next line begins where it did.
    fn cut(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.at.offset)?;
            self.file.seek(SeekFrom::Start(self.at.offset))?;
            self.is_torn = false;
        }
        Ok(())
    }

    fn next_file(&mut self) -> io::Result<()> {
        let at = Place { file: self.at.file + 1, offset: 0 };
        let path = path_of(&self.queue.folder, at.file);
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        sync_folder(&self.queue.folder)?;
        (self.file, self.at) = (file, at);
        Ok(())
    }
}

/// Takes what else waits into the group, up to the bound.
fn gather(first: Waiting, arriving: &Receiver<Waiting>) -> Vec<Waiting> {
    let mut bytes = first.lines.len();
    let mut group = vec![first];
    while bytes < GROUP_BYTES_MAX
        && let Ok(next) = arriving.try_recv()
    {
        bytes += next.lines.len();
        group.push(next);
    }
    group
}

impl Queue {
    /// What the files hold between two places.
    fn between(folder: &Path, files: &[u64], read: Place, written: Place) -> io::Result<Self> {
        let (mut bytes, mut events) = (0, 0);
        for file in files.iter().copied().filter(|file| *file >= read.file) {
            let from = if file == read.file { read.offset } else { 0 };
            let mut waiting = File::open(path_of(folder, file))?;
            bytes += waiting.metadata()?.len().saturating_sub(from);
            waiting.seek(SeekFrom::Start(from))?;
            events += BufReader::new(waiting).split(b'\n').count() as u64;
        }
        Ok(Self {
            folder: folder.to_owned(),
            written: Mutex::new(written),
            read: Mutex::new(read),
            bytes: AtomicU64::new(bytes),
            events: AtomicU64::new(events),
            arrived: Notify::new(),
        })
    }

    /// More is durable. It is counted before it can be read, and so before it can be taken away.
    fn grows(&self, bytes: u64, events: u64, written: Place) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Relaxed);
        *lock(&self.written) = written;
        self.arrived.notify_one();
    }

    fn oldest(&self) -> io::Result<Option<Batch>> {
        let mut read = lock(&self.read);
        loop {
            let (from, written) = (*read, *lock(&self.written));
            if from >= written {
                return Ok(None);
            }
            let path = path_of(&self.folder, from.file);
            let end = if from.file == written.file { written.offset } else { fs::metadata(&path)?.len() };
            if from.offset >= end {
                self.advance(&mut read, Place { file: from.file + 1, offset: 0 })?;
                self.forget_before(read.file)?;
                continue;
            }
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(from.offset))?;
            let mut reader = BufReader::new(file.take(end - from.offset));
            let (mut lines, mut events) = (Vec::new(), 0);
            while events < BATCH_EVENTS_MAX as u64 && lines.len() < BATCH_BYTES_MAX {
                if reader.read_until(b'\n', &mut lines)? == 0 {
                    break;
                }
                events += 1;
            }
            let to = Place { offset: from.offset + lines.len() as u64, ..from };
            return Ok(Some(Batch { lines, events, from, to }));
        }
    }

    fn sent(&self, batch: &Batch) -> io::Result<()> {
        let mut read = lock(&self.read);
        if *read != batch.from {
            return Ok(());
        }
        self.advance(&mut read, batch.to)?;
        take_away(&self.bytes, batch.lines.len() as u64);
        take_away(&self.events, batch.events);
        self.forget_before(batch.to.file)
    }

    /// Remember how far the upstream has it all.
    fn advance(&self, read: &mut Place, to: Place) -> io::Result<()> {
        let place = format!("{} {}\n", to.file, to.offset);
        replace(&self.folder.join(CURSOR), place.as_bytes())?;
        *read = to;
        Ok(())
    }

    /// Forget files that the upstream has whole.
    fn forget_before(&self, first: u64) -> io::Result<()> {
        for file in numbers(&self.folder)?.into_iter().filter(|file| *file < first) {
            fs::remove_file(path_of(&self.folder, file))?;
        }
        Ok(())
    }
}

fn take_away(count: &AtomicU64, by: u64) {
    count.fetch_sub(by.min(count.load(Ordering::Relaxed)), Ordering::Relaxed);
}

const CURSOR: &str = "cursor";
const ENDING: &str = ".ndjson";

fn path_of(folder: &Path, file: u64) -> PathBuf {
    folder.join(format!("{file:016}{ENDING}"))
}

/// The numbers of the files, in order.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(ENDING)?.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn read_cursor(folder: &Path) -> io::Result<Place> {
    let text = match fs::read_to_string(folder.join(CURSOR)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place { file: 0, offset: 0 }),
        Err(error) => return Err(error),
    };
    let mut numbers = text.split_whitespace().map(str::parse::<u64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(file)), Some(Ok(offset))) => Ok(Place { file, offset }),
        // Sending again what was sent changes nothing.
        _ => Ok(Place { file: 0, offset: 0 }),
    }
}

/// How many bytes of a file are whole lines.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let (mut reader, mut whole, mut line) = (BufReader::new(file), 0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok(whole);
        }
        whole += read as u64;
    }
}

/// An event as it is sent: with its identity and its time, so that sending it again changes nothing.
fn wire(event: &Event) -> Value {
    let units: Map<String, Value> =
        event.units().iter().map(|unit| (unit.unit_type.clone(), unit.id.clone().into())).collect();
    let at: Timestamp = event.at();
    let mut sent = json!({
        "type": event.kind().as_str(), "id": event.id(), "at": at.to_string(), "unit": units,
    });
    if !event.attributes().is_empty() {
        sent["attributes"] = json!(event.attributes());
    }
    match event.kind() {
        Kind::Exposure { flag, variant, revision, reason } => {
            sent["flag"] = json!(flag);
            sent["variant"] = json!(variant);
            for (name, said) in [("revision", revision), ("reason", reason)] {
                if let Some(said) = said {
                    sent[name] = json!(said);
                }
            }
        }
        Kind::Outcome { name, value } => {
            sent["event"] = json!(name);
            if let Some(value) = value {
                sent["value"] = json!(value);
            }
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use tenure_events::wire::{Origin, parse_ndjson};

    use super::*;

    fn events(count: usize) -> Vec<Event> {
        let lines: Vec<String> = (0..count)
            .map(|n| match n % 2 {
                0 => json!({"type": "outcome", "unit": {"user": format!("u{n}"), "tenant": "t"}, "event": "bought", "value": 1.5, "id": format!("o{n}")}),
                _ => json!({"type": "exposure", "unit": format!("u{n}"), "flag": "f", "variant": "treatment", "revision": "PC-1/1", "attributes": {"country": "SE"}}),
            })
            .map(|event| event.to_string())
            .collect();
        read(lines.join("\n").as_bytes())
    }

    fn read(lines: &[u8]) -> Vec<Event> {
        let received_at = "2026-03-01T00:00:00Z".parse().unwrap();
        let origin = Origin { received_at, source: "api", events_max: 100_000 };
        parse_ndjson(lines, origin).unwrap().into_iter().map(|event| event.unwrap()).collect()
    }

    #[tokio::test]
    async fn what_was_taken_in_is_handed_out_once_it_is_sent_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(folder.path()).unwrap();
        assert_eq!(outbox.oldest().await.unwrap(), None);
        let given = events(2_500);
        outbox.append(&given).await.unwrap();
        let first = outbox.oldest().await.unwrap().unwrap();
        assert_eq!((first.events, outbox.events()), (1_000, 2_500));
        assert_eq!(read(&first.lines), given[..1_000], "an event comes out as it went in");
        assert_eq!(outbox.oldest().await.unwrap().unwrap(), first, "until it is sent");
        outbox.sent(first).await.unwrap();

        drop(outbox);
        let outbox = Outbox::open(folder.path()).unwrap();
        assert_eq!(outbox.events(), 1_500, "a restart loses nothing and repeats nothing");
        let mut seen = Vec::new();
        while let Some(batch) = outbox.oldest().await.unwrap() {
            seen.extend(read(&batch.lines));
            outbox.sent(batch).await.unwrap();
        }
        assert_eq!(seen, given[1_000..]);
        assert_eq!(outbox.events(), 0);
        outbox.append(&given[..1]).await.unwrap();
        assert_eq!(outbox.oldest().await.unwrap().unwrap().events, 1);
    }

    #[tokio::test]
    async fn a_line_that_was_half_written_goes() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(folder.path()).unwrap();
        let given = events(2);
        outbox.append(&given).await.unwrap();
        drop(outbox);
        let path = path_of(folder.path(), 1);
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"{\"type\": \"outc").unwrap();
        drop(file);
        let outbox = Outbox::open(folder.path()).unwrap();
        outbox.append(&given[..1]).await.unwrap();
        let batch = outbox.oldest().await.unwrap().unwrap();
        assert_eq!(read(&batch.lines), [given[0].clone(), given[1].clone(), given[0].clone()]);
    }

    #[test]
    fn files_follow_one_another_and_go_when_they_were_sent() {
        let folder = tempfile::tempdir().unwrap();
        let mut writing = Writing::open(folder.path()).unwrap();
        let queue = Arc::clone(&writing.queue);
        let line = [b"x".repeat(1 << 20), b"\n".to_vec()].concat();
        for _ in 0..20 {
            writing.append(&line, 1).unwrap();
        }
        assert_eq!(numbers(folder.path()).unwrap(), [1, 2, 3]);
        let mut events = 0;
        while let Some(batch) = queue.oldest().unwrap() {
            events += batch.events;
            queue.sent(&batch).unwrap();
        }
        assert_eq!((events, queue.bytes.load(Ordering::Relaxed)), (20, 0));
        assert_eq!(numbers(folder.path()).unwrap(), [3]);
        assert_eq!(events_in(folder.path()), 0);
    }

    fn events_in(folder: &Path) -> u64 {
        Writing::open(folder).unwrap().queue.events.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn what_is_appended_at_once_is_durable_each() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(folder.path()).unwrap();
        let given = events(400);
        let appends = given.chunks(1).map(|event| outbox.append(event));
        for appended in futures::future::join_all(appends).await {
            appended.unwrap();
        }
        assert_eq!(outbox.events(), 400);
        assert_eq!(outbox.room.available_permits(), QUEUED_BYTES_MAX as usize, "all room is given back");
        drop(outbox);

        let outbox = Outbox::open(folder.path()).unwrap();
        assert_eq!(outbox.events(), 400);
        let seen = read(&outbox.oldest().await.unwrap().unwrap().lines);
        assert_eq!(seen.len(), 400);
        assert!(given.iter().all(|event| seen.contains(event)));
    }

    #[test]
    fn what_waits_together_is_written_and_synced_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut writing = Writing::open(folder.path()).unwrap();
        let room = Arc::new(Semaphore::new(100));
        let (inbox, arriving) = channel();
        let append = |lines: Vec<u8>| {
            let permit = Arc::clone(&room).try_acquire_many_owned(1).unwrap();
            let (reply, answer) = oneshot::channel();
            inbox.send(Waiting { lines, events: 1, permit, reply }).unwrap();
            answer
        };
        let lines: Vec<Vec<u8>> = (0..100).map(|n| format!("{n}\n").into_bytes()).collect();
        let answers: Vec<_> = lines.iter().cloned().map(append).collect();
        let group = gather(arriving.recv().unwrap(), &arriving);
        assert_eq!((group.len(), room.available_permits()), (100, 0));
        writing.commit(group);
        for answer in answers {
            answer.blocking_recv().unwrap().unwrap();
        }
        assert_eq!(room.available_permits(), 100);
        assert_eq!(events_in(folder.path()), 100);
        let batch = writing.queue.oldest().unwrap().unwrap();
        assert_eq!(batch.lines, lines.concat(), "in the order they came");
    }

    #[tokio::test]
    async fn what_finds_no_room_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(folder.path()).unwrap();
        let given = events(2);
        let refused = async || {
            let error = outbox.append(&given).await.unwrap_err();
            assert!(matches!(error, OutboxError::Full { .. }), "{error}");
            error.to_string()
        };
        let held = Arc::clone(&outbox.room).try_acquire_many_owned(QUEUED_BYTES_MAX).unwrap();
        assert!(refused().await.starts_with("67108864 bytes of events wait for the disk, 67108864 may"));
        drop(held);
        outbox.queue.bytes.store(BYTES_MAX, Ordering::Relaxed);
        assert!(
            refused().await.starts_with("1073741824 bytes of events wait for the upstream, 1073741824 may")
        );
        outbox.queue.bytes.store(0, Ordering::Relaxed);
        outbox.append(&given).await.unwrap();
        assert_eq!(outbox.events(), 2, "what was refused is not there");
    }

    #[test]
    fn what_a_failed_write_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut writing = Writing::open(folder.path()).unwrap();
        writing.append(b"1\n", 1).unwrap();
        let path = path_of(folder.path(), 1);
        let good = std::mem::replace(&mut writing.file, File::open(&path).unwrap());
        writing.append(b"2\n", 1).unwrap_err();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"type\": \"outc").unwrap();
        writing.file = good;
        writing.append(b"3\n", 1).unwrap();
        assert_eq!(fs::read(path).unwrap(), b"1\n3\n");
        assert_eq!(writing.queue.events.load(Ordering::Relaxed), 2);
    }
}
