//! The data folder: what is in it, and whether it is a demo's, whose clock may run faster.
//!
//! That one process holds it at a time is the business of the store and of the event log, each for its own part.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A data folder.
#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// A folder with real cases was asked to run its clock faster.
    #[error(
        "time_scale is {scale}, but data_dir {path} is not a demo's; only a folder made by `tenure demo` may run faster than the clock on the wall"
    )]
    NotADemo {
        /// The folder.
        path: String,
        /// What was asked for.
        scale: f64,
    },
    /// The folder could not be made or written.
    #[error("data_dir {path} cannot be used: {source}")]
    Io {
        /// The folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The file of the times of flags' last evaluations.
pub(crate) const EVALUATIONS: &str = "evaluations.json";
const DEMO: &str = "demo";

impl DataDir {
    /// The folder at `path`, made where it is missing.
    pub fn at(path: &Path) -> Result<Self, DataDirError> {
        std::fs::create_dir_all(path).map_err(|source| fail(path, source))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the event log lives.
    pub fn events(&self) -> PathBuf {
        self.path.join("events")
    }

    /// Where closed cohorts are kept; it may be deleted at any time.
    pub fn cohorts(&self) -> PathBuf {
        self.path.join("cohorts")
    }

    /// Mark it as a demo's: its clock may run faster from now on.
    pub fn mark_demo(&self) -> Result<(), DataDirError> {
        std::fs::write(self.path.join(DEMO), "a demo: nothing in here is real\n")
            .map_err(|source| fail(&self.path, source))
    }

    /// Refuse a faster clock on anything but a demo's folder.
    pub fn allow_time_scale(&self, scale: f64) -> Result<(), DataDirError> {
        if scale == 1.0 || self.path.join(DEMO).exists() {
            return Ok(());
        }
        Err(DataDirError::NotADemo { path: self.path.display().to_string(), scale })
    }
}

/// Replace a file's content whole, durably: a reader sees the old or the new.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Make durable which files a folder has.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn fail(path: &Path, source: io::Error) -> DataDirError {
    DataDirError::Io { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_demo_runs_faster() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::at(&folder.path().join("new")).unwrap();
        data_dir.allow_time_scale(1.0).unwrap();
        let refused = data_dir.allow_time_scale(60.0).unwrap_err().to_string();
        assert!(refused.starts_with("time_scale is 60"), "{refused}");
        data_dir.mark_demo().unwrap();
        data_dir.allow_time_scale(60.0).unwrap();
    }
}
