//! What a rule says that compiles but can never be right: variants that the flag has not, weights that do not count,
//! operations that always give null.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use crate::compile::only_member;
use crate::fault::{Fault, Place};
use crate::fractional::TOTAL_MAX;
use crate::lint::Severity;
use crate::semver;

/// One walk through the rule of one flag. The rule comes from a JSON text, so it does not nest without end.
pub(crate) struct Review<'r> {
    evaluators: &'r BTreeMap<String, Json>,
    variants: Option<&'r Map<String, Json>>,
    faults: &'r mut Vec<(Severity, Fault)>,
    used: BTreeSet<String>,
    /// Named rules that were followed as what the flag answers.
    followed: BTreeSet<String>,
}

impl<'r> Review<'r> {
    /// `variants` are those that the rule may name; `None` where it is not known for which flag it stands.
    pub(crate) fn new(
        evaluators: &'r BTreeMap<String, Json>,
        variants: Option<&'r Map<String, Json>>,
        faults: &'r mut Vec<(Severity, Fault)>,
    ) -> Self {
        Self { evaluators, variants, faults, used: BTreeSet::new(), followed: BTreeSet::new() }
    }

    /// The named rules that were met.
    pub(crate) fn into_used(self) -> BTreeSet<String> {
        self.used
    }

    /// A rule whose value is the flag's answer.
    pub(crate) fn outcome(&mut self, rule: &Json, place: Place<'_>) {
        match only_member(rule) {
            Some((operator @ ("if" | "?:"), Json::Array(branches))) => {
                let place = place.key(operator);
                for (index, branch) in branches.iter().enumerate() {
                    let is_condition = index % 2 == 0 && index + 1 < branches.len();
                    if is_condition {
                        self.operand(branch, place.index(index));
                    } else {
                        self.outcome(branch, place.index(index));
                    }
                }
            }
            Some(("fractional", operands)) => self.fractional(operands, place.key("fractional"), true),
            Some(("$ref", Json::String(name))) => self.follow(name),
            Some(_) => self.operand(rule, place),
            None => self.answer(rule, place),
        }
    }

    /// A rule whose value is used on the way.
    pub(crate) fn operand(&mut self, rule: &Json, place: Place<'_>) {
        if let Json::Array(items) = rule {
            return self.each(items, place);
        }
        let Some((operator, operands)) = only_member(rule) else { return };
        let place = place.key(operator);
        match (operator, operands) {
            ("$ref", Json::String(name)) => drop(self.used.insert(name.clone())),
            ("fractional", operands) => self.fractional(operands, place, false),
            (_, Json::Array(operands)) => {
                self.form(operator, operands, place);
                self.each(operands, place);
            }
            (_, alone) => {
                self.form(operator, std::slice::from_ref(alone), place);
                self.operand(alone, place);
            }
        }
    }

    fn each(&mut self, items: &[Json], place: Place<'_>) {
        for (index, item) in items.iter().enumerate() {
            self.operand(item, place.index(index));
        }
    }

    fn follow(&mut self, name: &str) {
        self.used.insert(name.to_owned());
        if let Some(rule) = self.evaluators.get(name)
            && self.followed.insert(name.to_owned())
        {
            let evaluators = Place::TOP.key("$evaluators");
            self.outcome(rule, evaluators.key(name));
        }
    }

    /// A value that the rule gives whenever it comes here.
    fn answer(&mut self, value: &Json, place: Place<'_>) {
        let Some(variants) = self.variants else { return };
        let name = match value {
            Json::Null => return,
            Json::String(name) => name.clone(),
            Json::Bool(name) => name.to_string(),
            Json::Number(name) => name.to_string(),
            Json::Array(_) | Json::Object(_) => {
                return self.tell(Severity::Error, place, "must name a variant: a text, a boolean or null");
            }
        };
        if !variants.contains_key(&name) {
            self.tell(Severity::Error, place, format!("names `{name}`, which is not one of the variants"));
        }
    }

    fn fractional(&mut self, operands: &Json, place: Place<'_>, is_outcome: bool) {
        let Json::Array(operands) = operands else {
            return self.tell(Severity::Warning, place, "must be an array of parts, else it gives null");
        };
        let mut total = Some(0_u64);
        let mut parts = 0;
        for (index, operand) in operands.iter().enumerate() {
            let place = place.index(index);
            let Some(part) = operand.as_array() else {
                if index > 0 {
                    total = None;
                }
                parts += usize::from(index > 0);
                self.operand(operand, place);
                continue;
            };
            parts += 1;
            match part.as_slice() {
                [variant] => {
                    self.variant(variant, place.index(0), is_outcome);
                    total = total.map(|total| total + 1);
                }
                [variant, weight] => {
                    self.variant(variant, place.index(0), is_outcome);
                    let weight = self.weight(weight, place.index(1));
                    total = total.zip(weight).map(|(total, weight)| total.saturating_add(weight));
                }
                _ => self.tell(
                    Severity::Warning,
                    place,
                    "must be `[variant, weight]`, else the split gives null",
                ),
            }
        }
        if parts == 0 {
            self.tell(Severity::Warning, place, "has no parts, so it gives null");
        } else if total == Some(0) {
            self.tell(Severity::Warning, place, "has only weights of 0, so it gives null");
        } else if total.is_some_and(|total| total > TOTAL_MAX.into()) {
            let message = format!("has weights of more than {TOTAL_MAX} together, so it gives null");
            self.tell(Severity::Warning, place, message);
        }
    }

    fn variant(&mut self, variant: &Json, place: Place<'_>, is_outcome: bool) {
        if is_outcome {
            self.outcome(variant, place);
        } else {
            self.operand(variant, place);
        }
    }

    /// The weight, where the rule spells it out and it can be used.
    fn weight(&mut self, weight: &Json, place: Place<'_>) -> Option<u64> {
        match weight {
            Json::Number(number) => match number.as_f64() {
                Some(float) if float < 0.0 => {
                    self.tell(Severity::Warning, place, "is below 0 and counts as 0");
                    Some(0)
                }
                // A cast of a double saturates, and any weight beyond 32 bits is too large anyway.
                Some(float) if float.fract() == 0.0 => Some(float as u64),
                _ => {
                    self.tell(Severity::Warning, place, "must be a whole number, else the split gives null");
                    None
                }
            },
            Json::Object(_) => {
                self.operand(weight, place);
                None
            }
            _ => {
                self.tell(Severity::Warning, place, "must be a whole number, else the split gives null");
                None
            }
        }
    }

    /// Operations that give null when they are not written as flagd asks.
    fn form(&mut self, operator: &str, operands: &[Json], place: Place<'_>) {
        match (operator, operands) {
            ("starts_with" | "ends_with", [_, part]) if !part.is_string() && !part.is_object() => {
                self.tell(Severity::Warning, place.index(1), "must be a text, else the operation gives null");
            }
            ("starts_with" | "ends_with", [_, _]) => {}
            ("starts_with" | "ends_with", _) => {
                self.tell(Severity::Warning, place, "takes two texts, else it gives null");
            }
            ("sem_ver", [left, comparison, right]) => self.comparison([left, comparison, right], place),
            ("sem_ver", _) => {
                self.tell(
                    Severity::Warning,
                    place,
                    "takes a version, an operator and a version, else it gives null",
                );
            }
            _ => {}
        }
    }

    fn comparison(&mut self, [left, comparison, right]: [&Json; 3], place: Place<'_>) {
        if let Json::String(comparison) = comparison
            && !semver::OPERATORS.contains(&comparison.as_str())
        {
            let message = format!("must be one of {}, else it gives null", semver::OPERATORS.join(" "));
            self.tell(Severity::Warning, place.index(1), message);
        }
        for (index, version) in [(0, left), (2, right)] {
            if !version.is_object() && !semver::is_version(version) {
                let message =
                    format!("must be a version such as \"1.2.3\", not {version}, else it gives null");
                self.tell(Severity::Warning, place.index(index), message);
            }
        }
    }

    fn tell(&mut self, severity: Severity, place: Place<'_>, message: impl Into<String>) {
        self.faults.push((severity, Fault::new(place, message)));
    }
}
