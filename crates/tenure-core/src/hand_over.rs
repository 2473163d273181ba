//! Hand-over: what the product owners get before the warranty ends, so that they can answer for the feature after it.
//!
//! The pack is drawn up thirty days before the last day and recorded as it was then. A product owner acknowledges it; the
//! hand-over happens at the warranty's end all the same.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::deviation::DeviationKind;
use crate::event::Event;
use crate::experiment::Hypothesis;
use crate::follow_up::FollowUpStatus;
use crate::id::{
    AccountId, BugId, CaseId, CodebaseId, EnvironmentId, ExperimentId, FlagKey, FollowUpId, TeamId,
};
use crate::measurement::Verdict;
use crate::outcome::Justification;
use crate::person::{CASE_TEAM, Role, Seat};
use crate::refusal::{Refusal, WhoMay};
use crate::state::State;
use crate::time::{Stamp, days_later};
use crate::warranty::Accountable;

/// Days before the warranty's last day at which the pack is drawn up.
pub const DAYS_BEFORE: i64 = 30;

/// Everything a team needs to answer for a feature it did not build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pack {
    /// What it is.
    pub feature: Feature,
    /// Bugs that are not fixed, with who fixes them.
    pub open_bugs: Vec<OpenBug>,
    /// The flag it is wrapped in.
    pub flag: Option<FlagFacts>,
    /// The code it is in.
    pub codebases: Vec<CodeFacts>,
    /// What it was measured by.
    pub metrics: Vec<String>,
    /// Who knows about it, and who owns it.
    pub contacts: Vec<WhoMay>,
    /// How it differs from the experiment.
    pub deviations: Vec<Difference>,
    /// Ideas that build on it.
    pub follow_ups: BTreeMap<FollowUpId, FollowUpStatus>,
    /// How to take it out, step by step.
    pub removal: Vec<String>,
}

/// What a feature is, and what it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Feature {
    /// The experiment it comes from.
    pub experiment: ExperimentId,
    /// Its name for people.
    pub title: Option<String>,
    /// What was believed.
    pub hypothesis: Option<Hypothesis>,
    /// The verdict of its rollout.
    pub verdict: Option<Verdict>,
    /// The verdict in words.
    pub sentence: Option<String>,
    /// Who measured it, when it was made outside.
    pub self_reported: Option<String>,
    /// Why it is kept, when the effect was not significant; with the date of the next review.
    pub justification: Option<Justification>,
}

/// A bug that is not fixed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenBug {
    /// Which.
    pub bug: BugId,
    /// What is wrong.
    pub description: Option<String>,
    /// The date of the report.
    pub on: Date,
    /// Who fixes it, also after the hand-over.
    pub accountable: Accountable,
}

/// The flag of a feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlagFacts {
    /// Its key.
    pub key: FlagKey,
    /// Where it is served.
    pub environment: EnvironmentId,
    /// The date it should have left the code by.
    pub gone_by: Option<Date>,
}

/// A codebase that a feature is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeFacts {
    /// Which.
    pub codebase: CodebaseId,
    /// Whether its owners confirmed that the flag and the losing code are gone.
    pub cleared: bool,
    /// Its owners.
    pub owners: Vec<AccountId>,
}

/// How a feature differs from its experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Its number in the ledger.
    pub number: u32,
    /// How far it goes.
    pub kind: DeviationKind,
    /// What was changed.
    pub description: String,
}

/// A pack that was drawn up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandOver {
    /// The last day of the warranty it is for.
    pub ends: Date,
    /// What is in it.
    pub pack: Pack,
    /// When it was drawn up.
    pub prepared: Stamp,
    /// Product teams that acknowledged it.
    pub acknowledged: BTreeMap<TeamId, Stamp>,
}

/// Where a hand-over stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandOverStatus {
    /// The pack waits for acknowledgements.
    Prepared,
    /// Every product team acknowledged it.
    Acknowledged,
    /// The warranty is over: the product owners are accountable, whoever acknowledged.
    Effective,
}

impl Case {
    /// Where the hand-over stands on a date; none before its pack is drawn up.
    pub fn hand_over_status(&self, today: Date) -> Option<HandOverStatus> {
        let hand_over = self.hand_over.as_ref()?;
        Some(if today > hand_over.ends {
            HandOverStatus::Effective
        } else if self.teams_without_hand_over().is_empty() {
            HandOverStatus::Acknowledged
        } else {
            HandOverStatus::Prepared
        })
    }

    /// Product teams that have not acknowledged the pack.
    pub fn teams_without_hand_over(&self) -> Vec<TeamId> {
        let Some(hand_over) = &self.hand_over else { return Vec::new() };
        self.teams().into_iter().filter(|team| !hand_over.acknowledged.contains_key(team)).collect()
    }
}

impl State {
    /// The pack of a case as it would be drawn up now.
    pub fn hand_over_pack(&self, case: &Case) -> Pack {
        let experiment = self.experiments.get(&case.experiment);
        let judged = case.measurements.judged_in(case.iteration);
        let people = |seat: Seat| WhoMay {
            accounts: self.sitters(&seat, Some(case.place())),
            seat: seat.to_string(),
            deputies: Vec::new(),
        };
        let flag = case.flag.as_ref().map(|flag| FlagFacts {
            key: flag.key.clone(),
            environment: flag.environment.clone(),
            gone_by: case.kept.as_ref().map(|kept| kept.flag_gone_by),
        });
        let codebases = case.codebases().into_iter().map(|codebase| CodeFacts {
            cleared: case.cleared.contains_key(&codebase),
            owners: self.sitters(&Seat::CodebaseOwner(codebase.clone()), None),
            codebase,
        });
        let codebases: Vec<CodeFacts> = codebases.collect();
        let primary =
            experiment.map(|experiment| format!("{} per {}", experiment.metric.name, experiment.metric.unit));
        let guardrails = case.plan.iter().flat_map(|plan| &plan.guardrails);
        let guardrails = guardrails.map(|guardrail| format!("{} (guardrail)", guardrail.metric));
        let seats = CASE_TEAM.map(Seat::Role).into_iter().chain(case.product_owner_seats());
        Pack {
            feature: Feature {
                experiment: case.experiment.clone(),
                title: experiment.and_then(|experiment| experiment.title.clone()),
                hypothesis: experiment.and_then(|experiment| experiment.hypothesis.clone()),
                verdict: judged.map(|judged| judged.verdict),
                sentence: judged.map(|judged| judged.judged.sentence.clone()),
                self_reported: judged.and_then(|judged| judged.self_reported.clone()),
                justification: case.kept.as_ref().and_then(|kept| kept.justification.clone()),
            },
            open_bugs: case
                .open_bugs()
                .map(|(id, bug)| OpenBug {
                    bug: id.clone(),
                    description: bug.description.clone(),
                    on: bug.on,
                    accountable: bug.accountable,
                })
                .collect(),
            removal: removal(flag.as_ref(), &codebases),
            flag,
            codebases,
            metrics: primary.into_iter().chain(guardrails).collect(),
            contacts: seats.map(people).filter(|who| !who.accounts.is_empty()).collect(),
            deviations: case
                .ledger
                .deviations
                .iter()
                .map(|deviation| Difference {
                    number: deviation.number,
                    kind: deviation.kind,
                    description: deviation.description.clone(),
                })
                .collect(),
            follow_ups: case
                .follow_ups
                .iter()
                .map(|(id, follow_up)| (id.clone(), case.follow_up_status(follow_up)))
                .collect(),
        }
    }
}

fn removal(flag: Option<&FlagFacts>, codebases: &[CodeFacts]) -> Vec<String> {
    let mut steps = Vec::new();
    if let Some(flag) = flag.filter(|_| codebases.iter().any(|code| !code.cleared)) {
        steps.push(format!(
            "stop exposure: flag {} in {} then serves the control to everybody",
            flag.key, flag.environment
        ));
    }
    steps.extend(codebases.iter().map(|code| match code.cleared {
        true => format!("take the feature out of {}; its flag is gone from there already", code.codebase),
        false => format!("take the feature and its flag out of {}", code.codebase),
    }));
    steps.push("have an owner of each codebase confirm that the code is gone".to_owned());
    steps
}

/// Draws up the hand-over pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrepareHandOver {
    /// Of which case.
    pub case: CaseId,
}

/// Acknowledges the hand-over pack for a product team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcknowledgeHandOver {
    /// Of which case.
    pub case: CaseId,
    /// For which team.
    pub team: TeamId,
}

/// The pack was drawn up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandOverPrepared {
    /// Of which case.
    pub case: CaseId,
    /// The last day of the warranty it is for.
    pub ends: Date,
    /// What is in it.
    pub pack: Box<Pack>,
}

/// A product team acknowledged the pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandOverAcknowledged {
    /// Of which case.
    pub case: CaseId,
    /// Which team.
    pub team: TeamId,
}

impl PrepareHandOver {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &[Seat::System, Seat::Role(Role::DevelopmentLead)], "draw up the hand-over pack")?;
        ask.stage(case, &[Stage::Productionised])?;
        let Some(ends) = case.warranty_ends() else {
            return Err(Refusal::wrong_state("no warranty is running"));
        };
        let first = days_later(ends, -DAYS_BEFORE);
        if ask.owner_date(case) < first {
            return Err(Refusal::wrong_state(format!(
                "the warranty runs through {ends}: the pack is drawn up on {first}"
            )));
        }
        let pack = Box::new(ask.state.hand_over_pack(case));
        if case.hand_over.as_ref().is_some_and(|before| before.ends == ends && before.pack == *pack) {
            return Ok(Vec::new());
        }
        Ok(vec![HandOverPrepared { case: self.case.clone(), ends, pack }.into()])
    }
}

impl AcknowledgeHandOver {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        ask.may(case, &[Seat::ProductOwner(self.team.clone())], "acknowledge the hand-over for that team")?;
        ask.stage(case, &[Stage::Productionised, Stage::Closed])?;
        let Some(hand_over) = &case.hand_over else {
            return Err(Refusal::wrong_state(format!(
                "the hand-over pack is drawn up {DAYS_BEFORE} days before the warranty ends"
            )));
        };
        if !case.teams().contains(&self.team) {
            return Err(Refusal::not_found("product team of this case called", &self.team));
        }
        if hand_over.acknowledged.contains_key(&self.team) {
            return Ok(Vec::new());
        }
        Ok(vec![HandOverAcknowledged { case: self.case.clone(), team: self.team.clone() }.into()])
    }
}

impl HandOverPrepared {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.hand_over = Some(HandOver {
            ends: self.ends,
            pack: (*self.pack).clone(),
            prepared: stamp.clone(),
            acknowledged: BTreeMap::new(),
        });
    }
}

impl HandOverAcknowledged {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(hand_over) = &mut case.hand_over {
            hand_over.acknowledged.insert(self.team.clone(), stamp.clone());
        }
    }
}
