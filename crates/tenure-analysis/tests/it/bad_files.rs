//! Files and questions that cannot be answered: the message names the file, the line, the column, the value
//! and the remedy.

use tenure_analysis::read_looks;

use crate::small_files::{analyze, query, table};

#[track_caller]
fn check(text: &str, unit: Option<&str>, metric: &str, expected: &str) {
    let got = analyze(text, &query(unit, &[metric])).unwrap_err().to_string();
    assert_eq!(got, expected);
}

#[test]
fn columns() {
    check(
        "Arm,y\na,1\n",
        None,
        "y=y:mean",
        "t.csv: there is no column `arm` (did you mean `Arm`?); the columns are `Arm`, `y`",
    );
    check(
        "arm,y\na,1\n",
        None,
        "y=spend:mean",
        "t.csv: there is no column `spend`; the columns are `arm`, `y`",
    );
    check(
        "arm,y\na,1\n",
        Some("user"),
        "y=y:mean",
        "t.csv: there is no column `user`; the columns are `arm`, `y`",
    );
}

#[test]
fn cells() {
    check(
        "arm,y\na,1\nb,twelve\n",
        None,
        "y=y:mean",
        "t.csv, line 3: column `y` has `twelve`, which is not a number; write digits with a decimal point, without \
         units or separators",
    );
    check(
        "arm,y\na,1\nb,2\n",
        None,
        "y=y:proportion",
        "t.csv, line 3: column `y` has `2`, which is neither 0 nor 1 (true/false and yes/no are understood); for \
         other numbers declare the metric a mean",
    );
    check(
        "arm,y\n,1\n",
        None,
        "y=y:mean",
        "t.csv, line 2: column `arm` is empty; fill it in, or leave the row out",
    );
    check(
        "u,arm,y\n,a,1\n",
        Some("u"),
        "y=y:mean",
        "t.csv, line 2: column `u` is empty; fill it in, or leave the row out",
    );
}

#[test]
fn arms_and_units() {
    check("arm,y\n", None, "y=y:mean", "t.csv: there is a header and no row under it");
    check(
        "arm,y\na,1\na,2\nB,3\n",
        None,
        "y=y:mean",
        "t.csv: column `arm` has no arm `b` (did you mean `B`?); the arms found are `B`, `a`",
    );
    check(
        "u,arm,y\n7,a,1\n8,b,1\n\n7,c,2\n",
        Some("u"),
        "y=y:mean",
        "t.csv, line 5: unit `7` is in arm `c`, but in arm `a` on line 2; a unit belongs to one arm, leave such \
         units out of the file",
    );
    let ids: String = (0..1_001).map(|id| format!("{id},1\n")).collect();
    check(
        &format!("arm,y\n{ids}"),
        None,
        "y=y:mean",
        "t.csv, line 1002: column `arm` has more than 1000 different values; is it the arm column?",
    );
}

#[test]
fn questions() {
    let text = "arm,y\na,1\nb,2\n";
    let mut same = query(None, &["y=y:mean"]);
    same.treatment = "a".into();
    let message = analyze(text, &same).unwrap_err().to_string();
    assert_eq!(message, "control and treatment are both `a`; name two different arms");
    let twice = query(None, &["y=y:mean", "y=y:mean"]);
    let message = analyze(text, &twice).unwrap_err().to_string();
    assert_eq!(message, "metric `y` is named twice; give each metric its own name");
    let mut shares = query(None, &["y=y:mean"]);
    shares.shares = vec![("a".into(), 1.0), ("b".into(), f64::NAN)];
    let message = analyze(text, &shares).unwrap_err().to_string();
    assert_eq!(message, "the expected share of arm `b` is NaN; it must be a positive number");
    shares.shares = vec![("a".into(), 1.0), ("z".into(), 1.0)];
    let message = analyze(text, &shares).unwrap_err().to_string();
    assert_eq!(message, "t.csv: column `arm` has no arm `z`; the arms found are `a`, `b`");
}

#[test]
fn looks() {
    #[track_caller]
    fn check(rows: &str, expected: &str) {
        let text = format!("look,arm,n,mean,variance\n{rows}");
        let got = read_looks(table(&text).unwrap(), "a", "b").unwrap_err().to_string();
        assert_eq!(got, expected);
    }
    check("", "t.csv: there is a header and no row under it");
    check("1,a,2,0,0\n", "t.csv: there is no arm `b`; the arms found are `a`");
    check(
        "1,a,2,0,0\n1,b,2,0,0\n2,b,3,0,0\n",
        "t.csv, line 4: look 2 has no row of arm `a`; every look needs one row an arm, with n = 0 where there is no unit",
    );
    check(
        "1,a,2.5,0,0\n",
        "t.csv, line 2: column `n` has `2.5`, which is not a count; write a whole number, 0 or more",
    );
    check(
        "1,a,1e300,0,0\n",
        "t.csv, line 2: column `n` has `1e300`, which is not a count; write a whole number, 0 or more",
    );
    check(
        "1,a,2,NaN,0\n",
        "t.csv, line 2: column `mean` has `NaN`, which is not a finite number; leave the row out",
    );
    check("1,a,2,0,-1\n", "t.csv, line 2: column `variance` has -1; it cannot be negative");
    check("1,a,2,0,0\n1,a,2,0,0\n", "t.csv, line 3: a second row of the same arm in look 1; keep one");
    check("2,a,2,0,0\n1,a,2,0,0\n", "t.csv, line 3: look 1 comes after a later one; sort the file by look");
    check(
        "1,a,9,0,0\n2,a,8,0,0\n",
        "t.csv, line 3: column `n` falls from 9 to 8; looks are cumulative, each contains the ones before it",
    );
}
