//! `tenure setup` and `tenure token …`: the first account, and the API tokens that programs carry.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Server, block_on};
use crate::output;

/// Make the first account of a new server.
#[derive(Debug, clap::Args)]
pub struct SetupArgs {
    #[command(flatten)]
    server: Server,
    /// The setup code that `tenure serve` printed
    #[arg(long)]
    code: String,
    /// The login of the first account, usually an e-mail address
    #[arg(long)]
    login: String,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// API tokens.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a token; it is printed once
    Create {
        #[command(flatten)]
        server: Server,
        /// What the token is for
        #[arg(long)]
        name: String,
        /// What it may do: evaluate, ingest, sync, read, write, admin
        #[arg(long = "scope", required = true, value_delimiter = ',')]
        scopes: Vec<String>,
        /// The environment whose flags it evaluates
        #[arg(long, default_value = "production")]
        environment: String,
        /// The account it acts as, if not your own
        #[arg(long)]
        account: Option<String>,
        /// Days until it expires
        #[arg(long)]
        days: Option<u32>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List tokens
    List {
        #[command(flatten)]
        server: Server,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token
    Revoke {
        #[command(flatten)]
        server: Server,
        /// The token's id, as listed
        id: String,
    },
}

/// `tenure setup`.
pub fn setup(args: SetupArgs) -> anyhow::Result<ExitCode> {
    let password = password(args.password_stdin)?;
    block_on(async move {
        let made: Value = Client::new(&args.server)?
            .post("/api/v1/setup", &json!({"code": args.code, "login": args.login, "password": password}))
            .await?;
        if args.json {
            output::json(&made)?;
        } else {
            output::line(format!("account {} is made and holds the role admin", text(&made, "account")));
            output::line("its API token, shown this once:\n");
            output::line(format!("  export TENURE_TOKEN={}\n", text(&made, "token")));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `tenure token …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    block_on(async move {
        match command {
            Command::Create { server, name, scopes, environment, account, days, json } => {
                let body = json!({
                    "name": name, "scopes": scopes, "environment": environment,
                    "account": account, "expires_in_days": days,
                });
                let made: Value = Client::new(&server)?.post("/api/v1/tokens", &body).await?;
                if json {
                    output::json(&made)?;
                } else {
                    output::line(text(&made, "token"));
                    output::note(format!("token {} ({name}) is shown this once", text(&made["info"], "id")));
                }
            }
            Command::List { server, json } => {
                let tokens: Value = Client::new(&server)?.get("/api/v1/tokens").await?;
                if json {
                    output::json(&tokens)?;
                } else {
                    list(&tokens);
                }
            }
            Command::Revoke { server, id } => {
                Client::new(&server)?
                    .send(Method::DELETE, &format!("/api/v1/tokens/{id}"), None::<&()>)
                    .await?;
                output::line(format!("token {id} is revoked"));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn list(tokens: &Value) {
    let rows: Vec<Vec<String>> = tokens["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|token| {
            let scopes = token["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
            vec![
                text(token, "id"),
                text(token, "name"),
                text(token, "account"),
                scopes.collect::<Vec<_>>().join(","),
                text(token, "environment"),
                text(token, "expires_at"),
                text(token, "revoked_at"),
            ]
        })
        .collect();
    output::table(&["id", "name", "account", "scopes", "environment", "expires", "revoked"], &[], &rows);
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or("-").to_owned()
}

fn password(from_stdin: bool) -> anyhow::Result<String> {
    if from_stdin || !std::io::stdin().is_terminal() {
        let mut text = String::new();
        std::io::stdin().take(4_096).read_to_string(&mut text).context("the password cannot be read")?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    let first = rpassword::prompt_password("password (at least 12 characters): ")?;
    if first != rpassword::prompt_password("once more: ")? {
        bail!("the passwords differ");
    }
    Ok(first)
}
