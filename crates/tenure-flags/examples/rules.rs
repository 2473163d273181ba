//! Runs JsonLogic rules: one `{"rule", "data"}` a line on standard input, one `{"value"}` or `{"error"}` a line on
//! standard output. For comparing with other implementations (`conformance/differential`).

#![expect(clippy::print_stdout, reason = "a filter writes to standard output")]

use std::io;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use tenure_flags::{Context, ErrorCode, FlagSet, Snapshot};

#[derive(Deserialize)]
struct Case {
    rule: Json,
    data: Json,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in io::stdin().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        println!("{}", run(&case)?);
    }
    Ok(())
}

/// The value of the rule: what the `if` around it gave, whether or not that names a variant.
fn run(case: &Case) -> Result<Json, Box<dyn std::error::Error>> {
    let set = FlagSet::from_json(json!({"flags": {"rule": {
        "state": "ENABLED", "variants": {"any": true}, "targeting": {"if": [true, case.rule]}
    }}}))?;
    let snapshot = Snapshot::compile(&set);
    let (result, steps) = snapshot.explain("rule", &Context::from_json(&case.data)?, 0);
    match (result, steps.first()) {
        (Err(error), _) if error.code == ErrorCode::ParseError => Ok(json!({"error": error.message})),
        (_, Some(outermost)) => Ok(json!({"value": outermost.value})),
        (Err(error), None) => Ok(json!({"error": error.message})),
        (Ok(_), None) => Ok(json!({"value": null})),
    }
}
