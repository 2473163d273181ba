//! The Social Sciences Replication Project [Camerer et al. 2018]: 21 experiments, run again with more units.

use serde::Deserialize;
use tenure_stats::estimate::{Estimate, Scale};
use tenure_stats::replication::{Label, Original, Rollout, replicate};

#[derive(Deserialize)]
struct Study {
    fiso: f64,
    se_fiso: f64,
    fisi: f64,
    se_fisi: f64,
    /// Only where the first stage did not replicate.
    fisr: Option<f64>,
    se_fisr: Option<f64>,
}

#[test]
fn thirteen_of_21_replicate_and_14_land_in_the_prediction_interval() {
    let Some(path) = super::file("replication_ssrp21_two_stage.csv.gz") else { return };
    let Some(expected) = super::expected() else { return };
    let studies: Vec<Study> = super::rows(&path);
    let (mut replicated, mut predicted, mut stopped, mut compatible) = (0, 0, 0, 0);
    for study in &studies {
        let (estimate, se) = match study.fisr.zip(study.se_fisr) {
            Some(both) => both,
            None => {
                stopped += 1;
                (study.fisi, study.se_fisi)
            }
        };
        let seen = Estimate::new(estimate, se).unwrap();
        let rollout = Rollout { estimate, se, interval: None };
        let found = replicate(&Original::new(study.fiso, study.se_fiso), &rollout, Scale::Absolute).unwrap();
        let [low, high] = found.prediction_interval;
        replicated += u32::from(seen.p_value() < 0.05 && estimate > 0.0);
        predicted += u32::from((low..=high).contains(&estimate));
        compatible += u32::from(matches!(found.label, Label::Confirmed | Label::Compatible));
        // Present is what the project called replicated.
        assert_eq!(found.interval[0] > 0.0, seen.p_value() < 0.05 && estimate > 0.0, "{}", found.sentence);
    }
    let known = &expected["replication_ssrp21_two_stage"];
    assert_eq!(studies.len() as u64, known["n"]);
    assert_eq!(replicated, known["replicated"]);
    assert_eq!(predicted, known["within_95_prediction_interval"]);
    assert_eq!(stopped, known["stopped_at_stage_1"]);
    // The corrected original is smaller: it never calls more than those that are present compatible.
    assert!(compatible <= replicated);
}
