//! The sample ratio: how often arms that have their shares are called invalid, however often one looks, and how
//! often a real mismatch is found.

use tenure_stats::sample_ratio::{self, CONCENTRATION};
use tenure_stats::verdict::SAMPLE_RATIO_ALPHA;

use super::chance::Chance;
use super::{Measure, ProofError, Setting, Study, Target, indicator};

pub(super) const SAMPLE_RATIO: Study = Study {
    name: "sample-ratio",
    shows: "arms with their planned shares: at most 0.1 % are called invalid at any look, while a mismatch is found",
    settings: || {
        let kept = [invalid(Target::AtMost(SAMPLE_RATIO_ALPHA)), CHI_SQUARE];
        let broken = [invalid(Target::AtLeast(0.99)), CHI_SQUARE];
        Ok(vec![
            looked_at("half treated", kept, &[(200, 0.5)], 0.0),
            looked_at("a tenth treated", kept, &[(200, 0.1)], 0.0),
            looked_at("5, 20, 50 % treated in three epochs", kept, &[(40, 0.05), (60, 0.2), (100, 0.5)], 0.0),
            looked_at("half planned, 53 % treated", broken, &[(200, 0.5)], 0.03),
        ])
    },
};

const UNITS_A_LOOK: u64 = 100;

const fn invalid(target: Target) -> Measure {
    Measure::share("called invalid at some look", target)
}

const CHI_SQUARE: Measure = Measure::contrast("a χ² test at every look, p < 0.001, would have");

/// Epochs of so many looks with this share treated; `off` is what is really treated beyond it.
fn looked_at(of: &str, measures: [Measure; 2], epochs: &[(usize, f64)], off: f64) -> Setting {
    let epochs = epochs.to_vec();
    Setting::new(of, measures, move |chance: &mut Chance| {
        let (mut sequential, mut fixed) = (false, false);
        let mut log_e_before = 0.0;
        for &(looks, share) in &epochs {
            let (mut counts, mut log_e) = ([0, 0], 0.0);
            for _ in 0..looks {
                let treated = chance.binomial(UNITS_A_LOOK, share + off)?;
                counts = [counts[0] + UNITS_A_LOOK - treated, counts[1] + treated];
                let shares = [1.0 - share, share];
                log_e = sample_ratio::log_e(&counts, &shares, CONCENTRATION)?;
                sequential |= log_e_before + log_e >= -SAMPLE_RATIO_ALPHA.ln();
                fixed = fixed || sample_ratio::chi_square(&counts, &shares)?.p_value < SAMPLE_RATIO_ALPHA;
            }
            log_e_before += log_e;
        }
        Ok::<_, ProofError>(vec![indicator(sequential), indicator(fixed)])
    })
}
