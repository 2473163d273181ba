//! A flag set, compiled: immutable, shared between threads, evaluated any number of times.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::arena::Arena;
use crate::cbor;
use crate::coercion::to_text;
use crate::compile::Compiler;
use crate::context::Context;
use crate::definition::{Definition, Entry, FlagSet, Metadata, State};
use crate::directory::{Directory, Keyed};
use crate::error::{ErrorCode, EvaluationError};
use crate::evaluate::{Run, WORK_MAX};
use crate::explanation::{Step, Trace};
use crate::expression::Expression;
use crate::fault::{Fault, Place};
use crate::index::is_same;
use crate::murmur::Murmur;
use crate::resolution::{Reason, Resolution};
use crate::shortcut::{Shortcut, Told};
use crate::value::Value;
use crate::visitor::Visitor;

/// A compiled flag set. Share it in an `Arc`; replace it whole.
#[derive(Debug)]
pub struct Snapshot {
    /// A snapshot that is made of another shares the flags that are as they were.
    flags: Directory<Flag>,
    metadata: Arc<Metadata>,
}

/// A flag as a snapshot compiled it, to be shared with snapshots of other sets that hold the same flag.
#[derive(Debug, Clone)]
pub struct CompiledFlag(Arc<Flag>);

#[derive(Debug)]
struct Flag {
    key: Box<str>,
    /// The hash of the default bucketing value, up to the targeting key.
    hash: Murmur,
    content: Result<Content, Fault>,
}

impl Keyed for Flag {
    #[inline]
    fn key(&self) -> &str {
        &self.key
    }
}

#[derive(Debug)]
struct Content {
    state: State,
    variants: Box<[(Box<str>, Json)]>,
    default: DefaultVariant,
    /// A fault in the rule counts only when the rule is needed: a flag that is switched off answers so.
    targeting: Result<Option<Expression>, Fault>,
    /// The same rule, as far as no run is needed.
    shortcut: Option<Shortcut>,
    metadata: Arc<Metadata>,
}

#[derive(Debug)]
enum DefaultVariant {
    /// The caller's own.
    Code,
    Index(usize),
    /// Named, but not among the variants.
    Unknown(Box<str>),
}

impl Snapshot {
    /// Compiles a flag set. A flag with a fault keeps it and answers with it; the others are not touched.
    #[must_use]
    pub fn compile(set: &FlagSet) -> Self {
        Self::compile_unknown(set, |_| None)
    }

    /// The same, with those flags that are `known`: compiled of an equal entry, with equal rules to refer to, in a set of the
    /// same metadata.
    #[must_use]
    pub fn compile_unknown(set: &FlagSet, known: impl Fn(&str) -> Option<CompiledFlag>) -> Self {
        let mut compiler = Compiler::new(&set.evaluators);
        let metadata = Arc::new(set.metadata.clone());
        let flag = |(key, entry): (&String, &Entry)| match known(key) {
            Some(CompiledFlag(flag)) => flag,
            None => Flag::compile(key, entry, &mut compiler, &metadata),
        };
        let flags = Directory::of(set.flags.iter().map(flag));
        Self { flags, metadata }
    }

    /// The same flags but those in `changed`: each as its entry says, or without it none, and not compiled when it is
    /// [known](Self::compile_unknown). The rules that a changed flag refers to are found in `evaluators`; those that other flags
    /// refer to must be as they were.
    #[must_use]
    pub fn with(
        &self,
        changed: &BTreeMap<String, Option<Entry>>,
        evaluators: &BTreeMap<String, Json>,
        known: impl Fn(&str) -> Option<CompiledFlag>,
    ) -> Self {
        let mut compiler = Compiler::new(evaluators);
        let flags = changed.iter().map(|(key, entry)| {
            let flag = entry.as_ref().map(|entry| match known(key) {
                Some(CompiledFlag(flag)) => flag,
                None => Flag::compile(key, entry, &mut compiler, &self.metadata),
            });
            (key, flag)
        });
        Self { flags: self.flags.with(flags), metadata: Arc::clone(&self.metadata) }
    }

    /// A flag, to be shared.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<CompiledFlag> {
        self.flags.get(key).map(|flag| CompiledFlag(Arc::clone(flag)))
    }

    /// Evaluates one flag. `now` is in seconds since 1970 and is what rules see as `$flagd.timestamp`.
    ///
    /// An answer that is a value of the snapshot is given without allocating.
    ///
    /// # Errors
    /// `FLAG_NOT_FOUND`; `PARSE_ERROR` for a flag with a fault; `GENERAL` when the rule names a variant that the flag
    /// has not, or does too much work.
    pub fn evaluate(
        &self,
        key: &str,
        context: &Context<'_>,
        now: i64,
    ) -> Result<Resolution<'_>, EvaluationError> {
        match self.flags.get(key) {
            Some(flag) => flag.evaluate(context, now, &mut ()),
            None => Err(not_found(key)),
        }
    }

    /// Evaluates every flag, in the order of the keys.
    pub fn evaluate_all<'s, 'c>(
        &'s self,
        context: &'c Context<'c>,
        now: i64,
    ) -> impl Iterator<Item = (&'s str, Result<Resolution<'s>, EvaluationError>)> + use<'s, 'c> {
        self.flags.iter().map(move |flag| (flag.key.as_ref(), flag.evaluate(context, now, &mut ())))
    }

    /// Evaluates one flag and tells what its rule did. No steps: there was no rule to run.
    ///
    /// # Errors
    /// As [`Snapshot::evaluate`], in the first part of the answer.
    pub fn explain(
        &self,
        key: &str,
        context: &Context<'_>,
        now: i64,
    ) -> (Result<Resolution<'_>, EvaluationError>, Vec<Step>) {
        let mut trace = Trace::default();
        let result = match self.flags.get(key) {
            Some(flag) => flag.evaluate(context, now, &mut trace),
            None => Err(not_found(key)),
        };
        (result, trace.finish())
    }

    /// The keys of all flags, sorted.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.flags.iter().map(|flag| flag.key.as_ref())
    }

    /// The flags that have a fault, sorted by key.
    pub fn faults(&self) -> impl Iterator<Item = (&str, &Fault)> {
        self.flags.iter().filter_map(|flag| {
            let fault = flag.content.as_ref().and_then(|content| content.targeting.as_ref()).err();
            Some((flag.key.as_ref(), fault?))
        })
    }

    /// Metadata of the set.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

#[cold]
fn not_found(key: &str) -> EvaluationError {
    EvaluationError::new(ErrorCode::FlagNotFound, format!("there is no flag `{key}`"))
}

impl Flag {
    fn compile(key: &str, entry: &Entry, compiler: &mut Compiler<'_>, metadata: &Arc<Metadata>) -> Arc<Self> {
        let content = match entry {
            Entry::Sound(definition) => Ok(Content::compile(key, definition, compiler, metadata)),
            Entry::Faulty { fault, .. } => Err(fault.clone()),
        };
        Arc::new(Self { key: key.into(), hash: cbor::begin_pair(key), content })
    }

    fn evaluate<V: Visitor>(
        &self,
        context: &Context<'_>,
        now: i64,
        visitor: &mut V,
    ) -> Result<Resolution<'_>, EvaluationError> {
        let content = self.content.as_ref().map_err(EvaluationError::from)?;
        if content.state == State::Disabled {
            return Ok(self.answer(content, None, Reason::Disabled));
        }
        let Some(rule) = content.targeting.as_ref()? else {
            return self.default(content, Reason::Static);
        };
        if !V::WATCHES
            && let Some(shortcut) = &content.shortcut
            && let Some(told) = shortcut.walk(context, &self.hash)
        {
            return match told {
                Told::Variant(index) => Ok(self.answer(content, Some(index), Reason::TargetingMatch)),
                Told::Nothing => self.default(content, Reason::Default),
            };
        }
        self.run(content, rule, context, now, visitor)
    }

    /// Asks the rule itself.
    #[inline(never)]
    fn run<'s, V: Visitor>(
        &'s self,
        content: &'s Content,
        rule: &Expression,
        context: &Context<'_>,
        now: i64,
        visitor: &mut V,
    ) -> Result<Resolution<'s>, EvaluationError> {
        let arena = Arena::default();
        let mut run = Run {
            flag_key: &self.key,
            flag_hash: &self.hash,
            now,
            context,
            arena: &arena,
            visitor,
            work_left: WORK_MAX,
        };
        let Ok(value) = run.targeting(rule) else { return Err(self.too_much_work()) };
        let name = match value {
            Value::Null => return self.default(content, Reason::Default),
            Value::Text(name) => name,
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Number(_) => to_text(value, &arena),
            Value::List(_) | Value::Object(_) | Value::Record(_) => {
                return Err(self.not_a_variant(value, &arena));
            }
        };
        match content.index(name) {
            Some(index) => Ok(self.answer(content, Some(index), Reason::TargetingMatch)),
            None => Err(self.not_a_variant(value, &arena)),
        }
    }

    #[cold]
    fn not_a_variant<'a>(&self, value: Value<'a>, arena: &'a Arena) -> EvaluationError {
        let named = named(value, arena);
        let message = format!("targeting of flag `{}` gives {named}, which is not a variant", self.key);
        EvaluationError::new(ErrorCode::General, message)
    }

    #[cold]
    fn too_much_work(&self) -> EvaluationError {
        let message = format!("targeting of flag `{}` does too much work on this context", self.key);
        EvaluationError::new(ErrorCode::General, message)
    }

    fn default<'s>(
        &'s self,
        content: &'s Content,
        reason: Reason,
    ) -> Result<Resolution<'s>, EvaluationError> {
        match &content.default {
            DefaultVariant::Index(index) => Ok(self.answer(content, Some(*index), reason)),
            DefaultVariant::Code => Ok(self.answer(content, None, Reason::Default)),
            DefaultVariant::Unknown(name) => Err(EvaluationError::new(
                ErrorCode::General,
                format!("the default variant `{name}` of flag `{}` is not a variant", self.key),
            )),
        }
    }

    fn answer<'s>(&'s self, content: &'s Content, variant: Option<usize>, reason: Reason) -> Resolution<'s> {
        let variant = variant.and_then(|index| content.variants.get(index));
        Resolution {
            key: &self.key,
            value: variant.map(|(_, value)| value),
            variant: variant.map(|(name, _)| name.as_ref()),
            reason,
            metadata: &content.metadata,
        }
    }
}

impl Content {
    fn compile(
        key: &str,
        definition: &Definition,
        compiler: &mut Compiler<'_>,
        set_metadata: &Arc<Metadata>,
    ) -> Self {
        let flags = Place::TOP.key("flags");
        let place = flags.key(key);
        let rule = definition.targeting.as_ref();
        let targeting = rule.map(|rule| compiler.targeting(rule, place.key("targeting"))).transpose();
        let variants = compile_variants(&definition.variants);
        let default = match definition.default_variant.as_deref() {
            None => DefaultVariant::Code,
            Some(name) => match position(&variants, name) {
                Some(index) => DefaultVariant::Index(index),
                None => DefaultVariant::Unknown(name.into()),
            },
        };
        let metadata = merge_metadata(set_metadata, &definition.metadata);
        let rule = targeting.as_ref().ok().and_then(Option::as_ref);
        let shortcut = rule.and_then(|rule| Shortcut::of(rule, |name| position(&variants, name)));
        Self { state: definition.state, variants, default, targeting, shortcut, metadata }
    }

    #[inline]
    fn index(&self, variant: &str) -> Option<usize> {
        position(&self.variants, variant)
    }
}

/// A value for a message, which must not repeat the context at length.
fn named<'a>(value: Value<'a>, arena: &'a Arena) -> String {
    const TEXT_MAX: usize = 40;
    match value {
        Value::List(_) => "an array".to_owned(),
        Value::Object(_) | Value::Record(_) => "an object".to_owned(),
        scalar => {
            let text = to_text(scalar, arena);
            let cut = text.char_indices().nth(TEXT_MAX).map_or("", |_| "…");
            format!("`{}{cut}`", text.chars().take(TEXT_MAX).collect::<String>())
        }
    }
}

#[inline]
fn position(variants: &[(Box<str>, Json)], name: &str) -> Option<usize> {
    /// Fewer are compared for equality one by one, which mostly their lengths decide.
    const MANY_MIN: usize = 8;
    if variants.len() < MANY_MIN {
        return variants.iter().position(|(variant, _)| is_same(variant.as_bytes(), name.as_bytes()));
    }
    variants.binary_search_by(|(variant, _)| variant.as_ref().cmp(name)).ok()
}

/// Variants sorted by name. Numbers are written alike: if one has a fraction, all are floats, since a typed client that
/// reads a float from `0.5` fails on a `1`.
fn compile_variants(variants: &Map<String, Json>) -> Box<[(Box<str>, Json)]> {
    let all_numbers = variants.values().all(Json::is_number);
    let floats = all_numbers && variants.values().any(Json::is_f64);
    let value = |value: &Json| match value.as_f64() {
        Some(number) if floats => Json::from(number),
        _ => value.clone(),
    };
    let mut compiled: Vec<(Box<str>, Json)> =
        variants.iter().map(|(name, own)| (name.as_str().into(), value(own))).collect();
    compiled.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    compiled.into()
}

fn merge_metadata(set: &Arc<Metadata>, own: &Metadata) -> Arc<Metadata> {
    if own.is_empty() {
        return Arc::clone(set);
    }
    let mut merged = Metadata::clone(set);
    merged.extend(own.clone());
    Arc::new(merged)
}
