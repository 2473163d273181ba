//! The reference page of the studies: target, measured, seed and runs, as `docs/reference/simulations.md` has it.

use super::{Measure, Measured, Report, Target, Unit};

/// The page of these reports, as Markdown.
pub fn page(reports: &[Report]) -> String {
    let mut page = String::from(HEAD);
    for report in reports {
        let Report { study, shows, seed, runs, .. } = report;
        page.push_str(&format!("\n## `{study}`\n\n{}.\n\n", sentence(shows)));
        page.push_str(&format!("{} runs of each setting, seed {seed}.\n\n", grouped(*runs)));
        page.push_str("| setting | measure | target | measured | |\n|---|---|---|---|---|\n");
        let mut before = "";
        for measured in &report.measures {
            // A setting is named once, at the first of its measures.
            let setting = if measured.setting == before { "" } else { &measured.setting };
            before = &measured.setting;
            let Measured { measure, .. } = measured;
            page.push_str(&format!(
                "| {setting} | {} | {} | {} | {} |\n",
                measure.what,
                target(measure),
                figure_of(measured),
                held(measured.held)
            ));
        }
    }
    page
}

const HEAD: &str = "# Proof by simulation

Each study draws what a query engine would return, lets the engine of Tenure judge it as it judges a live rollout, and
counts how often it is wrong. `tenure simulate` lists the studies; `tenure simulate NAME --runs N --seed S` repeats
one, with the same figures for the same seed on any number of threads.

A target is held when the measured figure lies within three Monte-Carlo standard errors (±) of it. A measure without
a target shows what another method would have done with the same data.

This page is the output of `tenure simulate all --markdown`.
";

/// A measure's target as it is shown.
pub fn target(measure: &Measure) -> String {
    let show = |value: f64| figure(value, measure.unit);
    match measure.target {
        Some(Target::AtMost(high)) => format!("≤ {}", show(high)),
        Some(Target::AtLeast(low)) => format!("≥ {}", show(low)),
        Some(Target::Between(low, high)) => format!("{} to {}", show(low), show(high)),
        None => "-".to_owned(),
    }
}

/// A measured figure as it is shown, with its Monte-Carlo error.
pub fn figure_of(measured: &Measured) -> String {
    let (value, error) = (measured.measured, measured.monte_carlo_error);
    match measured.measure.unit {
        Unit::Share => format!("{:.2} % ± {:.2}", 100.0 * value, 100.0 * error),
        Unit::Number if error == 0.0 => format!("{value:.3}"),
        Unit::Number => format!("{value:.3} ± {error:.3}"),
    }
}

/// Whether a target is held, in a word.
pub fn held(held: Option<bool>) -> &'static str {
    match held {
        Some(true) => "held",
        Some(false) => "missed",
        None => "",
    }
}

/// At most three decimals, none that is not needed.
fn figure(value: f64, unit: Unit) -> String {
    let (value, suffix) = match unit {
        Unit::Share => (100.0 * value, " %"),
        Unit::Number => (value, ""),
    };
    let text = format!("{value:.3}");
    format!("{}{suffix}", text.trim_end_matches('0').trim_end_matches('.'))
}

fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// 100000 as 100,000.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{RUNS, SEED, STUDIES};

    /// What the committed page says of a study: its heading, then each row's setting, measure and target.
    fn rows(page: &str) -> Vec<[String; 4]> {
        let (mut study, mut setting) = (String::new(), String::new());
        let mut rows = Vec::new();
        for line in page.lines() {
            if let Some(name) = line.strip_prefix("## `") {
                study = name.trim_end_matches('`').to_owned();
            }
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            if cells.len() == 5
                && line.starts_with('|')
                && cells[0] != "setting"
                && !cells[0].starts_with("---")
            {
                if !cells[0].is_empty() {
                    setting = cells[0].to_owned();
                }
                rows.push([study.clone(), setting.clone(), cells[1].to_owned(), cells[2].to_owned()]);
            }
        }
        rows
    }

    #[test]
    fn the_committed_page_has_exactly_the_studies_that_are_and_all_are_held() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/simulations.md");
        let page = std::fs::read_to_string(path).unwrap();
        let mut expected = Vec::new();
        for study in STUDIES {
            for (setting, measure) in study.measures().unwrap() {
                expected.push([study.name.to_owned(), setting, measure.what.to_owned(), target(&measure)]);
            }
            let shows = format!("\n{}.\n", sentence(study.shows));
            assert!(page.contains(&shows), "run `tenure simulate all --markdown` again: {}", study.name);
        }
        assert_eq!(rows(&page), expected, "run `tenure simulate all --markdown` again");
        let of_runs = format!("{} runs of each setting, seed {SEED}.", grouped(RUNS));
        assert_eq!(page.matches(&of_runs).count(), STUDIES.len());
        assert!(!page.contains("missed"));
    }

    #[test]
    fn figures_are_short() {
        let share = |wanted: Target| target(&Measure::share("it", wanted));
        assert_eq!(share(Target::AtMost(0.05)), "≤ 5 %");
        assert_eq!(share(Target::AtMost(0.001)), "≤ 0.1 %");
        assert_eq!(share(Target::Between(0.945, 0.965)), "94.5 % to 96.5 %");
        assert_eq!(target(&Measure::number("it", Target::AtLeast(1.15))), "≥ 1.15");
        assert_eq!(target(&Measure::contrast("it")), "-");
        assert_eq!(grouped(100_000), "100,000");
        assert_eq!(sentence("a thing"), "A thing");
    }
}
