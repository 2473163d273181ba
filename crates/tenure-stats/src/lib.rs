//! From moments to a verdict: pure statistics for rolling out what an experiment has won.
//!
//! [`moments`] → [`estimate`] → bounds ([`anytime`], [`sequential`]) → [`verdict`], and [`replication`] for
//! whether it is the same impact as the experiment's. Everything is a function of its arguments: nothing here
//! reads a clock, a file or a random generator, and nothing knows about flags, people, storage or time.
//!
//! A number that does not exist is a [`CannotSay`], never a 0 and never a NaN.
//!
//! | to | start at |
//! |---|---|
//! | compare two arms once | [`comparison::compare`] |
//! | judge somebody else's counts | [`verdict::judge_outside`] |
//! | watch a rollout | [`verdict::Plan`], [`verdict::look`] |
//! | ask whether it is the same impact | [`replication::replicate`], [`evidence::weigh`] |
//! | guard other metrics | [`guardrail::judge`] |
//! | plan, and know what looking costs | [`forecast::forecast`], [`schedule::schedule`], [`power::Design::cost`] |
//! | see an effect wear off | [`novelty::by_day`] |
//! | say it in words, and write a number | [`sentence`], [`number`] |
//! | use ratios, covariates, tenants, quantiles | [`ratio`], [`cuped`], [`cluster`], [`quantile`] |
//!
//! # Example
//!
//! Two arms, compared once; then judged as somebody else's measurement, in words.
//!
//! ```
//! use tenure_stats::comparison::compare;
//! use tenure_stats::estimate::Kind;
//! use tenure_stats::moments::Moments;
//! use tenure_stats::verdict::{judge_outside, Direction, Outside, Verdict};
//!
//! let control = Moments::from_counts(41_220, 4_905)?;
//! let treatment = Moments::from_counts(41_310, 5_412)?;
//! let shown = compare(Kind::Proportion, &control, &treatment, 0.95)?;
//! assert!((shown.absolute.estimate - 0.0120).abs() < 1e-4);
//!
//! let outside = Outside::new(Kind::Proportion, Direction::Increase, control, treatment);
//! let judged = judge_outside(&outside)?;
//! assert_eq!(judged.verdict, Verdict::Positive);
//! assert!(judged.sentence.starts_with("positive: +1.20 pp (95 % interval 0.75 to 1.65)"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Sources
//!
//! Formulas name their sources where they stand; the README lists them. Known values of other engines and of 60-digit
//! arithmetic are run by the test `reference`, published results from real data by `published`.

pub mod anytime;
pub mod bayes;
mod cannot_say;
pub mod cluster;
pub mod comparison;
pub mod cuped;
pub mod estimate;
pub mod evidence;
pub mod exact;
pub mod forecast;
pub mod guardrail;
pub mod joint;
pub mod meta_analysis;
pub mod moments;
pub mod multiplicity;
pub mod normal;
pub mod novelty;
pub mod number;
pub mod power;
pub mod proportion;
pub mod quantile;
pub mod ratio;
pub mod regression;
pub mod replication;
pub mod sample_ratio;
pub mod schedule;
pub mod selection;
pub mod sentence;
pub mod sequential;
pub mod special;
pub mod student;
pub mod verdict;
pub mod wave;

pub use cannot_say::CannotSay;

/// The README's example is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
