//! Evaluations one line at a time: `{"flag", "context", "type"?}` in, one JSON object out.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::context::Context;
use crate::error::{ErrorCode, EvaluationError};
use crate::resolution::{Resolution, ValueType};
use crate::snapshot::Snapshot;

/// The answer to one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The flag answered. `value` and `variant` are null when the caller's own default applies.
    Resolved {
        /// The flag's key.
        flag: String,
        /// Its value; an integer is written as one, and a float with a point, if the line asked for that type.
        value: Json,
        /// The name of the value's variant.
        variant: Option<String>,
        /// OpenFeature's reason.
        reason: &'static str,
    },
    /// The flag failed, or the line could not be read, in which case `flag` may be null.
    Failed {
        /// The flag's key.
        flag: Option<String>,
        /// OpenFeature's error code.
        error: &'static str,
        /// What failed.
        message: String,
    },
}

#[derive(Deserialize)]
struct Question {
    flag: String,
    #[serde(default)]
    context: Json,
    #[serde(rename = "type")]
    expected: Option<String>,
}

/// Answers one line. `now` is in seconds since 1970.
#[must_use]
pub fn answer(snapshot: &Snapshot, line: &str, now: i64) -> Answer {
    let question: Question = match serde_json::from_str(line) {
        Ok(question) => question,
        Err(error) => {
            let message = format!("a line must be an object with a string `flag`: {error}");
            return failed(None, EvaluationError::new(ErrorCode::ParseError, message));
        }
    };
    match resolve(snapshot, &question, now) {
        Ok((resolution, expected)) => Answer::Resolved {
            value: resolution.value.map_or(Json::Null, |value| written_as(value, expected)),
            variant: resolution.variant.map(str::to_owned),
            reason: resolution.reason.as_str(),
            flag: question.flag,
        },
        Err(error) => failed(Some(question.flag), error),
    }
}

fn resolve<'s>(
    snapshot: &'s Snapshot,
    question: &Question,
    now: i64,
) -> Result<(Resolution<'s>, Option<ValueType>), EvaluationError> {
    let expected = question.expected.as_deref().map(str::parse::<ValueType>).transpose();
    let expected =
        expected.map_err(|unknown| EvaluationError::new(ErrorCode::General, unknown.to_string()))?;
    let context = Context::from_json(&question.context)?;
    let resolution = snapshot.evaluate(&question.flag, &context, now)?;
    let resolution = match expected {
        Some(expected) => resolution.of_type(expected)?,
        None => resolution,
    };
    Ok((resolution, expected))
}

fn failed(flag: Option<String>, error: EvaluationError) -> Answer {
    Answer::Failed { flag, error: error.code.as_str(), message: error.message }
}

/// The value as a client of that type reads it.
fn written_as(value: &Json, expected: Option<ValueType>) -> Json {
    let number = value.as_f64();
    match (expected, number) {
        (Some(ValueType::Float), Some(number)) => number.into(),
        // A double at or beyond 2^53 in size stays as it is written: it may be no integer of 64 bits.
        (Some(ValueType::Integer), Some(number))
            if value.is_f64() && number.abs() < 9_007_199_254_740_992.0 =>
        {
            (number as i64).into()
        }
        _ => value.clone(),
    }
}
