//! `tenure flag evaluate`: a flag as an application gets it, or all flags with the reason why.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{Target, text};
use crate::output;

/// What is evaluated.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The flag's key; every flag of the environment when left out
    key: Option<String>,
    /// The context
    #[arg(long, value_name = "JSON", default_value = "{}")]
    context: String,
    /// Show which rule decided, and what each operation gave. Nobody is exposed by it
    #[arg(long)]
    explain: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let Args { target, key, context, explain, json } = args;
    let context: Value = serde_json::from_str(&context).context("--context is not JSON")?;
    let client = target.client()?;
    if let (Some(key), false) = (&key, explain) {
        let answer: Value =
            client.post(&format!("/ofrep/v1/evaluate/flags/{key}"), &json!({"context": context})).await?;
        return if json { output::json(&answer) } else { output::pretty(&answer) };
    }
    let mut trial = json!({"environment": target.environment, "context": context});
    if let Some(key) = key {
        trial["flag"] = key.into();
    }
    let mut answers = Vec::new();
    loop {
        let page: Value = client.post("/api/v1/playground", &trial).await?;
        answers.extend(page["items"].as_array().into_iter().flatten().cloned());
        match page["next"].as_str() {
            Some(next) => trial["after"] = next.into(),
            None => break,
        }
    }
    if json {
        return output::json(&answers);
    }
    if explain {
        answers.iter().for_each(explained);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = answers
        .iter()
        .map(|answer| {
            let value = answer.get("value").map_or_else(|| "default in the code".to_owned(), short);
            let variant = answer["variant"].as_str().unwrap_or("").to_owned();
            let why = answer["error"].as_str().map_or_else(|| decided_by(answer), str::to_owned);
            vec![text(answer, "key"), value, variant, text(answer, "reason"), why]
        })
        .collect();
    output::table(&["flag", "value", "variant", "reason", "decided by"], &[], &rows);
    Ok(())
}

fn explained(answer: &Value) {
    let value = answer.get("value").map_or_else(|| "the default in the code".to_owned(), short);
    output::line(format!("{} gives {value} ({})", text(answer, "key"), text(answer, "reason")));
    if let Some(error) = answer["error"].as_str() {
        output::prose(2, &format!("  {error}"));
    }
    let decided = decided_by(answer);
    if !decided.is_empty() {
        output::line(format!("  decided by {decided}"));
    }
    steps(&answer["steps"], 2);
}

fn decided_by(answer: &Value) -> String {
    let by = &answer["decided_by"];
    if let Some(place) = by["target"].as_u64() {
        return format!("individual target {place}");
    }
    match (by["rule"]["place"].as_u64(), by["rule"]["name"].as_str()) {
        (Some(place), Some(name)) => format!("rule {place} ({name})"),
        (Some(place), None) => format!("rule {place}"),
        (None, _) => by.as_str().map_or(String::new(), |_| "no rule: the default".to_owned()),
    }
}

/// The operations that ran, each with what it gave, those inside it below it.
fn steps(ran: &Value, indent: usize) {
    for step in ran.as_array().into_iter().flatten() {
        let variable = step["variable"].as_str().map_or(String::new(), |name| format!(" {name}"));
        output::line(format!(
            "{}{}{variable} → {}",
            " ".repeat(indent),
            text(step, "operator"),
            short(&step["value"])
        ));
        steps(&step["steps"], indent + 2);
    }
}

/// A value on one line, cut.
fn short(value: &Value) -> String {
    const CHARS_MAX: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
