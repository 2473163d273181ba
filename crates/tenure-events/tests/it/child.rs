//! This test binary run again as another process, as one of its own tests with a role in an environment
//! variable.

use std::process::{Child, Command, Stdio};

const ROLE: &str = "TENURE_EVENTS_TEST_CHILD";

/// The folder that this process is to work in, if it is a child.
pub fn folder() -> Option<std::path::PathBuf> {
    std::env::var_os(ROLE).map(Into::into)
}

/// Runs the named test as a child that works in the folder.
pub fn spawn(test: &str, folder: &std::path::Path) -> Child {
    command(test, folder).spawn().unwrap()
}

/// The command for it, by way of `prefix` (a program and its arguments), if any.
pub fn command(test: &str, folder: &std::path::Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command
}
