//! Everything that is wrong with a flagd document, and what is probably not meant, with the line to go to.
//!
//! [`crate::Snapshot::compile`] keeps one fault a flag, since one is enough to answer with. Here all are told that can be seen
//! independently of each other: each member of each flag, each named rule, and what a rule says that can never be right.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value as Json;

use crate::compile::Compiler;
use crate::definition::{Definition, Entry, FlagSet};
use crate::fault::{Fault, Place};
use crate::position::{Lines, Outline, Position};
use crate::review::Review;

/// A mistake in a document, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The line of the text, from 1.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// The place as a JSON pointer (RFC 6901): `/flags/checkout/variants`. It names what is missing, too; line and column
    /// are then those of the value around it.
    pub pointer: String,
    /// What is wrong and what would be right: lower case, no full stop.
    pub message: String,
}

/// How bad a mistake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document cannot be read, or the flag answers some callers with an error.
    Error,
    /// The flag answers, but hardly as it was meant.
    Warning,
}

/// Looks a whole flagd document through. Nothing found: every flag can be evaluated. In the order of the text.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    let document = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => return vec![unreadable(text, &error)],
    };
    let outline = Outline::read(text);
    let mut findings: Vec<Finding> = repeated(&outline).collect();
    match FlagSet::from_json(document) {
        Err(fault) => findings.push(located(&outline, Severity::Error, fault)),
        Ok(set) => {
            let faults = Inspection::of(&set).faults;
            findings.extend(faults.into_iter().map(|(severity, fault)| located(&outline, severity, fault)));
        }
    }
    findings.sort();
    // A named rule is looked at once for every flag that uses it.
    findings.dedup();
    findings
}

fn unreadable(text: &str, error: &serde_json::Error) -> Finding {
    let Position { line, column } = Lines::of(text).in_line(error.line(), error.column());
    let message = error.to_string();
    // The place stands beside the message, not in it.
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    Finding {
        line,
        column,
        severity: Severity::Error,
        pointer: String::new(),
        message: format!("must be JSON: {message}"),
    }
}

fn repeated<'o>(outline: &'o Outline<'_>) -> impl Iterator<Item = Finding> + use<'o> {
    outline.repeated().map(|(pointer, Position { line, column })| Finding {
        line,
        column,
        severity: Severity::Error,
        pointer: pointer.to_owned(),
        message: "stands twice in its object: only the last one counts".to_owned(),
    })
}

fn located(outline: &Outline<'_>, severity: Severity, fault: Fault) -> Finding {
    let (pointer, Position { line, column }) = outline.locate(&fault.pointer);
    Finding { line, column, severity, pointer, message: fault.message }
}

/// The faults of a set that could be read as a whole.
struct Inspection<'s> {
    evaluators: &'s BTreeMap<String, Json>,
    compiler: Compiler<'s>,
    faults: Vec<(Severity, Fault)>,
    /// Named rules that something refers to.
    used: BTreeSet<String>,
}

impl<'s> Inspection<'s> {
    fn of(set: &'s FlagSet) -> Self {
        let mut inspection = Self {
            evaluators: &set.evaluators,
            compiler: Compiler::new(&set.evaluators),
            faults: Vec::new(),
            used: BTreeSet::new(),
        };
        for (key, entry) in &set.flags {
            match entry {
                Entry::Sound(definition) => inspection.flag(key, definition),
                Entry::Faulty { source, .. } => {
                    let faults = Definition::faults(key, source).into_iter();
                    inspection.faults.extend(faults.map(|fault| (Severity::Error, fault)));
                }
            }
        }
        inspection.evaluators();
        inspection
    }

    fn flag(&mut self, key: &str, definition: &Definition) {
        let flags = Place::TOP.key("flags");
        let place = flags.key(key);
        let variants = &definition.variants;
        if let Some(default) = &definition.default_variant
            && !variants.contains_key(default)
        {
            let message = format!("names `{default}`, which is not one of the variants");
            self.faults.push((Severity::Error, Fault::new(place.key("defaultVariant"), message)));
        }
        let mut kinds = variants.values().map(std::mem::discriminant);
        let first = kinds.next();
        if kinds.any(|kind| Some(kind) != first) {
            let message = "holds values of more than one type: a typed client can read only some of them";
            self.faults.push((Severity::Warning, Fault::new(place.key("variants"), message)));
        }
        if let Some(rule) = &definition.targeting {
            let place = place.key("targeting");
            if let Err(fault) = self.compiler.targeting(rule, place) {
                self.faults.push((Severity::Error, fault));
            }
            self.review(Some(variants), rule, place);
        }
    }

    fn evaluators(&mut self) {
        let evaluators = self.evaluators;
        let all = Place::TOP.key("$evaluators");
        for (name, rule) in evaluators {
            if let Err(fault) = self.compiler.named(name) {
                self.faults.push((Severity::Error, fault));
            }
            self.review(None, rule, all.key(name));
        }
        for name in evaluators.keys().filter(|name| !self.used.contains(*name)) {
            self.faults.push((Severity::Warning, Fault::new(all.key(name), "is used by no flag")));
        }
    }

    fn review(&mut self, variants: Option<&serde_json::Map<String, Json>>, rule: &Json, place: Place<'_>) {
        let mut review = Review::new(self.evaluators, variants, &mut self.faults);
        match variants {
            Some(_) => review.outcome(rule, place),
            None => review.operand(rule, place),
        }
        self.used.append(&mut review.into_used());
    }
}
