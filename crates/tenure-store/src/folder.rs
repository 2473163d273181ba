//! A data folder, and the lock that keeps a second process out of it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::database::OpenError;

/// The database file of a data folder.
pub(crate) const DATABASE: &str = "tenure.sqlite";
const LOCK: &str = "tenure.lock";

/// A data folder held by this process. The operating system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct HeldFolder {
    path: PathBuf,
    _lock: File,
}

impl HeldFolder {
    /// Creates the folder where it is missing, and holds it.
    pub(crate) fn hold(path: &Path) -> Result<HeldFolder, OpenError> {
        let unusable = |error| OpenError::Folder { path: path.to_owned(), error };
        std::fs::create_dir_all(path).map_err(unusable)?;
        let path = path.canonicalize().map_err(unusable)?;
        let lock_path = path.join(LOCK);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(lock_path)
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Held { path, by: holder(&mut lock) }),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        sign(&mut lock).map_err(unusable)?;
        make_private(&path.join(DATABASE)).map_err(unusable)?;
        Ok(HeldFolder { path, _lock: lock })
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }
}

/// Makes the database file where it is missing, for nobody else to read: it holds digests of passwords and tokens.
/// (SQLite gives the files beside it the same permissions.)
fn make_private(database: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(database).map(drop)
}

/// Leaves this process's number in the lock file, for the message of whoever finds the folder held.
fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    write!(lock, "{}", std::process::id())
}

fn holder(lock: &mut File) -> String {
    let mut pid = String::new();
    match lock.take(20).read_to_string(&mut pid) {
        Ok(_) if !pid.is_empty() => format!("process {pid}"),
        _ => "another process".to_owned(),
    }
}
