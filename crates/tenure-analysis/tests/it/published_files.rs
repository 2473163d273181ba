//! Published experiments, against figures that others computed. Needs the folder of shared data
//! (`TENURE_DATA_DIR`, by default `../shared/data` beside the workspace).

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use flate2::read::GzDecoder;
use serde_json::Value;
use tenure_analysis::{
    FileAnalysis, FileError, FileQuery, MetricResult, MetricSpec, Running, Table, analyze_file,
    analyze_table, read_looks,
};
use tenure_stats::verdict::Verdict;

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

fn expected(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("expected_dev.json")).unwrap()).unwrap()
}

fn metrics(specs: &[&str]) -> Vec<MetricSpec> {
    specs.iter().map(|spec| spec.parse().unwrap()).collect()
}

/// Two arms of a column, and metrics.
fn query(arm: &str, control: &str, treatment: &str, specs: &[&str]) -> FileQuery {
    FileQuery {
        arm: arm.into(),
        control: control.into(),
        treatment: treatment.into(),
        metrics: metrics(specs),
        ..FileQuery::default()
    }
}

fn analyze(
    folder: &Path,
    file: &str,
    arm: &str,
    control: &str,
    treatment: &str,
    specs: &[&str],
) -> FileAnalysis {
    analyze_file(&folder.join(file), &query(arm, control, treatment, specs)).unwrap()
}

/// The file's text, row by row without the header.
fn text(folder: &Path, file: &str) -> (String, String) {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(folder.join(file)).unwrap()).read_to_string(&mut text).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    (header.trim().to_owned(), rows.to_owned())
}

fn analyze_text(text: String, query: &FileQuery) -> FileAnalysis {
    analyze_table(Table::read("derived.csv", Cursor::new(text)).unwrap(), query).unwrap()
}

fn difference(metric: &MetricResult) -> f64 {
    metric.absolute.unwrap().estimate
}

#[track_caller]
fn warns(warnings: &[String], of: &str) {
    assert!(warnings.iter().any(|warning| warning.contains(of)), "nothing of {of:?} in {warnings:#?}");
}

/// Equal to the digits printed, the last of which may have been cut off or rounded.
#[track_caller]
fn check(what: &str, got: f64, expected: &Value) {
    let text = expected.to_string();
    let Ok(number) = text.parse::<f64>() else { panic!("{what}: {text} is not a number") };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len() as i32);
    let last_digit = 10_f64.powi(exponent.parse::<i32>().unwrap() - decimals);
    assert!((got - number).abs() <= 1.0000001 * last_digit, "{what}: {got}, published {text}");
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
fn cookie_cats_has_one_unit_that_carries_most_of_the_variance() {
    let Some(folder) = data() else { return };
    let expected = &expected(&folder)["cookie_cats"]["sum_gamerounds_welch"];
    let query = query("version", "gate_30", "gate_40", &["rounds=sum_gamerounds:mean"]);
    let whole = analyze_file(&folder.join("cookie_cats.csv.gz"), &query).unwrap();
    warns(&whole.metrics[0].warnings, "49854");
    let (header, rows) = text(&folder, "cookie_cats.csv.gz");
    let kept: String =
        rows.lines().filter(|row| !row.contains(",49854,")).map(|row| format!("{row}\n")).collect();
    let without = analyze_text(format!("{header}\n{kept}"), &query);
    check("without it", difference(&without.metrics[0]), &expected["without_top_outlier"]["diff"]);
    check("p", without.metrics[0].p_value.unwrap(), &expected["without_top_outlier"]["p"]);
    // A cap takes its weight, too, and keeps the unit.
    let capped = FileQuery { caps: vec!["rounds=0.999".parse().unwrap()], ..query };
    let capped = analyze_file(&folder.join("cookie_cats.csv.gz"), &capped).unwrap().metrics.remove(0);
    let (cap, control) = (capped.cap.unwrap(), capped.control.unwrap());
    assert_eq!((cap.units, control.n), (91, 44_700));
    assert!(control.variance < 0.3 * whole.metrics[0].control.unwrap().variance);
    assert!(capped.absolute.unwrap().se < whole.metrics[0].absolute.unwrap().se);
    warns(&capped.warnings, "--cap-at rounds=");
}

#[test]
fn a_covariate_gains_nothing_on_hillstrom() {
    let Some(folder) = data() else { return };
    let mut query = query("segment", "No E-Mail", "Mens E-Mail", &["spend=spend:mean"]);
    query.covariates = vec!["spend=history".parse().unwrap()];
    let metric = analyze_file(&folder.join("hillstrom.csv.gz"), &query).unwrap().metrics.remove(0);
    assert_eq!(metric.method.as_deref(), Some("cuped, welch t"));
    let gain = metric.adjustment.unwrap().variance_reduction;
    assert!((0.0..0.001).contains(&gain), "{gain}");
    warns(&metric.warnings, "gains nothing");
}

#[test]
fn covariates_decide_on_assistments() {
    let Some(folder) = data() else { return };
    let expected = &expected(&folder)["assistments_video_vs_text"];
    let mut query = query("video", "0", "1", &["completion=completion:mean"]);
    let file = folder.join("assistments_video_vs_text.csv.gz");
    let plain = analyze_file(&file, &query).unwrap();
    for (place, arm) in ["text", "video"].iter().enumerate() {
        assert_eq!(expected["n"][arm], plain.arms[place].units);
    }
    check("difference", difference(&plain.metrics[0]), &expected["diff"]);
    check("p", plain.metrics[0].p_value.unwrap(), &expected["p"]);
    for (column, published, least) in [
        ("student_prior_average_correctness", "cuped_prior_correctness", 0.15),
        ("external_prediction", "cuped_external_prediction", 0.3),
    ] {
        query.covariates = vec![format!("completion={column}").parse().unwrap()];
        let adjusted = analyze_file(&file, &query).unwrap().metrics.remove(0);
        check(column, difference(&adjusted), &expected[published]["diff"]);
        check("p", adjusted.p_value.unwrap(), &expected[published]["p"]);
        let adjustment = adjusted.adjustment.unwrap();
        assert!(adjustment.variance_reduction > least, "{adjustment:?}");
        check("unadjusted p", adjustment.unadjusted.p_value, &expected["p"]);
    }
}

#[test]
fn udacity_counts_its_mature_days_and_says_so() {
    let Some(folder) = data() else { return };
    let expected = &expected(&folder)["udacity_free_trial_daily"];
    let file = folder.join("udacity_free_trial_daily.csv.gz");
    let specs = ["gross_conversion=enrollments/clicks:counts", "net_conversion=payments/clicks:counts"];
    let mut query = query("arm", "control", "experiment", &specs);
    let got = analyze_file(&file, &query).unwrap();
    check("sample ratio of clicks", got.sample_ratio.p_value.unwrap(), &expected["srm_clicks_p"]);
    for metric in &got.metrics {
        let published = &expected[&metric.metric];
        check(&metric.metric, difference(metric), &published["diff"]);
        // Published with the pooled error, which is the same to the digits printed.
        let interval = metric.absolute.unwrap().interval;
        check("lower", interval[0], &published["ci95_pooled"][0]);
        check("upper", interval[1], &published["ci95_pooled"][1]);
        let immature = metric.immature.unwrap();
        assert_eq!((immature.control, immature.treatment), (14, 14));
        warns(&metric.warnings, "14 control and 14 treatment units have no outcome yet");
    }
    query.count = Some("pageviews".into());
    query.metrics = metrics(&["gross=enrollments/clicks:ratio"]);
    let got = analyze_file(&file, &query).unwrap();
    check("sample ratio of pageviews", got.sample_ratio.p_value.unwrap(), &expected["srm_pageviews_p"]);
    assert_eq!(got.allocation, None, "its allocation held on every day");
    let ratio = &got.metrics[0];
    check("the ratio over days", difference(ratio), &expected["gross_conversion"]["diff"]);
    assert_eq!(ratio.control.unwrap().n, expected["days_with_outcome"].as_u64().unwrap());
}

#[test]
fn adsmart_moved_its_allocation_and_nobody_has_to_ask() {
    let Some(folder) = data() else { return };
    let expected = &expected(&folder)["adsmart_brand_lift"];
    let file = folder.join("adsmart_brand_lift.csv.gz");
    let mut query = query("experiment", "control", "exposed", &["yes=yes:proportion"]);
    let got = analyze_file(&file, &query).unwrap();
    for arm in &got.arms {
        assert_eq!(expected["n"][&arm.arm], arm.units);
    }
    check("sample ratio", got.sample_ratio.p_value.unwrap(), &expected["overall_srm_p"]);
    check("difference", difference(&got.metrics[0]), &expected["all_assigned"]["diff"]);
    check("p", got.metrics[0].p_value.unwrap(), &expected["all_assigned"]["p"]);
    let allocation = got.allocation.unwrap();
    let test = allocation.independence.unwrap();
    check("chi-squared", test.statistic, &expected["allocation_by_day_chi2"][0]);
    check("its p", test.p_value, &expected["allocation_by_day_chi2"][1]);
    assert_eq!((allocation.column.as_str(), allocation.strata.len()), ("date", 8));
    warns(&allocation.warnings, "the allocation moved");
    query.by = Some("date".into());
    let by_day = analyze_file(&file, &query).unwrap();
    let stratified = by_day.metrics[0].stratified.unwrap();
    assert_eq!(stratified.strata, 8);
    assert!((stratified.estimate - 0.0147).abs() < 0.0001, "{stratified:?}");

    // Among those who answered nothing is left.
    let (header, rows) = text(&folder, "adsmart_brand_lift.csv.gz");
    let answered = rows.lines().filter(|row| !row.ends_with(",0,0")).map(|row| format!("{row}\n"));
    query.by = None;
    let responders = analyze_text(format!("{header}\n{}", answered.collect::<String>()), &query);
    let published = &expected["responders_only"];
    check("responders", difference(&responders.metrics[0]), &published["diff"]);
    check("p", responders.metrics[0].p_value.unwrap(), &published["p"]);
}

#[test]
fn starbucks_wins_on_purchase_and_loses_money() {
    let Some(folder) = data() else { return };
    let expected = &expected(&folder)["starbucks_promo_train"];
    let (_, rows) = text(&folder, "starbucks_promo_train.csv.gz");
    // A purchase brings 10, a promotion costs 0.15.
    let mut derived = String::from("arm,net\n");
    for row in rows.lines() {
        let cells: Vec<&str> = row.split(',').collect();
        let net = 10.0 * cells[2].parse::<f64>().unwrap() - if cells[1] == "Yes" { 0.15 } else { 0.0 };
        derived.push_str(&format!("{},{net}\n", cells[1]));
    }
    let got = analyze_text(derived, &query("arm", "No", "Yes", &["net=net:mean"]));
    let metric = &got.metrics[0];
    let sum = |arm: Option<tenure_stats::comparison::ArmSummary>| arm.unwrap().n as f64 * arm.unwrap().mean;
    check("net incremental revenue", sum(metric.treatment) - sum(metric.control), &expected["NIR"]);
    assert!(metric.absolute.unwrap().interval[1] < 0.0);
}

#[test]
fn msu_has_five_arms_that_differ_and_are_not_alike_in_size() {
    let Some(folder) = data() else { return };
    let expected = &expected(&folder)["msu_library_button"];
    let query = query("label", "Interact", "Services", &["clicks=label_clicks/visits:counts"]);
    let got = analyze_file(&folder.join("msu_library_button.csv.gz"), &query).unwrap();
    let omnibus = got.metrics[0].omnibus.unwrap();
    for (got, published) in [(omnibus.statistic, "chi2"), (omnibus.df, "df"), (omnibus.p_value, "p")] {
        assert!((got / expected[published].as_f64().unwrap() - 1.0).abs() < 1e-9, "{published}: {got}");
    }
    assert_eq!(got.arms.iter().map(|arm| arm.units).sum::<u64>(), 21_016);
    warns(&got.sample_ratio.warnings, "not as large as expected");
}

#[test]
fn a_stepped_wedge_is_not_two_arms_of_clusters() {
    let Some(folder) = data() else { return };
    let spec = ["filled=mean_perc_filled_assigned_manual:mean"];
    let mut query = query("condition", "Manual CICT", "Automated CICT", &spec);
    query.cluster = Some("Zip".into());
    let refused = analyze_file(&folder.join("cict_stepped_wedge_panel.csv.gz"), &query).unwrap_err();
    assert!(matches!(refused, FileError::ClusterInTwoArms { .. }), "{refused}");
}

#[test]
fn published_totals() {
    let Some(folder) = data() else { return };
    let expected = &expected(&folder)["published_counts"];
    let rows = std::fs::read_to_string(folder.join("published_counts.csv")).unwrap();
    let of = |dataset: &str| {
        let row = |row: &&str| row.starts_with(dataset);
        // The note of the first row may have commas: five cells are enough.
        let cut = |row: &str| row.split(',').take(5).collect::<Vec<_>>().join(",");
        let kept: Vec<String> = rows.lines().filter(row).map(cut).collect();
        let text = format!("dataset,role,arm,n,successes\n{}\n", kept.join("\n"));
        let spec = ["success=successes/n:counts"];
        analyze_text(text, &query("role", "control", "treatment", &spec)).metrics.remove(0)
    };
    let z = |metric: &MetricResult| {
        let z = tenure_stats::normal::isf(0.5 * metric.p_value.unwrap());
        z.copysign(difference(metric))
    };
    for (dataset, published) in [
        ("udacity_landing_page_full", "udacity_landing_page_full_z"),
        ("marketing_ab_full", "marketing_ab_full_z"),
    ] {
        let (got, published) = (z(&of(dataset)), expected[published].as_f64().unwrap());
        assert!((got - published).abs() < 1e-9, "{dataset}: {got}, published {published}");
    }
    let criteo = of("criteo");
    check("criteo", difference(&criteo), &expected["criteo_ate"]);
    check("criteo, relative", criteo.relative.unwrap().estimate, &expected["criteo_rel"]);
}

/// Every stream of looks of the ASOS experiments: judged as it ran, and against the published tests of its last look.
#[test]
fn asos_streams() {
    let Some(folder) = data() else { return };
    let (_, rows) = text(&folder, "asos_sequential_dev.csv.gz");
    let mut streams: Vec<(String, String)> = Vec::new();
    for row in rows.lines() {
        let cells: Vec<&str> = row.split(',').collect();
        let [time, count_c, count_t, mean_c, mean_t, var_c, var_t] = cells[3..] else { panic!("{row}") };
        let key = cells[..3].join(",");
        if streams.last().is_none_or(|(last, _)| *last != key) {
            streams.push((key, "look,arm,n,mean,variance\n".to_owned()));
        }
        let text = &mut streams.last_mut().unwrap().1;
        text.push_str(&format!("{time},c,{count_c},{mean_c},{var_c}\n{time},t,{count_t},{mean_t},{var_t}\n"));
    }
    let published = std::fs::read_to_string(folder.join("asos_streams_dev.csv")).unwrap();
    let mut table = [[0_u32; 2]; 4];
    let mut seen = 0;
    for row in published.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let number = |place: usize| cells[place].parse::<f64>().ok();
        let (_, looks) = streams.iter().find(|(key, _)| *key == cells[..3].join(",")).unwrap();
        let looks =
            read_looks(Table::read("looks.csv", Cursor::new(looks.clone())).unwrap(), "c", "t").unwrap();
        let judged = Running::default().judge(&looks).unwrap();
        let last = judged.last().unwrap();
        let near = |got: f64, place: usize| {
            let expected = number(place).unwrap();
            assert!((got - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{row}: {got}");
        };
        assert_eq!(
            (last.control_n as f64, last.treatment_n as f64),
            (number(4).unwrap(), number(5).unwrap())
        );
        seen += 1;
        near(last.sample_ratio_p.unwrap(), 9);
        let Some(estimate) = last.judged.estimate else { continue };
        near(estimate, 6);
        let p = tenure_stats::normal::two_sided(estimate / last.judged.se.unwrap());
        assert!((p - number(7).unwrap()).abs() < 1e-5, "{row}: {p}");
        let is = |verdicts: &[Verdict]| judged.iter().any(|look| verdicts.contains(&look.judged.verdict));
        let invalid = is(&[Verdict::Invalid]);
        let found = is(&[Verdict::Positive, Verdict::Negative]);
        let (welch, mixture) = (p < 0.05, number(8).unwrap() < 0.05);
        if found || !invalid {
            table[usize::from(welch) + 2 * usize::from(mixture)][usize::from(found)] += 1;
        }
    }
    let [neither, welch_only, mixture_only, both] = table;
    assert_eq!(seen, 204);
    // What both published tests find is found here, nothing is missed that the always-valid one alone finds, and little is
    // found that neither finds at the last look (effects that wore off).
    assert!(both[1] >= 8 * both[0] && mixture_only[0] == 0, "{table:?}");
    assert!(10 * neither[1] <= neither[0], "{table:?}");
    assert!(welch_only.iter().sum::<u32>() > 0, "{table:?}");
}

#[test]
fn naming_the_unit_changes_nothing_where_a_row_is_a_unit_and_is_fast() {
    let Some(folder) = data() else { return };
    let specs = ["rounds=sum_gamerounds:mean", "retention_7=retention_7:proportion"];
    let rows = analyze(&folder, "cookie_cats.csv.gz", "version", "gate_30", "gate_40", &specs);
    let query = FileQuery { unit: Some("userid".into()), ..query("version", "gate_30", "gate_40", &specs) };
    let started = Instant::now();
    let units = analyze_file(&folder.join("cookie_cats.csv.gz"), &query).unwrap();
    eprintln!("90,189 rows with units in {:?}", started.elapsed());
    assert_eq!(rows, units);
}
