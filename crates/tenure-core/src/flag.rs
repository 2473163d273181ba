//! Flags: those set by hand, and those a case is wrapped in, which its exposure compiles into a rollout.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tenure_flags::{Entry, FlagSet, Phase, Rollout, Share, Snapshot};

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

/// A flag set by hand: its flagd definition by environment. An archived one has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlainFlag {
    /// flagd definitions, as they were given.
    pub definitions: BTreeMap<EnvironmentId, Json>,
}

impl Case {
    /// The case's flag as a rollout, whatever its exposure is now.
    pub fn rollout(&self) -> Option<Rollout> {
        let flag = self.flag.as_ref()?;
        let (phase, unit, share) = match (self.exposure_percent() > 0.0, self.stage, &self.plan) {
            (true, Stage::RollingOut | Stage::Outcome, Some(plan)) => {
                (Phase::Measuring, plan.unit.clone(), plan.treatment_share)
            }
            (true, ..) => (Phase::Everyone, crate::metric::targeting_key(), 0.5),
            (false, ..) => (Phase::Nobody, crate::metric::targeting_key(), 0.5),
        };
        let percent = |percent: f64| Share::from_percent(percent).ok();
        Some(Rollout {
            flag_key: flag.key.to_string(),
            name: self.id.to_string(),
            salt: None,
            iteration: self.iteration,
            unit_attribute: unit,
            coverage: percent(self.admitted_percent())?,
            exclusion: None,
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
        self.flag_cases.get(key).and_then(|case| self.cases.get(case))
    }

    /// The rollout behind a flag's key, when a case is wrapped in it.
    pub fn rollout_flag(&self, key: &FlagKey) -> Option<Rollout> {
        self.case_of_flag(key)?.rollout()
    }

    /// Every flag of an environment: those set by hand as they were set, and those of cases compiled from
    /// their exposure.
    pub fn flag_set(&self, environment: &EnvironmentId) -> FlagSet {
        let mut set = FlagSet::default();
        for (key, flag) in &self.flags {
            if let Some(definition) = flag.definitions.get(environment) {
                set.flags.insert(key.to_string(), Entry::from_json(key.as_str(), definition.clone()));
            }
        }
        for case in self.flag_cases.values().filter_map(|case| self.cases.get(case)) {
            let here = case.flag.as_ref().filter(|flag| flag.environment == *environment);
            let definition = here.and_then(|_| case.rollout()).and_then(|rollout| rollout.definition().ok());
            if let (Some(flag), Some(definition)) = (here, definition) {
                set.flags.insert(flag.key.to_string(), definition.into());
            }
        }
        set
    }

    /// Every environment that has a flag, and `production`.
    pub fn environments(&self) -> std::collections::BTreeSet<EnvironmentId> {
        let plain = self.flags.values().flat_map(|flag| flag.definitions.keys());
        let cases = self.cases.values().filter_map(|case| case.flag.as_ref()).map(|flag| &flag.environment);
        plain.chain(cases).cloned().chain([production()]).collect()
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

/// Sets a flag by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetFlag {
    /// Its key.
    pub key: FlagKey,
    /// Its flagd definition.
    pub definition: Json,
    /// Where; `production` when left out.
    #[serde(default = "production")]
    pub environment: EnvironmentId,
}

/// Takes a flag that was set by hand away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArchiveFlag {
    /// Its key.
    pub key: FlagKey,
    /// Where; everywhere when left out.
    #[serde(default)]
    pub environment: Option<EnvironmentId>,
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

/// A flag was set by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagSetByHand {
    /// Its key.
    pub key: FlagKey,
    /// Its flagd definition.
    pub definition: Json,
    /// Where.
    pub environment: EnvironmentId,
}

/// A flag that was set by hand was taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagArchived {
    /// Its key.
    pub key: FlagKey,
    /// Where; everywhere when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentId>,
}

impl CreateFlag {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &[Seat::Role(Role::Developer)], "create the flag")?;
        ask.stage(case, &[Stage::Building])?;
        if let Some(flag) = &case.flag {
            return Err(Refusal::exists("flag of this case,", &flag.key).since(flag.stamp.at));
        }
        if ask.state.flags.contains_key(&self.key) || ask.state.flag_cases.contains_key(&self.key) {
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

fn flag_setters() -> Vec<Seat> {
    let mut seats = [Role::Admin, Role::Developer, Role::DevelopmentLead].map(Seat::Somewhere).to_vec();
    seats.push(Seat::System);
    seats
}

impl SetFlag {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.seated(&flag_setters(), None, "set a flag")?;
        if let Some(case) = ask.state.case_of_flag(&self.key) {
            return Err(Refusal::exists("flag", &self.key).missing([format!(
                "another key: this one belongs to case {}, whose rollout raises it",
                case.id
            )]));
        }
        self.check()?;
        let now = ask.state.flags.get(&self.key).and_then(|flag| flag.definitions.get(&self.environment));
        if now == Some(&self.definition) {
            return Ok(Vec::new());
        }
        Ok(vec![
            FlagSetByHand {
                key: self.key.clone(),
                definition: self.definition.clone(),
                environment: self.environment.clone(),
            }
            .into(),
        ])
    }
}

impl SetFlag {
    /// A definition is set when it can be served: it is well-formed, and its rule compiles.
    fn check(&self) -> Result<(), Refusal> {
        let mut set = FlagSet::default();
        set.flags.insert(self.key.to_string(), Entry::from_json(self.key.as_str(), self.definition.clone()));
        match Snapshot::compile(&set).faults().next() {
            Some((_, fault)) => Err(Refusal::argument(format!("definition: {fault}"))),
            None => Ok(()),
        }
    }
}

impl ArchiveFlag {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let flag = ask.state.flags.get(&self.key).ok_or_else(|| Refusal::not_found("flag", &self.key))?;
        ask.seated(&flag_setters(), None, "archive a flag")?;
        if self.environment.as_ref().is_some_and(|environment| !flag.definitions.contains_key(environment)) {
            return Ok(Vec::new());
        }
        Ok(vec![FlagArchived { key: self.key.clone(), environment: self.environment.clone() }.into()])
    }
}

impl FlagCreated {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        state.flag_cases.insert(self.key.clone(), self.case.clone());
        if let Some(case) = state.cases.get_mut(&self.case) {
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

impl FlagSetByHand {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        let flag = state.flags.entry(self.key.clone()).or_default();
        flag.definitions.insert(self.environment.clone(), self.definition.clone());
    }
}

impl FlagArchived {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        let Some(flag) = state.flags.get_mut(&self.key) else { return };
        match &self.environment {
            Some(environment) => {
                flag.definitions.remove(environment);
            }
            None => flag.definitions.clear(),
        }
        if flag.definitions.is_empty() {
            state.flags.remove(&self.key);
        }
    }
}
