//! Feature flags in flagd's language: definitions, compiled once and evaluated many times.
//!
//! A [`FlagSet`] is one flagd document. [`Snapshot::compile`] turns it into its executable form, and
//! [`Snapshot::evaluate`] answers for one [`Context`]. A flag with a fault answers with that fault and takes no other
//! flag down. A [`Rollout`] and a [`Trial`] are written as such a definition too, so that every client of flagd can evaluate
//! them.
//!
//! This crate knows nothing about storage, HTTP or experiments' results, reads no clock and draws no chance.
//!
//! ```
//! use serde_json::json;
//! use tenure_flags::{Context, FlagSet, Reason, Snapshot};
//!
//! let set = FlagSet::from_json(json!({"flags": {"banner": {
//!     "state": "ENABLED",
//!     "variants": {"on": true, "off": false},
//!     "defaultVariant": "off",
//!     "targeting": {"if": [{"==": [{"var": "country"}, "DE"]}, "on"]}
//! }}}))?;
//! let snapshot = Snapshot::compile(&set);
//! let context = json!({"country": "DE"});
//! let answer = snapshot.evaluate("banner", &Context::from_json(&context)?, 0)?;
//! assert_eq!(answer.variant, Some("on"));
//! assert_eq!(answer.reason, Reason::TargetingMatch);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admission;
mod arena;
mod arithmetic;
pub mod authoring;
pub mod batch;
mod cbor;
mod coercion;
mod compile;
mod context;
mod definition;
mod directory;
mod error;
mod evaluate;
mod explanation;
mod expression;
mod fault;
mod fractional;
mod index;
mod lint;
mod missing;
mod murmur;
mod position;
mod resolution;
mod review;
mod rollout;
mod semver;
mod shortcut;
mod snapshot;
mod trial;
mod value;
mod visitor;

pub use context::Context;
pub use definition::{Definition, Entry, FlagSet, Metadata, State, check_key};
pub use directory::{Directory, Keyed};
pub use error::{ErrorCode, EvaluationError};
pub use explanation::Step;
pub use fault::Fault;
pub use lint::{Finding, Severity, lint};
pub use resolution::{Reason, Resolution, UnknownType, ValueType};
pub use rollout::{Arm, Exclusion, Phase, Rollout, RolloutFault, Share};
pub use snapshot::{CompiledFlag, Snapshot};
pub use trial::{Trial, TrialArm, TrialFault};

/// The README's examples are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
