//! GrowthBook: an experiment with its results, as its API answers them, or a snapshot of its analysis.
//!
//! Read are `{"experiment": …, "result": …}`, the answers of `GET /api/v1/experiments/ID` and `…/ID/results` put together
//! (the latter alone is enough where the choices say the rest), and a snapshot with its `analyses`.
//!
//! What is to be known of the numbers: `stddev` is that of one unit, 0 stands for what is not there, `percentChange` and
//! its interval are shares, and an interval of the Bayesian engine is a credible one and no standard error.

use serde_json::Value as Json;

use super::arms::{Reported, Side, arms, is_binomial, se_of};
use super::field::Field;
use super::{About, Choices, Compared, Fault, Intake, Notes, date_of, register};
use crate::metric::MetricKind;

/// Reads a GrowthBook document.
///
/// Errors: everything that keeps it from being taken in, each with its place and the remedy.
pub fn read(document: &Json, choices: &Choices) -> Result<Intake, Vec<Fault>> {
    let mut notes = Notes::default();
    let root = Field::root(document);
    let experiment = root.get("experiment").filter(|field| field.value.is_object());
    let compared = match results(&root) {
        Ok(results) => results.compared(&mut notes, experiment.as_ref(), choices),
        Err(fault) => Err(fault),
    };
    let compared = notes.keep(compared);
    let about = about(&mut notes, &root, experiment.as_ref());
    let commands = compared.and_then(|compared| register(&mut notes, choices, about, compared));
    notes.finish(commands.into_iter().collect())
}

/// A metric of one arm, as either form gives it.
struct Cell<'a> {
    at: Field<'a>,
    users: Option<f64>,
    numerator: Option<f64>,
    denominator: Option<f64>,
    mean: Option<f64>,
    stddev: Option<f64>,
    change: Option<f64>,
    interval: Option<[f64; 2]>,
    bayesian: bool,
}

/// The results of either form, as far as they are alike.
struct Results<'a> {
    /// Arms in their order, by id.
    arms: Vec<String>,
    /// Goal metrics, as the settings name them.
    goals: Vec<String>,
    /// Metrics there are, each with its place and a cell an arm.
    metrics: Vec<(String, Vec<Cell<'a>>)>,
    /// What an effect is a difference of, where the settings say it.
    difference: Option<String>,
    /// Arms' shares, where they are given.
    weights: Vec<Option<f64>>,
    sample_ratio: Option<(String, f64)>,
    ignored: Vec<(String, String)>,
    engine: String,
}

fn results<'a>(root: &Field<'a>) -> Result<Results<'a>, Fault> {
    let own = |list: &str| root.get(list).filter(|list| list.value.is_array()).map(|_| root.clone());
    if let Some(result) = root.get("result").or_else(|| own("results")) {
        return from_api(&result);
    }
    if let Some(snapshot) = root.get("snapshot").or_else(|| own("analyses")) {
        return from_snapshot(&snapshot);
    }
    Err(root.fault(
        "there are no results: put the answer of GET /api/v1/experiments/ID/results under `result`, or give a snapshot",
    ))
}

fn number(at: &Field<'_>, name: &str) -> Result<Option<f64>, Fault> {
    at.number_of(name)
}

/// 0 stands for what is not there.
fn not_zero(number: Option<f64>) -> Option<f64> {
    number.filter(|number| *number != 0.0)
}

fn pair(low: Option<f64>, high: Option<f64>) -> Option<[f64; 2]> {
    let (low, high) = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
    let nothing = (low == 0.0 && high == 0.0) || (low.is_infinite() && high.is_infinite());
    (!nothing).then_some([low, high])
}

/// The dimension that holds all units, where results are split.
fn whole<'a>(at: &Field<'a>, name: &str, ignored: &mut Vec<(String, String)>) -> Result<Field<'a>, Fault> {
    let all = at.items("results");
    let is_whole = |result: &Field<'_>| {
        result.text(name).is_none_or(|name| ["all", "none"].contains(&name.to_lowercase().as_str()))
    };
    let chosen =
        all.iter().find(|result| is_whole(result)).or(if all.len() == 1 { all.first() } else { None });
    let Some(chosen) = chosen else {
        return Err(at.fault("no result is over all units: export it without a dimension"));
    };
    for other in all.iter().filter(|other| other.path != chosen.path) {
        let slice = other.text(name).unwrap_or_default();
        ignored
            .push((other.path.clone(), format!("the slice {slice}: only all units together are compared")));
    }
    Ok(chosen.clone())
}

fn from_api<'a>(result: &Field<'a>) -> Result<Results<'a>, Fault> {
    let mut ignored = Vec::new();
    let chosen = whole(result, "dimension", &mut ignored)?;
    let settings = result.get("settings");
    let goals = settings.as_ref().map(|settings| settings.items("goals")).unwrap_or_default();
    let engine = settings.as_ref().and_then(|settings| settings.text("statsEngine"));
    let mut arms: Vec<String> = Vec::new();
    let mut metrics = Vec::new();
    for metric in chosen.items("metrics") {
        let id = metric.need("metricId")?.value.as_str().unwrap_or_default().to_owned();
        let variations = metric.items("variations");
        if arms.is_empty() {
            arms = variations.iter().map(|arm| arm.text("variationId").unwrap_or_default()).collect();
        }
        let mut cells = Vec::new();
        for variation in variations {
            let analyses = variation.items("analyses");
            let frequentist =
                analyses.iter().find(|one| one.text("engine").as_deref() == Some("frequentist"));
            let Some(at) = frequentist.or(analyses.first()) else {
                return Err(variation.fault("it has no analysis"));
            };
            cells.push(Cell {
                users: number(&variation, "users")?,
                numerator: number(at, "numerator")?,
                denominator: number(at, "denominator")?,
                mean: number(at, "mean")?,
                stddev: not_zero(number(at, "stddev")?),
                change: number(at, "percentChange")?,
                interval: pair(number(at, "ciLow")?, number(at, "ciHigh")?),
                bayesian: at.text("engine").as_deref() != Some("frequentist"),
                at: at.clone(),
            });
        }
        metrics.push((id, cells));
    }
    let sample_ratio = chosen.get("checks").and_then(|checks| checks.get("srm"));
    Ok(Results {
        weights: vec![None; arms.len()],
        arms,
        goals: goals.iter().filter_map(|goal| goal.text("metricId")).collect(),
        metrics,
        difference: settings.and_then(|settings| settings.text("differenceType")),
        sample_ratio: sample_ratio.and_then(|field| Some((field.path.clone(), field.number().ok()?))),
        ignored,
        engine: engine.unwrap_or_else(|| "bayesian".to_owned()),
    })
}

fn from_snapshot<'a>(snapshot: &Field<'a>) -> Result<Results<'a>, Fault> {
    let settings = snapshot.need("settings")?;
    let mut ignored = Vec::new();
    let analyses = snapshot.items("analyses");
    let usable = |one: &Field<'_>| {
        let dimensions =
            one.get("settings").map(|settings| settings.items("dimensions").len()).unwrap_or_default();
        dimensions == 0 && one.text("status").is_none_or(|status| status == "success")
    };
    let of = |one: &Field<'_>, name: &str| one.get("settings").and_then(|settings| settings.text(name));
    let is_frequentist = |one: &&Field<'_>| of(one, "statsEngine").as_deref() == Some("frequentist");
    let usable: Vec<&Field<'_>> = analyses.iter().filter(|one| usable(one)).collect();
    let chosen = usable.iter().copied().find(is_frequentist).or(usable.first().copied());
    let Some(chosen) = chosen else {
        return Err(snapshot.fault("no analysis over all units succeeded: run it again and export it"));
    };
    for other in analyses.iter().filter(|other| other.path != chosen.path) {
        ignored.push((other.path.clone(), "another analysis of the same units".to_owned()));
    }
    let result = whole(chosen, "name", &mut ignored)?;
    let bayesian = !is_frequentist(&chosen);
    let arms = settings.items("variations");
    let goals = settings.items("goalMetrics");
    let goals: Vec<String> = goals.iter().filter_map(|goal| goal.value.as_str().map(str::to_owned)).collect();
    let variations = result.items("variations");
    let mut ids: Vec<String> = Vec::new();
    for variation in &variations {
        let metrics = variation.get("metrics");
        let members = metrics.as_ref().and_then(|metrics| metrics.value.as_object());
        ids.extend(
            members
                .into_iter()
                .flatten()
                .map(|(id, _)| id.clone())
                .filter(|id| !ids.contains(id))
                .collect::<Vec<_>>(),
        );
    }
    let mut metrics = Vec::new();
    for id in ids {
        let mut cells = Vec::new();
        for variation in &variations {
            let Some(at) = variation.get("metrics").and_then(|metrics| metrics.get(&id)) else { continue };
            let stats = at.get("stats");
            let of_stats = |name: &str| stats.as_ref().map_or(Ok(None), |stats| number(stats, name));
            let bounds = at.get("ci").map(|_| at.items("ci")).unwrap_or_default();
            let bound = |which: usize| bounds.get(which).and_then(|bound| bound.number().ok());
            cells.push(Cell {
                users: number(&at, "users")?.or(of_stats("users")?).or(number(variation, "users")?),
                numerator: number(&at, "value")?,
                denominator: number(&at, "denominator")?,
                mean: of_stats("mean")?.or(number(&at, "cr")?),
                stddev: not_zero(of_stats("stddev")?),
                change: number(&at, "expected")?,
                interval: if bounds.is_empty() { None } else { pair(bound(0), bound(1)) },
                bayesian,
                at,
            });
        }
        metrics.push((id, cells));
    }
    let sample_ratio = result.get("srm");
    Ok(Results {
        weights: arms.iter().map(|arm| arm.number_of("weight").ok().flatten()).collect(),
        arms: arms.iter().map(|arm| arm.text("id").unwrap_or_default()).collect(),
        goals,
        metrics,
        difference: of(chosen, "differenceType"),
        sample_ratio: sample_ratio.and_then(|field| Some((field.path.clone(), field.number().ok()?))),
        ignored,
        engine: if bayesian { "bayesian" } else { "frequentist" }.to_owned(),
    })
}

impl Results<'_> {
    fn compared(
        self,
        notes: &mut Notes,
        experiment: Option<&Field<'_>>,
        choices: &Choices,
    ) -> Result<Compared, Fault> {
        for (path, says) in &self.ignored {
            notes.ignored(path, says);
        }
        if let Some((path, p)) = self.sample_ratio.as_ref().filter(|(_, p)| *p < 0.001) {
            notes.warn(
                path,
                format!("the sample ratio is off there (p = {p:.2e}); Tenure judges it by the units"),
            );
        }
        let (control, treatment) = self.pair(notes, experiment, choices)?;
        let metric = self.metric(notes, choices)?;
        let (name, cells) = &self.metrics[metric];
        let (Some(of_control), Some(of_treatment)) = (cells.get(control), cells.get(treatment)) else {
            return Err(Fault {
                path: String::new(),
                says: format!("metric {name} has no result of both arms"),
            });
        };
        let confidence = choices.confidence.unwrap_or(0.95);
        let kind = choices.kind.or(of_control.kind()).or(of_treatment.kind());
        let sides = [of_control.side(kind)?, of_treatment.side(kind)?];
        let reported = of_treatment.reported(notes, &sides, self.difference.as_deref(), confidence);
        if of_treatment.bayesian
            && sides.iter().any(|side| side.variance.is_none() && side.successes.is_none())
        {
            return Err(of_treatment.at.fault(
                "a Bayesian result without moments has no standard error: export the frequentist engine's, or give counts",
            ));
        }
        let path = of_treatment.at.path.clone();
        let found = arms(notes, &path, kind, sides, reported);
        let (kind, control_arm, treatment_arm) = found.map_err(|says| Fault { path, says })?;
        Ok(Compared {
            metric: name.clone(),
            kind,
            control: control_arm,
            treatment: treatment_arm,
            split: self.split(experiment, control, treatment),
            source: format!("GrowthBook, {} engine", self.engine),
        })
    }

    /// What an arm is called, by its place.
    fn names(&self, experiment: Option<&Field<'_>>, at: usize) -> Vec<String> {
        let id = self.arms[at].clone();
        let known = experiment.map(|experiment| experiment.items("variations")).unwrap_or_default();
        let mine = known.iter().find(|arm| arm.text("variationId").as_deref() == Some(&id)).or(known.get(at));
        let told = mine.map(|arm| [arm.text("name"), arm.text("key")]).into_iter().flatten().flatten();
        std::iter::once(id).chain(told).collect()
    }

    /// The places of the arms that are compared.
    fn pair(
        &self,
        notes: &mut Notes,
        experiment: Option<&Field<'_>>,
        choices: &Choices,
    ) -> Result<(usize, usize), Fault> {
        let all: Vec<Vec<String>> = (0..self.arms.len()).map(|at| self.names(experiment, at)).collect();
        let shown = |at: usize| all[at].get(1).or(all[at].first()).cloned().unwrap_or_default();
        let list = || (0..all.len()).map(shown).collect::<Vec<_>>().join(", ");
        let place =
            |name: &str| all.iter().position(|names| names.iter().any(|one| one.eq_ignore_ascii_case(name)));
        let chosen = |which: &str, name: &str| {
            place(name).ok_or_else(|| Fault {
                path: String::new(),
                says: format!("there is no arm `{name}`: choose `{which}` among {}", list()),
            })
        };
        if all.len() < 2 {
            return Err(Fault {
                path: String::new(),
                says: "there are fewer than two arms to compare".to_owned(),
            });
        }
        let control = choices.control.as_deref().map_or(Ok(0), |name| chosen("control", name))?;
        let summary = experiment.and_then(|experiment| experiment.get("resultSummary"));
        let won = summary
            .and_then(|summary| summary.text("winner").or_else(|| summary.text("releasedVariationId")));
        let others: Vec<usize> = (0..all.len()).filter(|at| *at != control).collect();
        let treatment = match (&choices.treatment, won.and_then(|won| place(&won)), others.as_slice()) {
            (Some(name), _, _) => chosen("treatment", name)?,
            (None, Some(won), _) if won != control => won,
            (None, _, [only]) => *only,
            _ => {
                return Err(Fault {
                    path: String::new(),
                    says: format!("several arms could be the treatment: choose `treatment` among {}", list()),
                });
            }
        };
        if control == treatment {
            return Err(Fault {
                path: String::new(),
                says: "control and treatment are the same arm".to_owned(),
            });
        }
        notes.understood("", format!("{} is compared with {}", shown(treatment), shown(control)));
        for other in others.iter().filter(|other| **other != treatment) {
            notes.ignored("", format!("the arm {}", shown(*other)));
        }
        notes.picked("", &shown(treatment), others.len());
        Ok((control, treatment))
    }

    /// The place of the primary metric.
    fn metric(&self, notes: &mut Notes, choices: &Choices) -> Result<usize, Fault> {
        let ids = || self.metrics.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ");
        let place = |id: &str| self.metrics.iter().position(|(known, _)| known == id);
        let fault = |says: String| Fault { path: String::new(), says };
        let at = match (&choices.metric, self.goals.as_slice(), self.metrics.as_slice()) {
            (Some(chosen), _, _) => place(chosen).ok_or_else(|| {
                fault(format!("there is no metric `{chosen}`: choose `metric` among {}", ids()))
            })?,
            (None, [goal], _) => {
                place(goal).ok_or_else(|| fault(format!("the goal {goal} has no result")))?
            }
            (None, _, [_]) => 0,
            _ => {
                let goals = if self.goals.is_empty() { ids() } else { self.goals.join(", ") };
                return Err(fault(format!(
                    "several metrics could be the primary one: choose `metric` among {goals}"
                )));
            }
        };
        for (id, _) in self.metrics.iter().filter(|(id, _)| *id != self.metrics[at].0) {
            notes.ignored("", format!("the metric {id}"));
        }
        Ok(at)
    }

    /// The share of both arms that was to be treated, when they were not to be alike.
    fn split(&self, experiment: Option<&Field<'_>>, control: usize, treatment: usize) -> Option<f64> {
        let phase = experiment.and_then(|experiment| experiment.items("phases").pop());
        let weights = phase.map(|phase| phase.items("trafficSplit")).unwrap_or_default();
        let weight = |at: usize| {
            let mine = weights.iter().find(|one| one.text("variationId").as_deref() == Some(&self.arms[at]));
            let told = mine.and_then(|one| one.number_of("weight").ok().flatten());
            told.or(self.weights.get(at).copied().flatten())
        };
        let share = weight(treatment)? / (weight(control)? + weight(treatment)?);
        (share > 0.0 && share < 1.0 && (share - 0.5).abs() > 1e-9).then_some(share)
    }
}

impl Cell<'_> {
    /// What the metric is, as far as the numbers say.
    fn kind(&self) -> Option<MetricKind> {
        let (users, numerator) = (self.users?, self.numerator?);
        let denominator = not_zero(self.denominator).unwrap_or(users);
        if denominator != users {
            return Some(MetricKind::Ratio);
        }
        let (p, stddev) = (self.mean?, self.stddev?);
        let is_count = numerator.fract() == 0.0 && (p - numerator / users).abs() < 1e-6;
        Some(if is_count && is_binomial(p, stddev * stddev) {
            MetricKind::Proportion
        } else {
            MetricKind::Mean
        })
    }

    fn side(&self, kind: Option<MetricKind>) -> Result<Side, Fault> {
        let users = self.users.or(self.denominator).filter(|users| *users > 0.0);
        let users =
            users.ok_or_else(|| self.at.fault("the arm's units are missing: `users` is 0 or not there"))?;
        let successes = self.numerator.filter(|_| kind == Some(MetricKind::Proportion));
        Ok(Side {
            n: users.round() as u64,
            successes: successes.map(|successes| successes.round() as u64),
            mean: self.mean,
            variance: self.stddev.map(|stddev| stddev * stddev),
        })
    }

    /// The effect as GrowthBook reports it; a Bayesian one without a standard error.
    fn reported(
        &self,
        notes: &mut Notes,
        sides: &[Side; 2],
        difference: Option<&str>,
        confidence: f64,
    ) -> Option<Reported> {
        let estimate = not_zero(self.change)?;
        if difference == Some("scaled") {
            notes.ignored(&self.at.path, "the effect, which is scaled to the whole traffic");
            return None;
        }
        let [control, treatment] = sides.map(|side| side.mean.unwrap_or(f64::NAN));
        let off = |own: f64| (own - estimate).abs();
        let is_lift = match difference {
            Some("absolute") => false,
            Some("relative") => true,
            // What is nearer; an answer that does not say it is a lift.
            _ => off(treatment - control)
                .partial_cmp(&off(treatment / control - 1.0))
                .is_none_or(std::cmp::Ordering::is_ge),
        };
        let mut se = None;
        if self.bayesian {
            notes.warn(
                &self.at.path,
                "its interval and chance to win are Bayesian and left aside; the moments are judged",
            );
        } else if let Some(interval) = self.interval {
            match se_of(estimate, interval, confidence) {
                Ok(found) => se = Some(found),
                Err(why) => notes.warn(&self.at.path, why),
            }
        }
        Some(Reported { estimate, is_lift, se })
    }
}

fn about(notes: &mut Notes, root: &Field<'_>, experiment: Option<&Field<'_>>) -> About {
    let result = root.get("result").or_else(|| root.get("snapshot")).unwrap_or_else(|| root.clone());
    let ended_there = result.text("dateEnd").or_else(|| result.get("settings")?.text("endDate"));
    let Some(experiment) = experiment else {
        let named = result.text("experimentId").or_else(|| result.text("experiment"));
        return About { name: named, ended: ended_there.as_deref().and_then(date_of), ..About::default() };
    };
    if experiment.text("status").as_deref() == Some("running") {
        notes.warn(
            "experiment.status",
            "it is still running: a result read before the end is a look, not the result",
        );
    }
    let hypothesis = notes.beliefs(experiment, &["description", "tags", "owner", "project"]);
    let phase_end = experiment.items("phases").pop().and_then(|phase| phase.text("dateEnded"));
    About {
        name: experiment.text("trackingKey").or_else(|| experiment.text("id")),
        title: experiment.text("name"),
        hypothesis,
        ended: phase_end.or(ended_there).as_deref().and_then(date_of),
        unit: experiment.text("hashAttribute"),
        direction: None,
    }
}
