//! From a metric to moments. Knows nothing about HTTP or people.
//!
//! Two ways in: [`analyze_file`] reads a CSV file and compares two arms; an [`Engine`] answers a [`Query`] over the
//! event log with moments per allocation epoch and arm. What follows from moments is `tenure-stats`' business.

mod allocation;
mod answer;
mod by_day;
mod cohort;
mod compiled;
mod embedded;
mod engine;
mod file;
mod fold;
mod frame;
mod gathered;
mod levels;
mod looks;
mod metric;
mod nearest;
mod quantiles;
mod query;
mod reading;
mod rows;
mod running;
mod sample;
mod spec;
mod table;
mod tree;

pub use allocation::{Allocation, Independence, SampleRatio, Stratum};
pub use answer::{Answer, ArmAnswer, EpochAnswer, Health, MetricAnswer};
pub use by_day::DAYS_MAX;
pub use embedded::{Embedded, Settings};
pub use engine::{Engine, EngineError};
pub use file::{ArmUnits, FileAnalysis, FileError, FileQuery, analyze_file, analyze_table};
pub use looks::{Look, LooksError, Summary, open_looks, read_looks};
pub use metric::{
    Adjustment, Capping, ClusterArms, Clusters, Immature, MetricResult, StratifiedEffect, Unadjusted,
};
pub use query::{Aggregation, Condition, Epoch, LATENESS_DEFAULT, Metric, Query, QueryError};
pub use running::{JudgedLook, PlanEnd, Running, RunningError};
pub use spec::{Cap, CapAt, Covariate, Kind, MetricSpec, Source, SpecError};
pub use table::{Column, Row, Table, TableError};
