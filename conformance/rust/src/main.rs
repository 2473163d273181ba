//! Evaluates cases through a real OpenFeature provider. Knows nothing of Tenure but where it is.
//!
//! - `CASES`: a file of `{"cases": [{"name", "flag", "type", "default", "context", "expect"}]}`
//! - `MODE`: ofrep, rpc or in-process
//! - `URL`, `TOKEN`: for ofrep, the server's address and a token that may evaluate
//! - `HOST_PORT`: for rpc and in-process, host:port of a listener that asks for no credential
//!
//! Prints one JSON object a case, `{"name", "problems"}`; a case without problems passed.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test's program fails by panicking and answers on stdout"
)]

use std::env;

use open_feature::{
    Client, EvaluationContext, EvaluationContextFieldValue, EvaluationDetails, EvaluationError,
    EvaluationErrorCode, FlagMetadataValue, OpenFeature, StructValue, Value,
};
use open_feature_flagd::{CacheSettings, CacheType, FlagdOptions, FlagdProvider, ResolverType};
use open_feature_ofrep::{OfrepOptions, OfrepProvider};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    flag: String,
    #[serde(rename = "type")]
    expected_type: String,
    default: Json,
    context: Map<String, Json>,
    expect: Map<String, Json>,
}

/// What a client says of a flag, whatever its type.
struct Answer {
    value: Json,
    reason: String,
    variant: Option<String>,
    error: Option<EvaluationError>,
    metadata: Map<String, Json>,
}

#[tokio::main]
async fn main() {
    let text = std::fs::read_to_string(variable("CASES")).expect("a file of cases");
    let cases: Cases = serde_json::from_str(&text).expect("cases");
    let mut api = OpenFeature::singleton_mut().await;
    match variable("MODE").as_str() {
        "ofrep" => api.set_provider(ofrep().await).await,
        "rpc" => api.set_provider(flagd(ResolverType::Rpc).await).await,
        _ => api.set_provider(flagd(ResolverType::InProcess).await).await,
    }
    let client = api.create_client();
    drop(api);
    for case in &cases.cases {
        let answer = evaluate(&client, case).await;
        println!("{}", json!({"name": case.name, "problems": problems(&case.expect, &answer)}));
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("the variable {name} must be set"))
}

async fn ofrep() -> OfrepProvider {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {}", variable("TOKEN")).parse().expect("a token"));
    let options = OfrepOptions { base_url: variable("URL"), headers, ..Default::default() };
    OfrepProvider::new(options).await.expect("a provider")
}

async fn flagd(resolver_type: ResolverType) -> FlagdProvider {
    let place = variable("HOST_PORT");
    let (host, port) = place.split_once(':').expect("host:port");
    let cache = CacheSettings { cache_type: CacheType::Disabled, ..Default::default() };
    let options = FlagdOptions {
        host: host.to_owned(),
        port: port.parse().expect("a port"),
        resolver_type,
        deadline_ms: 10_000,
        cache_settings: Some(cache),
        ..Default::default()
    };
    FlagdProvider::new(options).await.expect("a provider")
}

async fn evaluate(client: &Client, case: &Case) -> Answer {
    let context = context(&case.context);
    let (flag, context) = (case.flag.as_str(), Some(&context));
    match case.expected_type.as_str() {
        "boolean" => answer(client.get_bool_details(flag, context, None).await, case, Json::from),
        "string" => answer(client.get_string_details(flag, context, None).await, case, Json::from),
        "integer" => answer(client.get_int_details(flag, context, None).await, case, Json::from),
        "float" => answer(client.get_float_details(flag, context, None).await, case, Json::from),
        "object" => {
            let details = client.get_struct_details::<StructValue>(flag, context, None).await;
            answer(details, case, |value| object(value.fields))
        }
        other => panic!("there is no type {other}"),
    }
}

fn context(attributes: &Map<String, Json>) -> EvaluationContext {
    attributes.iter().fold(EvaluationContext::default(), |context, (name, value)| match value {
        Json::String(key) if name == "targetingKey" => context.with_targeting_key(key.clone()),
        value => context.with_custom_field(name.clone(), field(value)),
    })
}

fn field(value: &Json) -> EvaluationContextFieldValue {
    match value {
        Json::Bool(flag) => (*flag).into(),
        Json::String(text) => text.clone().into(),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().expect("a double").into(),
        },
        other => panic!("an attribute cannot be {other} in this client"),
    }
}

/// With an error a caller has the default in the code.
fn answer<T>(
    details: Result<EvaluationDetails<T>, EvaluationError>,
    case: &Case,
    write: impl Fn(T) -> Json,
) -> Answer {
    match details {
        Ok(details) => Answer {
            value: write(details.value),
            reason: details.reason.unwrap_or_default().to_string(),
            variant: details.variant,
            error: None,
            metadata: details
                .flag_metadata
                .values
                .into_iter()
                .map(|(name, value)| (name, metadata(value)))
                .collect(),
        },
        Err(error) => Answer {
            value: case.default.clone(),
            reason: "ERROR".to_owned(),
            variant: None,
            error: Some(error),
            metadata: Map::new(),
        },
    }
}

fn metadata(value: FlagMetadataValue) -> Json {
    match value {
        FlagMetadataValue::Bool(flag) => flag.into(),
        FlagMetadataValue::Int(whole) => whole.into(),
        FlagMetadataValue::Float(number) => number.into(),
        FlagMetadataValue::String(text) => text.into(),
    }
}

fn object(fields: impl IntoIterator<Item = (String, Value)>) -> Json {
    fields.into_iter().map(|(name, value)| (name, written(value))).collect::<Map<String, Json>>().into()
}

fn written(value: Value) -> Json {
    match value {
        Value::Bool(flag) => flag.into(),
        Value::Int(whole) => whole.into(),
        Value::Float(number) => number.into(),
        Value::String(text) => text.into(),
        Value::Array(items) => items.into_iter().map(written).collect(),
        Value::Struct(value) => object(value.fields),
    }
}

/// What of the answer is not as expected, in words; what is not expected is not looked at.
fn problems(expect: &Map<String, Json>, answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |field: &str, expected: &Json, got: Json| {
        if !is_same(expected, &got) {
            found.push(format!("{field}: expected {expected}, got {got}"));
        }
    };
    for (field, expected) in expect {
        match field.as_str() {
            "value" => compare(field, expected, answer.value.clone()),
            "reason" => compare(field, expected, answer.reason.clone().into()),
            "variant" => compare(field, expected, answer.variant.clone().into()),
            "errorCode" if expected != "" => {
                let code = answer.error.as_ref().map(|error| match &error.code {
                    EvaluationErrorCode::General(_) => "GENERAL".to_owned(),
                    code => code.to_string(),
                });
                compare(field, expected, code.into());
            }
            "noMetadata" if *expected == true => {
                compare("metadata", &json!({}), answer.metadata.clone().into())
            }
            "metadata" => {
                for (name, expected) in expected.as_object().into_iter().flatten() {
                    let got = answer.metadata.get(name).cloned().unwrap_or_default();
                    compare(&format!("metadata.{name}"), expected, got);
                }
            }
            _ => {}
        }
    }
    if let (false, Some(error)) = (found.is_empty(), &answer.error) {
        found.push(format!("the client said: {error:?}"));
    }
    found
}

/// Whether both are the same, numbers by what they are worth.
fn is_same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| is_same(value, other)))
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        _ => a == b,
    }
}
