//! E-processes by themselves: without effect, evidence of 20 to 1 ever comes up at most once in 20, however long
//! one watches.

use tenure_stats::anytime;
use tenure_stats::verdict::ALPHA;

use super::{Measure, ProofError, Setting, Study, Target, indicator};

pub(super) const E_PROCESS: Study = Study {
    name: "e-process",
    shows: "evidence beyond 1/α ever comes up with chance α at most, however often one looks",
    settings: || {
        Ok(vec![
            normal_path("two-sided, α = 5 %", ALPHA, anytime::log_e)?,
            normal_path("two-sided, α = 1 %, the bound that never expires", 0.2 * ALPHA, anytime::log_e)?,
            normal_path("one-sided, α = 5 %", ALPHA, anytime::log_e_above)?,
            few_units("t-form, α = 5 %, looked at after each of 2 to 200 units", ALPHA)?,
        ])
    },
};

const LOOKS: u32 = 1_000;

/// Where the last look lies, in units of the planned information.
const INFORMATION_MAX: f64 = 10.0;

fn normal_path(of: &str, alpha: f64, log_e: fn(f64, f64) -> f64) -> Result<Setting, ProofError> {
    let tuned = anytime::optimal_x(alpha)?;
    let measures = [Measure::share("evidence beyond 1/α at some look", Target::AtMost(alpha))];
    Ok(Setting::new(of, measures, move |chance| {
        let step = INFORMATION_MAX / f64::from(LOOKS);
        let (mut t, mut score) = (0.0_f64, 0.0);
        let mut beyond = false;
        for _ in 0..LOOKS {
            t += step;
            score += step.sqrt() * chance.normal();
            beyond |= anytime::p_of_log_e(log_e(score / t.sqrt(), tuned * t)) <= alpha;
        }
        Ok(vec![indicator(beyond)])
    }))
}

/// A sample whose variance is not known: the t statistic of its mean, after every unit.
fn few_units(of: &str, alpha: f64) -> Result<Setting, ProofError> {
    const UNITS: u32 = 200;
    // Tightest at half the units.
    let g = f64::from(UNITS / 2) / anytime::optimal_x(alpha)?;
    let measures = [
        Measure::share("evidence beyond 1/α at some look", Target::AtMost(alpha)),
        Measure::contrast("the form for many units would have called it"),
    ];
    Ok(Setting::new(of, measures, move |chance| {
        let (mut sum, mut squares) = (0.0, 0.0);
        let (mut beyond, mut as_if_known) = (false, false);
        for unit in 1..=UNITS {
            let value = chance.normal();
            sum += value;
            squares += value * value;
            let (n, df) = (f64::from(unit), f64::from(unit - 1));
            let variance = (squares - sum * sum / n) / df;
            if unit < 2 || variance <= 0.0 {
                continue;
            }
            let t = sum / (n * variance).sqrt();
            beyond |= anytime::p_of_log_e(anytime::log_e_t(t, g, n, df)) <= alpha;
            as_if_known |= anytime::p_of_log_e(anytime::log_e(t, n / g)) <= alpha;
        }
        Ok(vec![indicator(beyond), indicator(as_if_known)])
    }))
}
