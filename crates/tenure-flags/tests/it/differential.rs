//! Random flags and contexts beside PyPI `openfeature-flagd-core` 2, with a fixed seed. `make differential` compares ten times as many.

use std::env;
use std::path::PathBuf;
use std::process::Command;

#[test]
fn flagds_evaluator_in_python_answers_alike() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/differential");
    let batch = env::current_exe().unwrap().parent().unwrap().with_file_name("examples").join("batch");
    let Some(python) = installed("the Python clients", "make clients", python()) else { return };
    let Some(batch) = installed("the example `batch`", "cargo test -p tenure-flags", Some(batch)) else {
        return;
    };
    let done = Command::new(python)
        .arg(folder.join("flagd_core.py"))
        .args(["--flags", "500", "--contexts", "20", "--seed", "42", "--batch"])
        .arg(batch)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("10000 evaluations of 500 flags, 0 different"), "{said}");
}

/// The Python that has the clients.
fn python() -> Option<PathBuf> {
    let venv = env::var_os("TENURE_VENV").map(PathBuf::from);
    let usual = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/tenure/venv"));
    Some(venv.or_else(usual)?.join("bin/python"))
}

/// A program, if it is there; a skipped test says so, a required one fails.
fn installed(what: &str, by: &str, place: Option<PathBuf>) -> Option<PathBuf> {
    let found = place.filter(|place| place.exists());
    let required = env::var("TENURE_REQUIRE_CLIENTS").is_ok_and(|required| required == "1");
    assert!(found.is_some() || !required, "{what} is not installed; run `{by}`");
    if found.is_none() {
        println!("SKIPPED: {what} is not installed; `{by}` installs it");
    }
    found
}
