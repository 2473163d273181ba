//! `tenure flag …`: the flags of a running server, in flagd's own definition format.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tenure_flags::FlagSet;

use crate::client::{Client, Server, block_on};
use crate::output;

/// Flags.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List flags
    List {
        #[command(flatten)]
        target: Target,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a flag's definition
    Show {
        #[command(flatten)]
        target: Target,
        /// The flag's key
        key: String,
    },
    /// Define a flag from a file with its flagd definition (`-` reads standard input)
    Set {
        #[command(flatten)]
        target: Target,
        /// The flag's key
        key: String,
        /// The definition (JSON)
        file: PathBuf,
    },
    /// Archive a flag: it is no longer served
    Archive {
        #[command(flatten)]
        target: Target,
        /// The flag's key
        key: String,
    },
    /// Define every flag of a flagd definition file
    Import {
        #[command(flatten)]
        target: Target,
        /// A flagd definition file (JSON)
        file: PathBuf,
    },
    /// Print all flags as one flagd definition
    Export {
        #[command(flatten)]
        target: Target,
    },
    /// Check a flagd definition file without a server
    Lint {
        /// A flagd definition file (JSON)
        file: PathBuf,
    },
    /// Evaluate a flag as an application would, over OFREP
    Evaluate {
        #[command(flatten)]
        target: Target,
        /// The flag's key
        key: String,
        /// The context
        #[arg(long, value_name = "JSON", default_value = "{}")]
        context: String,
    },
}

/// Which server and which of its environments.
#[derive(Debug, clap::Args)]
pub struct Target {
    #[command(flatten)]
    server: Server,
    /// The environment
    #[arg(long, default_value = "production")]
    environment: String,
}

/// `tenure flag …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    if let Command::Lint { file } = &command {
        return lint(file);
    }
    block_on(async move {
        match command {
            Command::List { target, json } => list(&target, json).await?,
            Command::Show { target, key } => {
                let flag: Value = target.client()?.get(&target.path(&key)).await?;
                output::pretty(&flag["definition"])?;
            }
            Command::Set { target, key, file } => {
                let definition = read_json(&file)?;
                target.client()?.send(Method::PUT, &target.path(&key), Some(&definition)).await?;
                output::line(format!("{key} is set in {}", target.environment));
            }
            Command::Archive { target, key } => {
                target.client()?.send(Method::DELETE, &target.path(&key), None::<&()>).await?;
                output::line(format!("{key} is archived in {}", target.environment));
            }
            Command::Import { target, file } => import(&target, &file).await?,
            Command::Export { target } => {
                let mut flags = Map::new();
                for flag in target.flags().await? {
                    flags.insert(text(&flag, "key"), flag["definition"].clone());
                }
                output::pretty(
                    &json!({"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": flags}),
                )?;
            }
            Command::Evaluate { target, key, context } => {
                let context: Value = serde_json::from_str(&context).context("--context is not JSON")?;
                let path = format!("/ofrep/v1/evaluate/flags/{key}");
                let answer: Value = target.client()?.post(&path, &json!({"context": context})).await?;
                output::pretty(&answer)?;
            }
            Command::Lint { .. } => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}

impl Target {
    fn client(&self) -> anyhow::Result<Client> {
        Client::new(&self.server)
    }

    fn path(&self, key: &str) -> String {
        format!("/api/v1/flags/{key}?environment={}", self.environment)
    }

    async fn flags(&self) -> anyhow::Result<Vec<Value>> {
        let path = format!("/api/v1/flags?limit=1000&environment={}", self.environment);
        self.client()?.all(&path).await
    }
}

async fn list(target: &Target, json: bool) -> anyhow::Result<()> {
    let flags = target.flags().await?;
    if json {
        return output::json(&flags);
    }
    let rows: Vec<Vec<String>> = flags
        .iter()
        .map(|flag| {
            let variants = flag["definition"]["variants"]
                .as_object()
                .map(|variants| variants.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
            vec![
                text(flag, "key"),
                flag["definition"]["state"].as_str().unwrap_or("-").to_lowercase(),
                flag["case"].as_str().unwrap_or("").to_owned(),
                variants.unwrap_or_default(),
            ]
        })
        .collect();
    output::table(&["flag", "state", "case", "variants"], &[], &rows);
    Ok(())
}

async fn import(target: &Target, file: &Path) -> anyhow::Result<()> {
    let document = read_json(file)?;
    if document.get("$evaluators").is_some() {
        output::note("note: $evaluators are written into the flags that refer to them");
    }
    let flags: BTreeMap<String, Value> = serde_json::from_value(document["flags"].clone())
        .context("`flags` must be an object of definitions")?;
    let client = target.client()?;
    for (key, mut definition) in flags {
        inline(&mut definition, &document["$evaluators"], 0)?;
        client
            .send(Method::PUT, &target.path(&key), Some(&definition))
            .await
            .with_context(|| format!("flag {key}"))?;
        output::line(format!("{key} is set"));
    }
    Ok(())
}

/// Replace `{"$ref": NAME}` by the shared rule of that name, so that every flag stands on its own.
fn inline(value: &mut Value, shared: &Value, depth: usize) -> anyhow::Result<()> {
    if depth > 64 {
        bail!("$evaluators are nested too deeply, or refer to each other in a circle");
    }
    if let Some(name) = value.get("$ref").and_then(Value::as_str) {
        let Some(rule) = shared.get(name) else { bail!("there is no evaluator {name:?} in $evaluators") };
        *value = rule.clone();
        return inline(value, shared, depth + 1);
    }
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| inline(item, shared, depth + 1)),
        Value::Object(members) => {
            members.values_mut().try_for_each(|member| inline(member, shared, depth + 1))
        }
        _ => Ok(()),
    }
}

fn lint(file: &Path) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let set =
        FlagSet::from_text(&text).with_context(|| format!("{} is no flagd definition", file.display()))?;
    let snapshot = tenure_flags::Snapshot::compile(&set);
    let faults: Vec<String> = snapshot.faults().map(|(key, fault)| format!("{key}: {fault}")).collect();
    faults.iter().for_each(output::line);
    output::line(format!("{} flags, {} with a fault", set.flags.len(), faults.len()));
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read_json(file: &Path) -> anyhow::Result<Value> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    }
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or("-").to_owned()
}
