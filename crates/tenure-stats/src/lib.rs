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
//! | plan | [`power::treatment_units`], [`power::Design::cost`] |
//! | use ratios, covariates, tenants, quantiles | [`ratio`], [`cuped`], [`cluster`], [`quantile`] |
//!
//! Formulas name their sources where they stand. Known values that other engines and 60-digit arithmetic give
//! are run by the test `reference`.

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
