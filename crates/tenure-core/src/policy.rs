//! Policy: everything a team can reasonably disagree on, as one value under version control.
//!
//! A company has one, and a team may differ from it in any key. A case keeps the policy it was opened under: its team's;
//! setting a policy makes a new revision, which holds for the cases opened after it. What may never be otherwise (the
//! bans and invariants of the process) is no policy.

pub mod change;
pub mod file;
mod key;

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::calendar::Weekday;
use crate::case::Case;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::TeamId;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Stamp;

/// What a company may set. Every field has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Two-sided error rate of a verdict; each iteration after the first halves it.
    pub alpha: f64,
    /// A sample ratio with a p-value below this makes an outside measurement invalid.
    pub srm_p: f64,
    /// Negative verdicts after which a case cannot iterate any more.
    pub max_negative: u32,
    /// Iterations a case may have in all.
    pub max_iterations: u32,
    /// Largest sum of deviation weights over the whole case.
    pub deviation_budget: u32,
    /// What a deviation weighs.
    pub weights: Weights,
    /// Age of an experiment, in days, over which opening a case warns.
    pub stale_warn_days: u32,
    /// Age of an experiment, in days, over which opening a case is refused.
    pub stale_block_days: u32,
    /// Months of warranty proposed when nobody says otherwise.
    pub warranty_months: u32,
    /// Who has to confirm a decision.
    pub who_confirms: WhoConfirms,
    /// Promises, in working days unless the name says otherwise.
    pub deadlines: Deadlines,
    /// How cost is weighed against benefit.
    pub weighing: Weighing,
    /// Hours between two looks at a running rollout.
    pub look_every_hours: u32,
    /// Hours a wave runs before the next is started automatically, when the plan does not say.
    pub wave_min_hours: u32,
    /// IANA name of the zone in which days begin.
    pub time_zone: String,
    /// Days of the week on which nobody works.
    pub weekend: Vec<Weekday>,
    /// Dates on which nobody works.
    pub holidays: Vec<Date>,
}

/// Weights of deviations, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// Looks and behaves the same.
    pub parity: u32,
    /// Small design polish.
    pub polish: u32,
    /// A visible change.
    pub adjustment: u32,
}

/// How cost is weighed against benefit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WeighingPolicy")]
#[serde(default, deny_unknown_fields)]
pub struct Weighing {
    /// A weighing is stale when an estimate it rests on moved by more than so many percent.
    pub stale_percent: u32,
    /// What a person-day costs when a weighing does not say; 0 when each has to.
    pub day_rate: u32,
    /// The currency of amounts when a weighing does not say; empty when there is none to name.
    pub currency: String,
}

impl Default for Weighing {
    fn default() -> Self {
        Self { stale_percent: 25, day_rate: 0, currency: String::new() }
    }
}

/// Who has to confirm a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhoConfirms {
    /// Development lead, product manager and design lead; one person may hold several.
    ThreeDrivers,
    /// The product manager alone.
    ProductManager,
    /// Any one driver.
    OneDriver,
}

/// Promises. A deadline escalates; it never decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Deadlines {
    /// To answer a consultation.
    pub consultation: u32,
    /// To estimate a codebase once it is named.
    pub estimate: u32,
    /// To decide, after the cost/benefit.
    pub decision: u32,
    /// To answer buy-in.
    pub buy_in: u32,
    /// To respond to the first pull request.
    pub pull_request: u32,
    /// To hold the QA demo.
    pub qa_demo: u32,
    /// To decide an outcome.
    pub outcome: u32,
    /// To decide a negative outcome.
    pub negative_outcome: u32,
    /// Months within which a justified keep is reviewed.
    pub keep_review_months: u32,
    /// Months after which a parked case is looked at again.
    pub parked_review_months: u32,
    /// Calendar days after a keep in which the flag leaves the code.
    pub flag_gone_days: u32,
    /// Calendar days before the end of a warranty at which it is said; at its end it always is.
    pub warranty_notice_days: Vec<u32>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            alpha: 0.05,
            srm_p: 0.001,
            max_negative: 2,
            max_iterations: 3,
            deviation_budget: 5,
            weights: Weights::default(),
            stale_warn_days: 180,
            stale_block_days: 365,
            warranty_months: 6,
            who_confirms: WhoConfirms::ThreeDrivers,
            deadlines: Deadlines::default(),
            weighing: Weighing::default(),
            look_every_hours: 24,
            wave_min_hours: 48,
            time_zone: "UTC".to_owned(),
            weekend: vec![Weekday::Saturday, Weekday::Sunday],
            holidays: Vec::new(),
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self { parity: 0, polish: 1, adjustment: 3 }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            consultation: 5,
            estimate: 5,
            decision: 10,
            buy_in: 10,
            pull_request: 2,
            qa_demo: 5,
            outcome: 5,
            negative_outcome: 2,
            keep_review_months: 6,
            parked_review_months: 6,
            flag_gone_days: 30,
            warranty_notice_days: vec![30, 7],
        }
    }
}

/// What a team says otherwise than its company: some keys of a policy, with their values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Overrides(#[schemars(with = "Policy")] pub Map<String, Json>);

/// A value that cannot be meant, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFault {
    /// The key, such as `deadlines.buy_in`.
    pub key: String,
    /// What to do about it.
    pub says: String,
}

impl Policy {
    /// Everything in it that cannot be meant.
    pub fn faults(&self) -> Vec<KeyFault> {
        key::faults(self)
    }

    /// The policy with some keys otherwise, or what cannot be meant.
    pub fn with(&self, overrides: &Overrides) -> Result<Self, Vec<KeyFault>> {
        let faults = key::faults_in(&overrides.0);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut merged = key::as_json(self);
        merge(&mut merged, &overrides.0);
        let policy: Self = serde_json::from_value(Json::Object(merged))
            .map_err(|fault| vec![KeyFault { key: "policy".to_owned(), says: fault.to_string() }])?;
        let faults = policy.faults();
        if faults.is_empty() { Ok(policy) } else { Err(faults) }
    }
}

fn merge(into: &mut Map<String, Json>, from: &Map<String, Json>) {
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (Some(Json::Object(into)), Json::Object(from)) => merge(into, from),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The faults as one sentence.
fn refused(prefix: &str, faults: &[KeyFault]) -> Refusal {
    let said: Vec<String> =
        faults.iter().map(|fault| format!("{prefix}{}: {}", fault.key, fault.says)).collect();
    Refusal::argument(said.join("; "))
}

/// The policies of a company at one time: its own, and those of the teams that differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    /// The company's.
    #[serde(flatten)]
    pub policy: Policy,
    /// Those of the teams that differ, whole.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<TeamId, Policy>,
}

impl Revision {
    /// A team's policy.
    pub fn of(&self, team: &TeamId) -> &Policy {
        self.teams.get(team).unwrap_or(&self.policy)
    }
}

impl State {
    /// The company's policy in force for new cases.
    pub fn policy(&self) -> &Policy {
        &self.revision().policy
    }

    /// The policy in force for a team's new cases.
    pub fn policy_for(&self, team: &TeamId) -> &Policy {
        self.revision().of(team)
    }

    /// The policy a case goes by: the one it was opened under, or the one it was changed to since.
    pub fn policy_of<'a>(&'a self, case: &'a Case) -> &'a Policy {
        match (&case.own_policy, &case.policy_of) {
            (Some(own), _) => own,
            (None, Some(team)) => self.revision_of(case).of(team),
            (None, None) => &self.revision_of(case).policy,
        }
    }

    /// The policy by which a team's days count in a case.
    pub(crate) fn policy_in<'a>(&'a self, case: &'a Case, team: &TeamId) -> &'a Policy {
        if *team == case.team { self.policy_of(case) } else { self.revision_of(case).of(team) }
    }

    /// The policies in force for new cases: the company's, and those of the teams that differ.
    pub fn revision(&self) -> &Revision {
        #[expect(clippy::expect_used, reason = "starts with one and only grows")]
        self.policies.last().expect("never empty")
    }

    fn revision_of(&self, case: &Case) -> &Revision {
        self.policies.get(case.policy).unwrap_or_else(|| self.revision())
    }
}

/// Sets the policy for cases opened from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetPolicy {
    /// The company's, whole; a field left out has its default.
    pub policy: Policy,
    /// What teams say otherwise; a team left out goes by the company's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<TeamId, Overrides>,
}

/// The policy was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicySet {
    /// The company's, whole.
    pub policy: Policy,
    /// Those of the teams that differ, whole.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<TeamId, Policy>,
}

impl SetPolicy {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        for team in self.teams.keys() {
            ask.team(team)?;
        }
        ask.admin()?;
        let faults = self.policy.faults();
        if !faults.is_empty() {
            return Err(refused("policy.", &faults));
        }
        let mut teams = BTreeMap::new();
        for (team, overrides) in &self.teams {
            let policy =
                self.policy.with(overrides).map_err(|faults| refused(&format!("teams.{team}."), &faults))?;
            teams.insert(team.clone(), policy);
        }
        let revision = Revision { policy: self.policy.clone(), teams };
        if *ask.state.revision() == revision {
            return Ok(Vec::new());
        }
        Ok(vec![PolicySet { policy: revision.policy, teams: revision.teams }.into()])
    }
}

impl PolicySet {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        state.policies.push(Revision { policy: self.policy.clone(), teams: self.teams.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_policy_takes_defaults_for_the_rest() {
        let policy: Policy =
            serde_json::from_str(r#"{"deviation_budget": 7, "weights": {"polish": 2}}"#).unwrap();
        assert_eq!(policy.deviation_budget, 7);
        assert_eq!(policy.weights, Weights { parity: 0, polish: 2, adjustment: 3 });
        assert_eq!(policy.alpha, 0.05);
    }

    #[test]
    fn a_policy_that_cannot_be_meant_is_named() {
        let check = |policy: Policy, key: &str| {
            let faults = policy.faults();
            assert_eq!(
                faults.iter().map(|fault| fault.key.as_str()).collect::<Vec<_>>(),
                [key],
                "{faults:?}"
            );
        };
        let deadlines = |deadlines: Deadlines| Policy { deadlines, ..Policy::default() };
        check(Policy { alpha: 0.0, ..Policy::default() }, "alpha");
        check(Policy { srm_p: f64::NAN, ..Policy::default() }, "srm_p");
        check(Policy { max_iterations: 0, ..Policy::default() }, "max_iterations");
        check(Policy { stale_warn_days: 400, ..Policy::default() }, "stale_warn_days");
        let weighing = Weighing { currency: " ".to_owned(), ..Weighing::default() };
        check(Policy { weighing, ..Policy::default() }, "weighing.currency");
        check(Policy { weekend: Weekday::ALL.to_vec(), ..Policy::default() }, "weekend");
        check(Policy { time_zone: "Mars/Olympus".to_owned(), ..Policy::default() }, "time_zone");
        check(deadlines(Deadlines { buy_in: 0, ..Deadlines::default() }), "deadlines.buy_in");
        check(
            deadlines(Deadlines { warranty_notice_days: vec![0], ..Deadlines::default() }),
            "deadlines.warranty_notice_days",
        );
        assert_eq!(Policy::default().faults(), []);
    }

    #[test]
    fn a_team_differs_in_the_keys_it_names() {
        let overrides = |text: &str| Overrides(serde_json::from_str(text).unwrap());
        let company = Policy { deviation_budget: 7, ..Policy::default() };
        let team = company.with(&overrides(r#"{"weights": {"polish": 2}, "alpha": 0.01}"#)).unwrap();
        assert_eq!((team.deviation_budget, team.alpha), (7, 0.01));
        assert_eq!(team.weights, Weights { parity: 0, polish: 2, adjustment: 3 });
        let faults = company.with(&overrides(r#"{"alhpa": 1, "deadlines": {"buy_in": 0}}"#)).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn a_revision_from_before_teams_differed_is_read() {
        let written = serde_json::to_value(Policy { alpha: 0.01, ..Policy::default() }).unwrap();
        let read: Revision = serde_json::from_value(written).unwrap();
        assert_eq!((read.policy.alpha, read.teams.len()), (0.01, 0));
        assert_eq!(serde_json::from_value::<Revision>(serde_json::to_value(&read).unwrap()).unwrap(), read);
    }
}
