//! Published experiments, against figures that others computed. Needs the folder of shared data
//! (`TENURE_DATA_DIR`, by default `../shared/data` beside the workspace).

use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;
use tenure_analysis::{FileAnalysis, FileQuery, analyze_file};

/// The folder, or `None` after saying that it is absent.
fn data() -> Option<PathBuf> {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let folder = std::env::var_os("TENURE_DATA_DIR")
        .map_or_else(|| PathBuf::from(workspace).join("../shared/data"), PathBuf::from);
    if folder.join("expected_dev.json").exists() {
        return Some(folder);
    }
    eprintln!("skipped: {} does not exist; set TENURE_DATA_DIR", folder.display());
    None
}

fn expected(folder: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("expected_dev.json")).unwrap()).unwrap()
}

fn analyze(
    folder: &std::path::Path,
    file: &str,
    arm: &str,
    control: &str,
    treatment: &str,
    metrics: &[&str],
) -> FileAnalysis {
    let query = FileQuery {
        unit: None,
        arm: arm.into(),
        control: control.into(),
        treatment: treatment.into(),
        metrics: metrics.iter().map(|spec| spec.parse().unwrap()).collect(),
        shares: Vec::new(),
        confidence: 0.95,
    };
    analyze_file(&folder.join(file), &query).unwrap()
}

/// Equal to the digits printed: half a unit of the last of them. `null` expects nothing.
#[track_caller]
fn check(what: &str, got: f64, expected: &Value) {
    let text = expected.to_string();
    let Ok(number) = text.parse::<f64>() else { panic!("{what}: {text} is not a number") };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len() as i32);
    let last_digit = 10_f64.powi(exponent.parse::<i32>().unwrap() - decimals);
    assert!((got - number).abs() <= 0.5000001 * last_digit, "{what}: {got}, published {text}");
}

#[test]
fn cookie_cats() {
    let Some(folder) = data() else { return };
    let expected = &expected(&folder)["cookie_cats"];
    let metrics = [
        "retention_1=retention_1:proportion",
        "retention_7=retention_7:proportion",
        "rounds=sum_gamerounds:mean",
    ];
    let got = analyze(&folder, "cookie_cats.csv.gz", "version", "gate_30", "gate_40", &metrics);
    for arm in &got.arms {
        assert_eq!(expected["n"][&arm.arm], arm.units);
    }
    check("sample ratio", got.sample_ratio.p_value.unwrap(), &expected["srm_p"]);
    for metric in &got.metrics[..2] {
        let published = &expected[&metric.metric];
        check("control", metric.control.unwrap().mean, &published["control"]);
        check("treatment", metric.treatment.unwrap().mean, &published["treatment"]);
        check("difference", metric.absolute.unwrap().estimate, &published["diff"]);
        check("p", metric.p_value.unwrap(), &published["z_p"]);
    }
    let interval = got.metrics[1].absolute.unwrap().interval;
    check("lower", interval[0], &expected["retention_7"]["ci95"][0]);
    check("upper", interval[1], &expected["retention_7"]["ci95"][1]);
    let rounds = &got.metrics[2];
    check("rounds", rounds.absolute.unwrap().estimate, &expected["sum_gamerounds_welch"]["diff"]);
    check("rounds p", rounds.p_value.unwrap(), &expected["sum_gamerounds_welch"]["p"]);
}

#[test]
fn hillstrom() {
    let Some(folder) = data() else { return };
    let expected = &expected(&folder)["hillstrom"];
    let metrics = ["visit=visit:proportion", "conversion=conversion:proportion", "spend=spend:mean"];
    for (arm, published) in [("Mens E-Mail", "mens_vs_none"), ("Womens E-Mail", "womens_vs_none")] {
        let got = analyze(&folder, "hillstrom.csv.gz", "segment", "No E-Mail", arm, &metrics);
        for arm in &got.arms {
            assert_eq!(expected["n"][&arm.arm], arm.units);
        }
        check("sample ratio", got.sample_ratio.p_value.unwrap(), &expected["srm_p"]);
        for metric in &got.metrics {
            let published = &expected[published][&metric.metric];
            check("control", metric.control.unwrap().mean, &published[0]);
            check("treatment", metric.treatment.unwrap().mean, &published[1]);
            check("difference", metric.absolute.unwrap().estimate, &published[2]);
        }
        check("spend p", got.metrics[2].p_value.unwrap(), &expected[published]["spend_p"]);
    }
    // These p-values were published as Welch's, for zeros and ones too.
    let metrics = ["visit=visit:mean", "conversion=conversion:mean", "spend=spend:mean"];
    let got = analyze(&folder, "hillstrom.csv.gz", "segment", "Womens E-Mail", "Mens E-Mail", &metrics);
    let published = &expected["mens_vs_womens_diff"];
    for metric in &got.metrics {
        check(&metric.metric, metric.absolute.unwrap().estimate, &published[&metric.metric]);
        check("p", metric.p_value.unwrap(), &published[format!("{}_p", metric.metric)]);
    }
}

#[test]
fn starbucks() {
    let Some(folder) = data() else { return };
    let expected = &expected(&folder)["starbucks_promo_train"];
    let got = analyze(
        &folder,
        "starbucks_promo_train.csv.gz",
        "Promotion",
        "No",
        "Yes",
        &["purchase=purchase:proportion"],
    );
    for arm in &got.arms {
        assert_eq!(expected["n"][arm.arm.to_lowercase()], arm.units);
    }
    check("sample ratio", got.sample_ratio.p_value.unwrap(), &expected["srm_p"]);
    check("difference", got.metrics[0].absolute.unwrap().estimate, &expected["IRR"]);
    check("p", got.metrics[0].p_value.unwrap(), &expected["p"]);
}

#[test]
fn naming_the_unit_changes_nothing_where_a_row_is_a_unit_and_is_fast() {
    let Some(folder) = data() else { return };
    let metrics = ["rounds=sum_gamerounds:mean", "retention_7=retention_7:proportion"];
    let rows = analyze(&folder, "cookie_cats.csv.gz", "version", "gate_30", "gate_40", &metrics);
    let query = FileQuery {
        unit: Some("userid".into()),
        arm: "version".into(),
        control: "gate_30".into(),
        treatment: "gate_40".into(),
        metrics: metrics.iter().map(|spec| spec.parse().unwrap()).collect(),
        shares: Vec::new(),
        confidence: 0.95,
    };
    let started = Instant::now();
    let units = analyze_file(&folder.join("cookie_cats.csv.gz"), &query).unwrap();
    eprintln!("90,189 rows with units in {:?}", started.elapsed());
    assert_eq!(rows, units);
}
