//! The units of one metric: which have an outcome yet, what they count after the cap, and what their clusters add up
//! to. Knows nothing of estimates.

use crate::file::FileError;
use crate::frame::{Frame, Gather, Values, Wanted};
use crate::spec::{Cap, CapAt, Covariate, MetricSpec, Source};

/// Where a metric's numbers stand in the frame.
pub(crate) struct Places {
    outcome: usize,
    denominator: Option<usize>,
    covariates: Vec<(usize, Option<usize>)>,
}

impl Places {
    /// Asks for the columns of a metric that is not a quantile, or of one.
    pub fn want<'a>(wanted: &mut Wanted<'a>, spec: &'a MetricSpec, covariates: &[&'a Covariate]) -> Self {
        let (outcome, denominator) = match &spec.source {
            Source::Proportion { column } => (wanted.column(column, Gather::Any), None),
            Source::Mean { column } => (wanted.column(column, Gather::Sum), None),
            Source::Quantile { column, .. } => (wanted.column(column, Gather::Each), None),
            Source::Ratio { numerator, denominator } => {
                (wanted.column(numerator, Gather::Sum), Some(wanted.column(denominator, Gather::Sum)))
            }
            Source::Counts { successes, trials } => {
                (wanted.column(successes, Gather::Count), Some(wanted.column(trials, Gather::Count)))
            }
        };
        let covariates = covariates.iter().map(|covariate| {
            let below = covariate.denominator.as_ref();
            let below = below.map(|column| wanted.column(column, Gather::Same));
            (wanted.column(&covariate.column, Gather::Same), below)
        });
        Self { outcome, denominator, covariates: covariates.collect() }
    }

    /// The numbers of the outcome.
    pub fn outcome<'a>(&self, frame: &'a Frame) -> &'a Values {
        &frame.columns[self.outcome]
    }
}

/// The units of one metric that have an outcome; clusters, when there are clusters.
pub(crate) struct Units {
    /// The arm of each.
    pub arm_of: Vec<u32>,
    /// The stratum of each, 0 without strata.
    pub stratum_of: Vec<u32>,
    /// Of each: the outcome and what it is divided by.
    outcomes: Vec<[f64; 2]>,
    /// Of each covariate, then each unit: its value and what that is divided by; not a number where it is missing.
    covariates: Vec<Vec<[f64; 2]>>,
    /// Units without an outcome, per arm.
    pub immature: Vec<u64>,
    /// The first line without one.
    pub first_immature: Option<u64>,
    /// What the cap did.
    pub capped: Option<Capped>,
}

/// A cap at work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Capped {
    /// Where the cap is.
    pub value: f64,
    /// The quantile that put it there; none when it was given.
    pub quantile: Option<f64>,
    /// Units of all arms above it.
    pub units: u64,
}

/// The units of one arm, or of one arm in one stratum.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    /// Of each unit: the outcome and what it is divided by.
    pub outcomes: Vec<[f64; 2]>,
    /// Of each covariate, then each unit; not a number where it is missing.
    pub covariates: Vec<Vec<[f64; 2]>>,
}

impl Units {
    /// Of a metric that is not a quantile.
    pub fn of(
        frame: &Frame,
        file: &str,
        spec: &MetricSpec,
        places: &Places,
        cap: Option<&Cap>,
    ) -> Result<Self, FileError> {
        let outcome = places.outcome(frame);
        let below = places.denominator.map(|place| &frame.columns[place]);
        let mut units = Self {
            arm_of: Vec::with_capacity(frame.units()),
            stratum_of: Vec::with_capacity(frame.units()),
            outcomes: Vec::with_capacity(frame.units()),
            covariates: vec![Vec::new(); places.covariates.len()],
            immature: vec![0; frame.arms.len()],
            first_immature: [Some(outcome), below]
                .into_iter()
                .flatten()
                .filter_map(|it| it.first_empty)
                .min(),
            capped: None,
        };
        let mut cluster_of = Vec::new();
        for unit in 0..frame.units() {
            let pair = [outcome.values[unit], below.map_or(1.0, |below| below.values[unit])];
            if pair.iter().any(|value| value.is_nan()) {
                units.immature[frame.arm_of[unit] as usize] += 1;
                continue;
            }
            if let Source::Counts { successes, trials } = &spec.source
                && pair[0] > pair[1]
            {
                return Err(FileError::MoreSuccessesThanTrials {
                    file: file.to_owned(),
                    line: u64::from(frame.line_of[unit]),
                    successes_column: successes.clone(),
                    successes: pair[0],
                    trials_column: trials.clone(),
                    trials: pair[1],
                });
            }
            units.arm_of.push(frame.arm_of[unit]);
            units.stratum_of.push(frame.strata.as_ref().map_or(0, |strata| strata.of[unit]));
            units.outcomes.push(pair);
            for (covariate, (above, below)) in units.covariates.iter_mut().zip(&places.covariates) {
                let below = below.map_or(1.0, |below| frame.columns[below].values[unit]);
                let above = frame.columns[*above].values[unit];
                let missing = above.is_nan() || below.is_nan() || below == 0.0;
                covariate.push(if missing { [f64::NAN; 2] } else { [above, below] });
            }
            if let Some(of) = &frame.cluster_of {
                cluster_of.push(of[unit]);
            }
        }
        if let Some(cap) = cap {
            units.cap(cap);
        }
        if let Some(clusters) = frame.clusters() {
            units.join(&cluster_of, clusters);
        }
        Ok(units)
    }

    fn cap(&mut self, cap: &Cap) {
        let (value, quantile) = match cap.at {
            CapAt::Value(value) => (value, None),
            CapAt::Quantile(p) => {
                let mut all: Vec<f64> = self.outcomes.iter().map(|[value, _]| *value).collect();
                all.sort_unstable_by(f64::total_cmp);
                let Some(value) = quantile_of(&all, p) else { return };
                (value, Some(p))
            }
        };
        let mut units = 0;
        for [outcome, _] in &mut self.outcomes {
            if *outcome > value {
                *outcome = value;
                units += 1;
            }
        }
        self.capped = Some(Capped { value, quantile, units });
    }

    /// Makes one unit of each cluster: the sums of its units. A covariate that some of them miss is that of the others.
    /// Clusters whose outcome is divided by zero have none.
    fn join(&mut self, cluster_of: &[u32], clusters: usize) {
        let mut place = vec![usize::MAX; clusters];
        let mut kept: Vec<usize> = Vec::new();
        for (unit, cluster) in cluster_of.iter().enumerate() {
            let place = &mut place[*cluster as usize];
            if *place == usize::MAX {
                *place = kept.len();
                kept.push(unit);
            }
        }
        let summed = |values: &[[f64; 2]]| {
            let mut sums = vec![[f64::NAN; 2]; kept.len()];
            for (cluster, value) in cluster_of.iter().zip(values) {
                let sum = &mut sums[place[*cluster as usize]];
                match (sum[0].is_nan(), value[0].is_nan()) {
                    (_, true) => {}
                    (true, false) => *sum = *value,
                    (false, false) => *sum = [sum[0] + value[0], sum[1] + value[1]],
                }
            }
            sums
        };
        self.outcomes = summed(&self.outcomes);
        self.covariates = self.covariates.iter().map(|covariate| summed(covariate)).collect();
        self.arm_of = kept.iter().map(|unit| self.arm_of[*unit]).collect();
        self.stratum_of = kept.iter().map(|unit| self.stratum_of[*unit]).collect();
        let counts: Vec<bool> = self.outcomes.iter().map(|[_, below]| *below > 0.0).collect();
        retain(&mut self.arm_of, &counts);
        retain(&mut self.stratum_of, &counts);
        retain(&mut self.outcomes, &counts);
        self.covariates.iter_mut().for_each(|covariate| retain(covariate, &counts));
    }

    /// The units of one arm, in one stratum or in all.
    pub fn sample(&self, arm: u32, stratum: Option<u32>) -> Sample {
        let is_in =
            |unit: &usize| self.arm_of[*unit] == arm && stratum.is_none_or(|it| self.stratum_of[*unit] == it);
        let places: Vec<usize> = (0..self.outcomes.len()).filter(is_in).collect();
        let take = |values: &[[f64; 2]]| places.iter().map(|unit| values[*unit]).collect();
        Sample {
            outcomes: take(&self.outcomes),
            covariates: self.covariates.iter().map(|covariate| take(covariate)).collect(),
        }
    }
}

fn retain<T>(values: &mut Vec<T>, which: &[bool]) {
    let mut which = which.iter();
    values.retain(|_| which.next().is_some_and(|kept| *kept));
}

/// A quantile of sorted values, between the two nearest in proportion to their distance (type 7 of Hyndman and Fan 1996).
pub(crate) fn quantile_of(sorted: &[f64], p: f64) -> Option<f64> {
    let at = p * (sorted.len().checked_sub(1)?) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(low + (at - at.floor()) * (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(quantile_of(&[], 0.5), None);
        assert_eq!(quantile_of(&[3.0], 0.9), Some(3.0));
        assert_eq!(quantile_of(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile_of(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
    }
}
