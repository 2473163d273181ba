//! `tenure flag request …`: changes of an environment that are proposed, read, approved by others, and applied.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{JsonFile, give, read_json, said, shown, text};
use crate::client::{Client, Server};
use crate::output;

/// Change requests.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List change requests
    List {
        #[command(flatten)]
        server: Server,
        /// Where they stand: open, applied, rejected or withdrawn
        #[arg(long)]
        status: Option<String>,
        /// Only requests for this environment
        #[arg(long)]
        environment: Option<String>,
        /// Only requests that change this flag
        #[arg(long, value_name = "KEY")]
        flag: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a request changes, and who approved it
    Show {
        #[command(flatten)]
        server: Server,
        /// The request
        request: String,
        /// Print JSON, with the change as a JSON patch
        #[arg(long)]
        json: bool,
    },
    /// Propose changes
    Propose {
        #[command(flatten)]
        server: Server,
        /// A name for the request
        request: String,
        #[command(flatten)]
        changes: Changes,
        /// The environment
        #[arg(long, default_value = "production")]
        environment: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Edit a request; it needs approval again
    Edit {
        #[command(flatten)]
        server: Server,
        /// The request
        request: String,
        #[command(flatten)]
        changes: Changes,
        /// Why; as it was when left out
        #[arg(long)]
        reason: Option<String>,
    },
    /// Approve a request of others
    Approve {
        #[command(flatten)]
        server: Server,
        /// The request
        request: String,
        /// The revision that was read; the latest when left out
        #[arg(long)]
        revision: Option<u32>,
    },
    /// Reject a request
    Reject {
        #[command(flatten)]
        server: Server,
        /// The request
        request: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Give a request up
    Withdraw {
        #[command(flatten)]
        server: Server,
        /// The request
        request: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Make the changes of a request
    Apply {
        #[command(flatten)]
        server: Server,
        /// The request
        request: String,
    },
}

/// What is to change, and when.
#[derive(Debug, clap::Args)]
pub struct Changes {
    /// A file of changes (JSON): `[{"do": "set_flag", "with": {"key": …, "authored": …}}, …]`; also archive_flag, revert_flag, set_segment
    file: JsonFile,
    /// When it is applied by Tenure itself (RFC 3339); by hand when left out
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
}

impl Changes {
    /// An array of changes, one alone, or `{"changes": […]}`.
    fn read(&self) -> anyhow::Result<Value> {
        let changes = read_json(&self.file)?;
        Ok(match changes {
            Value::Array(_) => changes,
            Value::Object(ref members) if members.contains_key("changes") => members["changes"].clone(),
            one => json!([one]),
        })
    }
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { server, status, environment, flag, json } => {
            let filters = [("status", status), ("environment", environment), ("flag", flag)];
            let query: Vec<(&str, String)> =
                filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            let requests = Client::new(&server)?.all_of("/api/v1/change-requests", &query).await?;
            if json {
                return output::json(&requests);
            }
            list(&requests);
            Ok(())
        }
        Command::Show { server, request, json } => {
            let shown: Value =
                Client::new(&server)?.get(&format!("/api/v1/change-requests/{request}")).await?;
            if json {
                return output::json(&shown);
            }
            show(&shown);
            Ok(())
        }
        Command::Propose { server, request, changes, environment, reason } => {
            let with = said(json!({
                "request": request, "environment": environment, "reason": reason, "changes": changes.read()?, "at": changes.at,
            }));
            give(&Client::new(&server)?, "propose_change", with, format!("{request} is proposed")).await
        }
        Command::Edit { server, request, changes, reason } => {
            let with = said(json!({
                "request": request, "reason": reason, "changes": changes.read()?, "at": changes.at,
            }));
            give(&Client::new(&server)?, "edit_change", with, format!("{request} is edited")).await
        }
        Command::Approve { server, request, revision } => {
            let with = said(json!({"request": request, "revision": revision}));
            give(&Client::new(&server)?, "approve_change", with, format!("{request} is approved")).await
        }
        Command::Reject { server, request, reason } => {
            let with = json!({"request": request, "reason": reason});
            give(&Client::new(&server)?, "reject_change", with, format!("{request} is rejected")).await
        }
        Command::Withdraw { server, request, reason } => {
            let with = said(json!({"request": request, "reason": reason}));
            give(&Client::new(&server)?, "withdraw_change", with, format!("{request} is withdrawn")).await
        }
        Command::Apply { server, request } => {
            let with = json!({"request": request});
            give(&Client::new(&server)?, "apply_change", with, format!("{request} is applied")).await
        }
    }
}

fn list(requests: &[Value]) {
    if requests.is_empty() {
        output::line("no change requests");
        return;
    }
    let rows: Vec<Vec<String>> = requests
        .iter()
        .map(|request| {
            let changed = request["differences"].as_array().into_iter().flatten();
            let names: Vec<String> = changed.map(|change| text(change, "name")).collect();
            vec![
                text(request, "request"),
                text(request, "status"),
                text(request, "environment"),
                approvals(request),
                names.join(", "),
                text(request, "reason"),
            ]
        })
        .collect();
    output::table(&["request", "status", "environment", "approvals", "changes", "because"], &[], &rows);
}

fn approvals(request: &Value) -> String {
    let given = request["approvals"].as_object().map_or(0, serde_json::Map::len);
    format!("{given} of {}", request["approvals_needed"])
}

fn show(request: &Value) {
    output::line(format!(
        "{}  {}, revision {}, for {}",
        text(request, "request"),
        text(request, "status"),
        request["revision"],
        text(request, "environment")
    ));
    output::prose(11, &format!("  because  {}", text(request, "reason")));
    output::line(format!(
        "  by       {} on {}",
        text(&request["proposed"], "by"),
        shown::day(&request["proposed"], "at")
    ));
    if request["at"].is_string() {
        output::line(format!("  applied  at {}", text(request, "at")));
    }
    let who: Vec<&str> =
        request["approvals"].as_object().into_iter().flatten().map(|(who, _)| who.as_str()).collect();
    let who = if who.is_empty() { String::new() } else { format!(": {}", who.join(", ")) };
    output::line(format!("  approved {}{who}", approvals(request)));
    if let Some(because) = request["because"].as_str() {
        output::prose(11, &format!("  ended    {because}"));
    }
    for change in request["differences"].as_array().into_iter().flatten() {
        let since =
            if change["changed_since"] == true { ", which was changed since: edit the request" } else { "" };
        output::line(format!("  {} {}{since}", text(change, "noun"), text(change, "name")));
        shown::sentences(change);
    }
}
