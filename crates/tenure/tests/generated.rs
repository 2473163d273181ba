//! Pages that are made from the source are committed as they would be made now. `make docs` writes them.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn generated_pages_are_fresh() {
    let stale: Vec<String> = [
        ("openapi.json", &["openapi"][..]),
        ("docs/reference/cli.md", &["reference", "cli"]),
        ("docs/reference/configuration.md", &["reference", "configuration"]),
        ("docs/reference/policy.md", &["reference", "policy"]),
        ("docs/reference/refusals.md", &["reference", "refusals"]),
    ]
    .into_iter()
    .filter_map(|(page, arguments)| check(page, arguments))
    .collect();
    assert!(stale.is_empty(), "not as the source makes them: {}; run `make docs`", stale.join(", "));
}

/// The page's name where what is committed differs from what the source makes.
fn check(page: &str, arguments: &[&str]) -> Option<String> {
    let path = root().join(page);
    let made = Command::new(env!("CARGO_BIN_EXE_tenure"))
        .args(arguments)
        // What the environment sets is shown as a default: none of it belongs on the page.
        .env_clear()
        .output()
        .expect("the command runs");
    assert!(
        made.status.success(),
        "tenure {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&made.stderr)
    );
    if std::env::var_os("TENURE_WRITE_GENERATED").is_some() {
        std::fs::create_dir_all(path.parent().expect("a page is in a folder"))
            .expect("the folder can be made");
        std::fs::write(&path, &made.stdout).expect("the page can be written");
        return None;
    }
    let committed = std::fs::read(&path).unwrap_or_default();
    (committed != made.stdout).then(|| page.to_owned())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
