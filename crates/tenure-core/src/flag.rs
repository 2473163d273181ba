//! Flags: those a case is wrapped in, which its exposure compiles into a rollout; and what an environment serves, with those
//! of experiments that are run here and those set by hand ([`hand`]).

pub mod hand;
pub mod staleness;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tenure_flags::authoring::Lists;
use tenure_flags::{Arm, Definition, Entry, FlagSet, Phase, Rollout, Share};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, EnvironmentId, ExperimentId, FlagKey};
use crate::person::{Role, Seat};
use crate::refusal::Refusal;
use crate::run::{Run, RunStatus};
use crate::state::State;
use crate::time::Stamp;

/// The environment that is meant when none is named.
pub(crate) fn production() -> EnvironmentId {
    #[expect(clippy::expect_used, reason = "the constant is a valid name")]
    EnvironmentId::new("production").expect("a valid name")
}

/// The flag a case is wrapped in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseFlag {
    /// Its key.
    pub key: FlagKey,
    /// What those who meet the feature get.
    pub treatment: Json,
    /// What everybody else gets.
    pub control: Json,
    /// Where it is raised.
    pub environment: EnvironmentId,
    /// When it was created, and by whom.
    pub stamp: Stamp,
}

/// What is compared on a flag: what has to be known to record who met which arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedOn {
    /// The attribute of the context that carries the unit.
    pub unit_attribute: String,
    /// Case and iteration, such as `PC-1/2`, or the experiment.
    pub revision: String,
    /// The variants that are arms.
    pub arms: Vec<String>,
}

impl Case {
    /// The case's flag as a rollout, whatever its exposure is now.
    pub fn rollout(&self) -> Option<Rollout> {
        let flag = self.flag.as_ref()?;
        let (phase, unit, share) = match (self.exposure_percent() > 0.0, self.stage, &self.plan) {
            (true, Stage::RollingOut | Stage::Outcome, Some(plan)) => {
                (Phase::Measuring, plan.unit.clone(), plan.treatment_share)
            }
            (true, Stage::Productionised, Some(plan)) if self.held_back().is_some() => {
                (Phase::Holdback, plan.unit.clone(), self.exposure_percent() / 100.0)
            }
            (true, ..) => (Phase::Everyone, crate::metric::targeting_key(), 0.5),
            (false, ..) => (Phase::Nobody, crate::metric::targeting_key(), 0.5),
        };
        let percent = |percent: f64| Share::from_percent(percent).ok();
        Some(Rollout {
            flag_key: flag.key.to_string(),
            name: self.id.to_string(),
            salt: self.plan.as_ref().and_then(|plan| plan.salt.clone()),
            iteration: self.iteration,
            unit_attribute: unit,
            coverage: percent(self.admitted_percent())?,
            // What is kept is for the units of the other rollouts of its group too.
            exclusion: match phase {
                Phase::Measuring => self.plan.as_ref().and_then(|plan| plan.exclusion.as_ref()?.exclusion()),
                _ => None,
            },
            treatment_share: percent(share * 100.0)?,
            treatment: flag.treatment.clone(),
            control: flag.control.clone(),
            phase,
            version: format!("{}/{}", self.id, self.iteration),
        })
    }
}

impl State {
    /// The case that a flag belongs to.
    pub fn case_of_flag(&self, key: &FlagKey) -> Option<&Case> {
        self.flag_cases.get(key).and_then(|case| self.case(case))
    }

    /// The experiment that was planned last on a flag, when no case is wrapped in it.
    pub fn run_of_flag(&self, key: &FlagKey) -> Option<&Run> {
        let run = || self.runs.get(self.flag_runs.get(key)?);
        if self.flag_cases.contains_key(key) { None } else { run() }
    }

    /// Whether a flag may be taken: no case is wrapped in it, nobody set it by hand, and no experiment runs on it but `own`.
    /// When an experiment ended, its flag is for whoever comes next.
    pub(crate) fn is_free_for(&self, key: &FlagKey, own: Option<&ExperimentId>) -> bool {
        let by_hand = self.flags.get(key).is_some_and(|flag| flag.in_force().next().is_some());
        let run = self.run_of_flag(key).filter(|run| Some(&run.experiment) != own);
        !by_hand && !self.flag_cases.contains_key(key) && run.is_none_or(|run| run.ended.is_some())
    }

    /// The rollout behind a flag's key, when a case is wrapped in it.
    pub fn rollout_flag(&self, key: &FlagKey) -> Option<Rollout> {
        self.case_of_flag(key)?.rollout()
    }

    /// Every flag of an environment: those set by hand as they were set, those of cases compiled from their exposure, and
    /// the segments that rules refer to. An archived environment serves none.
    pub fn flag_set(&self, environment: &EnvironmentId, lists: &dyn Lists) -> FlagSet {
        let mut set = FlagSet::default();
        for key in self.flags.keys().chain(self.flag_cases.keys()).chain(self.flag_runs.keys()) {
            if let Some(entry) = self.flag_in(key, environment, lists) {
                set.flags.insert(key.to_string(), entry);
            }
        }
        if !set.flags.is_empty() {
            for (name, segment) in &self.segments {
                if let Ok(rule) = segment.version.holds.rule(lists) {
                    set.evaluators.insert(name.to_string(), rule);
                }
            }
        }
        set
    }

    /// The segments that the rules of some flags refer to in an environment, compiled.
    pub fn evaluators_of<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k FlagKey>,
        environment: &EnvironmentId,
        lists: &dyn Lists,
    ) -> BTreeMap<String, Json> {
        let sources = keys.into_iter().filter_map(|key| self.flags.get(key)?.source(environment));
        let names: BTreeSet<String> = sources.flat_map(|source| source.segments()).collect();
        let rule = |name: String| {
            let rule = self.segments.get(name.as_str())?.version.holds.rule(lists).ok()?;
            Some((name, rule))
        };
        names.into_iter().filter_map(rule).collect()
    }

    /// One flag as an environment serves it now.
    pub fn flag_in(&self, key: &FlagKey, environment: &EnvironmentId, lists: &dyn Lists) -> Option<Entry> {
        if self.is_archived(environment) {
            return None;
        }
        if let Some(case) = self.case_of_flag(key) {
            let here = case.flag.as_ref().is_some_and(|flag| flag.environment == *environment);
            let definition = here.then(|| case.rollout()?.definition().ok()).flatten();
            return definition.map(Entry::Sound);
        }
        let Some(source) = self.flags.get(key).and_then(|flag| flag.source(environment)) else {
            let run = self.run_of_flag(key).filter(|run| run.plan.environment == *environment)?;
            return Some(Entry::Sound(run.trial()?.definition().ok()?));
        };
        let definition: Result<Definition, _> = source.definition(key.as_str(), lists);
        Some(match definition {
            Ok(definition) => Entry::Sound(definition),
            Err(fault) => Entry::Faulty { source: source.json(), fault },
        })
    }

    /// What is compared on a flag in an environment now, when something is.
    pub fn compared_on(&self, key: &FlagKey, environment: &EnvironmentId) -> Option<ComparedOn> {
        if self.is_archived(environment) {
            return None;
        }
        if let Some(case) = self.case_of_flag(key) {
            case.flag.as_ref().filter(|flag| flag.environment == *environment)?;
            let rollout = case.rollout().filter(|rollout| rollout.phase.compares())?;
            return Some(ComparedOn {
                unit_attribute: rollout.unit_attribute,
                revision: rollout.version,
                arms: [Arm::Control, Arm::Treatment].map(|arm| arm.as_str().to_owned()).to_vec(),
            });
        }
        let run = self.run_of_flag(key).filter(|run| run.status() == RunStatus::Running)?;
        (run.plan.environment == *environment).then(|| ComparedOn {
            unit_attribute: run.plan.metric.unit.clone(),
            revision: run.revision(),
            arms: run.open_arms().map(|arm| arm.name.clone()).collect(),
        })
    }

    /// The keys of the flags that an environment serves.
    pub fn flag_keys(&self, environment: &EnvironmentId) -> BTreeSet<&FlagKey> {
        if self.is_archived(environment) {
            return BTreeSet::new();
        }
        let plain = self.flags.iter().filter(|(_, flag)| flag.is_in(environment)).map(|(key, _)| key);
        let of_case = |case: &Case| case.flag.as_ref().is_some_and(|flag| flag.environment == *environment);
        let cases = self.flag_cases.iter().filter(|(_, case)| self.case(*case).is_some_and(of_case));
        let runs = self
            .flag_runs
            .keys()
            .filter(|key| self.run_of_flag(key).is_some_and(|run| run.plan.environment == *environment));
        plain.chain(cases.map(|(key, _)| key)).chain(runs).collect()
    }
}

fn on() -> Json {
    Json::Bool(true)
}

fn off() -> Json {
    Json::Bool(false)
}

/// Wraps a case in a flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreateFlag {
    /// Which case.
    pub case: CaseId,
    /// The flag's key.
    pub key: FlagKey,
    /// What those who meet the feature get; `true` when left out.
    #[serde(default = "on")]
    pub treatment: Json,
    /// What everybody else gets; `false` when left out.
    #[serde(default = "off")]
    pub control: Json,
    /// Where it is raised; `production` when left out.
    #[serde(default = "production")]
    pub environment: EnvironmentId,
}

/// A case was wrapped in a flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagCreated {
    /// Which case.
    pub case: CaseId,
    /// The flag's key.
    pub key: FlagKey,
    /// What those who meet the feature get.
    pub treatment: Json,
    /// What everybody else gets.
    pub control: Json,
    /// Where it is raised.
    pub environment: EnvironmentId,
}

impl CreateFlag {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &[Seat::Role(Role::Developer)], "create the flag")?;
        ask.stage(case, &[Stage::Building])?;
        if let Some(flag) = &case.flag {
            return Err(Refusal::exists("flag of this case,", &flag.key).since(flag.stamp.at));
        }
        if !ask.state.is_free_for(&self.key, None) {
            return Err(Refusal::exists("flag", &self.key));
        }
        tenure_flags::check_key(self.key.as_str())
            .map_err(|fault| Refusal::argument(format!("key {}: {fault}", self.key)))?;
        let same_type = std::mem::discriminant(&self.treatment) == std::mem::discriminant(&self.control);
        if self.treatment.is_null() || !same_type {
            return Err(Refusal::argument("treatment and control have different types: a flag has one"));
        }
        Ok(vec![
            FlagCreated {
                case: self.case.clone(),
                key: self.key.clone(),
                treatment: self.treatment.clone(),
                control: self.control.clone(),
                environment: self.environment.clone(),
            }
            .into(),
        ])
    }
}

impl FlagCreated {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        state.flag_cases.insert(self.key.clone(), self.case.clone());
        if let Some(case) = state.case_mut(&self.case) {
            case.flag = Some(CaseFlag {
                key: self.key.clone(),
                treatment: self.treatment.clone(),
                control: self.control.clone(),
                environment: self.environment.clone(),
                stamp: stamp.clone(),
            });
        }
    }
}
