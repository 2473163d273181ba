//! A compiled rule: JsonLogic as a closed set of operations.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::context::Mark;
use crate::index::{Index, is_same};

/// One operation with its operands.
#[derive(Debug)]
pub(crate) enum Expression {
    /// A value that is the same for every caller.
    Constant(Json),
    /// An array of which at least one element is computed.
    List(Box<[Expression]>),
    Variable(Box<Variable>),
    /// An attribute of the context by its name: what most variables are.
    Attribute(Attribute),
    /// `$flagd.flagKey`.
    FlagKey,
    /// `$flagd.timestamp`: seconds since 1970.
    Timestamp,
    Missing(Scope, Box<[Expression]>),
    /// `missing` of attributes of the context, each by its name.
    MissingAttributes(Box<[Attribute]>),
    MissingSome(Scope, Box<[Expression; 2]>),
    /// Conditions and consequences in turns, the last one alone if their number is odd.
    If(Box<[Expression]>),
    And(Box<[Expression]>),
    Or(Box<[Expression]>),
    Not(Box<Expression>),
    /// `!!`.
    Truth(Box<Expression>),
    Compare(Comparison, Box<[Expression; 2]>),
    /// A comparison of another number of operands than two.
    CompareMany(Comparison, Box<[Expression]>),
    Calculate(Calculation, Box<[Expression]>),
    Iterate(Iteration, Box<[Expression; 2]>),
    /// Array, step, start.
    Reduce(Box<[Expression; 3]>),
    Merge(Box<[Expression]>),
    In(Box<[Expression; 2]>),
    /// `in` an array of texts only: what a segment compiles to.
    InTexts(Arc<(Expression, Texts)>),
    Cat(Box<[Expression]>),
    Substring(Box<[Expression]>),
    /// `starts_with` and `ends_with`; null unless there are two operands.
    Affix(Affix, Box<[Expression]>),
    /// Null unless there are three operands.
    SemVer(Box<[Expression]>),
    Fractional(Box<Fractional>),
    /// A named rule, compiled once for all that refer to it.
    Shared(Arc<Expression>),
}

/// An attribute of the context by its whole name.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub mark: Mark,
    pub name: Box<str>,
}

/// A constant array of texts, to be looked through.
#[derive(Debug)]
pub(crate) enum Texts {
    Few(Box<[Box<str>]>),
    Many(Index),
}

/// `var`, unless it is an [`Expression::Attribute`].
#[derive(Debug)]
pub(crate) struct Variable {
    pub path: Path,
    pub scope: Scope,
    /// What an absent variable is worth.
    pub default: Option<Expression>,
}

/// What stands as the data where an operation is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// The whole context, with `$flagd` in it.
    Root,
    /// An element of an array.
    Element,
}

/// Where a variable stands.
#[derive(Debug)]
pub(crate) enum Path {
    /// The data themselves.
    Whole,
    /// One member of the data; never `$flagd`.
    Key(Box<str>),
    /// The steps down from the data.
    Steps(Box<[Box<str>]>),
    /// A path that is itself computed.
    Computed(Expression),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    StrictlyEqual,
    StrictlyNotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calculation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Minimum,
    Maximum,
}

/// An operation on each element of an array; the second operand sees the element as its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Iteration {
    Map,
    Filter,
    All,
    None,
    Some,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affix {
    Prefix,
    Suffix,
}

/// flagd's `fractional`.
#[derive(Debug)]
pub(crate) struct Fractional {
    /// What is hashed; without it the flag's key and the targeting key are.
    pub bucketing: Option<Expression>,
    pub parts: Box<[Part]>,
    /// The total weight, if every share spells its weight out.
    pub total: Option<u64>,
}

/// One part of a split.
#[derive(Debug)]
pub(crate) enum Part {
    /// `[variant, weight]`; a weight left out is 1.
    Pair { variant: Expression, weight: Weight },
    /// A share that is only known when the rule runs.
    Computed(Expression),
}

#[derive(Debug)]
pub(crate) enum Weight {
    Constant(u32),
    Computed(Expression),
}

impl Expression {
    /// Whether it is true or false, whatever its operands are.
    #[inline(always)]
    pub(crate) fn is_test(&self) -> bool {
        matches!(
            self,
            Self::Not(_)
                | Self::Truth(_)
                | Self::Compare(..)
                | Self::CompareMany(..)
                | Self::InTexts(_)
                | Self::In(_)
        )
    }

    /// The operator's name in JsonLogic; `None` for values.
    pub(crate) fn operator(&self) -> Option<&'static str> {
        Some(match self {
            Self::Constant(_) | Self::List(_) => return None,
            Self::Variable(_) | Self::Attribute(_) | Self::FlagKey | Self::Timestamp => "var",
            Self::Missing(..) | Self::MissingAttributes(_) => "missing",
            Self::MissingSome(..) => "missing_some",
            Self::If(_) => "if",
            Self::And(_) => "and",
            Self::Or(_) => "or",
            Self::Not(_) => "!",
            Self::Truth(_) => "!!",
            Self::Compare(comparison, _) | Self::CompareMany(comparison, _) => comparison.operator(),
            Self::Calculate(calculation, _) => calculation.operator(),
            Self::Iterate(iteration, _) => iteration.operator(),
            Self::Reduce(_) => "reduce",
            Self::Merge(_) => "merge",
            Self::In(_) | Self::InTexts(_) => "in",
            Self::Cat(_) => "cat",
            Self::Substring(_) => "substr",
            Self::Affix(Affix::Prefix, _) => "starts_with",
            Self::Affix(Affix::Suffix, _) => "ends_with",
            Self::SemVer(_) => "sem_ver",
            Self::Fractional(_) => "fractional",
            Self::Shared(_) => "$ref",
        })
    }
}

impl Attribute {
    pub(crate) fn named(name: &str) -> Self {
        Self { mark: Mark::of(name), name: name.into() }
    }
}

impl Texts {
    /// So many texts are searched by hash.
    const MANY_MIN: usize = 8;

    pub(crate) fn contains(&self, text: &str) -> bool {
        match self {
            Self::Few(texts) => texts.iter().any(|own| is_same(own.as_bytes(), text.as_bytes())),
            Self::Many(texts) => texts.find(text).is_some(),
        }
    }
}

impl<'t> FromIterator<&'t str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'t str>>(texts: I) -> Self {
        let texts: Vec<&str> = texts.into_iter().collect();
        if texts.len() < Self::MANY_MIN {
            Self::Few(texts.into_iter().map(Box::from).collect())
        } else {
            Self::Many(Index::new(texts))
        }
    }
}

impl Comparison {
    /// Whether it holds of two values in this order; none is unequal, or in no order.
    #[inline]
    pub(crate) fn accepts(self, order: Option<Ordering>) -> bool {
        const LESS: u8 = 1;
        const EQUAL: u8 = 2;
        const GREATER: u8 = 4;
        const NONE: u8 = 8;
        let order = match order {
            Some(Ordering::Less) => LESS,
            Some(Ordering::Equal) => EQUAL,
            Some(Ordering::Greater) => GREATER,
            None => NONE,
        };
        let accepted = match self {
            Self::Equal | Self::StrictlyEqual => EQUAL,
            Self::NotEqual | Self::StrictlyNotEqual => LESS | GREATER | NONE,
            Self::Less => LESS,
            Self::LessOrEqual => LESS | EQUAL,
            Self::Greater => GREATER,
            Self::GreaterOrEqual => GREATER | EQUAL,
        };
        order & accepted != 0
    }

    /// Whether equal values pass a test of equality.
    #[inline]
    pub(crate) fn is_positive(self) -> bool {
        matches!(self, Self::Equal | Self::StrictlyEqual)
    }

    /// Whether it asks for equality, not for order.
    pub(crate) fn is_of_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual | Self::StrictlyEqual | Self::StrictlyNotEqual)
    }

    fn operator(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::StrictlyEqual => "===",
            Self::StrictlyNotEqual => "!==",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Calculation {
    fn operator(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Minimum => "min",
            Self::Maximum => "max",
        }
    }
}

impl Iteration {
    fn operator(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Filter => "filter",
            Self::All => "all",
            Self::None => "none",
            Self::Some => "some",
        }
    }
}
