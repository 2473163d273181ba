//! Exposures and outcomes on their way upstream: a queue on disk. What was taken in is synced before it is acknowledged, and
//! is kept until the upstream has acknowledged it. An event keeps its identity, so that one that is sent twice counts once.
//!
//! Lines of JSON in numbered files; the file `cursor` says how far the upstream has them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tenure_events::{Event, Kind};
use tokio::sync::Notify;

use crate::data_dir::{replace, sync_folder};

/// A file of this size is followed by the next.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// Bytes that may wait; more are refused until the upstream has taken some.
const BYTES_MAX: u64 = 1 << 30;
/// The most events that are handed out at once …
const BATCH_EVENTS_MAX: usize = 1_000;
/// … and their bytes.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// The queue. Shared by reference.
#[derive(Debug)]
pub struct Outbox {
    queue: Arc<Mutex<Queue>>,
    arrived: Notify,
}

/// Why events were not taken in.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The upstream has been away for long.
    #[error("{bytes} bytes of events wait for the upstream, {BYTES_MAX} may; send again when it is back")]
    Full {
        /// What waits.
        bytes: u64,
    },
    /// The disk failed.
    #[error("events cannot be kept: {0}; check the disk and send again")]
    Disk(#[from] io::Error),
}

/// Where events are read from, and where they are written.
#[derive(Debug)]
struct Queue {
    folder: PathBuf,
    /// The file that is written, open; and how long it is.
    writing: File,
    written: Place,
    read: Place,
    bytes: u64,
    events: u64,
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
    /// The folder cannot be used.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let queue = Queue::open(folder)?;
        Ok(Self { queue: Arc::new(Mutex::new(queue)), arrived: Notify::new() })
    }

    /// Takes events in. Returns when they are durable.
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
        let (queue, count) = (Arc::clone(&self.queue), events.len() as u64);
        blocking(move || lock(&queue).append(&lines, count)).await?;
        self.arrived.notify_one();
        Ok(())
    }

    /// The oldest events that wait; none when all were sent.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn oldest(&self) -> io::Result<Option<Batch>> {
        let queue = Arc::clone(&self.queue);
        blocking(move || lock(&queue).oldest()).await
    }

    /// The upstream has a batch for good.
    ///
    /// # Errors
    /// The disk fails; the batch is then sent again, which changes nothing.
    pub async fn sent(&self, batch: Batch) -> io::Result<()> {
        let queue = Arc::clone(&self.queue);
        blocking(move || lock(&queue).sent(&batch)).await
    }

    /// Returns when something may have arrived.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// How many events wait.
    pub fn events(&self) -> u64 {
        lock(&self.queue).events
    }
}

fn lock(queue: &Mutex<Queue>) -> std::sync::MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

impl Queue {
    fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let files = numbers(folder)?;
        let read = read_cursor(folder)?;
        let first = files.first().copied().unwrap_or(1);
        // A file that was sent whole is gone, and the cursor may still name it.
        let read = if read.file < first { Place { file: first, offset: 0 } } else { read };
        let last = files.last().copied().unwrap_or(first).max(read.file);
        let path = path_of(folder, last);
        let mut writing =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        let whole = whole_lines(&mut writing)?;
        writing.set_len(whole)?;
        writing.seek(SeekFrom::Start(whole))?;
        writing.sync_all()?;
        sync_folder(folder)?;
        let read = if read.file == last { Place { offset: read.offset.min(whole), ..read } } else { read };
        let mut queue = Self {
            folder: folder.to_owned(),
            writing,
            written: Place { file: last, offset: whole },
            read,
            bytes: 0,
            events: 0,
        };
        for file in files.into_iter().filter(|file| *file >= read.file) {
            let from = if file == read.file { read.offset } else { 0 };
            let mut waiting = File::open(path_of(folder, file))?;
            queue.bytes += waiting.metadata()?.len().saturating_sub(from);
            waiting.seek(SeekFrom::Start(from))?;
            queue.events += BufReader::new(waiting).split(b'\n').count() as u64;
        }
        Ok(queue)
    }

    fn append(&mut self, lines: &[u8], events: u64) -> Result<(), OutboxError> {
        if self.bytes + lines.len() as u64 > BYTES_MAX {
            return Err(OutboxError::Full { bytes: self.bytes });
        }
        if self.written.offset >= FILE_BYTES_MAX {
            let file = self.written.file + 1;
            self.writing = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .open(path_of(&self.folder, file))?;
            sync_folder(&self.folder)?;
            self.written = Place { file, offset: 0 };
        }
        let written = self.writing.write_all(lines).and_then(|()| self.writing.sync_data());
        if let Err(error) = written {
            // What was written in part was not acknowledged; the next line begins where this one did.
            self.writing.set_len(self.written.offset)?;
            self.writing.seek(SeekFrom::Start(self.written.offset))?;
            return Err(error.into());
        }
        self.written.offset += lines.len() as u64;
        self.bytes += lines.len() as u64;
        self.events += events;
        Ok(())
    }

    fn oldest(&mut self) -> io::Result<Option<Batch>> {
        loop {
            if self.read >= self.written {
                return Ok(None);
            }
            let from = self.read;
            let path = path_of(&self.folder, from.file);
            let end =
                if from.file == self.written.file { self.written.offset } else { fs::metadata(&path)?.len() };
            if from.offset >= end {
                self.advance(Place { file: from.file + 1, offset: 0 })?;
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

    fn sent(&mut self, batch: &Batch) -> io::Result<()> {
        if self.read != batch.from {
            return Ok(());
        }
        self.bytes = self.bytes.saturating_sub(batch.lines.len() as u64);
        self.events = self.events.saturating_sub(batch.events);
        self.advance(batch.to)
    }

    /// Remember how far the upstream has it all, and forget files that it has whole.
    fn advance(&mut self, to: Place) -> io::Result<()> {
        let place = format!("{} {}\n", to.file, to.offset);
        replace(&self.folder.join(CURSOR), place.as_bytes())?;
        self.read = to;
        for file in numbers(&self.folder)?.into_iter().filter(|file| *file < to.file) {
            fs::remove_file(path_of(&self.folder, file))?;
        }
        Ok(())
    }
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
        let mut queue = Queue::open(folder.path()).unwrap();
        let line = [b"x".repeat(1 << 20), b"\n".to_vec()].concat();
        for _ in 0..20 {
            queue.append(&line, 1).unwrap();
        }
        assert_eq!(numbers(folder.path()).unwrap(), [1, 2, 3]);
        let mut events = 0;
        while let Some(batch) = queue.oldest().unwrap() {
            events += batch.events;
            queue.sent(&batch).unwrap();
        }
        assert_eq!((events, queue.bytes), (20, 0));
        assert_eq!(numbers(folder.path()).unwrap(), [3]);
        assert_eq!(Queue::open(folder.path()).unwrap().events, 0);
    }
}
