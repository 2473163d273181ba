//! Published counts of experiments too large to carry, and of a small one with five arms.

use serde::Deserialize;
use tenure_stats::estimate::{self, Kind, Level};
use tenure_stats::moments::Moments;
use tenure_stats::proportion;
use tenure_stats::sample_ratio::ChiSquare;

#[derive(Deserialize)]
struct Row {
    dataset: String,
    role: String,
    n: u64,
    successes: u64,
}

fn arms(rows: &[Row], dataset: &str) -> [Level; 2] {
    ["control", "treatment"].map(|role| {
        let row = rows.iter().find(|row| row.dataset == dataset && row.role == role).unwrap();
        Level::of(Kind::Proportion, &Moments::from_counts(row.n, row.successes).unwrap()).unwrap()
    })
}

#[test]
fn totals_give_what_was_published() {
    let Some(path) = super::file("published_counts.csv") else { return };
    let Some(expected) = super::expected() else { return };
    let rows: Vec<Row> = super::rows(&path);
    let known = |name: &str| expected["published_counts"][name].as_f64().unwrap();
    let z = |dataset| {
        let [control, treatment] = arms(&rows, dataset);
        proportion::score(&control, &treatment).unwrap()
    };
    assert!((z("udacity_landing_page_full") - known("udacity_landing_page_full_z")).abs() < 1e-9);
    assert!((z("marketing_ab_full") - known("marketing_ab_full_z")).abs() < 1e-9);

    // The test that was published has Yates' correction: 54.0058, p = 2.0e-13.
    let [control, treatment] = arms(&rows, "marketing_ab_full");
    let yates = yates(&control, &treatment);
    assert!((yates.statistic - 54.0058).abs() < 1e-3 && (yates.p_value / 2.0e-13 - 1.0).abs() < 0.02);

    let [control, treatment] = arms(&rows, "criteo_uplift_v2.1_conversion");
    let ate = estimate::difference(&control, &treatment).unwrap();
    assert!((ate.value - known("criteo_ate")).abs() < 1e-9, "{ate:?}");
    let lift = estimate::lift_of(estimate::log_ratio(&control, &treatment).unwrap().value);
    assert!((lift - known("criteo_rel")).abs() < 1e-5, "{lift}");
}

fn yates(control: &Level, treatment: &Level) -> ChiSquare {
    let (nc, nt) = (control.n as f64, treatment.n as f64);
    let pooled = (nc * control.value + nt * treatment.value) / (nc + nt);
    let correction = 0.5 / nc + 0.5 / nt;
    let z = ((treatment.value - control.value).abs() - correction)
        / (pooled * (1.0 - pooled) * (1.0 / nc + 1.0 / nt)).sqrt();
    ChiSquare::new(z * z, 1.0)
}

#[derive(Deserialize)]
struct Button {
    visits: f64,
    label_clicks: f64,
}

#[test]
fn five_labels_of_a_library_differ() {
    let Some(path) = super::file("msu_library_button.csv.gz") else { return };
    let Some(expected) = super::expected() else { return };
    let buttons: Vec<Button> = super::rows(&path);
    let known = &expected["msu_library_button"];
    let (clicks, visits): (f64, f64) = buttons
        .iter()
        .fold((0.0, 0.0), |(clicks, visits), arm| (clicks + arm.label_clicks, visits + arm.visits));
    let rate = clicks / visits;
    let part =
        |arm: &Button| (arm.label_clicks - arm.visits * rate).powi(2) / (arm.visits * rate * (1.0 - rate));
    let test = ChiSquare::new(buttons.iter().map(part).sum(), (buttons.len() - 1) as f64);
    assert!((test.statistic / known["chi2"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{test:?}");
    assert!((test.p_value / known["p"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{test:?}");
}
