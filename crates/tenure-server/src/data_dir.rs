//! The data folder: who holds it, and whether it is a demo's.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A data folder that this process holds until the value is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a data folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process holds it.
    #[error("data_dir {path} is held by another tenure process{holder}; stop it, or name another folder with --data-dir")]
    Held {
        /// The folder.
        path: String,
        /// ` (pid N)` where the holder left its number.
        holder: String,
    },
    /// A folder with real cases was asked to run its clock faster.
    #[error("time_scale is {scale}, but data_dir {path} is not a demo's folder; only a folder made by `tenure demo` may run faster than the clock on the wall")]
    NotADemo {
        /// The folder.
        path: String,
        /// What was asked for.
        scale: f64,
    },
    /// The folder could not be made or read.
    #[error("data_dir {path} cannot be used: {source}")]
    Io {
        /// The folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

const LOCK: &str = "tenure.lock";
const DEMO: &str = "demo";

impl DataDir {
    /// Take the folder, making it where it is missing.
    pub fn hold(path: &Path) -> Result<Self, DataDirError> {
        let fail = |source| DataDirError::Io { path: path.display().to_string(), source };
        std::fs::create_dir_all(path).map_err(fail)?;
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join(LOCK))
            .map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let holder = match lock.read_to_string(&mut pid) {
                    Ok(_) if !pid.trim().is_empty() => format!(" (pid {})", pid.trim()),
                    _ => String::new(),
                };
                return Err(DataDirError::Held { path: path.display().to_string(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
        lock.set_len(0).and_then(|()| lock.rewind()).map_err(fail)?;
        writeln!(lock, "{}", std::process::id()).map_err(fail)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Mark it as a demo's: its clock may run faster from now on.
    pub fn mark_demo(&self) -> Result<(), DataDirError> {
        std::fs::write(self.path.join(DEMO), "a demo: nothing in here is real\n")
            .map_err(|source| DataDirError::Io { path: self.path.display().to_string(), source })
    }

    /// Refuse a faster clock on anything but a demo's folder.
    pub fn allow_time_scale(&self, scale: f64) -> Result<(), DataDirError> {
        if scale == 1.0 || self.path.join(DEMO).exists() {
            return Ok(());
        }
        Err(DataDirError::NotADemo { path: self.path.display().to_string(), scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let held = DataDir::hold(folder.path()).unwrap();
        let refused = DataDir::hold(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("held by another tenure process (pid "), "{refused}");
        drop(held);
        DataDir::hold(folder.path()).unwrap();
    }

    #[test]
    fn only_a_demo_runs_faster() {
        let folder = tempfile::tempdir().unwrap();
        let held = DataDir::hold(folder.path()).unwrap();
        held.allow_time_scale(1.0).unwrap();
        let refused = held.allow_time_scale(60.0).unwrap_err().to_string();
        assert!(refused.starts_with("time_scale is 60"), "{refused}");
        held.mark_demo().unwrap();
        held.allow_time_scale(60.0).unwrap();
    }
}
