//! From a metric to moments. Knows nothing about HTTP or people.
//!
//! Two ways in: [`analyze_file`] reads a CSV file and compares two arms; an [`Engine`] answers a [`Query`] over the
//! event log with moments per allocation epoch and arm. What follows from moments is `tenure-stats`' business.

mod answer;
mod embedded;
mod engine;
mod file;
mod fold;
mod looks;
mod memory;
mod nearest;
mod plan;
mod query;
mod spec;
mod table;
mod tally;

pub use answer::{Answer, ArmAnswer, EpochAnswer, Health, MetricAnswer};
pub use embedded::{Embedded, Settings};
pub use engine::{Engine, EngineError};
pub use file::{
    ArmUnits, FileAnalysis, FileError, FileQuery, MetricResult, SampleRatio, analyze_file, analyze_table,
};
pub use looks::{Look, LooksError, Summary, open_looks, read_looks};
pub use query::{Aggregation, Condition, Epoch, LATENESS_DEFAULT, Metric, Query, QueryError};
pub use spec::{Kind, MetricSpec, SpecError};
pub use table::{Column, Row, Table, TableError};
