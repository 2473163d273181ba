//! A release build of the binary has the web UI in it, or fails: nobody should find out from an empty page.
//! `TENURE_WITHOUT_UI=1` says that it is meant.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/dist/index.html");
    println!("cargo::rerun-if-changed={}", page.display());
    println!("cargo::rerun-if-env-changed=TENURE_WITHOUT_UI");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let is_meant = env::var("TENURE_WITHOUT_UI").is_ok_and(|without| without == "1");
    if is_release && !is_meant && fs::metadata(&page).is_err() {
        println!(
            "cargo::error=a release build has the web UI in it: run `npm --prefix ui ci && npm --prefix ui run build` first, \
             or set TENURE_WITHOUT_UI=1"
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
