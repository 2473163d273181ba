//! A series of looks at one comparison, judged in order: what a team gets that kept only cumulative counts,
//! means and variances of somebody else's experiment.

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, positive};
use crate::estimate::{self, Kind, Level, Scale};
use crate::moments::Moments;
use crate::verdict::{ALPHA, Direction, Judged, Look, Monitor, Plan, Verdict, Wave, look};
use crate::wave::Epoch;

/// Both arms at one look, cumulatively.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The name of the look.
    pub look: String,
    /// The control arm.
    pub control: Moments,
    /// The treatment arm.
    pub treatment: Moments,
}

/// Where the plan ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// At so many units an arm, with the variances of the first look that has any.
    Units(u64),
    /// At this standard error of the difference.
    Se(f64),
    /// At the last look of the series.
    LastLook,
}

/// What one look of a series came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The name of the look.
    pub look: String,
    /// Treatment less control.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Its interval, of the bound in force.
    pub interval: Option<[f64; 2]>,
    /// Information as a share of the plan's, at its largest so far.
    pub information_fraction: Option<f64>,
    /// The smallest level at which the design would have excluded zero by now.
    pub p_value: Option<f64>,
    /// The verdict, which stays once a bound was crossed.
    pub verdict: Verdict,
    /// The χ² p-value of the sample ratio.
    pub sample_ratio_p: Option<f64>,
}

/// Judges a series on the absolute scale at 5 % in all, half of the units treated.
///
/// Errors: a plan whose end has no standard error, because no look has a variance or the number given is not
/// above zero. What a look cannot say is a row without an estimate.
///
/// ```
/// use tenure_stats::estimate::Kind;
/// use tenure_stats::moments::Moments;
/// use tenure_stats::series::{judge, End, Snapshot};
/// use tenure_stats::verdict::{Direction, Verdict};
///
/// let snapshot = |look: u64| -> Result<Snapshot, Box<dyn std::error::Error>> {
///     let control = Moments::from_counts(2_000 * look, 200 * look)?;
///     let treatment = Moments::from_counts(2_000 * look, 230 * look)?;
///     Ok(Snapshot { look: look.to_string(), control, treatment })
/// };
/// let series = [snapshot(1)?, snapshot(2)?, snapshot(3)?];
/// let rows = judge(Kind::Proportion, Direction::Increase, &series, End::Units(6_000))?;
/// assert_eq!(rows[0].verdict, Verdict::Immature);
/// assert_eq!(rows[2].verdict, Verdict::Positive);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn judge(kind: Kind, direction: Direction, series: &[Snapshot], end: End) -> Result<Vec<Row>, CannotSay> {
    let plan = Plan::new(kind, direction, Scale::Absolute, ALPHA, 1, se_plan(kind, series, end)?)?;
    let mut monitor = Monitor::default();
    let mut rows = Vec::with_capacity(series.len());
    for snapshot in series {
        let now = Look {
            epochs: vec![Epoch::of_moments(0, kind, &snapshot.control, &snapshot.treatment, 0.5)?],
            wave: Wave::Measured,
            minimum_duration_passed: true,
            largest_duration_reached: false,
            fault: None,
            original: None,
        };
        let (next, judged) = look(&plan, &monitor, &now)?;
        monitor = next;
        rows.push(Row::of(snapshot.look.clone(), judged));
    }
    Ok(rows)
}

impl Row {
    fn of(look: String, judged: Judged) -> Self {
        Self {
            look,
            estimate: judged.estimate,
            se: judged.se,
            interval: judged.interval,
            information_fraction: judged.information_fraction,
            p_value: judged.p_value,
            verdict: judged.verdict,
            sample_ratio_p: judged.sample_ratio.map(|ratio| ratio.p_chi2),
        }
    }
}

fn se_plan(kind: Kind, series: &[Snapshot], end: End) -> Result<f64, CannotSay> {
    let levels = |snapshot: &Snapshot| -> Result<(Level, Level), CannotSay> {
        Ok((Level::of(kind, &snapshot.control)?, Level::of(kind, &snapshot.treatment)?))
    };
    match end {
        End::Se(se) => positive(se),
        End::LastLook => {
            let (control, treatment) = levels(series.last().ok_or(CannotSay::EmptyArm)?)?;
            Ok(estimate::difference(&control, &treatment)?.se)
        }
        End::Units(units) => {
            let mut why = CannotSay::EmptyArm;
            for snapshot in series {
                let planned = levels(snapshot).and_then(|(control, treatment)| {
                    Plan::se_at(Scale::Absolute, &control, &treatment, units, units)
                });
                match planned {
                    Ok(se) => return Ok(se),
                    Err(error) => why = error,
                }
            }
            Err(why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(control: [u64; 2], treatment: [u64; 2]) -> Snapshot {
        let arm = |[units, successes]: [u64; 2]| Moments::from_counts(units, successes).unwrap();
        Snapshot { look: "1".to_owned(), control: arm(control), treatment: arm(treatment) }
    }

    #[test]
    fn a_look_without_data_is_a_row_without_estimate() {
        let series = [snapshot([0, 0], [0, 0]), snapshot([5_000, 500], [5_000, 510])];
        let rows = judge(Kind::Proportion, Direction::Increase, &series, End::Units(5_000)).unwrap();
        assert_eq!((rows[0].estimate, rows[0].verdict), (None, Verdict::Immature));
        assert_eq!(rows[1].verdict, Verdict::NotSignificant);
        assert_eq!(rows[1].information_fraction.map(|fraction| (fraction - 1.0).abs() < 1e-9), Some(true));
    }

    #[test]
    fn a_series_without_variance_has_no_plan() {
        let series = [snapshot([50, 0], [50, 0])];
        assert_eq!(
            judge(Kind::Proportion, Direction::Increase, &series, End::Units(50)),
            Err(CannotSay::ZeroVariance)
        );
        assert_eq!(judge(Kind::Mean, Direction::Increase, &[], End::LastLook), Err(CannotSay::EmptyArm));
    }
}
