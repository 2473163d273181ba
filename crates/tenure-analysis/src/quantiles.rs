//! Quantiles of two arms. They do not come from moments: first the quantile, then a second pass that counts how many
//! values of each unit lie below it, and the values at the ranks that follow.

use tenure_stats::CannotSay;
use tenure_stats::estimate::Level;
use tenure_stats::joint::Joint;
use tenure_stats::{quantile, ratio};

use crate::frame::{Frame, Values};
use crate::sample::quantile_of;

/// The error whose ranks make the standard error.
const ALPHA: f64 = 0.05;

/// Why a quantile has no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QuantileError {
    #[error(transparent)]
    CannotSay(#[from] CannotSay),
    #[error(
        "{values} values in an arm are too few to bound this quantile; wait for more, or take a lower one"
    )]
    TooFew { values: u64 },
    #[error(
        "the values around the quantile are all equal, so that its standard error is zero; measure a mean"
    )]
    Ties,
}

/// The rows of a quantile that have a value: of each its arm, its stratum, its group, and the value.
pub(crate) struct Rows {
    rows: Vec<Row>,
    pub immature: Vec<u64>,
    pub first_immature: Option<u64>,
}

#[derive(Clone, Copy)]
struct Row {
    arm: u32,
    stratum: u32,
    /// The cluster, else the unit.
    group: u32,
    value: f64,
}

impl Rows {
    pub fn of(frame: &Frame, values: &Values) -> Self {
        let mut rows = Vec::with_capacity(values.values.len());
        let mut immature = vec![0; frame.arms.len()];
        for (unit, value) in values.unit_of.iter().zip(&values.values) {
            let place = *unit as usize;
            let arm = frame.arm_of[place];
            if value.is_nan() {
                immature[arm as usize] += 1;
                continue;
            }
            rows.push(Row {
                arm,
                stratum: frame.strata.as_ref().map_or(0, |strata| strata.of[place]),
                group: frame.cluster_of.as_ref().map_or(*unit, |of| of[place]),
                value: *value,
            });
        }
        Self { rows, immature, first_immature: values.first_empty }
    }

    /// The level of one arm, in one stratum or in all. Its `n` is that of units or clusters.
    pub fn level(&self, arm: u32, stratum: Option<u32>, p: f64) -> Result<Level, QuantileError> {
        let is_in = |row: &&Row| row.arm == arm && stratum.is_none_or(|it| row.stratum == it);
        let mut rows: Vec<Row> = self.rows.iter().filter(is_in).copied().collect();
        rows.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
        let sorted: Vec<f64> = rows.iter().map(|row| row.value).collect();
        let Some(estimate) = quantile_of(&sorted, p) else { return Err(CannotSay::EmptyArm.into()) };
        let n = sorted.len() as u64;
        let (groups, sigma) = spread_below(&mut rows, estimate, p)?;
        if sigma == 0.0 {
            return Err(QuantileError::Ties);
        }
        let ranks = quantile::outer_ranks(n, p, sigma, ALPHA)?;
        if !ranks.are_within(n) {
            return Err(QuantileError::TooFew { values: n });
        }
        let at = |rank: i64| sorted[rank as usize - 1];
        let level = quantile::level(groups, estimate, at(ranks.lower), at(ranks.upper), ALPHA)?;
        if level.variance == 0.0 { Err(QuantileError::Ties) } else { Ok(level) }
    }
}

/// How many groups there are, and the standard error of the share of values that are not above the quantile.
fn spread_below(rows: &mut [Row], estimate: f64, p: f64) -> Result<(u64, f64), CannotSay> {
    rows.sort_unstable_by_key(|row| row.group);
    let mut counts = Joint::new(2);
    let mut alone = true;
    for group in rows.chunk_by(|a, b| a.group == b.group) {
        let below = group.iter().filter(|row| row.value <= estimate).count();
        alone &= group.len() == 1;
        counts.push(&[below as f64, group.len() as f64]).map_err(|_| CannotSay::NonFinite)?;
    }
    let sigma =
        if alone { quantile::sigma_independent(counts.n(), p) } else { ratio::level(&counts, 0, 1)?.se() };
    Ok((counts.n(), sigma))
}
