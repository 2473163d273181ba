//! `tenure openapi`: the description of the server's API, as the running server gives it at `/openapi.json`.

use std::process::ExitCode;

use crate::output;

/// Print it.
pub fn run() -> anyhow::Result<ExitCode> {
    output::line(tenure_server::openapi_json()?);
    Ok(ExitCode::SUCCESS)
}
