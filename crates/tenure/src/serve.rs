//! `tenure serve`: configuration from file, environment and flags, then the server until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use tenure_server::{Clock, Config, Server, wall_now};

use crate::client::block_on;
use crate::output;

/// Flags stand above the environment, the environment above the file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A TOML file with any of the configuration's keys (docs/reference/configuration.md)
    #[arg(long, env = "TENURE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where journal, event log and lock live [default: tenure-data]
    #[arg(long, env = "TENURE_HOME", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port [default: 127.0.0.1:8016]
    #[arg(long, env = "TENURE_LISTEN", value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// A postgres:// URL for journal and accounts; SQLite in the data folder without it
    #[arg(long, env = "TENURE_DATABASE", value_name = "URL", hide_env_values = true)]
    database: Option<String>,
    /// Where browsers and clients reach this server [default: http://LISTEN]
    #[arg(long, env = "TENURE_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// How many times faster time passes; only in a folder made by `tenure demo`
    #[arg(long, value_name = "FACTOR")]
    time_scale: Option<f64>,
    /// Log as JSON lines instead of text
    #[arg(long)]
    log_json: bool,
}

/// Serve until interrupted.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    log_to_stderr(args.log_json, "info");
    let config = args.configuration()?;
    block_on(async move {
        let clock = Clock::scaled(wall_now(), config.time_scale);
        let server = Server::start(config, clock).await?;
        if let Some(code) = server.setup_code() {
            output::note(format!(
                "this server has no accounts yet; claim it with\n\n  tenure setup --url {} --code {code} --login you@example.com\n",
                server.url()
            ));
        }
        output::note(format!("serving on {}", server.url()));
        for addr in server.flag_addrs() {
            output::note(format!("serving flags alone on {addr}"));
        }
        stop_signal().await?;
        output::note("stopping …");
        server.stop().await?;
        Ok(ExitCode::SUCCESS)
    })
}

impl Args {
    fn configuration(self) -> anyhow::Result<Config> {
        let mut config = match &self.config {
            Some(path) => read(path)?,
            None => Config::default(),
        };
        if let Some(data_dir) = self.data_dir {
            config.data_dir = data_dir;
        }
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(time_scale) = self.time_scale {
            config.time_scale = time_scale;
        }
        config.database = self.database.or(config.database);
        config.public_url = self.public_url.or(config.public_url);
        config.check()?;
        Ok(config)
    }
}

/// A configuration file.
pub fn read(path: &Path) -> anyhow::Result<Config> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the configuration {} cannot be read", path.display()))?;
    toml::from_str(&text).with_context(|| format!("the configuration {} is not valid", path.display()))
}

/// Send the log to standard error; `TENURE_LOG` chooses what (`info`, `debug`, `tenure_server=debug` …).
pub fn log_to_stderr(json: bool, default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TENURE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { log.json().init() } else { log.init() }
}

/// Wait for an interrupt or a termination signal.
pub async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
