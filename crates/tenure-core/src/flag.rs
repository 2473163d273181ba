//! Flags: those a case is wrapped in, which its exposure compiles into a rollout; and what an environment serves, with those
//! set by hand ([`hand`]).

pub mod hand;
pub mod staleness;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tenure_flags::authoring::Lists;
use tenure_flags::{Definition, Entry, FlagSet, Phase, Rollout, Share};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, EnvironmentId, FlagKey};
use crate::person::{Role, Seat};
use crate::refusal::Refusal;
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

    /// The rollout behind a flag's key, when a case is wrapped in it.
    pub fn rollout_flag(&self, key: &FlagKey) -> Option<Rollout> {
        self.case_of_flag(key)?.rollout()
    }

    /// Every flag of an environment: those set by hand as they were set, those of cases compiled from their exposure, and
    /// the segments that rules refer to. An archived environment serves none.
    pub fn flag_set(&self, environment: &EnvironmentId, lists: &dyn Lists) -> FlagSet {
        let mut set = FlagSet::default();
        for key in self.flags.keys().chain(self.flag_cases.keys()) {
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
        let source = self.flags.get(key)?.source(environment)?;
        let definition: Result<Definition, _> = source.definition(key.as_str(), lists);
        Some(match definition {
            Ok(definition) => Entry::Sound(definition),
            Err(fault) => Entry::Faulty { source: source.json(), fault },
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
        plain.chain(cases.map(|(key, _)| key)).collect()
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
        let by_hand = ask.state.flags.get(&self.key).is_some_and(|flag| flag.in_force().next().is_some());
        if by_hand || ask.state.flag_cases.contains_key(&self.key) {
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
