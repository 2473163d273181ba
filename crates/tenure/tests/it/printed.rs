//! What people see of the statistics: files, looks, replications, plans.

use insta::assert_snapshot;

use crate::commands::{file, tenure};

fn printed(arguments: &[&str]) -> String {
    let output = tenure(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A number in [0, 1) that looks random and is not (the finaliser of splitmix64).
fn noise(seed: usize) -> f64 {
    let mut bits = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// 900 units of 90 tenants; the arms of every third day are 4 to 1.
fn units() -> String {
    let mut text = String::from("user,tenant,variant,day,bought,spend,orders,visits,before\n");
    for user in 0..900 {
        let (tenant, day) = (user % 90, user / 300);
        let treated = if day == 1 { noise(user) < 0.2 } else { noise(user) < 0.5 };
        let before = 20.0 * noise(7 * user + 1);
        let spend =
            if user == 17 { 2_500.0 } else { before + 10.0 * noise(3 * user) + f64::from(u8::from(treated)) };
        let bought = u8::from(noise(11 * user) < if treated { 0.4 } else { 0.3 });
        let spend = if user % 100 == 42 { String::new() } else { format!("{spend:.2}") };
        text.push_str(&format!(
            "u{user},t{tenant},{},2026-03-0{},{bought},{spend},{},{},{before:.2}\n",
            if treated { "new" } else { "old" },
            day + 1,
            bought * 2,
            1 + user % 5
        ));
    }
    text
}

#[test]
fn a_file_of_units() {
    let (_folder, path) = file("units.csv", &units());
    let base =
        ["analyze", &path, "--unit", "user", "--arm", "variant", "--control", "old", "--treatment", "new"];
    let with = |more: &[&str]| printed(&[&base[..], more].concat());
    assert_snapshot!("file", with(&["--metric", "bought=bought:proportion", "--metric", "spend=spend:mean"]));
    assert_snapshot!(
        "file_with_options",
        with(&[
            "--metric",
            "spend=spend:mean",
            "--cap",
            "spend=0.99",
            "--covariate",
            "spend=before",
            "--metric",
            "orders a visit=orders/visits:ratio",
            "--metric",
            "median=spend:quantile:0.5",
            "--by",
            "day",
        ])
    );
}

#[test]
fn a_file_of_clusters() {
    let text: String = units()
        .lines()
        .map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            let arm = match cells[1].trim_start_matches('t').parse::<usize>() {
                Ok(tenant) if tenant.is_multiple_of(2) => "new",
                Ok(_) => "old",
                Err(_) => "arm",
            };
            format!("{},{arm},{}\n", cells[1], cells[8])
        })
        .collect();
    let (_folder, path) = file("tenants.csv", &text);
    assert_snapshot!(printed(&[
        "analyze",
        &path,
        "--cluster",
        "tenant",
        "--arm",
        "arm",
        "--control",
        "old",
        "--treatment",
        "new",
        "--metric",
        "before=before:mean",
    ]));
}

#[test]
fn looks() {
    let (_folder, path) = file(
        "looks.csv",
        "look,arm,n,mean,variance\n1,c,0,,\n1,t,0,,\n2,c,4000,0.10,0.09\n2,t,4010,0.112,0.0994\n\
         3,c,9000,0.10,0.09\n3,t,9020,0.123,0.1079\n",
    );
    assert_snapshot!(printed(&[
        "analyze",
        "--looks",
        &path,
        "--control",
        "c",
        "--treatment",
        "t",
        "--plan-units",
        "20000",
        "--kind",
        "proportion",
    ]));
}

#[test]
fn a_replication() {
    assert_snapshot!(printed(&[
        "replicate",
        "--original",
        "0.016,0.006",
        "--rollout",
        "0.012,0.0023",
        "--kind",
        "proportion",
        "--best-of",
        "3",
        "--deviates",
        "--stopped-early",
        "--baselines",
        "0.1,0.14",
    ]));
}

#[test]
fn a_plan() {
    assert_snapshot!(
        "plan",
        printed(&[
            "plan",
            "--baseline",
            "0.12",
            "--lift",
            "0.05",
            "--power",
            "0.8",
            "--daily-units",
            "4000",
            "--waves",
            "5,20,50",
        ])
    );
    assert_snapshot!(
        "plan_of_an_original",
        printed(&[
            "plan",
            "--baseline-mean",
            "31.5",
            "--sd",
            "80",
            "--lift",
            "0.04",
            "--original-z",
            "2.5",
            "--icc",
            "0.02",
            "--cluster-size",
            "12",
            "--effective-clusters",
            "500",
        ])
    );
}

/// A wrong flag is named, with what to do.
#[test]
fn plans_that_cannot_be() {
    #[track_caller]
    fn check(arguments: &[&str], expected: &str) {
        let output = tenure(&[&["plan"], arguments].concat());
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stderr).trim_end(), format!("error: {expected}"));
    }
    check(
        &["--baseline", "1.2", "--lift", "0.05"],
        "--baseline is 1.2; it must lie between 0 and 1, being a proportion; for a mean give --baseline-mean and --sd",
    );
    check(
        &["--baseline", "0.9", "--lift", "0.2"],
        "a baseline of 0.9 with this effect is 1.08, no proportion; give a smaller --lift or --difference",
    );
    check(
        &["--baseline", "0.1", "--lift", "0.2", "--icc", "0.1"],
        "--icc needs --cluster-size, the units of a cluster on average",
    );
    check(
        &["--baseline", "0.1", "--lift", "0.2", "--daily-units", "10", "--waves", "20,5"],
        "--waves do not rise; give them from the smallest to the largest, such as 5,20,50",
    );
}
