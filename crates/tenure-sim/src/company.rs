//! A believable company, made by giving the commands its people would have given, day by day, up to now.
//!
//! Its experiments are published ones (`data/experiments.json` has their sources); the people are roles. Everything goes
//! through the same door as a live command, so the seeded journal is one that could have happened.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tenure_core::Actor;
use tenure_core::id::AccountId;
use tenure_server::http::account::{self, NewAccount};
use tenure_server::problem::Problem;
use tenure_server::{Clock, Config, Live, StartError, Submission};

/// The company that `tenure demo` opens.
const COMPANY: &str = include_str!("../data/company.json");

/// What a company file holds.
#[derive(Debug, Deserialize)]
struct Company {
    people: BTreeMap<String, Vec<String>>,
    codebases: BTreeMap<String, Vec<String>>,
    policy: Value,
    teams: Vec<Map<String, Value>>,
    steps: Vec<Step>,
}

/// A command somebody gave, `day` days from now.
#[derive(Debug, Deserialize)]
struct Step {
    day: f64,
    by: String,
    #[serde(rename = "do")]
    name: String,
    with: Map<String, Value>,
}

/// Why a company was not seeded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The company's file is not valid.
    #[error("the company's data is not valid: {0}")]
    Data(#[from] serde_json::Error),
    /// The folder could not be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A command of the company's history was refused.
    #[error("step {index} of the company ({name} by {by}) failed: {code}: {detail}")]
    Step {
        /// Its place in the file, from 0.
        index: usize,
        /// The command.
        name: String,
        /// Who gave it.
        by: String,
        /// The refusal's or problem's code.
        code: String,
        /// What it said.
        detail: String,
    },
    /// Something besides the steps failed.
    #[error("seeding failed: {0}")]
    Other(String),
}

/// Fill an empty data folder with the company's history up to `now`, and close it again.
///
/// Every person gets an account whose login is `ID@demo.example` and whose password is `password`; without one, only tokens act as it.
pub async fn seed(config: Config, now: Timestamp, password: Option<&str>) -> Result<(), SeedError> {
    let company: Company = serde_json::from_str(COMPANY)?;
    let first = company.steps.iter().map(|step| step.day).fold(0.0, f64::min);
    let clock = Clock::stepped(days_from(now, first - 1.0));
    let live = tenure_server::open(config, clock.clone()).await?;
    set_up(&live, &company, password).await?;
    for (index, step) in company.steps.into_iter().enumerate() {
        clock.step_to(days_from(now, step.day));
        let by: AccountId =
            step.by.parse().map_err(|_| SeedError::Other(format!("{:?} is no account", step.by)))?;
        let submission =
            Submission { name: step.name.clone(), arguments: dated(step.with, now), ..Submission::default() };
        live.submit(&Actor::Account(by), submission).await.map_err(|problem| SeedError::Step {
            index,
            name: step.name,
            by: step.by,
            code: problem.code().to_owned(),
            detail: problem.body().detail,
        })?;
    }
    live.keep_snapshot().await.map_err(other)?;
    live.store.close().await;
    Ok(())
}

async fn set_up(live: &Live, company: &Company, password: Option<&str>) -> Result<(), SeedError> {
    let system = async |name: &str, arguments: Value| {
        let Value::Object(arguments) = arguments else { return Ok(()) };
        let submission = Submission { name: name.to_owned(), arguments, ..Submission::default() };
        live.submit(&Actor::System, submission).await.map(|_| ()).map_err(other)
    };
    system("set_policy", json!({"policy": company.policy})).await?;
    for team in &company.teams {
        system("define_team", Value::Object(team.clone())).await?;
    }
    for (codebase, items) in &company.codebases {
        system("define_codebase", json!({"codebase": codebase, "items": items})).await?;
    }
    for (id, roles) in &company.people {
        let new = NewAccount {
            id: Some(id.clone()),
            login: format!("{id}@demo.example"),
            display_name: Some(id.replace('-', " ")),
            password: password.map(str::to_owned),
        };
        account::create(live, new).await.map_err(other)?;
        for role in roles {
            system("grant_role", json!({"account": id, "role": role})).await?;
        }
    }
    Ok(())
}

/// `ended_day: -30` becomes `ended: DATE`, wherever an argument's name ends with `_day`.
fn dated(arguments: Map<String, Value>, now: Timestamp) -> Map<String, Value> {
    arguments
        .into_iter()
        .map(|(name, value)| match (name.strip_suffix("_day"), value.as_f64()) {
            (Some(stem), Some(day)) => (stem.to_owned(), date_of(days_from(now, day)).to_string().into()),
            _ => match value {
                Value::Object(inner) => (name, Value::Object(dated(inner, now))),
                value => (name, value),
            },
        })
        .collect()
}

fn days_from(now: Timestamp, days: f64) -> Timestamp {
    SignedDuration::try_from_secs_f64(days * 86_400.0)
        .ok()
        .and_then(|span| now.checked_add(span).ok())
        .unwrap_or(now)
}

fn date_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn other(problem: Problem) -> SeedError {
    SeedError::Other(format!("{}: {}", problem.code(), problem.body().detail))
}
