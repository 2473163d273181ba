//! `tenure flag list|show|diff|history`: how flags stand, and what was changed, for people and as JSON.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Target, text};
use crate::client::{Client, Server};
use crate::output;

/// Which flags are listed.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    server: Server,
    /// Only flags that this environment serves
    #[arg(long)]
    environment: Option<String>,
    /// Only flags whose key, tags, owner or case hold this text
    #[arg(long)]
    text: Option<String>,
    /// Only flags with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only flags that this team answers for
    #[arg(long, value_name = "TEAM")]
    owner: Option<String>,
    /// Only flags that should leave the code
    #[arg(long)]
    stale: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which flag is shown.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    #[command(flatten)]
    target: Target,
    /// The flag's key
    key: String,
    /// Print its flagd definition alone
    #[arg(long)]
    definition: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "definition")]
    json: bool,
}

/// Which environments are compared.
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    #[command(flatten)]
    server: Server,
    /// Only this flag
    key: Option<String>,
    /// The environment that is compared with
    #[arg(long, value_name = "ENVIRONMENT", default_value = "staging")]
    from: String,
    /// The environment that is compared
    #[arg(long, value_name = "ENVIRONMENT", default_value = "production")]
    to: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which changes are shown.
#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    server: Server,
    /// The flag's key
    key: String,
    /// Only changes in this environment
    #[arg(long)]
    environment: Option<String>,
    /// How many, at most 100
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn list(args: ListArgs) -> anyhow::Result<()> {
    let stale = args.stale.then(|| "true".to_owned());
    let filters = [
        ("environment", args.environment),
        ("text", args.text),
        ("tag", args.tag),
        ("owner", args.owner),
        ("stale", stale),
        ("limit", Some("1000".to_owned())),
    ];
    let query: Vec<(&str, String)> =
        filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let flags = Client::new(&args.server)?.all_of("/api/v1/flags", &query).await?;
    if args.json {
        return output::json(&flags);
    }
    if flags.is_empty() {
        output::line("no flags; set one with: tenure flag set KEY FILE");
        return Ok(());
    }
    let environments: BTreeSet<&str> = flags
        .iter()
        .filter_map(|flag| flag["environments"].as_object())
        .flat_map(|all| all.keys())
        .map(String::as_str)
        .collect();
    let headings: Vec<&str> =
        ["flag"].into_iter().chain(environments.iter().copied()).chain(["owner", "case", "stale"]).collect();
    let rows: Vec<Vec<String>> = flags
        .iter()
        .map(|flag| {
            let standings = environments.iter().map(|name| standing(&flag["environments"][*name]));
            let said = |key: &str| flag[key].as_str().unwrap_or("").to_owned();
            let row = [text(flag, "key")].into_iter().chain(standings);
            row.chain([said("owner"), said("case"), stale_in_short(flag)]).collect()
        })
        .collect();
    output::table(&headings, &[], &rows);
    Ok(())
}

/// How a flag stands in an environment, in a word or two.
fn standing(standing: &Value) -> String {
    let Some(state) = standing["state"].as_str() else { return "·".to_owned() };
    match (state, standing["exposure_percent"].as_f64()) {
        ("faulty", _) => "FAULTY".to_owned(),
        ("disabled", _) => "off".to_owned(),
        (_, Some(percent)) => format!("{percent} % exposed"),
        _ => {
            let default = standing["default"].as_str().unwrap_or("in code");
            if standing["targeted"] == true { format!("{default} + rules") } else { default.to_owned() }
        }
    }
}

fn stale_in_short(flag: &Value) -> String {
    let reasons = flag["stale"].as_array().into_iter().flatten();
    let reasons: Vec<String> = reasons.map(|stale| text(stale, "reason").replace('_', " ")).collect();
    reasons.join(", ")
}

pub async fn show(args: ShowArgs) -> anyhow::Result<()> {
    let ShowArgs { target, key, definition, json } = args;
    let path = format!("/api/v1/flags/{key}");
    let query = [("environment", target.environment.clone())];
    let flag: Value = target.client()?.query(&path, &query).await?.json().await?;
    if json {
        return output::json(&flag);
    }
    if definition {
        anyhow::ensure!(!flag["definition"].is_null(), "{key} is not served in {}", target.environment);
        return output::pretty(&flag["definition"]);
    }
    output::line(&key);
    let lifetime = match &flag["lifetime"] {
        Value::Null => String::new(),
        lifetime => {
            lifetime["until"].as_str().map_or("permanent".to_owned(), |until| format!("until {until}"))
        }
    };
    let tags: Vec<&str> = flag["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, said) in [
        ("for", flag["description"].as_str().unwrap_or("").to_owned()),
        ("owner", flag["owner"].as_str().unwrap_or("").to_owned()),
        ("case", flag["case"].as_str().unwrap_or("").to_owned()),
        ("tags", tags.join(", ")),
        ("lives", lifetime),
        ("fault", flag["fault"].as_str().unwrap_or("").to_owned()),
    ] {
        if !said.is_empty() {
            output::prose(10, &format!("  {name:<7} {said}"));
        }
    }
    for stale in flag["stale"].as_array().into_iter().flatten() {
        output::prose(10, &format!("  {:<7} {}", "stale", text(stale, "sentence")));
    }
    output::line("");
    let rows: Vec<Vec<String>> = flag["environments"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, at)| {
            let entry = at["entry"].as_u64().map_or(String::new(), |entry| entry.to_string());
            vec![
                name.clone(),
                standing(at),
                day(at, "since"),
                text(at, "by"),
                entry,
                at["reason"].as_str().unwrap_or("").to_owned(),
            ]
        })
        .collect();
    output::table(&["environment", "serves", "since", "by", "entry", "because"], &[4], &rows);
    rules(&flag["source"]["authored"], &target.environment);
    Ok(())
}

/// The targets and rules of a flag that is written so, in words.
fn rules(authored: &Value, environment: &str) {
    let Ok(written) = serde_json::from_value::<tenure_flags::authoring::Authored>(authored.clone()) else {
        return;
    };
    output::line("");
    output::line(format!("in {environment}"));
    for target in &written.targets {
        output::line(format!("  {} individual targets get {}", target.keys.count(), target.variant));
    }
    for (place, rule) in written.rules.iter().enumerate() {
        let name = rule.name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
        output::prose(5, &format!("  {}.{name} {rule}", place + 1));
    }
    output::line(format!("  otherwise serve {}", written.default));
}

pub async fn diff(args: DiffArgs) -> anyhow::Result<()> {
    let mut query = vec![("from", args.from.clone()), ("to", args.to.clone()), ("limit", "1000".to_owned())];
    query.extend(args.key.map(|key| ("key", key)));
    let flags = Client::new(&args.server)?.all_of("/api/v1/flag-differences", &query).await?;
    if args.json {
        return output::json(&flags);
    }
    if flags.is_empty() {
        output::line(format!("{} serves what {} serves", args.to, args.from));
    }
    for flag in &flags {
        output::line(format!("{} in {}, compared with {}", text(flag, "key"), args.to, args.from));
        sentences(flag);
    }
    Ok(())
}

pub async fn history(args: HistoryArgs) -> anyhow::Result<()> {
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.environment.map(|environment| ("environment", environment)));
    let path = format!("/api/v1/flags/{}/history", args.key);
    let page: Value = Client::new(&args.server)?.query(&path, &query).await?.json().await?;
    if args.json {
        return output::json(&page["items"]);
    }
    let changes = page["items"].as_array().map_or(&[][..], Vec::as_slice);
    if changes.is_empty() {
        output::line(
            "nobody changed it by hand; `tenure case log` tells what a rollout did with the flag of its case",
        );
    }
    for change in changes {
        let mut heading = format!(
            "entry {}  {}  {}  {}",
            change["entry"],
            day(change, "at"),
            text(change, "environment"),
            text(change, "by")
        );
        if let Some(reverts) = change["reverts"].as_u64() {
            heading.push_str(&format!("  takes back entry {reverts}"));
        }
        if let Some(request) = change["request"].as_str() {
            heading.push_str(&format!("  by request {request}"));
        }
        output::line(heading);
        if let Some(reason) = change["reason"].as_str() {
            output::prose(4, &format!("    because {reason}"));
        }
        sentences(change);
    }
    if let Some(next) = page["next"].as_str() {
        output::note(format!("there are older ones, before entry {next}"));
    }
    Ok(())
}

/// What is different, a line each.
pub fn sentences(difference: &Value) {
    for sentence in difference["sentences"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output::prose(6, &format!("    - {sentence}"));
    }
}

/// The day and minute of an instant.
pub fn day(value: &Value, key: &str) -> String {
    value[key].as_str().and_then(|at| at.get(..16)).unwrap_or("-").replace('T', " ")
}
