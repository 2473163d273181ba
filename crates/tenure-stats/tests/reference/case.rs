//! A case of a reference file, and when an answer meets it.

use std::path::Path;

use serde_json::{Map, Value};

/// A reference file: where its numbers come from, and its cases.
pub struct File {
    pub cases: Vec<Case>,
}

/// One set of inputs with the numbers they must give.
pub struct Case {
    pub id: String,
    pub method: String,
    pub input: Value,
    pub expected: Value,
    /// Per case, else the file's.
    tolerance: Tolerance,
}

/// How far an answer may be off.
#[derive(Clone, Copy)]
struct Tolerance {
    /// Relative to the expected number.
    relative: f64,
    /// For the fields whose name says one-sided, where the file sets them apart.
    one_sided: Option<f64>,
    /// For numbers below 1e-300, where the file sets them apart.
    tiny: Option<f64>,
}

/// What a method makes of a case.
pub enum Found {
    /// Numbers in the shape of the expected ones, and the size below which a number is noise.
    Numbers { value: Value, floor: f64 },
    /// The engine answers with a typed "cannot say" of this class, and no number.
    CannotSay { class: &'static str },
}

pub enum Outcome {
    Passed { not_compared: Vec<String> },
    Skipped(String),
    Failed(String),
}

impl Found {
    /// Numbers that are compared relative to themselves, however small.
    pub fn exact(value: Value) -> Self {
        Self::Numbers { value, floor: 0.0 }
    }

    /// Numbers of the order of one: smaller ones are compared absolutely.
    pub fn about_one(value: Value) -> Self {
        Self::Numbers { value, floor: 1.0 }
    }
}

impl File {
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let file: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let suggested = Tolerance::of_file(&file["meta"]["suggested_tolerance"]);
        let cases = file["cases"].as_array().ok_or("no cases")?;
        let cases = cases.iter().map(|case| Case::read(case, suggested)).collect::<Result<_, _>>()?;
        Ok(Self { cases })
    }
}

impl Case {
    fn read(case: &Value, suggested: Option<Tolerance>) -> Result<Self, String> {
        let text = |field: &str| case[field].as_str().map(str::to_owned);
        let id = text("id").ok_or("a case without id")?;
        let own = case["tolerance"].as_f64();
        let own = own.map(|relative| Tolerance { relative, one_sided: None, tiny: None });
        Ok(Self {
            method: text("method").ok_or_else(|| format!("{id} has no method"))?,
            input: case["input"].clone(),
            expected: case["expected"].clone(),
            tolerance: own.or(suggested).unwrap_or(Tolerance { relative: 1e-9, one_sided: None, tiny: None }),
            id,
        })
    }

    /// A number of the input.
    pub fn number(&self, field: &str) -> f64 {
        number(&self.input[field]).unwrap_or_else(|| panic!("{}: no number {field}", self.id))
    }

    /// A number of the input that its source lets out where it is the usual one.
    pub fn number_or(&self, field: &str, usual: f64) -> f64 {
        number(&self.input[field]).unwrap_or(usual)
    }

    /// A count of the input.
    pub fn count(&self, field: &str) -> u64 {
        count(&self.input[field]).unwrap_or_else(|| panic!("{}: no count {field}", self.id))
    }

    /// A list of numbers of the input.
    pub fn numbers(&self, field: &str) -> Vec<f64> {
        numbers(&self.input[field])
    }

    /// A word of the input.
    pub fn word(&self, field: &str) -> &str {
        self.input[field].as_str().unwrap_or_default()
    }

    /// Whether an answer meets the case.
    pub fn judge(&self, found: Found) -> Outcome {
        let error = self.expected["error"].as_str().or(self.expected["raises"].as_str());
        match (found, error) {
            (Found::CannotSay { class }, Some(error)) if same_class(class, error) => {
                Outcome::Passed { not_compared: Vec::new() }
            }
            (Found::CannotSay { class }, Some(error)) => {
                Outcome::Failed(format!("cannot say ({class}), expected {error}"))
            }
            (Found::CannotSay { class }, None) => Outcome::Failed(format!("cannot say ({class})")),
            (Found::Numbers { value, .. }, Some(error)) => {
                Outcome::Failed(format!("gave {value}, expected {error}"))
            }
            (Found::Numbers { value, floor }, None) => {
                let mut not_compared = Vec::new();
                match self.compare("", &self.expected, &value, floor, &mut not_compared) {
                    Ok(0) => {
                        Outcome::Skipped(not_compared.pop().unwrap_or_else(|| "nothing to compare".into()))
                    }
                    Ok(_) => Outcome::Passed { not_compared },
                    Err(why) => Outcome::Failed(why),
                }
            }
        }
    }

    /// Compares all that is expected; gives how many numbers were compared.
    fn compare(
        &self,
        path: &str,
        expected: &Value,
        found: &Value,
        floor: f64,
        not_compared: &mut Vec<String>,
    ) -> Result<usize, String> {
        if let Some(reason) = found[NOT_COMPARED].as_str() {
            not_compared.push(reason.to_owned());
            return Ok(0);
        }
        match (expected, found) {
            (Value::Null, _) => Ok(0),
            (Value::Object(expected), found) => {
                let empty = Map::new();
                let found = found.as_object().unwrap_or(&empty);
                let mut compared = 0;
                for (key, expected) in expected {
                    let path = format!("{path}/{key}");
                    let found = found.get(key).unwrap_or(&Value::Null);
                    compared += self.compare(&path, expected, found, floor, not_compared)?;
                }
                Ok(compared)
            }
            (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
                let mut compared = 0;
                for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
                    compared +=
                        self.compare(&format!("{path}/{at}"), expected, found, floor, not_compared)?;
                }
                Ok(compared)
            }
            (Value::String(expected), _) if expected == "nan" => {
                if !found.is_null() {
                    not_compared.push("a field that the source itself has no value for (nan)".to_owned());
                }
                Ok(0)
            }
            (Value::Bool(a), Value::Bool(b)) if a == b => Ok(1),
            (Value::String(a), Value::String(b)) if a == b => Ok(1),
            _ => match (number(expected), number(found)) {
                (Some(a), Some(b)) if self.is_met(path, a, b, floor) => Ok(1),
                _ => Err(format!("{path} is {found}, expected {expected}")),
            },
        }
    }

    fn is_met(&self, path: &str, expected: f64, found: f64, floor: f64) -> bool {
        if expected == found {
            return true;
        }
        let tolerance = self.tolerance;
        let relative = match (tolerance.tiny, tolerance.one_sided) {
            (Some(tiny), _) if expected.abs() < 1e-300 => tiny,
            (_, Some(one_sided)) if path.contains("one") => one_sided,
            _ => tolerance.relative,
        };
        // Logarithms have no natural zero: they are compared absolutely when small.
        let floor = if path.contains("log_") { 1.0 } else { floor };
        // A tolerance of 0 is meant for counts: the last digit of a quotient is free.
        (expected - found).abs() <= relative.max(4.0 * f64::EPSILON) * expected.abs().max(floor)
    }
}

impl Tolerance {
    /// What a file says of itself: a number, or words with numbers in them.
    fn of_file(value: &Value) -> Option<Self> {
        if let Some(relative) = value.as_f64() {
            return Some(Self { relative, one_sided: None, tiny: None });
        }
        let words = value.as_str()?;
        let after = |marker: &str| words.split_once(marker).and_then(|(_, rest)| exponent(rest));
        let relative = exponent(words)?;
        let tiny = after("below 1e-300");
        Some(Self { relative, one_sided: after("one-sided"), tiny })
    }
}

/// The first number with an exponent among words.
fn exponent(words: &str) -> Option<f64> {
    words
        .split(|letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | ':' | '(' | ')'))
        .filter(|word| word.contains("e-"))
        .find_map(|word| word.parse().ok())
}

/// Neutral results and exceptions of other engines, by what they mean.
fn same_class(class: &str, error: &str) -> bool {
    match class {
        "baseline" => error.contains("BASELINE") || error.contains("ZeroDivision"),
        "variance" => error.contains("VARIANCE"),
        _ => false,
    }
}

/// A JSON number, or one of the words for those JSON lacks.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(word) => match word.as_str() {
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// A whole JSON number, however it is written.
pub fn count(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as u64))
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map(|values| values.iter().filter_map(number).collect()).unwrap_or_default()
}

/// A number as the reference files write it.
pub fn json(value: f64) -> Value {
    if value.is_nan() {
        Value::Null
    } else if value.is_infinite() {
        Value::from(if value > 0.0 { "inf" } else { "-inf" })
    } else {
        Value::from(value)
    }
}

const NOT_COMPARED: &str = "not compared";

/// Stands for a number that is not to be compared, and why.
pub fn not_compared(reason: &str) -> Value {
    serde_json::json!({ NOT_COMPARED: reason })
}

/// A list of numbers as the reference files write it.
pub fn json_list(values: impl IntoIterator<Item = f64>) -> Value {
    values.into_iter().map(json).collect()
}
