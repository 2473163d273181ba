//! A disk and an object store that fail when told to: they forget what was not synced, stop in the middle,
//! fill up.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

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

    pub fn is_cut(&self) -> bool {
        self.0.load(Ordering::SeqCst) <= 0
    }

    fn spend(&self) -> io::Result<()> {
        if self.0.fetch_sub(1, Ordering::SeqCst) <= 0 { Err(io::Error::other("power cut")) } else { Ok(()) }
    }
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
}

type Shared = Arc<Mutex<Content>>;

/// The disk. What is durable is kept apart from what is only written.
#[derive(Clone)]
pub struct FaultyDisk {
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
    pub fn new(power: Power) -> Self {
        Self {
            power,
            room: Arc::new(AtomicU64::new(u64::MAX)),
            failing_syncs: Arc::default(),
            gate: Arc::default(),
            names: Arc::default(),
        }
    }

    /// The disk after a power cut: names and bytes that were synced, and of what was not, as much as `luck`
    /// says: 0 loses all of it, 1 keeps all, 2 keeps half of the bytes, 3 keeps the length but not the
    /// content.
    pub fn after_power_cut(&self, luck: u8) -> Self {
        let names = self.names.lock().unwrap();
        let surviving = if luck == 0 { &names.synced } else { &names.now };
        let files = surviving.iter().map(|(name, content)| {
            let content = content.lock().unwrap();
            let synced = content.synced.len();
            let mut bytes = content.synced.clone();
            if content.now.len() > synced {
                let tail = &content.now[synced..];
                match luck {
                    0 => {}
                    1 => bytes.extend_from_slice(tail),
                    2 => bytes.extend_from_slice(&tail[..tail.len() / 2]),
                    _ => bytes.resize(content.now.len(), 0),
                }
            }
            (name.clone(), Arc::new(Mutex::new(Content { now: bytes.clone(), synced: bytes })))
        });
        let now: BTreeMap<String, Shared> = files.collect();
        let disk = Self::new(Power::lasting());
        *disk.names.lock().unwrap() = Names { synced: now.clone(), now };
        disk
    }

    /// What a file holds, if it is there.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        let names = self.names.lock().unwrap();
        names.now.get(name).map(|content| content.lock().unwrap().now.clone())
    }

    /// Makes a file hold the bytes, durably.
    pub fn set_content(&self, name: &str, bytes: &[u8]) {
        let content = Arc::new(Mutex::new(Content { now: bytes.to_vec(), synced: bytes.to_vec() }));
        let mut names = self.names.lock().unwrap();
        names.now.insert(name.into(), Arc::clone(&content));
        names.synced.insert(name.into(), content);
    }

    /// Makes a file's bytes be written and not synced, as a killed process leaves them.
    pub fn unsync(&self, name: &str) {
        self.names.lock().unwrap().now[name].lock().unwrap().synced.clear();
    }

    fn used(&self) -> u64 {
        self.names.lock().unwrap().now.values().map(|content| content.lock().unwrap().now.len() as u64).sum()
    }
}

impl Disk for FaultyDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.power.spend()?;
        Ok(self.names.lock().unwrap().now.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.power.spend()?;
        let content = Shared::default();
        let mut names = self.names.lock().unwrap();
        if names.now.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        names.now.insert(name.into(), Arc::clone(&content));
        Ok(Arc::new(FaultyFile { disk: self.clone(), content }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.power.spend()?;
        let content = self.names.lock().unwrap().now.get(name).cloned();
        let content = content.ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(FaultyFile { disk: self.clone(), content }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.power.spend()?;
        self.names.lock().unwrap().now.remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        self.power.spend()?;
        let mut names = self.names.lock().unwrap();
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
        Ok(self.content.lock().unwrap().now.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.power.spend()?;
        let content = self.content.lock().unwrap();
        let from = offset as usize;
        let bytes = content.now.get(from..from + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let alive = self.disk.power.spend();
        let room = self.disk.room.load(Ordering::SeqCst).saturating_sub(self.disk.used()) as usize;
        // What fails has written a part.
        let written = if alive.is_err() { bytes.len() / 2 } else { bytes.len().min(room) };
        let mut content = self.content.lock().unwrap();
        content.now.truncate(offset as usize);
        content.now.extend_from_slice(&bytes[..written]);
        alive?;
        if written < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.power.spend()?;
        self.content.lock().unwrap().now.truncate(len as usize);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let _gate = self.disk.gate.lock().unwrap();
        self.disk.power.spend()?;
        if self.disk.failing_syncs.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Err(io::Error::other("sync failed"));
        }
        let mut content = self.content.lock().unwrap();
        content.synced = content.now.clone();
        Ok(())
    }
}

/// The object store: each put is atomic, but the power may go before it, or after it and before the answer.
#[derive(Debug)]
pub struct FaultyStore {
    pub power: Power,
    pub inner: Arc<InMemory>,
    /// Puts under this folder that are done and of which nothing is heard: how many more.
    pub unheard: Arc<(&'static str, AtomicI64)>,
}

impl FaultyStore {
    pub fn new(power: Power, inner: Arc<InMemory>) -> Self {
        Self { power, inner, unheard: Arc::new(("catalogue", AtomicI64::new(0))) }
    }

    fn spend(&self) -> object_store::Result<()> {
        let cut = |source: io::Error| object_store::Error::Generic { store: "faulty", source: source.into() };
        self.power.spend().map_err(cut)
    }
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
            return Err(object_store::Error::Generic { store: "faulty", source: "connection lost".into() });
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
        if self.spend().is_err() {
            return Box::pin(futures::stream::once(async {
                Err(object_store::Error::Generic { store: "faulty", source: "power cut".into() })
            }));
        }
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        if self.spend().is_err() {
            return Box::pin(futures::stream::once(async {
                Err(object_store::Error::Generic { store: "faulty", source: "power cut".into() })
            }));
        }
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
