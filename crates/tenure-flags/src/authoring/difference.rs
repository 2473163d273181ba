//! What is different between two ways a flag is written: in sentences, rule by rule, and as a JSON patch (RFC 6902).

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::keys::{Keys, NoLists};
use super::rule::Rule;
use super::{Authored, Condition, Segment, Source, Target};
use crate::definition::{Definition, State};

/// A value is spelled out in at most so many characters.
const SHOWN_MAX: usize = 120;

/// What is different.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[schemars(rename = "VersionDifference")]
pub struct Difference {
    /// For people, a sentence a change, without a full stop.
    pub sentences: Vec<String>,
    /// For programs: the operations of RFC 6902 that turn the JSON of one into that of the other.
    pub patch: Vec<Json>,
}

/// What is different between two ways a flag is written; none of a flag that is not there.
#[must_use]
pub fn difference(before: Option<&Source>, after: Option<&Source>) -> Difference {
    let sentences = match (before, after) {
        (None, None) => Vec::new(),
        (None, Some(after)) => {
            let mut sentences = vec!["the flag is new here".to_owned()];
            sentences.extend(contents(after));
            sentences
        }
        (Some(_), None) => vec!["the flag is taken away here".to_owned()],
        (Some(Source::Authored(before)), Some(Source::Authored(after))) => authored(before, after),
        (Some(before), Some(after)) => defined(before, after),
    };
    let plain = |source: Option<&Source>| source.map_or(Json::Null, Source::json);
    Difference { sentences, patch: patch(&plain(before), &plain(after)) }
}

/// What is different between two versions of a segment; none of a segment that is not there.
#[must_use]
pub fn segment_difference(before: Option<&Segment>, after: Option<&Segment>) -> Difference {
    let none = Segment::default();
    let mut sentences = match (before, after) {
        (None, Some(_)) => vec!["the segment is new".to_owned()],
        (Some(_), None) => vec!["the segment is taken away".to_owned()],
        _ => Vec::new(),
    };
    if let Some(after) = after {
        segments(before.unwrap_or(&none), after, &mut sentences);
    }
    let plain = |segment: Option<&Segment>| segment.map_or(Json::Null, |segment| json!(segment));
    Difference { sentences, patch: patch(&plain(before), &plain(after)) }
}

fn segments(before: &Segment, after: &Segment, sentences: &mut Vec<String>) {
    if before.by != after.by {
        sentences.push(format!("units are told by {} instead of {}", after.by, before.by));
    }
    for (was, is, where_to) in
        [(&before.members, &after.members, "in"), (&before.excluded, &after.excluded, "out")]
    {
        if was == is {
            continue;
        }
        let now = match is.count() {
            1 => format!("1 unit is {where_to} by list"),
            count => format!("{count} units are {where_to} by list"),
        };
        sentences.push(if was.count() == is.count() {
            format!("{now}, not the same as before")
        } else {
            format!("{now} instead of {}", was.count())
        });
    }
    let text = |rule: &[Condition]| {
        let conditions: Vec<String> = rule.iter().map(ToString::to_string).collect();
        conditions.join(" and ")
    };
    for rule in before.rules.iter().filter(|rule| !after.rules.contains(rule)) {
        sentences.push(format!("no longer in are those with {}", text(rule)));
    }
    for rule in after.rules.iter().filter(|rule| !before.rules.contains(rule)) {
        sentences.push(format!("in are those with {}", text(rule)));
    }
}

fn patch(before: &Json, after: &Json) -> Vec<Json> {
    match json!(json_patch::diff(before, after)) {
        Json::Array(operations) => operations,
        _ => Vec::new(),
    }
}

/// What a new flag says.
fn contents(source: &Source) -> Vec<String> {
    match source {
        Source::Authored(flag) => {
            let mut sentences = vec![format!("it serves {} by default", flag.default)];
            sentences.extend(
                flag.targets.iter().map(|target| {
                    format!("{} individual targets get {}", target.keys.count(), target.variant)
                }),
            );
            sentences
                .extend(flag.rules.iter().enumerate().map(|(at, rule)| format!("{}: {rule}", nth(at, rule))));
            sentences
        }
        Source::Definition(definition) => match definition["defaultVariant"].as_str() {
            Some(variant) => vec![format!("it serves {variant} by default")],
            None => Vec::new(),
        },
    }
}

fn authored(before: &Authored, after: &Authored) -> Vec<String> {
    let mut sentences = Vec::new();
    if before.kind != after.kind {
        sentences.push(format!("the type is {} instead of {}", after.kind.name(), before.kind.name()));
    }
    switched(before.enabled, after.enabled, &mut sentences);
    variants(&before.variants, &after.variants, &mut sentences);
    default(Some(&before.default), Some(&after.default), &mut sentences);
    if before.unit != after.unit {
        sentences.push(format!("units are told by {} instead of {}", after.unit, before.unit));
    }
    targets(&before.targets, &after.targets, &mut sentences);
    rules(&before.rules, &after.rules, &mut sentences);
    if before.metadata != after.metadata {
        sentences.push("the metadata is different".to_owned());
    }
    sentences
}

/// Of two sources of which one is a flagd definition: what is different as flagd sees it.
fn defined(before: &Source, after: &Source) -> Vec<String> {
    let mut sentences = Vec::new();
    match (before, after) {
        (Source::Definition(_), Source::Authored(_)) => {
            sentences.push("it is written as rules instead of as a flagd definition".to_owned());
        }
        (Source::Authored(_), Source::Definition(_)) => {
            sentences.push("it is written as a flagd definition instead of as rules".to_owned());
        }
        _ => {}
    }
    let read = |source: &Source| source.definition("flag", &NoLists).ok();
    if let (Some(before), Some(after)) = (read(before), read(after)) {
        definitions(&before, &after, &mut sentences);
    }
    sentences
}

fn definitions(before: &Definition, after: &Definition, sentences: &mut Vec<String>) {
    switched(before.state == State::Enabled, after.state == State::Enabled, sentences);
    variants(&before.variants, &after.variants, sentences);
    default(before.default_variant.as_deref(), after.default_variant.as_deref(), sentences);
    match (&before.targeting, &after.targeting) {
        (None, Some(rule)) => sentences.push(format!("targeting is added: {}", shown(rule))),
        (Some(rule), None) => sentences.push(format!("targeting is removed: it was {}", shown(rule))),
        (Some(was), Some(rule)) if was != rule => {
            sentences.push(format!("targeting is {} instead of {}", shown(rule), shown(was)));
        }
        _ => {}
    }
    if before.metadata != after.metadata {
        sentences.push("the metadata is different".to_owned());
    }
}

fn switched(before: bool, after: bool, sentences: &mut Vec<String>) {
    match (before, after) {
        (true, false) => sentences.push("the flag is switched off".to_owned()),
        (false, true) => sentences.push("the flag is switched on".to_owned()),
        _ => {}
    }
}

fn default(before: Option<&str>, after: Option<&str>, sentences: &mut Vec<String>) {
    if before != after {
        let said = |variant: Option<&str>| variant.unwrap_or("the default in the code").to_owned();
        sentences.push(format!("{} is served by default instead of {}", said(after), said(before)));
    }
}

fn variants(before: &Map<String, Json>, after: &Map<String, Json>, sentences: &mut Vec<String>) {
    for (name, value) in before {
        match after.get(name) {
            None => sentences.push(format!("variant {name} is removed")),
            Some(now) if now != value => {
                sentences.push(format!("variant {name} is {} instead of {}", shown(now), shown(value)));
            }
            Some(_) => {}
        }
    }
    for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        sentences.push(format!("variant {name} is added: {}", shown(value)));
    }
}

/// Individual targets by variant; only how many they are is said, since who they are is nobody else's business.
fn targets(before: &[Target], after: &[Target], sentences: &mut Vec<String>) {
    let of = |targets: &[Target], variant: &str| -> Vec<Keys> {
        targets.iter().filter(|target| target.variant == variant).map(|target| target.keys.clone()).collect()
    };
    let mut seen: Vec<&str> = Vec::new();
    for target in before.iter().chain(after) {
        let variant = target.variant.as_str();
        if seen.contains(&variant) {
            continue;
        }
        seen.push(variant);
        let (was, is) = (of(before, variant), of(after, variant));
        let count = |lists: &[Keys]| lists.iter().map(Keys::count).sum::<usize>();
        if was == is {
            continue;
        }
        sentences.push(if count(&was) == count(&is) {
            format!("{} individual targets get {variant}, others than before", count(&is))
        } else {
            format!("{} individual targets get {variant} instead of {}", count(&is), count(&was))
        });
    }
}

/// Rules that stay are paired: those that are equal; then those of the same name; then those at the same place.
fn rules(before: &[Rule], after: &[Rule], sentences: &mut Vec<String>) {
    let was = pairs(before, after);
    for (at, rule) in before.iter().enumerate().filter(|(at, _)| !was.contains(&Some(*at))) {
        sentences.push(format!("{} is removed: {rule}", nth(at, rule)));
    }
    let in_order = longest_rise(&was);
    for (at, rule) in after.iter().enumerate() {
        let Some((old_at, old)) = was[at].and_then(|old_at| Some((old_at, before.get(old_at)?))) else {
            sentences.push(format!("{} is added: {rule}", nth(at, rule)));
            continue;
        };
        if !in_order.contains(&at) {
            sentences.push(format!("{} stood at place {} before", nth(at, rule), old_at + 1));
        }
        if old.serve != rule.serve {
            sentences.push(format!("{} serves {} instead of {}", nth(at, rule), rule.serve, old.serve));
        }
        if old.when != rule.when {
            sentences.push(format!("{} holds {} instead of {}", nth(at, rule), holds(rule), holds(old)));
        }
        if old.name != rule.name {
            let name = |rule: &Rule| rule.name.clone().unwrap_or_else(|| "no name".to_owned());
            sentences.push(format!("rule {} is called {} instead of {}", at + 1, name(rule), name(old)));
        }
    }
}

/// Of each rule after, the place of the same rule before.
fn pairs(before: &[Rule], after: &[Rule]) -> Vec<Option<usize>> {
    type Same = fn((usize, &Rule), (usize, &Rule)) -> bool;
    let passes: [Same; 3] = [
        |(_, old), (_, new)| old == new,
        |(_, old), (_, new)| old.name.is_some() && old.name == new.name,
        |(old_at, old), (at, new)| old_at == at && (old.name.is_none() || new.name.is_none()),
    ];
    let mut was: Vec<Option<usize>> = vec![None; after.len()];
    for same in passes {
        for (at, rule) in after.iter().enumerate() {
            if was[at].is_none() {
                let is_free = |old_at: &usize| !was.contains(&Some(*old_at));
                let found = before.iter().enumerate().find(|old| same(*old, (at, rule)) && is_free(&old.0));
                was[at] = found.map(|(old_at, _)| old_at);
            }
        }
    }
    was
}

/// The places of as many rules as possible that are in the order they were in; the others moved. Where there is a choice,
/// those that stand where they stood did not move.
fn longest_rise(was: &[Option<usize>]) -> Vec<usize> {
    // Per place: how good the best rise that ends there is, and the place before it in that rise.
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(was.len());
    for (at, old_at) in was.iter().enumerate() {
        let Some(old_at) = old_at else {
            best.push((0, None));
            continue;
        };
        let before = (0..at).filter(|place| was[*place].is_some_and(|other| other < *old_at));
        let longest = before.max_by_key(|place| best[*place].0);
        let own = was.len() + 1 + usize::from(*old_at == at);
        best.push((own + longest.map_or(0, |place| best[place].0), longest));
    }
    let mut rise = Vec::new();
    let mut last = (0..was.len()).filter(|place| was[*place].is_some()).max_by_key(|place| best[*place].0);
    while let Some(place) = last {
        rise.push(place);
        last = best[place].1;
    }
    rise
}

fn holds(rule: &Rule) -> String {
    match rule.when.as_slice() {
        [] => "always".to_owned(),
        when => {
            let when: Vec<String> = when.iter().map(ToString::to_string).collect();
            format!("when {}", when.join(" and "))
        }
    }
}

fn nth(at: usize, rule: &Rule) -> String {
    match &rule.name {
        Some(name) => format!("rule {} ({name})", at + 1),
        None => format!("rule {}", at + 1),
    }
}

fn shown(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
