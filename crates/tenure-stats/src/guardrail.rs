//! Guardrails: metrics that must not get worse by more than their margin [Schultzberg et al. 2024].

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, computed, positive, probability};
use crate::estimate::Estimate;
use crate::verdict::Direction;
use crate::{anytime, normal};

/// What a guardrail promises and how surely it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "GuardrailQuestion"))]
pub struct Guardrail {
    /// Which way is good.
    pub direction: Direction,
    /// How much worse it may get, above zero, on the scale of the estimate.
    pub margin: f64,
    /// The one-sided level of "safe" and "worse".
    pub alpha: f64,
    /// The one-sided level of "harmed", for all looks together.
    pub alpha_harm: f64,
    /// The mixture variance of the harm test, fixed before the first look.
    pub tau_squared: f64,
}

impl Guardrail {
    /// One of `guardrails` on a rollout, which share 5 % of harm between them; its harm test is tightest when
    /// the standard error reaches `se_plan`.
    pub fn new(direction: Direction, margin: f64, guardrails: u32, se_plan: f64) -> Result<Self, CannotSay> {
        let alpha_harm = 0.05 / f64::from(guardrails.max(1));
        // A one-sided test at α is as tight as a two-sided one at 2α.
        let tau_squared = anytime::tau_squared(2.0 * alpha_harm, se_plan)?;
        computed(&[tau_squared])?;
        Ok(Self { direction, margin: positive(margin)?, alpha: 0.05, alpha_harm, tau_squared })
    }
}

/// What a guardrail says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "GuardrailState"))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not worse by as much as the margin.
    Safe,
    /// Worse than the margin: the rollout is held.
    Harmed,
    /// Worse than no change, though not shown to be beyond the margin: a keep needs justification.
    Worse,
    /// Not known yet.
    Open,
}

/// A guardrail at one look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "JudgedGuardrail"))]
pub struct Judged {
    /// What it says.
    pub state: State,
    /// The estimate, in the metric's own direction.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// The bound on the bad side at the one-sided level, in the metric's own direction.
    pub bound: f64,
    /// The log e-value that it is worse than the margin; valid at any look.
    pub log_e_harm: f64,
}

/// Judges a guardrail at one look. Harm may be looked for at any time, also in safety waves; *safe* and
/// *worse* are read when the rollout's verdict is. With the gain g (the estimate in the good direction) and the margin m:
///
/// - *harmed* when `ln E₁((−m − g)/SE) ≥ ln(1/α_harm)`, the one-sided e-value of [`anytime::log_e_above`];
/// - *worse* when `g + z_α·SE < 0`; *safe* when `g − z_α·SE > −m`; else *open*.
///
/// ```
/// use tenure_stats::estimate::Estimate;
/// use tenure_stats::guardrail::{judge, Guardrail, State};
/// use tenure_stats::verdict::Direction;
///
/// let errors = Guardrail::new(Direction::Decrease, 0.01, 2, 0.002)?;
/// assert_eq!(judge(&errors, &Estimate::new(0.001, 0.002)?)?.state, State::Safe);
/// assert_eq!(judge(&errors, &Estimate::new(0.030, 0.002)?)?.state, State::Harmed);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn judge(guardrail: &Guardrail, estimate: &Estimate) -> Result<Judged, CannotSay> {
    let margin = positive(guardrail.margin)?;
    let critical = estimate.critical(probability(guardrail.alpha)?);
    let gain = guardrail.direction.gain(estimate.value);
    let low = gain - critical * estimate.se;
    let high = gain + critical * estimate.se;
    let x = positive(guardrail.tau_squared)? / (estimate.se * estimate.se);
    let log_e_harm = anytime::log_e_above((-margin - gain) / estimate.se, x);
    computed(&[low, high, log_e_harm])?;
    let state = if log_e_harm >= -probability(guardrail.alpha_harm)?.ln() {
        State::Harmed
    } else if high < 0.0 {
        State::Worse
    } else if low > -margin {
        State::Safe
    } else {
        State::Open
    };
    Ok(Judged {
        state,
        estimate: estimate.value,
        se: estimate.se,
        bound: guardrail.direction.gain(low),
        log_e_harm,
    })
}

/// The standard error at which a guardrail of this margin would be called safe with this power, when nothing
/// has changed: `margin/(z_α + z_β)`, what a plan needs.
///
/// ```
/// let se = tenure_stats::guardrail::se_to_be_safe(0.01, 0.05, 0.8)?;
/// assert!((se - 0.01 / (1.6448536269514722 + 0.8416212335729143)).abs() < 1e-15);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn se_to_be_safe(margin: f64, alpha: f64, power: f64) -> Result<f64, CannotSay> {
    Ok(positive(margin)? / (normal::isf(probability(alpha)?) + normal::isf(1.0 - probability(power)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(direction: Direction, value: f64) -> State {
        let guardrail = Guardrail::new(direction, 0.01, 1, 0.002).unwrap();
        judge(&guardrail, &Estimate::new(value, 0.002).unwrap()).unwrap().state
    }

    #[test]
    fn each_state_has_its_place() {
        for (direction, sign) in [(Direction::Increase, 1.0), (Direction::Decrease, -1.0)] {
            assert_eq!(state(direction, sign * 0.0), State::Safe);
            assert_eq!(state(direction, sign * -0.005), State::Worse);
            assert_eq!(state(direction, sign * -0.012), State::Worse);
            assert_eq!(state(direction, sign * -0.03), State::Harmed);
        }
        let loose = Guardrail::new(Direction::Increase, 0.01, 1, 0.02).unwrap();
        assert_eq!(judge(&loose, &Estimate::new(0.0, 0.02).unwrap()).unwrap().state, State::Open);
    }

    #[test]
    fn a_margin_must_be_something() {
        assert_eq!(Guardrail::new(Direction::Increase, 0.0, 1, 0.1), Err(CannotSay::OutOfRange));
    }
}
