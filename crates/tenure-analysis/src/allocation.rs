//! Did the arms get their shares: overall, and in every stratum of the file, such as the day on which units came in?

use serde::Serialize;
use tenure_stats::sample_ratio::{self, ChiSquare};

use crate::frame::Strata;

/// Below this the randomisation is taken as broken.
pub(crate) const P_MIN: f64 = 0.001;

/// Fewer units than this expected in an arm of a stratum leave it out of the test.
const EXPECTED_MIN: f64 = 5.0;

/// The χ² test that the arms have the shares expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleRatio {
    /// The p-value; below 0.001 the randomisation or the logging is broken, and no metric can be believed.
    /// None when that cannot be said.
    pub p_value: Option<f64>,
    /// What that means, when it is bad news.
    pub warnings: Vec<String>,
}

/// Whether the arms' shares are the same in every stratum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Allocation {
    /// The column of the strata.
    pub column: String,
    /// Pearson's χ² test of independence of arm and stratum; none with fewer than two strata large enough.
    pub independence: Option<Independence>,
    /// Each stratum, in order. Empty when nobody asked for them and the shares hold.
    pub strata: Vec<Stratum>,
    /// What that means, when it is bad news.
    pub warnings: Vec<String>,
}

/// A χ² test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Independence {
    /// The statistic.
    pub statistic: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// Its tail.
    pub p_value: f64,
}

/// One stratum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stratum {
    /// Its name as the file has it.
    pub stratum: String,
    /// Units in each arm tested, in their order.
    pub units: Vec<u64>,
    /// The sample ratio in this stratum alone.
    pub p_value: Option<f64>,
}

impl From<ChiSquare> for Independence {
    fn from(test: ChiSquare) -> Self {
        Self { statistic: test.statistic, df: test.df, p_value: test.p_value }
    }
}

impl SampleRatio {
    /// `tested` holds units and expected share of each arm, two arms at least.
    pub(crate) fn of(tested: &[(u64, f64)]) -> Self {
        let (units, shares): (Vec<u64>, Vec<f64>) = tested.iter().copied().unzip();
        match sample_ratio::chi_square(&units, &shares) {
            Ok(test) if test.p_value < P_MIN => Self {
                p_value: Some(test.p_value),
                warnings: vec![
                    "the arms are not as large as expected (p < 0.001): look for the cause in assignment or \
                     logging before believing any metric"
                        .to_owned(),
                ],
            },
            Ok(test) => Self { p_value: Some(test.p_value), warnings: Vec::new() },
            Err(why) => Self { p_value: None, warnings: vec![why.to_string()] },
        }
    }
}

impl Allocation {
    /// `units` holds those of each tested arm in each stratum.
    pub(crate) fn of(strata: &Strata, units: &[Vec<u64>], shares: &[f64]) -> Self {
        let large: Vec<&Vec<u64>> = units.iter().filter(|units| is_large(units, shares)).collect();
        let independence = independence(&large).map(Independence::from);
        let drifts = independence.is_some_and(|test| test.p_value < P_MIN);
        let mut warnings = Vec::new();
        if let Some(test) = independence.filter(|_| drifts) {
            let mut text = format!(
                "the arms' shares differ by `{}` (chi-squared {:.1} with {} degrees of freedom, p = {:.1e}): the \
                 allocation moved, so that a difference between the arms may be one between those {}",
                strata.column,
                test.statistic,
                test.df,
                test.p_value,
                if strata.asked { "strata" } else { "days" },
            );
            text.push_str(if strata.asked {
                "; read the stratified estimates"
            } else {
                "; compare within them"
            });
            if !strata.asked {
                text.push_str(&format!(" with --by {}", strata.column));
            }
            warnings.push(text);
        }
        let shown = strata.asked || drifts;
        let stratum = |(name, units): (&String, &Vec<u64>)| Stratum {
            stratum: name.clone(),
            units: units.clone(),
            p_value: sample_ratio::chi_square(units, shares).ok().map(|test| test.p_value),
        };
        let strata_shown: Vec<Stratum> = strata.names.iter().zip(units).map(stratum).collect();
        let off = strata_shown
            .iter()
            .filter(|stratum| stratum.p_value.is_some_and(|p| p < P_MIN / units.len() as f64))
            .count();
        if strata.asked && off > 0 {
            warnings.push(format!(
                "{off} of {} strata are off their shares (p < 0.001 over all of them)",
                strata_shown.len()
            ));
        }
        Self {
            column: strata.column.clone(),
            independence,
            strata: if shown { strata_shown } else { Vec::new() },
            warnings,
        }
    }

    /// Whether there is anything to tell.
    pub(crate) fn is_worth_a_word(&self, asked: bool) -> bool {
        asked || !self.warnings.is_empty()
    }
}

fn is_large(units: &[u64], shares: &[f64]) -> bool {
    let total: u64 = units.iter().sum();
    let whole: f64 = shares.iter().sum();
    shares.iter().all(|share| total as f64 * share / whole >= EXPECTED_MIN)
}

/// Pearson's test that rows and columns of a table of counts are independent. None when there is but one of either.
pub(crate) fn independence(table: &[&Vec<u64>]) -> Option<ChiSquare> {
    let width = table.first()?.len();
    let columns: Vec<f64> =
        (0..width).map(|column| table.iter().map(|row| row[column] as f64).sum()).collect();
    let total: f64 = columns.iter().sum();
    let rows: Vec<f64> = table.iter().map(|row| row.iter().map(|count| *count as f64).sum()).collect();
    let met = |sums: &[f64]| sums.iter().filter(|sum| **sum > 0.0).count() as f64;
    let df = (met(&rows) - 1.0) * (met(&columns) - 1.0);
    if df < 1.0 {
        return None;
    }
    let mut statistic = 0.0;
    for (row, sum) in table.iter().zip(&rows) {
        for (count, column) in row.iter().zip(&columns) {
            let expected = sum * column / total;
            if expected > 0.0 {
                statistic += (*count as f64 - expected).powi(2) / expected;
            }
        }
    }
    Some(ChiSquare::new(statistic, df))
}
