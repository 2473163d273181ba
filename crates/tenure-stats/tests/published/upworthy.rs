//! The Upworthy archive [Matias et al. 2021]: about a fifth of its tests did not randomise properly.

use std::collections::BTreeMap;

use serde::Deserialize;
use tenure_stats::sample_ratio::{CONCENTRATION, ChiSquare, chi_square, log_e, p_of_log_e};

#[derive(Deserialize)]
struct Arm {
    test_id: String,
    randomisation_warning: u8,
    impressions: u64,
    clicks: u64,
}

#[test]
fn a_fifth_is_flagged_and_hardly_any_other() {
    let Some(path) = super::file("upworthy_headlines_dev.csv.gz") else { return };
    let Some(expected) = super::expected() else { return };
    let mut tests: BTreeMap<String, Vec<Arm>> = BTreeMap::new();
    for arm in super::rows::<Arm>(&path) {
        tests.entry(arm.test_id.clone()).or_default().push(arm);
    }
    let (mut warned, mut elsewhere) = ([0u64; 2], [0u64; 2]);
    let (mut clicked, mut sequential) = (0u64, 0u64);
    for arms in tests.values() {
        let counts: Vec<u64> = arms.iter().map(|arm| arm.impressions).collect();
        let shares = vec![1.0; counts.len()];
        let p = chi_square(&counts, &shares).unwrap().p_value;
        let group = if arms[0].randomisation_warning == 1 { &mut warned } else { &mut elsewhere };
        group[0] += u64::from(p < 0.001);
        group[1] += 1;
        clicked += u64::from(omnibus(arms) < 0.05);
        // The test that may be watched flags no more than the fixed one.
        let watched = p_of_log_e(log_e(&counts, &shares, CONCENTRATION).unwrap());
        sequential += u64::from(watched < 0.001);
    }
    let known = &expected["upworthy_dev"];
    assert_eq!(tests.len() as u64, known["tests"]);
    assert_eq!(serde_json::json!(warned), known["srm_p_lt_001_in_warned_weeks"]);
    assert_eq!(serde_json::json!(elsewhere), known["srm_p_lt_001_elsewhere"]);
    assert_eq!(clicked, known["omnibus_p_lt_05"]);
    assert!(sequential <= warned[0] + elsewhere[0] && sequential > 250, "{sequential}");
}

/// Pearson's test that all arms are clicked alike.
fn omnibus(arms: &[Arm]) -> f64 {
    let total = |of: fn(&Arm) -> u64| arms.iter().map(of).sum::<u64>() as f64;
    let rate = total(|arm| arm.clicks) / total(|arm| arm.impressions);
    let part = |arm: &Arm| {
        let (n, clicks) = (arm.impressions as f64, arm.clicks as f64);
        (clicks - n * rate).powi(2) / (n * rate * (1.0 - rate))
    };
    ChiSquare::new(arms.iter().map(part).sum(), (arms.len() - 1) as f64).p_value
}
