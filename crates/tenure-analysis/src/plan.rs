//! From a query to a relational plan: one row per unit, with the unit's first exposure, its arm and one number
//! for each metric. The plan, not any dialect of SQL, is what an engine is given; it needs no session and no
//! storage. What becomes of the rows is in `fold.rs`.
//!
//! ```text
//! events ─ about the query ─ number the copies of (unit type, unit, id)
//!        ─ first exposure of the unit, at every row of it ─ one row per unit ─ in the order of the units
//! ```
//!
//! There is no join: exposures and outcomes of a unit are rows of one sorted run, so that an engine may spill and
//! stream. Repeats are looked for among the events about the query: a sender's id must be unique per unit. Rows
//! enter the sums in the order of (time, id, value), whatever files they lie in.

use std::ops::RangeInclusive;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions_aggregate::expr_fn::{count, last_value, max, min, sum};
use datafusion::functions_aggregate::min_max::min_udaf;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::{Sort, WindowFunction};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
    cast, col, lit, not, when,
};
use jiff::SignedDuration;
use tenure_events::columns;

use crate::query::{Aggregation, Condition, Metric, Query};

/// Columns of the plan's rows, in this order, followed by one or two for each metric ([`width`]).
pub(crate) mod row {
    pub const UNIT: usize = 0;
    pub const FIRST_EXPOSURE: usize = 1;
    pub const ARM_LEAST: usize = 2;
    pub const ARM_GREATEST: usize = 3;
    pub const EXPOSURES: usize = 4;
    pub const OTHER_EXPOSURES: usize = 5;
    pub const OUTCOMES: usize = 6;
    pub const DUPLICATES: usize = 7;
    pub const LATE: usize = 8;
    pub const FRESHEST_AT: usize = 9;
    pub const FRESHEST_RECEIVED_AT: usize = 10;
    pub const METRICS: usize = 11;
}

/// How the analysed unit is found in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Share {
    /// Every event that carries a unit of the query's type has it as its first one, so that units fall into the
    /// log's buckets; the plan reads these buckets only.
    Buckets(RangeInclusive<u8>),
    /// Some events carry it behind another one; the plan reads everything.
    Whole,
}

// Names of intermediate columns.
const WHOSE: &str = "whose";
const COPY: &str = "copy";
const AT: &str = "at_us";
const RECEIVED_AT: &str = "received_at_us";
const ARM: &str = "arm";
const IS_EXPOSURE: &str = "is_exposure";
const IS_LATE: &str = "is_late";
const FIRST: &str = "first_us";
const ELAPSED: &str = "elapsed_us";

/// The plan over all events, a plan in the log's schema.
pub(crate) fn per_unit(events: LogicalPlan, query: &Query, share: &Share) -> Result<LogicalPlan> {
    let plan = LogicalPlanBuilder::from(events).filter(about(query).and(within(share)))?;
    let plan = number_copies(plan, query, share)?;
    let plan = first_exposures(plan, query)?;
    let plan = plan.aggregate(vec![col(WHOSE)], aggregates(query)?)?;
    plan.sort(vec![col(WHOSE).sort(true, true)])?.build()
}

/// The rows that break [`Share::Buckets`], one at most: an event about the query that carries a unit of its type
/// behind another one.
pub(crate) fn misplaced(events: LogicalPlan, query: &Query) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(events)
        .filter(
            col(columns::UNIT_TYPE)
                .not_eq(lit(query.unit_type.as_str()))
                .and(about(query))
                .and(unit_anywhere(query).is_not_null()),
        )?
        .limit(0, Some(1))?
        .project(vec![col(columns::UNIT_TYPE)])?
        .build()
}

/// Exposures of the flag and revision, and outcomes that a metric names, as known at the look.
fn about(query: &Query) -> Expr {
    let mut exposure = is_exposure().and(col(columns::FLAG).eq(lit(query.flag.as_str())));
    if let Some(revision) = &query.revision {
        exposure = exposure.and(col(columns::REVISION).eq(lit(revision.as_str())));
    }
    let mut names: Vec<&str> = query.metrics.iter().map(|metric| metric.event.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let named = col(columns::NAME).in_list(names.into_iter().map(lit).collect(), false);
    let outcome = col(columns::KIND).eq(lit("outcome")).and(named);
    let as_of = lit(ScalarValue::TimestampMicrosecond(Some(query.as_of.as_microsecond()), Some(UTC.into())));
    let known = col(columns::AT).lt_eq(as_of.clone()).and(col(columns::RECEIVED_AT).lt_eq(as_of));
    known.and(exposure.or(outcome))
}

/// The time zone of the log's timestamps.
const UTC: &str = "+00:00";

fn is_exposure() -> Expr {
    col(columns::KIND).eq(lit("exposure"))
}

fn within(share: &Share) -> Expr {
    match share {
        Share::Buckets(range) => col(columns::BUCKET).between(lit(*range.start()), lit(*range.end())),
        Share::Whole => lit(true),
    }
}

fn unit_anywhere(query: &Query) -> Expr {
    get_field(col(columns::UNITS), query.unit_type.as_str())
}

/// Numbers the events of one (unit type, unit, id) by their receipt, 1 being the one that counts, and keeps of each event
/// what the later steps need.
fn number_copies(plan: LogicalPlanBuilder, query: &Query, share: &Share) -> Result<LogicalPlanBuilder> {
    let order = [columns::RECEIVED_AT, columns::AT, columns::VARIANT, columns::NAME, columns::VALUE];
    let copy = row_number()
        .partition_by(vec![col(columns::UNIT), col(columns::UNIT_TYPE), col(columns::ID)])
        .order_by(order.into_iter().map(ascending).collect())
        .window_frame(so_far())
        .build()?
        .alias(COPY);
    let whose = match share {
        Share::Buckets(_) => {
            when(col(columns::UNIT_TYPE).eq(lit(query.unit_type.as_str())), col(columns::UNIT)).end()?
        }
        Share::Whole => unit_anywhere(query),
    };
    let arms = query.arms.iter().map(|arm| lit(arm.as_str())).collect();
    let arm =
        when(is_exposure().and(col(columns::VARIANT).in_list(arms, false)), col(columns::VARIANT)).end()?;
    let at = cast(col(columns::AT), DataType::Int64);
    let received_at = cast(col(columns::RECEIVED_AT), DataType::Int64);
    let late = (received_at.clone() - at.clone()).gt(lit(microseconds(query.lateness)));
    let mut kept = vec![
        whose.alias(WHOSE),
        col(columns::ID),
        col(COPY),
        at.alias(AT),
        received_at.alias(RECEIVED_AT),
        is_exposure().alias(IS_EXPOSURE),
        arm.alias(ARM),
        late.alias(IS_LATE),
        col(columns::VALUE),
    ];
    kept.extend(query.metrics.iter().enumerate().map(|(place, metric)| passes(metric).alias(matches(place))));
    plan.window(vec![copy])?.project(kept)
}

/// Whether an event is one of the metric's outcomes, wherever it lies in time.
fn passes(metric: &Metric) -> Expr {
    let named = col(columns::NAME).eq(lit(metric.event.as_str()));
    metric.filter.iter().fold(named, |passes, condition| {
        passes.and(match condition {
            Condition::Attribute { name, equals } => {
                get_field(col(columns::ATTRIBUTES), name.as_str()).eq(lit(equals.as_str()))
            }
            Condition::ValueAtLeast(bound) => col(columns::VALUE).gt_eq(lit(*bound)),
            Condition::ValueBelow(bound) => col(columns::VALUE).lt(lit(*bound)),
        })
    })
}

/// The column that says whether an event passes for the metric at this place.
fn matches(place: usize) -> String {
    format!("matches_{place}")
}

/// Puts the unit's first exposure to an arm beside each of its events. Exposures are sorted before outcomes, so
/// that the least so far is the least of all once the outcomes come, and a unit's events need not be held.
fn first_exposures(plan: LogicalPlanBuilder, query: &Query) -> Result<LogicalPlanBuilder> {
    let exposed_at = when(counts().and(col(ARM).is_not_null()), col(AT)).end()?;
    let first = Expr::from(WindowFunction::new(min_udaf(), vec![exposed_at]))
        .partition_by(vec![col(WHOSE)])
        .order_by([vec![col(IS_EXPOSURE).sort(false, true)], in_time()].concat())
        .window_frame(so_far())
        .build()?
        .alias(FIRST);
    let mut kept: Vec<Expr> =
        [WHOSE, columns::ID, COPY, AT, RECEIVED_AT, IS_EXPOSURE, ARM, IS_LATE, columns::VALUE, FIRST]
            .map(col)
            .into();
    kept.push((col(AT) - col(FIRST)).alias(ELAPSED));
    kept.extend((0..query.metrics.len()).map(|place| col(matches(place))));
    plan.window(vec![first])?.project(kept)
}

// `NOT x` and never `x IS NOT TRUE`: DataFusion 55.2 takes the latter for nullable in physical plans only, and
// refuses the plan when it shares the expression between metrics.

fn first_copy() -> Expr {
    col(COPY).eq(lit(1_u64))
}

/// Not a repeat and not too late.
fn counts() -> Expr {
    first_copy().and(not(col(IS_LATE)))
}

/// One expression for each column of [`row`] after the unit, then those of the metrics.
fn aggregates(query: &Query) -> Result<Vec<Expr>> {
    let to_an_arm = counts().and(col(ARM).is_not_null());
    let elsewhere = counts().and(col(IS_EXPOSURE)).and(col(ARM).is_null());
    let mut expressions = vec![
        min(col(FIRST)),
        min(col(ARM)).filter(to_an_arm.clone()).build()?,
        max(col(ARM)).filter(to_an_arm.clone()).build()?,
        number_of(to_an_arm)?,
        number_of(elsewhere)?,
        number_of(counts().and(not(col(IS_EXPOSURE))))?,
        number_of(col(COPY).gt(lit(1_u64)))?,
        number_of(first_copy().and(col(IS_LATE)))?,
        max(col(AT)).filter(first_copy()).build()?,
        max(col(RECEIVED_AT)).filter(first_copy()).build()?,
    ];
    for (place, metric) in query.metrics.iter().enumerate() {
        let mut counted = counts().and(col(matches(place))).and(col(ELAPSED).gt_eq(lit(0_i64)));
        if let Some(window) = metric.window {
            counted = counted.and(col(ELAPSED).lt(lit(microseconds(window))));
        }
        let value = col(columns::VALUE);
        let with_value = counted.clone().and(value.clone().is_not_null());
        match metric.aggregation {
            Aggregation::Any | Aggregation::Count => expressions.push(number_of(counted)?),
            Aggregation::Sum => expressions.push(sum(value).filter(counted).build()?),
            Aggregation::Mean => {
                expressions.push(sum(value).filter(counted).build()?);
                expressions.push(number_of(with_value)?);
            }
            Aggregation::Last => {
                expressions.push(last_value(value, in_time()).filter(with_value).build()?);
            }
        }
    }
    // Equal metrics would otherwise be two columns of one name.
    Ok(expressions.into_iter().enumerate().map(|(place, e)| e.alias(format!("c{place}"))).collect())
}

/// Columns that a metric takes in the plan's rows.
pub(crate) fn width(aggregation: Aggregation) -> usize {
    match aggregation {
        Aggregation::Any | Aggregation::Count | Aggregation::Sum | Aggregation::Last => 1,
        Aggregation::Mean => 2,
    }
}

fn number_of(condition: Expr) -> Result<Expr> {
    count(lit(1_i64)).filter(condition).build()
}

fn ascending(column: &str) -> Sort {
    col(column).sort(true, true)
}

/// By time, and within an instant by id and value: the order of a unit's events leaves nothing to chance that
/// could reach a sum, also where events of several users are one tenant's.
fn in_time() -> Vec<Sort> {
    [AT, columns::ID, columns::VALUE].map(ascending).into()
}

/// From the first row of a partition to this one.
fn so_far() -> WindowFrame {
    WindowFrame::new_bounds(
        WindowFrameUnits::Rows,
        WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
        WindowFrameBound::CurrentRow,
    )
}

/// As the log counts time; a duration beyond its reach is as good as endless.
fn microseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
