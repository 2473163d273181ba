//! Is it the same impact? An experiment that was only reported because it won, and a rollout of truly the same effect
//! that is watched for good: how often it is ever declared different.

use tenure_stats::estimate::Scale;
use tenure_stats::replication::{self, Original, Rollout, SELECTED_AT};

use super::chance::Chance;
use super::{Measure, ProofError, Setting, Study, Target, indicator};

pub(super) const REPLICATION: Study = Study {
    name: "replication",
    shows: "a rollout as good as its experiment, which was selected for having won: at most 6 % are ever called different",
    settings: || {
        let mut settings: Vec<Setting> = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
            .map(|effect| truly(effect, 10.0, Some(Target::AtMost(0.06))))
            .into();
        // The worst there is: an experiment that reports too little is corrected too far most often around 4, and a
        // rollout that outgrows it a hundred times sees all of it.
        settings.push(truly(4.0, 100.0, None));
        Ok(settings)
    },
};

const LOOKS: usize = 100;

/// A true effect in standard errors of the experiment, and a rollout that is watched until it has this many times the
/// experiment's information.
fn truly(effect: f64, information: f64, target: Option<Target>) -> Setting {
    let of = format!(
        "true effect {effect} standard errors, watched to {information} times the experiment's information"
    );
    let measures = [
        Measure { target, ..Measure::contrast("ever declared different") },
        Measure::contrast("would have been, had the experiment not been corrected"),
    ];
    Setting::new(of, measures, move |chance| {
        let original = Original::new(chance.normal_above(effect, SELECTED_AT), 1.0);
        let rollouts = rollouts(chance, effect, information);
        let uncorrected = Original { selected_at: 0.0, ..original };
        Ok(vec![
            indicator(ever_different(&original, &rollouts)?),
            indicator(ever_different(&uncorrected, &rollouts)?),
        ])
    })
}

/// The rollout at each look: information comes in evenly.
fn rollouts(chance: &mut Chance, effect: f64, information_max: f64) -> Vec<Rollout> {
    let step = information_max / LOOKS as f64;
    let (mut information, mut score) = (0.0_f64, 0.0);
    let look = |_| {
        information += step;
        score += effect * step + step.sqrt() * chance.normal();
        Rollout { estimate: score / information, se: information.sqrt().recip(), interval: None }
    };
    (0..LOOKS).map(look).collect()
}

/// Whether the answer at some look is that the effect is not the corrected original's. The looks at which the difference
/// stays within its bound are not asked: there the answer is another.
fn ever_different(original: &Original, rollouts: &[Rollout]) -> Result<bool, ProofError> {
    let corrected = replication::correct(original.estimate, original.se, original.selected_at)?;
    for rollout in rollouts {
        let bound = replication::difference_bound(corrected.se, rollout.se);
        if (rollout.estimate - corrected.estimate).abs() > bound {
            let found = replication::replicate(original, rollout, Scale::Absolute)?;
            if found.difference.abs() > found.compatible_within {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::chance::Source;
    use tenure_stats::replication::Label;

    #[test]
    fn declared_different_is_what_the_labels_say() {
        let mut different = 0;
        for run in 0..200 {
            let mut chance = Source::new(1, "replication", 0).of_run(run);
            let original =
                Original { selected_at: 0.0, ..Original::new(chance.normal_above(1.0, SELECTED_AT), 1.0) };
            let rollouts = rollouts(&mut chance, 1.0, 25.0);
            let says = |rollout: &Rollout| {
                let found = replication::replicate(&original, rollout, Scale::Absolute).unwrap();
                let within = found.difference.abs() <= found.compatible_within;
                // A rollout on the other side of zero is contradicted, however near the original may be.
                match found.label {
                    Label::Diminished | Label::Exceeded | Label::Lost => true,
                    Label::Contradicted => !within,
                    // Beyond an original that was larger still, and not present: cannot be, as the original won.
                    Label::Undecided | Label::Confirmed | Label::Compatible => {
                        assert!(within, "{found:?}");
                        false
                    }
                }
            };
            let by_labels = rollouts.iter().any(says);
            assert_eq!(ever_different(&original, &rollouts).unwrap(), by_labels);
            different += usize::from(by_labels);
        }
        assert!(different > 0, "nothing was different: the test shows nothing");
    }
}
