//! Histories: seeded runs of the event log and of the whole system in which nothing may break. Each seed is one; the first
//! that breaks ends the run and says how to see it again.

use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tenure_sim::crash;
use tenure_sim::system::{self, Setting, Story, Tally};

use crate::output;

/// A kind of histories.
pub struct History {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows.
    pub shows: &'static str,
    live: fn(std::ops::Range<u64>) -> anyhow::Result<Vec<Shown>>,
}

/// What a run of histories came to: a line, the same for programs, and whether it is as it should be.
struct Shown {
    line: String,
    json: Value,
    held: bool,
}

/// All kinds.
pub const ALL: &[History] = &[
    History {
        name: "crashes",
        shows: "power cuts, failing syncs and a full disk under the event log: nothing acknowledged is lost or doubled",
        live: crashes,
    },
    History {
        name: "system",
        shows: "rollouts of the whole system on a virtual clock: few false keeps, harm stopped in time, no invariant broken",
        live: rollouts,
    },
    History {
        name: "served",
        shows: "the same through a whole server: what its query engine sees is what customers did, across power cuts",
        live: served,
    },
];

/// The kind of this name.
pub fn find(name: &str) -> Option<&'static History> {
    ALL.iter().find(|history| history.name == name)
}

impl History {
    /// Lives through as many histories as runs, from this seed on. Fails when a promise is not kept.
    pub fn run(&self, runs: u64, seed: u64, as_json: bool) -> anyhow::Result<ExitCode> {
        let Some(end) = seed.checked_add(runs) else {
            bail!("seed {seed} and {runs} runs go beyond the last seed")
        };
        let shown = (self.live)(seed..end)?;
        for one in &shown {
            if as_json {
                output::json(&one.json)?;
            } else {
                output::line(&one.line);
            }
        }
        Ok(if shown.iter().all(|one| one.held) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn crashes(seeds: std::ops::Range<u64>) -> anyhow::Result<Vec<Shown>> {
    let (mut crashes, mut acknowledged, mut refused) = (0, 0, 0);
    for seed in seeds.clone() {
        let lived = crash::live(seed)?;
        crashes += lived.crashes;
        acknowledged += lived.acknowledged;
        refused += lived.refused;
    }
    let histories = seeds.end - seeds.start;
    Ok(vec![Shown {
        line: format!(
            "{histories} histories, {crashes} crashes: {acknowledged} events acknowledged and there once, {refused} not acknowledged and there once or not at all"
        ),
        json: json!({"histories": histories, "crashes": crashes, "acknowledged": acknowledged, "refused": refused}),
        held: true,
    }])
}

fn rollouts(seeds: std::ops::Range<u64>) -> anyhow::Result<Vec<Shown>> {
    let mut shown = Vec::new();
    for setting in Setting::ALL {
        let stories: Vec<Story> =
            seeds.clone().map(|seed| system::simulate(setting, seed)).collect::<Result<_, _>>()?;
        shown.push(told(&Tally::of(setting, &stories)));
    }
    Ok(shown)
}

fn told(tally: &Tally) -> Shown {
    let promise = tally.promise();
    let ended: Vec<String> = tally.ended.iter().map(|(ended, count)| format!("{count} {ended:?}")).collect();
    let bound = if promise.at_most { "at most" } else { "at least" };
    Shown {
        line: format!(
            "{}: {} of {} {} ({:.1} %, promised {bound} {:.1} %); {}; {} looks, {} restarts",
            tally.setting.name(),
            promise.counted,
            promise.of,
            promise.what,
            promise.share() * 100.0,
            promise.promised * 100.0,
            ended.join(", "),
            tally.looks,
            tally.restarts,
        ),
        json: json!({
            "setting": tally.setting.name(), "rollouts": promise.of, "what": promise.what, "counted": promise.counted,
            "share": promise.share(), "promised": promise.promised, "at_most": promise.at_most, "held": promise.held(),
            "looks": tally.looks, "restarts": tally.restarts,
        }),
        // One rollout is replayed to be looked at; a share of it says nothing.
        held: promise.of == 1 || promise.held(),
    }
}

fn served(seeds: std::ops::Range<u64>) -> anyhow::Result<Vec<Shown>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut shown = Vec::new();
    for seed in seeds {
        for setting in Setting::ALL {
            let folder = std::env::temp_dir().join(format!(
                "tenure-simulated-{}-{seed}-{}",
                std::process::id(),
                setting.name()
            ));
            let story = runtime.block_on(system::simulate_served(setting, seed, &folder));
            std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
            let story = story?;
            shown.push(Shown {
                line: format!(
                    "{} {seed}: {:?} after {:.1} days; {} looks, each as customers acted, {} restarts",
                    setting.name(), story.ended, story.days, story.compared, story.restarts
                ),
                json: json!({
                    "setting": setting.name(), "seed": seed, "ended": format!("{:?}", story.ended), "days": story.days,
                    "looks": story.looks, "compared": story.compared, "restarts": story.restarts,
                }),
                held: story.compared == story.looks,
            });
        }
    }
    Ok(shown)
}
