//! `tenure webhook …` and `tenure notifications …`: where entries are posted to, and how you are told.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Server, block_on};
use crate::output;

/// Webhooks.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a webhook; its secret is printed once
    Add {
        #[command(flatten)]
        server: Server,
        /// What it is for
        #[arg(long)]
        name: String,
        /// Where to post
        #[arg(long = "to", value_name = "URL")]
        to: String,
        /// How what is posted is written: standard (signed JSON) or slack
        #[arg(long, default_value = "standard")]
        form: String,
        #[command(flatten)]
        filter: FilterArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List webhooks
    List {
        #[command(flatten)]
        server: Server,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Post a test message, now
    Test {
        #[command(flatten)]
        server: Server,
        /// The webhook's id, as listed
        id: String,
    },
    /// Replace the secret; for 24 hours messages are signed by both
    Rotate {
        #[command(flatten)]
        server: Server,
        /// The webhook's id, as listed
        id: String,
    },
    /// Post to a webhook again that was disabled
    Enable {
        #[command(flatten)]
        server: Server,
        /// The webhook's id, as listed
        id: String,
    },
    /// Post nothing to a webhook any more
    Disable {
        #[command(flatten)]
        server: Server,
        /// The webhook's id, as listed
        id: String,
    },
    /// Remove a webhook, its secrets and its deliveries
    Remove {
        #[command(flatten)]
        server: Server,
        /// The webhook's id, as listed
        id: String,
    },
    /// The last deliveries, the newest first
    Deliveries {
        #[command(flatten)]
        server: Server,
        /// The webhook's id, as listed
        id: String,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a delivery again
    Redeliver {
        #[command(flatten)]
        server: Server,
        /// The webhook's id, as listed
        id: String,
        /// The message, as listed among the deliveries
        message: String,
    },
}

/// Which entries are posted; without any of these, all.
#[derive(Debug, clap::Args)]
pub struct FilterArgs {
    /// Kinds of entries, such as exposure_held
    #[arg(long = "kind", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Cases
    #[arg(long = "case", value_delimiter = ',')]
    cases: Vec<String>,
    /// Teams that have the onus or are asked something
    #[arg(long = "team", value_delimiter = ',')]
    teams: Vec<String>,
}

/// How you are told.
#[derive(Debug, clap::Subcommand)]
pub enum NotificationsCommand {
    /// Show how you are told
    Show {
        #[command(flatten)]
        server: Server,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change how you are told; what is not named stays
    Set {
        #[command(flatten)]
        server: Server,
        /// mail, chat or none
        #[arg(long)]
        channel: Option<String>,
        /// Where mail goes
        #[arg(long)]
        email: Option<String>,
        /// The incoming webhook of a Slack-compatible chat
        #[arg(long)]
        chat_url: Option<String>,
        /// Whether what is asked of you is told at once
        #[arg(long, action = clap::ArgAction::Set)]
        at_once: Option<bool>,
        /// Whether the rest is told once a week
        #[arg(long, action = clap::ArgAction::Set)]
        digest: Option<bool>,
        /// The day of the digest
        #[arg(long)]
        day: Option<String>,
        /// The hour of the digest, 0 to 23
        #[arg(long)]
        hour: Option<u8>,
        /// The time zone of that hour, such as Europe/Berlin
        #[arg(long)]
        time_zone: Option<String>,
        /// Hear of a case in the digest besides your own; may be given several times
        #[arg(long = "watch", value_delimiter = ',')]
        watched: Option<Vec<String>>,
        /// Do not hear of a case; may be given several times
        #[arg(long = "mute", value_delimiter = ',')]
        muted: Option<Vec<String>>,
    },
    /// Send yourself a test message, now
    Test {
        #[command(flatten)]
        server: Server,
    },
    /// The last messages to you, the newest first
    Deliveries {
        #[command(flatten)]
        server: Server,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

const MINE: &str = "/api/v1/me/notifications";

/// `tenure webhook …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    block_on(async move {
        match command {
            Command::Add { server, name, to, form, filter, json } => {
                let filter = json!({"kinds": filter.kinds, "cases": filter.cases, "teams": filter.teams});
                let body = json!({"name": name, "url": to, "form": form, "filter": filter});
                let made: Value = Client::new(&server)?.post("/api/v1/webhooks", &body).await?;
                if json {
                    output::json(&made)?;
                } else {
                    show_secret(&made);
                    output::note(format!(
                        "webhook {} ({name}) posts to {}",
                        text(&made["info"], "id"),
                        text(&made["info"], "url")
                    ));
                }
            }
            Command::List { server, json } => {
                let webhooks = Client::new(&server)?.all("/api/v1/webhooks?limit=100").await?;
                if json {
                    output::json(&webhooks)?;
                } else {
                    list(&webhooks);
                }
            }
            Command::Test { server, id } => {
                let tested =
                    Client::new(&server)?.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).await?;
                return Ok(told(&tested));
            }
            Command::Rotate { server, id } => {
                let made: Value =
                    Client::new(&server)?.post(&format!("/api/v1/webhooks/{id}/secret"), &json!({})).await?;
                show_secret(&made);
                output::note("messages are signed by the old secret too for 24 hours");
            }
            Command::Enable { server, id } => change(&server, &id, true).await?,
            Command::Disable { server, id } => change(&server, &id, false).await?,
            Command::Remove { server, id } => {
                let path = format!("/api/v1/webhooks/{id}");
                Client::new(&server)?.send(Method::DELETE, &path, None::<&()>).await?;
                output::line(format!("webhook {id} is removed"));
            }
            Command::Deliveries { server, id, limit, json } => {
                let path = format!("/api/v1/webhooks/{id}/deliveries?limit={limit}");
                deliveries(&Client::new(&server)?.get(&path).await?, json)?;
            }
            Command::Redeliver { server, id, message } => {
                let path = format!("/api/v1/webhooks/{id}/deliveries/{message}/redeliver");
                Client::new(&server)?.send(Method::POST, &path, Some(&json!({}))).await?;
                output::line(format!("message {message} is delivered again"));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `tenure notifications …`.
pub fn notifications(command: NotificationsCommand) -> anyhow::Result<ExitCode> {
    block_on(async move {
        match command {
            NotificationsCommand::Show { server, json } => {
                let mine: Value = Client::new(&server)?.get(MINE).await?;
                if json { output::json(&mine)? } else { show(&mine) }
            }
            NotificationsCommand::Set {
                server,
                channel,
                email,
                chat_url,
                at_once,
                digest,
                day,
                hour,
                time_zone,
                watched,
                muted,
            } => {
                let client = Client::new(&server)?;
                let mut mine: Value = client.get(MINE).await?;
                let choices = &mut mine["choices"];
                let mut set = |path: &str, value: Value| {
                    if let (false, Some(place)) = (value.is_null(), choices.pointer_mut(path)) {
                        *place = value;
                    }
                };
                set("/channel", json!(channel));
                set("/at_once", json!(at_once));
                set("/digest", json!(digest));
                set("/schedule/day", json!(day));
                set("/schedule/hour", json!(hour));
                set("/time_zone", json!(time_zone));
                set("/watched", json!(watched));
                set("/muted", json!(muted));
                let body = json!({"choices": choices, "email": email, "chat_url": chat_url});
                let mine: Value = client.send(Method::PUT, MINE, Some(&body)).await?.json().await?;
                show(&mine);
            }
            NotificationsCommand::Test { server } => {
                let tested = Client::new(&server)?.post(&format!("{MINE}/test"), &json!({})).await?;
                return Ok(told(&tested));
            }
            NotificationsCommand::Deliveries { server, limit, json } => {
                let path = format!("{MINE}/deliveries?limit={limit}");
                deliveries(&Client::new(&server)?.get(&path).await?, json)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn change(server: &Server, id: &str, enabled: bool) -> anyhow::Result<()> {
    let body = json!({"enabled": enabled});
    Client::new(server)?.send(Method::PATCH, &format!("/api/v1/webhooks/{id}"), Some(&body)).await?;
    output::line(format!("webhook {id} is {}", if enabled { "enabled" } else { "disabled" }));
    Ok(())
}

fn show_secret(made: &Value) {
    if let Some(secret) = made["secret"].as_str() {
        output::line(secret);
        output::note("this is what messages are signed with, shown this once");
    }
}

fn told(tested: &Value) -> ExitCode {
    if tested["delivered"] == true {
        output::line(format!("delivered: {}", text(tested, "said")));
        return ExitCode::SUCCESS;
    }
    output::note(format!("not delivered: {}", text(tested, "said")));
    ExitCode::FAILURE
}

fn list(webhooks: &[Value]) {
    let rows: Vec<Vec<String>> = webhooks
        .iter()
        .map(|webhook| {
            let state = match (webhook["disabled_why"].as_str(), webhook["failing_since"].as_str()) {
                (Some(why), _) => format!("disabled: {why}"),
                (None, Some(since)) => format!("failing since {since}"),
                (None, None) => "works".to_owned(),
            };
            vec![
                text(webhook, "id"),
                text(webhook, "name"),
                text(webhook, "form"),
                text(webhook, "url"),
                state,
            ]
        })
        .collect();
    output::table(&["id", "name", "form", "posts to", "state"], &[], &rows);
}

fn deliveries(deliveries: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(deliveries);
    }
    let rows: Vec<Vec<String>> = deliveries
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let when = one["done_at"].as_str().or(one["next_at"].as_str()).unwrap_or("-").to_owned();
            vec![
                text(one, "message"),
                text(one, "status"),
                one["attempts"].to_string(),
                when,
                text(one, "said"),
            ]
        })
        .collect();
    output::table(&["message", "status", "attempts", "done, or next", "answer"], &[2], &rows);
    Ok(())
}

fn show(mine: &Value) {
    let choices = &mine["choices"];
    let yes = |value: &Value| if value == true { "yes" } else { "no" };
    let cases = |value: &Value| {
        let names: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if names.is_empty() { "-".to_owned() } else { names.join(", ") }
    };
    let schedule = &choices["schedule"];
    let when = format!("{} at {}:00", text(schedule, "day"), schedule["hour"]);
    let rows = [
        ("channel", text(choices, "channel")),
        ("mail goes to", text(mine, "email")),
        ("chat", text(mine, "chat_url")),
        ("at once", yes(&choices["at_once"]).to_owned()),
        ("digest", if choices["digest"] == true { when } else { "no".to_owned() }),
        ("time zone", text(choices, "time_zone")),
        ("watched", cases(&choices["watched"])),
        ("muted", cases(&choices["muted"])),
    ];
    for (what, value) in rows {
        output::line(format!("{what:13} {value}"));
    }
    if choices["channel"] == "mail" && mine["mail_possible"] != true {
        output::note("this server has no mail server configured: nothing reaches you by mail");
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or("-").to_owned()
}
