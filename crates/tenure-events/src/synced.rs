//! A local folder as an object store whose every put is durable when it returns: written under a temporary
//! name, synced, renamed, and the folder synced. (`LocalFileSystem` renames but does not sync.)

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::disk::{create_folder_durably, sync_folder};

/// The store. Only [`ObjectStore::put_opts`] is durable; the log puts no other way.
#[derive(Debug)]
pub struct SyncedFolder {
    files: LocalFileSystem,
    puts: AtomicU64,
}

impl SyncedFolder {
    /// Opens a folder, making it if needed, and takes away what earlier puts left unfinished.
    pub fn open(root: &FilePath) -> Result<Self> {
        create_folder_durably(root).map_err(|error| local(error, root))?;
        remove_unfinished(root).map_err(|error| local(error, root))?;
        // A day's folder goes with its last file.
        let files = LocalFileSystem::new_with_prefix(root)?.with_automatic_cleanup(true);
        Ok(Self { files, puts: AtomicU64::new(0) })
    }

    /// Where an object's file is.
    pub fn file(&self, location: &Path) -> Result<PathBuf> {
        self.files.path_to_filesystem(location)
    }
}

impl std::fmt::Display for SyncedFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "synced {}", self.files)
    }
}

#[async_trait::async_trait]
impl ObjectStore for SyncedFolder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let path = self.file(location)?;
        let staging = unfinished(&path, self.puts.fetch_add(1, Ordering::Relaxed));
        let put = move || {
            let outcome = write_durably(&payload, &staging, &path, &options.mode);
            if outcome.is_err() {
                // The error that matters is the one above; what stays is taken away at the next start.
                let _ = fs::remove_file(&staging);
            }
            outcome.map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    Error::AlreadyExists { path: path.display().to_string(), source: error.into() }
                }
                _ => local(error, &path),
            })
        };
        let joined = tokio::task::spawn_blocking(put).await;
        joined.map_err(|error| Error::JoinError { source: error })??;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }
}

/// The name of a file while it is written: `LocalFileSystem` passes over names that end in `#` and digits.
fn unfinished(path: &FilePath, put: u64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("#{put}"));
    PathBuf::from(name)
}

fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, put)| !put.is_empty() && put.bytes().all(|byte| byte.is_ascii_digit()))
}

fn write_durably(
    payload: &PutPayload,
    staging: &FilePath,
    path: &FilePath,
    mode: &PutMode,
) -> io::Result<()> {
    let folder = path.parent().unwrap_or(FilePath::new("."));
    create_folder_durably(folder)?;
    let mut file = File::create_new(staging)?;
    for part in payload {
        file.write_all(part)?;
    }
    file.sync_all()?;
    match mode {
        PutMode::Overwrite => fs::rename(staging, path)?,
        PutMode::Create => {
            fs::hard_link(staging, path)?;
            fs::remove_file(staging)?;
        }
        PutMode::Update(_) => return Err(io::Error::from(io::ErrorKind::Unsupported)),
    }
    sync_folder(folder)
}

fn remove_unfinished(folder: &FilePath) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_unfinished(&entry.path())?;
        } else if is_unfinished(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn local(error: io::Error, path: &FilePath) -> Error {
    Error::Generic { store: "synced folder", source: format!("{}: {error}", path.display()).into() }
}
