//! Results that others have published, from their own data: the folder is named by `TENURE_DATA_DIR`, by default
//! `../shared/data` beside the workspace. The data stay there; without them each test says that it is skipped.

#![expect(clippy::unwrap_used, reason = "data that cannot be read must fail, loudly")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

mod asos;
mod cict;
mod counts;
mod ssrp;
mod upworthy;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// A file of the data folder; none, and said, when it is not there.
fn file(name: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = match std::env::var_os("TENURE_DATA_DIR") {
        Some(folder) => workspace.join(folder),
        None => workspace.join("../shared/data"),
    };
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: no {} (set TENURE_DATA_DIR)", path.display());
    None
}

/// The rows of a CSV file, compressed or plain.
fn rows<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let file = File::open(path).unwrap();
    let reader: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "gz") {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    csv::Reader::from_reader(reader).deserialize().map(Result::unwrap).collect()
}

/// The published figures.
fn expected() -> Option<serde_json::Value> {
    let path = file("expected_dev.json")?;
    Some(serde_json::from_reader(File::open(path).unwrap()).unwrap())
}
