//! Automated contact tracing in 29 ZIP codes, switched on in steps over eight weeks [CICT; MIT licence]. A stepped wedge is no
//! comparison of two arms: every ZIP code is in both, and the baseline falls while the share of the treated rises. What
//! answers it is a regression with an effect for each ZIP code and each week.

use serde::Deserialize;
use tenure_stats::regression::{Fit, Robust, fit};

#[derive(Deserialize)]
struct Row {
    week: String,
    #[serde(rename = "Zip")]
    zip: u64,
    condition: String,
    n_assigned_automated: f64,
    n_assigned_manual: f64,
    mean_perc_filled_assigned_automated: Option<f64>,
    mean_perc_filled_assigned_manual: Option<f64>,
}

/// Weighted least squares of `y` on the condition, with an effect for each ZIP code and each week.
fn effect(rows: &[Row], y: impl Fn(&Row) -> f64) -> Fit {
    let levels = |mut names: Vec<String>| {
        names.sort();
        names.dedup();
        // The first is what the others differ from.
        names.split_off(1)
    };
    let zips = levels(rows.iter().map(|row| row.zip.to_string()).collect());
    let weeks = levels(rows.iter().map(|row| row.week.clone()).collect());
    let is = |yes: bool| f64::from(u8::from(yes));
    let weight = |row: &Row| (row.n_assigned_automated + row.n_assigned_manual).sqrt();
    let design = rows.iter().map(|row| {
        let own = [1.0, is(row.condition == "Automated CICT")];
        let zip = zips.iter().map(|zip| is(*zip == row.zip.to_string()));
        let week = weeks.iter().map(|week| is(*week == row.week));
        own.into_iter().chain(zip).chain(week).map(|value| value * weight(row)).collect()
    });
    let design: Vec<Vec<f64>> = design.collect();
    let y: Vec<f64> = rows.iter().map(|row| y(row) * weight(row)).collect();
    fit(&design, &y).unwrap()
}

#[test]
fn a_stepped_wedge_by_its_regression() {
    let Some(path) = super::file("cict_stepped_wedge_panel.csv.gz") else { return };
    let Some(expected) = super::expected() else { return };
    let known = &expected["cict_stepped_wedge_panel"];
    let mut rows: Vec<Row> = super::rows(&path);
    rows.retain(|row| row.n_assigned_automated > 0.0 && row.n_assigned_manual > 0.0);
    assert_eq!(rows.len() as u64, known["rows"]);

    let assigned = |row: &Row| row.n_assigned_automated + row.n_assigned_manual;
    let completeness = |row: &Row| {
        let automated = row.n_assigned_automated * row.mean_perc_filled_assigned_automated.unwrap();
        let manual = row.n_assigned_manual * row.mean_perc_filled_assigned_manual.unwrap();
        (automated + manual) / assigned(row)
    };
    let itt = effect(&rows, completeness);
    let met = effect(&rows, |row| row.n_assigned_automated / assigned(row));
    let check = |name: &str, found: f64| {
        let published = known[name].as_f64().unwrap();
        assert!((found - published).abs() < 1e-6, "{name} is {found}, published {published}");
    };
    check("itt", itt.beta[1]);
    check("itt_se", itt.se(1, Robust::Classic).unwrap());
    check("iv_wald", itt.beta[1] / met.beta[1]);

    // Weeks of one ZIP code are not independent: the published error is a quarter too small.
    let zips: Vec<u64> = rows.iter().map(|row| row.zip).collect();
    let clustered = itt.cluster_se(1, &zips, true).unwrap();
    assert!((clustered / itt.se(1, Robust::Classic).unwrap() - 1.32).abs() < 0.01, "{clustered}");
}
