//! The catalogue of sealed files: which there are, and up to which segment they hold the log. A new generation of
//! it is the one atomic step by which files come and go; a file that it does not name does not exist.

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

    /// Removes generations that are long past, and files that no generation kept names. Only a leftover of a
    /// crash is such a file, or one that was replaced.
    pub async fn sweep(&self, store: &dyn ObjectStore, pinned: &[String]) -> Result<u64, SealError> {
        for (generation, path) in list_generations(store).await? {
            if generation + GENERATIONS_KEPT < self.generation {
                store.delete(&path).await?;
            }
        }
        let mut removed = 0;
        let prefix = Path::from(FILES);
        let found: Vec<_> = store.list(Some(&prefix)).try_collect().await?;
        for object in found {
            let path = object.location.as_ref();
            if !self.files.iter().any(|file| file.path == path) && !pinned.iter().any(|pin| pin == path) {
                store.delete(&object.location).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
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
