//! From rows of one unit each (`plan.rs`) to the answer: epoch, arm, maturity, cap, moments.
//!
//! Moments are held per bucket of the log and merged in the order of the buckets, and within a bucket units come in
//! the order of their ids. How the work was shared out leaves no trace in the bytes of the answer.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::arrow::error::ArrowError;
use jiff::Timestamp;
use tenure_events::columns::{BUCKETS, bucket_of};
use tenure_stats::moments::Moments;

use crate::answer::{Answer, ArmAnswer, EpochAnswer, Health, MetricAnswer};
use crate::plan::{row, width};
use crate::query::{Aggregation, Metric, Query};

/// What has been folded so far of one share of the work.
pub(crate) struct Fold {
    query: Arc<Query>,
    buckets: Vec<Option<Bucket>>,
    health: Health,
}

/// Per epoch, then arm, of the query.
type Bucket = Vec<Vec<Cell>>;

#[derive(Clone)]
struct Cell {
    units: u64,
    metrics: Vec<Pair>,
}

#[derive(Clone, Copy, Default)]
struct Pair {
    mature: Moments,
    immature: Moments,
}

impl Fold {
    pub fn new(query: Arc<Query>) -> Self {
        Self { query, buckets: vec![None; usize::from(BUCKETS)], health: Health::default() }
    }

    /// Takes the plan's rows, which come in the order of the units.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let rows = Rows::of(batch, &self.query)?;
        for at in 0..batch.num_rows() {
            self.add_unit(&rows, at);
        }
        Ok(())
    }

    fn add_unit(&mut self, rows: &Rows, at: usize) {
        let health = &mut self.health;
        let events =
            [&rows.exposures, &rows.other_exposures, &rows.outcomes].map(|column| column.value(at) as u64);
        health.duplicates += rows.duplicates.value(at) as u64;
        health.late += rows.late.value(at) as u64;
        health.freshest_at = health.freshest_at.max(instant(&rows.freshest_at, at));
        health.freshest_received_at =
            health.freshest_received_at.max(instant(&rows.freshest_received_at, at));
        if rows.unit.is_null(at) {
            health.without_unit += events.iter().sum::<u64>();
            return;
        }
        let [exposures, other_exposures, outcomes] = events;
        health.exposures += exposures;
        health.other_exposures += other_exposures;
        health.outcomes += outcomes;
        let Some(first_exposure) = instant(&rows.first_exposure, at) else { return };
        if rows.arm_least.value(at) != rows.arm_greatest.value(at) {
            health.units_in_two_arms += 1;
            return;
        }
        let Some(epoch) = self.query.epoch_of(first_exposure) else {
            health.units_before_epochs += 1;
            return;
        };
        let Some(arm) = self.query.arms.iter().position(|arm| arm == rows.arm_least.value(at)) else {
            return;
        };
        let bucket = &mut self.buckets[usize::from(bucket_of(rows.unit.value(at)))];
        let cell = &mut bucket.get_or_insert_with(|| empty_bucket(&self.query))[epoch][arm];
        cell.units += 1;
        for ((pair, metric), column) in cell.metrics.iter_mut().zip(&self.query.metrics).zip(&rows.metrics) {
            let value = column.value(at);
            let value = metric.cap.map_or(value, |cap| value.min(cap));
            let matured = metric.matured(first_exposure, self.query.as_of);
            if matured { &mut pair.mature } else { &mut pair.immature }.push(value);
        }
    }
}

/// Puts the shares together.
pub(crate) fn finish<'a>(query: &Query, shares: impl Iterator<Item = &'a Fold> + Clone) -> Answer {
    let mut total = empty_bucket(query);
    let mut health = Health::default();
    for share in shares.clone() {
        health.add(&share.health);
    }
    for bucket in 0..usize::from(BUCKETS) {
        for cells in shares.clone().filter_map(|share| share.buckets[bucket].as_ref()) {
            for (total, cell) in total.iter_mut().flatten().zip(cells.iter().flatten()) {
                total.add(cell);
            }
        }
    }
    let epochs = query.epochs.iter().zip(total).map(|(epoch, arms)| EpochAnswer {
        epoch: epoch.index,
        arms: query.arms.iter().zip(arms).map(|(arm, cell)| cell.answer(arm, &query.metrics)).collect(),
    });
    Answer { epochs: epochs.collect(), health }
}

fn empty_bucket(query: &Query) -> Bucket {
    let cell = Cell { units: 0, metrics: vec![Pair::default(); query.metrics.len()] };
    vec![vec![cell; query.arms.len()]; query.epochs.len()]
}

impl Cell {
    fn add(&mut self, other: &Self) {
        self.units += other.units;
        for (own, others) in self.metrics.iter_mut().zip(&other.metrics) {
            own.mature.merge(&others.mature);
            own.immature.merge(&others.immature);
        }
    }

    fn answer(self, arm: &str, metrics: &[Metric]) -> ArmAnswer {
        let metrics = metrics.iter().zip(self.metrics).map(|(metric, pair)| MetricAnswer {
            name: metric.name.clone(),
            moments: pair.mature,
            immature: pair.immature,
        });
        ArmAnswer { arm: arm.to_owned(), units: self.units, metrics: metrics.collect() }
    }
}

impl Health {
    fn add(&mut self, other: &Self) {
        self.exposures += other.exposures;
        self.other_exposures += other.other_exposures;
        self.outcomes += other.outcomes;
        self.duplicates += other.duplicates;
        self.late += other.late;
        self.without_unit += other.without_unit;
        self.units_in_two_arms += other.units_in_two_arms;
        self.units_before_epochs += other.units_before_epochs;
        self.freshest_at = self.freshest_at.max(other.freshest_at);
        self.freshest_received_at = self.freshest_received_at.max(other.freshest_received_at);
    }
}

/// The columns of a batch, typed.
struct Rows {
    unit: StringArray,
    first_exposure: Int64Array,
    arm_least: StringArray,
    arm_greatest: StringArray,
    exposures: Int64Array,
    other_exposures: Int64Array,
    outcomes: Int64Array,
    duplicates: Int64Array,
    late: Int64Array,
    freshest_at: Int64Array,
    freshest_received_at: Int64Array,
    metrics: Vec<MetricColumn>,
}

enum MetricColumn {
    Any(Int64Array),
    Count(Int64Array),
    Value(Float64Array),
    Mean { sum: Float64Array, count: Int64Array },
}

impl Rows {
    fn of(batch: &RecordBatch, query: &Query) -> Result<Self, ArrowError> {
        // An engine may hand text out in another of Arrow's layouts.
        let text = |place: usize| {
            Ok::<_, ArrowError>(cast(batch.column(place), &DataType::Utf8)?.as_string().clone())
        };
        let whole = |place: usize| {
            Ok::<_, ArrowError>(
                cast(batch.column(place), &DataType::Int64)?.as_primitive::<Int64Type>().clone(),
            )
        };
        let double = |place: usize| {
            Ok::<_, ArrowError>(
                cast(batch.column(place), &DataType::Float64)?.as_primitive::<Float64Type>().clone(),
            )
        };
        let mut place = row::METRICS;
        let mut metrics = Vec::with_capacity(query.metrics.len());
        for metric in &query.metrics {
            metrics.push(match metric.aggregation {
                Aggregation::Any => MetricColumn::Any(whole(place)?),
                Aggregation::Count => MetricColumn::Count(whole(place)?),
                Aggregation::Sum | Aggregation::Last => MetricColumn::Value(double(place)?),
                Aggregation::Mean => MetricColumn::Mean { sum: double(place)?, count: whole(place + 1)? },
            });
            place += width(metric.aggregation);
        }
        Ok(Self {
            unit: text(row::UNIT)?,
            first_exposure: whole(row::FIRST_EXPOSURE)?,
            arm_least: text(row::ARM_LEAST)?,
            arm_greatest: text(row::ARM_GREATEST)?,
            exposures: whole(row::EXPOSURES)?,
            other_exposures: whole(row::OTHER_EXPOSURES)?,
            outcomes: whole(row::OUTCOMES)?,
            duplicates: whole(row::DUPLICATES)?,
            late: whole(row::LATE)?,
            freshest_at: whole(row::FRESHEST_AT)?,
            freshest_received_at: whole(row::FRESHEST_RECEIVED_AT)?,
            metrics,
        })
    }
}

impl MetricColumn {
    /// The unit's number; 0 without outcomes.
    fn value(&self, at: usize) -> f64 {
        match self {
            Self::Any(count) => f64::from(u8::from(count.value(at) > 0)),
            Self::Count(count) => count.value(at) as f64,
            Self::Value(value) => or_zero(value, at),
            Self::Mean { sum, count } => match count.value(at) {
                0 => 0.0,
                count => or_zero(sum, at) / count as f64,
            },
        }
    }
}

fn or_zero(column: &Float64Array, at: usize) -> f64 {
    if column.is_null(at) { 0.0 } else { column.value(at) }
}

fn instant(column: &Int64Array, at: usize) -> Option<Timestamp> {
    if column.is_null(at) { None } else { Timestamp::from_microsecond(column.value(at)).ok() }
}
