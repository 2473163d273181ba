//! The catalogue of sealed files: which there are, and up to which segment they hold the log. A new
//! generation of it is the one atomic step by which files come and go; a file that it does not name does
//! not exist.

use std::collections::HashSet;
use std::sync::Arc;

use futures::TryStreamExt;
use jiff::Timestamp;
use jiff::civil::Date;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use serde::{Deserialize, Serialize};

use crate::error::SealError;

/// Folder of the catalogue's generations.
const GENERATIONS: &str = "catalogue";
/// Folder of the sealed files.
pub const FILES: &str = "events";
/// What the log's own folder remembers of the newest generation.
const REMEMBERED: &str = "catalogue.json";
/// How many older generations stay, for a person to look at.
const GENERATIONS_KEPT: u64 = 3;

/// One generation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Counts up with each change; 0 is the empty catalogue that is not stored.
    pub generation: u64,
    /// The last segment whose events are in the files.
    pub sealed_through: u64,
    /// The files, in order of date and age.
    #[serde(with = "shared")]
    pub files: Vec<Arc<SealedFile>>,
}

/// A sealed Parquet file: immutable, of one UTC day of [`crate::columns::AT`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SealedFile {
    /// Where it is in the object store.
    pub path: String,
    /// The UTC day of all its events.
    pub date: Date,
    /// Number of events.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// The earliest event's own time.
    pub at_min: Timestamp,
    /// The latest event's own time.
    pub at_max: Timestamp,
    /// The earliest receipt.
    pub received_min: Timestamp,
    /// The latest receipt.
    pub received_max: Timestamp,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl Catalogue {
    /// The newest generation in the store; empty if there is none.
    pub async fn load(store: &dyn ObjectStore) -> Result<Self, SealError> {
        let generations = list_generations(store).await?;
        let Some((_, path)) = generations.last() else { return Ok(Self::default()) };
        let bytes = store.get(path).await?.bytes().await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| SealError::Catalogue { path: path.to_string(), message: error.to_string() })
    }

    /// Stores the next generation. Fails, and changes nothing, if somebody else stored it first.
    pub async fn commit(
        &self,
        store: &dyn ObjectStore,
        sealed_through: u64,
        files: Vec<Arc<SealedFile>>,
    ) -> Result<Self, SealError> {
        let mut next = Self { generation: self.generation + 1, sealed_through, files };
        next.files.sort_by(|a, b| (a.date, &a.path).cmp(&(b.date, &b.path)));
        let path = generation_path(next.generation);
        let bytes = serde_json::to_vec_pretty(&next)
            .map_err(|error| SealError::Catalogue { path: path.to_string(), message: error.to_string() })?;
        store.put_opts(&path, PutPayload::from(bytes), PutMode::Create.into()).await?;
        Ok(next)
    }

    /// Notes this generation in the log's own folder, for an opening while the store is away.
    pub async fn remember(&self, folder: &dyn ObjectStore) -> Result<(), SealError> {
        let bytes = serde_json::to_vec(self).map_err(|error| SealError::Catalogue {
            path: REMEMBERED.to_owned(),
            message: error.to_string(),
        })?;
        folder.put(&Path::from(REMEMBERED), PutPayload::from(bytes)).await?;
        Ok(())
    }

    /// The generation that was noted last, if any was.
    pub async fn remembered(folder: &dyn ObjectStore) -> Result<Option<Self>, SealError> {
        let bytes = match folder.get(&Path::from(REMEMBERED)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| SealError::Catalogue { path: REMEMBERED.to_owned(), message: error.to_string() })
    }

    /// Removes generations that are long past, and files that this one does not name and no view reads:
    /// leftovers of a crash, and files that were replaced. A file of a generation that is yet to come is
    /// neither; it means that the catalogue is not the one that belongs to the files, and nothing is
    /// removed.
    pub async fn sweep(&self, store: &dyn ObjectStore, pinned: &[String]) -> Result<(), SealError> {
        let prefix = Path::from(FILES);
        let found: Vec<_> = store.list(Some(&prefix)).try_collect().await?;
        if let Some(later) = found.iter().find(|file| generation_of(&file.location) > self.generation + 1) {
            return Err(SealError::Catalogue {
                path: generation_path(self.generation).to_string(),
                message: format!("{} is of a later generation", later.location),
            });
        }
        let named: HashSet<&str> =
            self.files.iter().map(|file| &file.path).chain(pinned).map(String::as_str).collect();
        for file in found.iter().filter(|file| !named.contains(file.location.as_ref())) {
            store.delete(&file.location).await?;
        }
        for (generation, path) in list_generations(store).await? {
            if generation + GENERATIONS_KEPT < self.generation {
                store.delete(&path).await?;
            }
        }
        Ok(())
    }
}

/// The generation that brought a file in: its name begins with it. 0 for a file that is none of ours.
fn generation_of(path: &Path) -> u64 {
    let generation = path.filename().and_then(|name| name.split_once('-'));
    generation.and_then(|(generation, _)| generation.parse().ok()).unwrap_or(0)
}

/// Files are shared with the views that read them; stored plain.
mod shared {
    use super::{Arc, SealedFile};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(files: &[Arc<SealedFile>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(files.iter().map(Arc::as_ref))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<SealedFile>>, D::Error> {
        Ok(Vec::<SealedFile>::deserialize(deserializer)?.into_iter().map(Arc::new).collect())
    }
}

async fn list_generations(store: &dyn ObjectStore) -> Result<Vec<(u64, Path)>, SealError> {
    let prefix = Path::from(GENERATIONS);
    let found: Vec<_> = store.list(Some(&prefix)).try_collect().await?;
    let mut generations: Vec<(u64, Path)> = found
        .into_iter()
        .filter_map(|object| {
            let name = object.location.filename()?.strip_suffix(".json")?;
            Some((name.parse().ok()?, object.location))
        })
        .collect();
    generations.sort();
    Ok(generations)
}

fn generation_path(generation: u64) -> Path {
    Path::from(format!("{GENERATIONS}/{generation:012}.json"))
}
