//! What a measurement remembers between looks, and the bound in force at the next one.

use serde::{Deserialize, Serialize};

use super::{Bound, Bounds, Look, Plan, Verdict, Wave};
use crate::anytime;
use crate::cannot_say::{CannotSay, computed};
use crate::estimate::Estimate;
use crate::sequential::{Path, Sides};
use crate::wave::{Epoch, Stratified};
use crate::{normal, student};

/// Information that must have come in before a look meets the planned bound again.
const STEP_MIN: f64 = 1e-3;

/// The least squared correlation of two looks that follow each other; less would be two measurements.
const CORRELATION_MIN: f64 = 1e-3;

/// Below this many units (tenants) in an arm the bounds take the t-form.
const FEW_UNITS: u64 = 20;

/// What a measurement remembers between looks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Monitor {
    /// The looks that met the planned bound.
    pub looks: Vec<PlannedLook>,
    /// The error spent so far on each side of the planned bound.
    pub spent_side: f64,
    /// Whether the planned error is used up: from here only the forever bound stands.
    pub plan_ended: bool,
    /// The largest information fraction seen.
    pub fraction_max: f64,
    /// The smallest p-value seen.
    pub p_value: Option<f64>,
    /// The largest log e-value of the sample ratio seen.
    pub sample_ratio_log_e_max: f64,
    /// The first verdict that a bound gave; it stays.
    pub latched: Option<Verdict>,
    /// Of what the estimate at the last planned look was made; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composition: Option<Composition>,
    /// The path behind `looks`, kept so that a look costs one step; rebuilt when it is not there.
    #[serde(skip)]
    path: Option<Path>,
}

/// A look that met the planned bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct PlannedLook {
    /// Its information fraction.
    pub fraction: f64,
    /// Its critical value; none when it could not stop.
    pub z: Option<f64>,
    /// When the path of the standardised estimate met it, where that is not `fraction`: two looks are correlated by
    /// the square root of the quotient of their times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
}

impl PlannedLook {
    fn time(&self) -> f64 {
        self.time.unwrap_or(self.fraction)
    }
}

/// Of what a stratified estimate was made: by this its correlation with a later one is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Composition {
    /// The standard error.
    pub se: f64,
    /// The epochs that counted, with their weights.
    pub weights: Vec<(u32, f64)>,
}

impl Composition {
    fn of(stratified: &Stratified) -> Self {
        let counted = stratified.strata.iter().filter(|stratum| stratum.weight > 0.0);
        let weights = counted.map(|stratum| (stratum.index, stratum.weight)).collect();
        Self { se: stratified.effect.se, weights }
    }

    /// The squared correlation with a later estimate: epochs are independent, and within one the covariance of two
    /// estimates is the variance of the later.
    fn correlation_squared(&self, later: &Stratified) -> f64 {
        let shared = |(index, weight): &(u32, f64)| {
            let stratum = later.strata.iter().find(|stratum| stratum.index == *index)?;
            Some(weight * stratum.weight * stratum.se? * stratum.se?)
        };
        let covariance: f64 = self.weights.iter().filter_map(shared).sum();
        (covariance / (self.se * later.effect.se)).powi(2)
    }
}

impl PartialEq for Monitor {
    fn eq(&self, other: &Self) -> bool {
        // The path is a memo of `looks`.
        let all = |monitor: &Self| {
            (
                monitor.looks.clone(),
                monitor.spent_side,
                monitor.plan_ended,
                monitor.fraction_max,
                monitor.p_value,
                monitor.sample_ratio_log_e_max,
                monitor.latched,
                monitor.composition.clone(),
            )
        };
        all(self) == all(other)
    }
}

/// An interval with the bound that drew it.
pub(super) struct Bounded {
    pub bound: Bound,
    pub bounds: Bounds,
    pub critical: f64,
    pub interval: [f64; 2],
}

impl Monitor {
    /// Meets the planned bound if the look is one, and gives the tighter of the bounds that stand. A look that
    /// is not believed, or belongs to a safety wave, spends nothing of the plan.
    pub(super) fn bound_in_force(
        &mut self,
        plan: &Plan,
        now: &Look,
        stratified: &Stratified,
        believed: bool,
    ) -> Result<Bounded, CannotSay> {
        let effect = &stratified.effect;
        let units = Units::of(&now.epochs);
        let df = effect.df.filter(|_| units.fewest < FEW_UNITS);
        let forever = Forever::at(plan, effect, &units, df)?;
        let mut p = forever.p_value / plan.forever_share;

        let fraction = effect.information() * plan.se_plan * plan.se_plan;
        computed(&[fraction])?;
        let last = self.looks.last().map_or(0.0, |look| look.fraction);
        let full = fraction.max(self.fraction_max) >= 1.0 || now.largest_duration_reached;
        let meets = believed && now.wave == Wave::Measured && !self.plan_ended;
        let mut planned = None;
        if meets && (full || fraction >= last + STEP_MIN) {
            let at = fraction.max(last + STEP_MIN);
            let share = if full { 1.0 } else { fraction };
            let time = self.time(at, stratified);
            let met = self.meet(plan, at, time, share, effect, df);
            self.composition = Some(Composition::of(stratified));
            planned = met.critical;
            p = p.min(met.p_value);
            self.plan_ended = full;
        }
        self.fraction_max = self.fraction_max.max(fraction);
        if believed {
            self.p_value = Some(self.p_value.unwrap_or(1.0).min(p));
        }

        let (bound, critical) = match planned {
            Some(planned) if planned <= forever.critical => (Bound::Planned, planned),
            _ => (Bound::Forever, forever.critical),
        };
        let drawn = |critical: f64| critical.is_finite().then(|| effect.within(critical));
        let bounds = Bounds { planned: planned.and_then(drawn), forever: drawn(forever.critical) };
        Ok(Bounded { bound, bounds, critical, interval: effect.within(critical) })
    }

    /// When the path meets the look of information fraction `at`. In one epoch that is its fraction. Over epochs,
    /// weighted by their units, estimates whose levels differ are not correlated as their information says (it may even
    /// fall when a noisy epoch comes in), so time goes on by the correlation they have.
    fn time(&self, at: f64, now: &Stratified) -> f64 {
        let (Some(last), Some(before)) = (self.looks.last(), &self.composition) else { return at };
        let one = |weights: &[(u32, f64)]| weights.len() == 1;
        if one(&before.weights) && one(&Composition::of(now).weights) {
            return at;
        }
        let correlation = before.correlation_squared(now).clamp(CORRELATION_MIN, 1.0);
        (last.time() / correlation).max(last.time() + STEP_MIN)
    }

    /// Spends the planned error up to `share` at a look of information fraction `at`, which the path meets at `time`.
    fn meet(
        &mut self,
        plan: &Plan,
        at: f64,
        time: f64,
        share: f64,
        effect: &Estimate,
        df: Option<f64>,
    ) -> Met {
        let increment = plan.spending.spent(plan.alpha_planned_side(), share) - self.spent_side;
        let looks = &self.looks;
        let mut path = self
            .path
            .take()
            .unwrap_or_else(|| Path::through(Sides::Both, looks.iter().map(|look| (look.time(), look.z))));
        let z = path.bound(time, increment);
        // Few units: the bound lives on the normal scale, the statistic on that of t; tails translate.
        let observed = effect.z().abs();
        let on_normal = df.map_or(observed, |df| normal::isf(student::sf(observed, df)));
        let mut met =
            Met { critical: z.map(|z| df.map_or(z, |df| student::isf(normal::sf(z), df))), p_value: 1.0 };
        if let Some(z) = z {
            if on_normal >= z {
                // Stage-wise ordering [Tsiatis, Rosner, Mehta 1984]: what was spent before, and the tail here.
                let spent = 2.0 * (self.spent_side + path.exit(on_normal).above);
                met.p_value = spent / (1.0 - plan.forever_share);
            }
            self.spent_side += increment;
        }
        self.path = Some(path);
        let time = (time != at).then_some(time);
        self.looks.push(PlannedLook { fraction: at, z, time });
        met
    }
}

/// What meeting the planned bound came to.
struct Met {
    critical: Option<f64>,
    /// The design's level at which this look excludes zero by the planned bound; 1 when it does not.
    p_value: f64,
}

/// The bound that never expires, in its t-form when units are few.
struct Forever {
    critical: f64,
    p_value: f64,
}

impl Forever {
    fn at(plan: &Plan, effect: &Estimate, units: &Units, df: Option<f64>) -> Result<Self, CannotSay> {
        let alpha = plan.alpha_forever();
        let x = anytime::tau_squared(alpha, plan.se_plan)? / (effect.se * effect.se);
        let (critical, log_e) = match df {
            Some(df) => {
                let g = units.total / x;
                (
                    anytime::t_radius(g, units.total, df, alpha)?,
                    anytime::log_e_t(effect.z(), g, units.total, df),
                )
            }
            None => (anytime::critical(x, alpha)?, anytime::log_e(effect.z(), x)),
        };
        Ok(Self { critical, p_value: anytime::p_of_log_e(log_e) })
    }
}

struct Units {
    fewest: u64,
    total: f64,
}

impl Units {
    fn of(epochs: &[Epoch]) -> Self {
        let units = |arm: fn(&Epoch) -> u64| epochs.iter().map(arm).fold(0, u64::saturating_add);
        let (control, treatment) = (units(|epoch| epoch.control.n), units(|epoch| epoch.treatment.n));
        Self { fewest: control.min(treatment), total: control as f64 + treatment as f64 }
    }
}
