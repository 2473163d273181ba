//! `tenure simulate`: the studies behind the statistics, measured beside their targets; and the histories of faults and the
//! rollouts of the whole system, from which a failing seed is replayed.

mod history;

use std::process::ExitCode;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tenure_sim::proof::{self, Report, STUDIES, Study, page};

use crate::output;

/// Prove by simulation that the statistics keep their error.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A study, or `all` of them; without it, the studies are listed
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Runs of each of the study's settings
    #[arg(long, value_name = "N", default_value_t = proof::RUNS, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// The seed: the same gives the same figures, on any number of threads
    #[arg(long, value_name = "S", default_value_t = proof::SEED)]
    seed: u64,
    /// Print JSON, a study a line
    #[arg(long)]
    json: bool,
    /// Print the page of the reference (docs/reference/simulations.md)
    #[arg(long, conflicts_with = "json", requires = "name")]
    markdown: bool,
}

/// `tenure simulate`. Fails when a target is missed.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Some(name) = &args.name else { return list(args.json) };
    if let Some(history) = history::find(name) {
        return history.run(args.runs, args.seed, args.json);
    }
    let studies: Vec<&Study> = match name.as_str() {
        "all" => STUDIES.iter().collect(),
        name => match proof::find(name) {
            Some(study) => vec![study],
            None => bail!("no study or history is called {name:?}; `tenure simulate` lists them"),
        },
    };
    let mut reports = Vec::new();
    for study in studies {
        let report = simulate(study, args.runs, args.seed)?;
        if args.json {
            output::json(&report)?;
        } else if !args.markdown {
            print(&report);
        }
        reports.push(report);
    }
    if args.markdown {
        output::line(page::page(&reports).trim_end());
    }
    let held = reports.iter().all(|report| report.held);
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a study, with a bar on a terminal's standard error.
fn simulate(study: &Study, runs: u64, seed: u64) -> anyhow::Result<Report> {
    let bar = ProgressBar::new(runs * study.settings()?)
        .with_style(ProgressStyle::with_template(
            "{msg:16} {bar:40} {human_pos} of {human_len} runs, {eta} left",
        )?)
        .with_message(study.name);
    let report = study.run(runs, seed, &|done| bar.inc(done));
    bar.finish_and_clear();
    Ok(report?)
}

fn list(as_json: bool) -> anyhow::Result<ExitCode> {
    if as_json {
        for study in STUDIES {
            let measures = study.measures()?;
            let measures: Vec<_> = measures
                .iter()
                .map(|(setting, measure)| json!({"setting": setting, "what": measure.what, "target": measure.target}))
                .collect();
            output::json(&json!({"study": study.name, "shows": study.shows, "measures": measures}))?;
        }
        for history in history::ALL {
            output::json(&json!({"history": history.name, "shows": history.shows}))?;
        }
    } else {
        let studies = STUDIES.iter().map(|study| (study.name, study.shows));
        let histories = history::ALL.iter().map(|history| (history.name, history.shows));
        let rows: Vec<Vec<String>> =
            studies.chain(histories).map(|(name, shows)| vec![name.to_owned(), shows.to_owned()]).collect();
        output::table(&["study", "shows"], &[], &rows);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &Report) {
    output::line(format!("{}: {}", report.study, report.shows));
    output::line(format!("{} runs of each setting, seed {}\n", report.runs, report.seed));
    let rows: Vec<Vec<String>> = report
        .measures
        .iter()
        .map(|measured| {
            vec![
                measured.setting.clone(),
                measured.measure.what.to_owned(),
                page::target(&measured.measure),
                page::figure_of(measured),
                page::held(measured.held).to_owned(),
            ]
        })
        .collect();
    output::table(&["setting", "measure", "target", "measured", ""], &[2, 3], &rows);
    output::line("");
}
