//! A simulated rollout: units come day by day, each day ends with a look at all that came so far, by epoch.

use tenure_stats::estimate::{Level, Scale};
use tenure_stats::verdict::{ALPHA, Direction, Look, Plan, Wave};
use tenure_stats::wave::Epoch;

use super::ProofError;
use super::chance::Chance;
use super::law::Law;

/// One day: who comes, and how they behave.
#[derive(Clone)]
pub(super) struct Day<L> {
    /// Which epoch of the allocation log.
    pub epoch: u32,
    /// Whether it is measured yet.
    pub wave: Wave,
    /// Units admitted.
    pub units: u64,
    /// The share of them that is treated.
    pub treatment_share: f64,
    /// Those in the control arm.
    pub control: L,
    /// Those in the treatment arm.
    pub treatment: L,
}

/// Days that are all alike, in one measured epoch: half of the units is treated, without effect.
pub(super) fn alike<L: Law>(days: usize, units: u64, law: &L) -> Vec<Day<L>> {
    let day = Day {
        epoch: 0,
        wave: Wave::Measured,
        units,
        treatment_share: 0.5,
        control: law.clone(),
        treatment: law.clone(),
    };
    vec![day; days]
}

/// The looks at the end of each day. The last ends the plan.
pub(super) fn looks<L: Law>(days: &[Day<L>], chance: &mut Chance) -> Result<Vec<Look>, ProofError> {
    let mut looks = Vec::with_capacity(days.len());
    let mut epochs: Vec<Epoch> = Vec::new();
    let (mut control, mut treatment) = Default::default();
    for (index, day) in days.iter().enumerate() {
        if epochs.last().is_none_or(|epoch| epoch.index != day.epoch) {
            (control, treatment) = Default::default();
            let none = Level { n: 0, value: 0.0, variance: 0.0 };
            let (index, treatment_share) = (day.epoch, day.treatment_share);
            epochs.push(Epoch { index, control: none, treatment: none, treatment_share });
        }
        let treated = chance.binomial(day.units, day.treatment_share)?;
        day.control.add(chance, day.units - treated, &mut control)?;
        day.treatment.add(chance, treated, &mut treatment)?;
        if let Some(epoch) = epochs.last_mut() {
            (epoch.control, epoch.treatment) = (L::level(&control)?, L::level(&treatment)?);
        }
        looks.push(Look {
            epochs: epochs.clone(),
            wave: day.wave,
            minimum_duration_passed: true,
            largest_duration_reached: index + 1 == days.len(),
            fault: None,
            original: None,
        });
    }
    Ok(looks)
}

/// The plan of the days' measurement: full information is that of all their units, of the populations of the first day,
/// as an experiment before it found them.
pub(super) fn plan<L: Law>(days: &[Day<L>], scale: Scale, iteration: u32) -> Result<Plan, ProofError> {
    let treated: f64 = days.iter().map(|day| day.units as f64 * day.treatment_share).sum();
    let all: u64 = days.iter().map(|day| day.units).sum();
    let treated = treated.round() as u64;
    let first = days.first().ok_or(ProofError::Law("a rollout of no days"))?;
    let (control, treatment) = (first.control.population(), first.treatment.population());
    let se = Plan::se_at(scale, &control, &treatment, all - treated, treated)?;
    Ok(Plan::new(L::KIND, Direction::Increase, scale, ALPHA, iteration, se)?)
}
