//! `tenure demo`: a seeded company, a fast clock, synthetic customers, and a rollout to watch until its verdict.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use tenure_server::auth::{Scope, secret};
use tenure_server::http::token::{self, NewToken};
use tenure_server::problem::Problem;
use tenure_server::{Clock, Config, Live, Server, Submission, wall_now};
use tenure_sim::company;
use tenure_sim::population::Population;
use tenure_sim::traffic::{Tally, Traffic};

use crate::client::{self, Client, block_on};
use crate::watch::{self, Ended};
use crate::{output, serve};

/// The case that is rolled out while you watch, its flag, and the outcome its customers send.
const CASE: &str = "PC-LIVE";
const FLAG: &str = "mens-email";
const EVENT: &str = "visit";
/// Customers who come to the shop: 10.6 % without the e-mail, as in the published experiment, and somewhat fewer with
/// it than were promised (18.3 %), as rollouts go.
const CONTROL_RATE: f64 = 0.106;
const TREATMENT_RATE: f64 = 0.165;
/// Whom else one may sign in as, to see the other sides of the company.
const OTHERS: &str = "development-lead@, design-lead@";
/// How long the password of the demo's people is: 96 bits of chance.
const PASSWORD_CHARS: usize = 16;
/// A day passes in some four seconds, so that four weeks pass in two minutes.
const TIME_SCALE: f64 = 20_160.0;

/// Open a seeded company and watch a live rollout.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder for the demo; an older demo in it is replaced
    #[arg(long, value_name = "DIR", default_value = "tenure-demo")]
    data_dir: PathBuf,
    /// Address and port
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8016")]
    listen: SocketAddr,
    /// Customers a second
    #[arg(long, value_name = "N", default_value_t = 400)]
    per_second: u32,
    /// The seed of the customers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The share of treated customers who do the thing, such as 0.08 for a harmful feature
    #[arg(long, value_name = "RATE", default_value_t = TREATMENT_RATE)]
    treatment_rate: f64,
    /// Stop after the verdict instead of serving on
    #[arg(long)]
    until_verdict: bool,
}

/// `tenure demo`.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    serve::log_to_stderr(false, "error");
    let population = Population::new(args.seed, CONTROL_RATE, args.treatment_rate)?;
    block_on(async move {
        replace(&args.data_dir)?;
        let config = Config {
            data_dir: args.data_dir.clone(),
            listen: args.listen,
            status_page_public: true,
            time_scale: TIME_SCALE,
            ..Config::default()
        };
        output::note("seeding a company of three product teams …");
        let now = wall_now();
        mark_demo(&args.data_dir)?;
        let password = password()?;
        company::seed(config.clone(), now, Some(&password)).await?;
        let server = Server::start(config, Clock::scaled(now, TIME_SCALE)).await?;
        let reader = token(server.live(), "product-manager", &[Scope::Read, Scope::Write]).await?;
        let customers = token(server.live(), "developer", &[Scope::Evaluate, Scope::Ingest]).await?;
        introduce(&server, &reader, &password);
        start_rollout(server.live()).await?;

        let traffic = Traffic {
            url: server.url(),
            token: customers,
            flag: FLAG.to_owned(),
            event: EVENT.to_owned(),
            per_second: args.per_second,
            in_flight_max: 64,
        };
        let tally = Tally::default();
        let sending = tokio::spawn({
            let tally = tally.clone();
            async move { traffic.send(&population, 0, u64::MAX, &tally).await }
        });
        let client = Client::new(&client::Server { url: server.url(), token: Some(reader) })?;
        let ended = tokio::select! {
            ended = watch::watch(&client, CASE, Some(&tally)) => ended?,
            stopped = serve::stop_signal() => { stopped?; Ended::Left }
        };
        tally.stop();
        sending.await?;
        if ended == Ended::Verdict {
            conclude(&client).await?;
            if !args.until_verdict {
                output::line(format!("\nserving on {}; control-C stops", server.url()));
                serve::stop_signal().await?;
            }
        }
        server.stop().await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Remove an older demo, and nothing but a demo.
fn replace(folder: &Path) -> anyhow::Result<()> {
    let taken = folder.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if !taken {
        return Ok(());
    }
    if !folder.join("demo").exists() {
        bail!("{} is no demo's folder; name an empty one with --data-dir", folder.display());
    }
    std::fs::remove_dir_all(folder)
        .with_context(|| format!("the old demo in {} cannot be removed", folder.display()))
}

fn mark_demo(folder: &Path) -> anyhow::Result<()> {
    Ok(tenure_server::data_dir::DataDir::at(folder)?.mark_demo()?)
}

async fn token(live: &Live, account: &str, scopes: &[Scope]) -> anyhow::Result<String> {
    let new = NewToken {
        name: "demo".to_owned(),
        scopes: scopes.to_vec(),
        environment: None,
        account: None,
        expires_in_days: None,
    };
    Ok(token::create(live, account, new).await.map_err(said)?.token)
}

/// A password that all of the demo's people share, new for each demo: whoever reads what it prints may sign in as any of them.
fn password() -> anyhow::Result<String> {
    let random = secret::generate("").map_err(|error| anyhow!("no password could be made: {error}"))?;
    Ok(random.chars().take(PASSWORD_CHARS).collect())
}

fn introduce(server: &Server, token: &str, password: &str) {
    output::line(format!(
        "Tenure's demo is at {0} (a status page for your browser: {0}/status)",
        server.url()
    ));
    output::line(format!("Sign in there as product-manager@demo.example (or {OTHERS}) with {password}"));
    output::line("Look around from another terminal:\n");
    output::line(format!("  export TENURE_URL={} TENURE_TOKEN={token}", server.url()));
    output::line("  tenure case list\n  tenure case show PC-LIVE\n");
}

/// The development lead plans the rollout and starts it; from then on it runs itself.
async fn start_rollout(live: &Live) -> anyhow::Result<()> {
    let metric = json!({"metric": EVENT, "kind": "proportion", "event": EVENT, "window_hours": 24});
    let plan = json!({
        "case": CASE, "metric": EVENT, "automatic": true, "planned_n": 8_000, "min_days": 14, "max_days": 60,
        "waves": [
            {"percent": 5, "kind": "safety", "min_hours": 72},
            {"percent": 20, "kind": "measure", "min_hours": 96},
            {"percent": 50, "kind": "measure"},
        ],
    });
    for (name, arguments) in
        [("define_metric", metric), ("set_rollout_plan", plan), ("start_wave", json!({"case": CASE}))]
    {
        let Value::Object(arguments) = arguments else { continue };
        let submission = Submission { name: name.to_owned(), arguments, ..Submission::default() };
        let lead = tenure_core::Actor::of("development-lead".parse()?);
        live.submit(&lead, submission).await.map_err(said)?;
    }
    Ok(())
}

/// The verdict has fallen: decide as a product manager would, and show that a negative cannot be kept.
async fn conclude(client: &Client) -> anyhow::Result<()> {
    let keep = json!({"do": "decide_outcome", "with": {"case": CASE, "kind": "keep"}});
    output::line("\n$ tenure do decide_outcome case=PC-LIVE kind=keep");
    match client.give(&keep, None).await {
        Ok(_) => {
            // Exposure follows the decision at once; the page shows it after its next refresh.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let case: Value = client.get(&format!("/api/v1/cases/{CASE}")).await?;
            output::line(format!(
                "kept: {} % of customers meet it, the building team owns its bugs until {}",
                case["exposure_percent"],
                case["accountability"]["ends"].as_str().unwrap_or("-")
            ));
        }
        Err(refused) => output::line(refused.to_string()),
    }
    Ok(())
}

fn said(problem: Problem) -> anyhow::Error {
    anyhow!("{}: {}", problem.code(), problem.body().detail)
}
