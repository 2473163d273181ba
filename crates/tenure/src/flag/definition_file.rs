//! `tenure flag import|export|lint`: flagd definition files, in and out, with the place of every fault.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tenure_flags::{Finding, Severity, lint as findings_of};

use super::{JsonFile, Target, said};
use crate::output;

/// What is imported, and where to.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    #[command(flatten)]
    target: Target,
    /// A flagd definition file (JSON; `-` reads standard input)
    file: JsonFile,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// Check the file and say what would be set, and set nothing
    #[arg(long)]
    dry_run: bool,
}

/// What is checked.
#[derive(Debug, clap::Args)]
pub struct LintArgs {
    /// A flagd definition file (JSON; `-` reads standard input)
    file: JsonFile,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Print every fault with its place; fails when there is one.
pub fn lint(args: &LintArgs) -> anyhow::Result<ExitCode> {
    let findings = findings_of(&text(&args.file)?);
    if args.json {
        output::json(&findings)?;
    } else {
        findings.iter().for_each(|finding| output::line(located(&args.file, finding)));
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count() as u64;
        output::line(format!(
            "{}, {}",
            output::counted(count(Severity::Error), "error"),
            output::counted(count(Severity::Warning), "warning")
        ));
    }
    let fails = |finding: &Finding| finding.severity == Severity::Error || args.strict;
    Ok(if findings.iter().any(fails) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A fault as editors read it, with its JSON pointer.
fn located(file: &Path, finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let name = if file == Path::new("-") { "standard input".into() } else { file.to_string_lossy() };
    let Finding { line, column, message, pointer, .. } = finding;
    let place = if pointer.is_empty() { String::new() } else { format!("{pointer} ") };
    format!("{name}:{line}:{column}: {severity}: {place}{message}")
}

/// Set every flag of a file. Of a file with a fault none is set.
pub async fn import(args: ImportArgs) -> anyhow::Result<ExitCode> {
    let ImportArgs { target, file, reason, dry_run } = args;
    let text = text(&file)?;
    let findings = findings_of(&text);
    for finding in &findings {
        output::note(located(&file, finding));
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        output::note("nothing was set: mend the errors first");
        return Ok(ExitCode::FAILURE);
    }
    let document: Value = serde_json::from_str(&text)?;
    if document.get("$evaluators").is_some() {
        output::note("note: $evaluators are written into the flags that refer to them");
    }
    let flags: BTreeMap<String, Value> = serde_json::from_value(document["flags"].clone())
        .context("`flags` must be an object of definitions")?;
    let client = target.client()?;
    let (mut set, mut same) = (0, 0);
    for (key, mut definition) in flags {
        inline(&mut definition, &document["$evaluators"], 0)?;
        if dry_run {
            output::line(format!("{key} would be set"));
            continue;
        }
        let with = said(json!({
            "key": key, "environment": target.environment, "definition": definition, "reason": reason,
        }));
        let done = client.give(&json!({"do": "set_flag", "with": with}), None).await;
        let done = done.with_context(|| format!("flag {key}; {set} flags were set before it"))?;
        if done["entries"].as_array().is_some_and(Vec::is_empty) {
            same += 1;
        } else {
            set += 1;
            output::line(format!("{key} is set"));
        }
    }
    if !dry_run {
        output::line(format!(
            "{} set in {}, {same} as they were",
            output::counted(set, "flag"),
            target.environment
        ));
    }
    Ok(ExitCode::SUCCESS)
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

/// Print what an environment serves, with the segments that its rules refer to.
pub async fn export(target: Target) -> anyhow::Result<()> {
    let query = [("environment", target.environment.clone())];
    let mut document: Value = target.client()?.query("/api/v1/flag-set", &query).await?.json().await?;
    document["$schema"] = json!("https://flagd.dev/schema/v0/flags.json");
    output::pretty(&document)
}

/// A file's text; `-` is standard input.
pub fn text(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}
