//! Every scenario file answers as it says.

use std::path::{Path, PathBuf};

use tenure_core::scenario::run_file;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

/// The folder of shared scenario files, where there is one.
pub fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("TENURE_SCENARIO_DIR")
        .map_or_else(|| root().join("../shared/scenarios"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

fn check(folder: &Path) {
    let mut failed = Vec::new();
    let mut run = 0;
    for file in json_files(folder) {
        let text = std::fs::read_to_string(&file).unwrap();
        let outcomes = run_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(!outcomes.is_empty(), "{} holds no scenario", file.display());
        run += outcomes.len();
        failed.extend(
            outcomes.into_iter().filter(|outcome| !outcome.passed).map(|outcome| (file.clone(), outcome)),
        );
    }
    assert!(failed.is_empty(), "{} of {run} scenarios failed: {failed:#?}", failed.len());
    println!("{}: {run} scenarios passed", folder.display());
}

#[test]
fn the_project_s_own_files() {
    check(&root().join("scenarios"));
}

#[test]
fn the_shared_files() {
    match shared() {
        Some(folder) => check(&folder),
        None => println!("skipped: there are no shared scenarios; set TENURE_SCENARIO_DIR"),
    }
}
