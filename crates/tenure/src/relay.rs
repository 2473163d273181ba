//! `tenure relay`: a read-only node that serves flags from what another server tells it, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use tenure_server::{Clock, Config, Relay, UpstreamConfig};

use crate::client::block_on;
use crate::output;
use crate::serve::{log_to_stderr, read, stop_signal};

/// Flags stand above the environment, the environment above the file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the server is that is followed
    #[arg(long, env = "TENURE_UPSTREAM", value_name = "URL")]
    upstream: String,
    /// A token of that server with the scopes sync and ingest
    #[arg(long, env = "TENURE_TOKEN", hide_env_values = true)]
    token: String,
    /// A TOML file with any of the configuration's keys that serve flags (docs/reference/configuration.md)
    #[arg(long, env = "TENURE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the last snapshot and events that wait are kept [default: tenure-relay]
    #[arg(long, env = "TENURE_HOME", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port [default: 127.0.0.1:8016]
    #[arg(long, env = "TENURE_LISTEN", value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Where browsers and clients reach this relay [default: http://LISTEN]
    #[arg(long, env = "TENURE_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Log as JSON lines instead of text
    #[arg(long)]
    log_json: bool,
}

/// Serve until interrupted.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    log_to_stderr(args.log_json, "info");
    let mut config = match &args.config {
        Some(path) => read(path)?,
        None => Config { data_dir: PathBuf::from("tenure-relay"), ..Config::default() },
    };
    config.data_dir = args.data_dir.unwrap_or(config.data_dir);
    config.listen = args.listen.unwrap_or(config.listen);
    config.public_url = args.public_url.or(config.public_url);
    let upstream = UpstreamConfig { url: args.upstream, token: args.token };
    block_on(async move {
        let relay = Relay::start(config, &upstream, Clock::wall()).await?;
        output::note(format!("serving flags on {}, as {} tells them", relay.url(), upstream.url));
        for addr in relay.flag_addrs() {
            output::note(format!("serving flags alone on {addr}"));
        }
        stop_signal().await?;
        output::note("stopping …");
        relay.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}
