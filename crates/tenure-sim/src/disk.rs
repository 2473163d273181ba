//! A disk and an object store that fail when told to: they forget what was not synced, stop in the middle, refuse to
//! sync, fill up. What the event log promises is proved on them. It knows nothing about what is written.
//!
//! (The tests of `tenure-events` are compiled with this same file, so that they need nothing above them.)

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use tenure_events::disk::{Disk, DiskFile};

/// Counts operations down to the power cut. All clones share the count.
#[derive(Debug, Clone)]
pub struct Power(Arc<AtomicI64>);

impl Power {
    /// Power that lasts.
    pub fn lasting() -> Self {
        Self(Arc::new(AtomicI64::new(i64::MAX)))
    }

    /// From now on, power for as many operations.
    pub fn cut_after(&self, operations: i64) {
        self.0.store(operations, Ordering::SeqCst);
    }

    /// Whether it is gone.
    pub fn is_cut(&self) -> bool {
        self.0.load(Ordering::SeqCst) <= 0
    }

    fn spend(&self) -> io::Result<()> {
        if self.0.fetch_sub(1, Ordering::SeqCst) <= 0 { Err(io::Error::other("power cut")) } else { Ok(()) }
    }
}

/// What a power cut leaves of that which was written and not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survives {
    /// Nothing: neither bytes nor names.
    Nothing,
    /// All of it.
    Everything,
    /// All names, and of each file the first half of the bytes.
    Half,
    /// All names and lengths, and zeros for bytes.
    Lengths,
    /// Of each name and each file something else, drawn by this number: any part of its bytes, then perhaps zeros.
    Any(u64),
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// What stood here when a sync failed: the system thinks it written, and it never will be.
    doomed: Vec<Range<usize>>,
}

impl Content {
    /// The bytes that a sync makes durable now.
    fn durable(&self) -> Vec<u8> {
        let mut bytes = self.now.clone();
        for range in &self.doomed {
            let end = range.end.min(bytes.len());
            bytes[range.start.min(end)..end].fill(0);
        }
        bytes
    }

    fn after_power_cut(&self, survives: Survives, dice: &mut Dice) -> Vec<u8> {
        let kept = self.now.iter().zip(&self.synced).take_while(|(now, synced)| now == synced).count();
        let (now, synced) = (self.durable(), self.synced.clone());
        let tail = now.get(kept..).unwrap_or_default();
        let head = || now[..kept].to_vec();
        match survives {
            Survives::Nothing => synced,
            _ if kept < synced.len() => {
                // Bytes that were synced are being cut or written over: either is there, or the other.
                if survives == Survives::Everything || dice.draw(2) == 1 { now } else { synced }
            }
            Survives::Everything => now,
            Survives::Half => [head(), tail[..tail.len() / 2].to_vec()].concat(),
            Survives::Lengths => [head(), vec![0; tail.len()]].concat(),
            Survives::Any(_) => {
                let whole = dice.draw(tail.len() + 1);
                let zeros = if dice.draw(2) == 1 { dice.draw(tail.len() - whole + 1) } else { 0 };
                [head(), tail[..whole].to_vec(), vec![0; zeros]].concat()
            }
        }
    }
}

type Shared = Arc<Mutex<Content>>;

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The disk. What is durable is kept apart from what is only written.
#[derive(Clone)]
pub struct FaultyDisk {
    /// What every operation takes of.
    pub power: Power,
    /// Bytes that files may take in all.
    pub room: Arc<AtomicU64>,
    /// Syncs that fail from now on.
    pub failing_syncs: Arc<AtomicI64>,
    /// Whoever holds it makes syncs wait.
    pub gate: Arc<Mutex<()>>,
    names: Arc<Mutex<Names>>,
}

#[derive(Clone, Default)]
struct Names {
    now: BTreeMap<String, Shared>,
    synced: BTreeMap<String, Shared>,
}

impl FaultyDisk {
    /// An empty disk with room for everything.
    pub fn new(power: Power) -> Self {
        Self {
            power,
            room: Arc::new(AtomicU64::new(u64::MAX)),
            failing_syncs: Arc::default(),
            gate: Arc::default(),
            names: Arc::default(),
        }
    }

    /// The disk after a power cut: what was synced, and of the rest what `survives` says.
    pub fn after_power_cut(&self, survives: Survives) -> Self {
        let names = held(&self.names);
        let mut dice = Dice::of(survives);
        let all: BTreeSet<&String> = names.now.keys().chain(names.synced.keys()).collect();
        let mut left = BTreeMap::new();
        for name in all {
            let content = match (names.synced.get(name), names.now.get(name)) {
                (Some(_), Some(now)) => Some(now),
                (None, Some(created)) => match survives {
                    Survives::Nothing => None,
                    Survives::Any(_) => (dice.draw(2) == 1).then_some(created),
                    _ => Some(created),
                },
                (Some(removed), None) => match survives {
                    Survives::Nothing => Some(removed),
                    Survives::Any(_) => (dice.draw(2) == 1).then_some(removed),
                    _ => None,
                },
                (None, None) => None,
            };
            if let Some(content) = content {
                let bytes = held(content).after_power_cut(survives, &mut dice);
                let content = Content { now: bytes.clone(), synced: bytes, doomed: Vec::new() };
                left.insert(name.clone(), Arc::new(Mutex::new(content)));
            }
        }
        let disk = Self::new(Power::lasting());
        *held(&disk.names) = Names { synced: left.clone(), now: left };
        disk
    }

    /// Whether these bytes would be found after a power cut, in one of the files.
    pub fn is_durable(&self, bytes: &[u8]) -> bool {
        let holds = |content: &Shared| {
            let content = held(content);
            content.synced.windows(bytes.len().max(1)).any(|window| window == bytes)
        };
        held(&self.names).synced.values().any(holds)
    }

    /// What a file holds, if it is there.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        held(&self.names).now.get(name).map(|content| held(content).now.clone())
    }

    /// Makes a file hold the bytes, durably.
    pub fn set_content(&self, name: &str, bytes: &[u8]) {
        let content = Content { now: bytes.to_vec(), synced: bytes.to_vec(), doomed: Vec::new() };
        let content = Arc::new(Mutex::new(content));
        let mut names = held(&self.names);
        names.now.insert(name.into(), Arc::clone(&content));
        names.synced.insert(name.into(), content);
    }

    /// Makes a file's bytes be written and not synced, as a killed process leaves them.
    pub fn unsync(&self, name: &str) {
        if let Some(content) = held(&self.names).now.get(name) {
            held(content).synced.clear();
        }
    }

    /// Bytes that files take.
    pub fn used(&self) -> u64 {
        held(&self.names).now.values().map(|content| held(content).now.len() as u64).sum()
    }

    fn file(&self, content: Shared) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { disk: self.clone(), content })
    }
}

impl Disk for FaultyDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.power.spend()?;
        Ok(held(&self.names).now.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.power.spend()?;
        let content = Shared::default();
        let mut names = held(&self.names);
        if names.now.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        names.now.insert(name.into(), Arc::clone(&content));
        Ok(self.file(content))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.power.spend()?;
        let content = held(&self.names).now.get(name).cloned();
        content.map(|content| self.file(content)).ok_or(io::ErrorKind::NotFound.into())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.power.spend()?;
        held(&self.names).now.remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        self.power.spend()?;
        let mut names = held(&self.names);
        names.synced = names.now.clone();
        Ok(())
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    content: Shared,
}

impl DiskFile for FaultyFile {
    fn size(&self) -> io::Result<u64> {
        self.disk.power.spend()?;
        Ok(held(&self.content).now.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.power.spend()?;
        let content = held(&self.content);
        let from = offset as usize;
        let bytes = content.now.get(from..from + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let alive = self.disk.power.spend();
        let room = self.disk.room.load(Ordering::SeqCst).saturating_sub(self.disk.used());
        // What fails has written a part.
        let written = match &alive {
            Err(_) => bytes.len() / 2,
            Ok(()) => bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)),
        };
        let mut content = held(&self.content);
        let (from, to) = (offset as usize, offset as usize + written);
        if content.now.len() < to {
            content.now.resize(to, 0);
        }
        content.now[from..to].copy_from_slice(&bytes[..written]);
        content.doomed.retain(|range| range.end <= from || range.start >= to);
        alive?;
        if written < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.power.spend()?;
        held(&self.content).now.truncate(len as usize);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let _gate = held(&self.disk.gate);
        self.disk.power.spend()?;
        let mut content = held(&self.content);
        if self.disk.failing_syncs.fetch_sub(1, Ordering::SeqCst) > 0 {
            let lost = content.synced.len().min(content.now.len())..content.now.len();
            content.doomed.push(lost);
            return Err(io::Error::other("sync failed"));
        }
        content.synced = content.durable();
        Ok(())
    }
}

/// Draws for [`Survives::Any`]: SplitMix64 [Steele, Lea, Flood 2014].
struct Dice(u64);

impl Dice {
    fn of(survives: Survives) -> Self {
        Self(if let Survives::Any(seed) = survives { seed } else { 0 })
    }

    /// A number below `sides`.
    fn draw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let state = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((state ^ (state >> 31)) % sides.max(1) as u64) as usize
    }
}

/// The object store: each put is atomic, but the power may go before it, or after it and before the answer.
#[derive(Debug)]
pub struct FaultyStore {
    /// What every operation takes of.
    pub power: Power,
    /// What is stored.
    pub inner: Arc<InMemory>,
    /// Puts under this folder that are done and of which nothing is heard: how many more.
    pub unheard: Arc<(&'static str, AtomicI64)>,
}

impl FaultyStore {
    /// A store that holds what `inner` holds.
    pub fn new(power: Power, inner: Arc<InMemory>) -> Self {
        Self { power, inner, unheard: Arc::new(("catalogue", AtomicI64::new(0))) }
    }

    fn spend(&self) -> object_store::Result<()> {
        self.power.spend().map_err(|source| failed(source.into()))
    }
}

fn failed(source: Box<dyn std::error::Error + Send + Sync>) -> object_store::Error {
    object_store::Error::Generic { store: "faulty", source }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty store")
    }
}

#[async_trait::async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.spend()?;
        let put = self.inner.put_opts(location, payload, options).await;
        self.spend()?;
        let (folder, times) = &*self.unheard;
        if location.as_ref().starts_with(folder) && times.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Err(failed("connection lost".into()));
        }
        put
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.spend()?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        match self.spend() {
            Ok(()) => self.inner.delete_stream(locations),
            Err(error) => Box::pin(futures::stream::once(async { Err(error) })),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        match self.spend() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => Box::pin(futures::stream::once(async { Err(error) })),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
