//! The outcome: keep, keep with a justification, iterate or remove. Nobody keeps a negative.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accountability::Term;
use crate::case::{Case, Stage};
use crate::code_reference;
use crate::codebase::{ItemTemplate, processes, stated};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{AccountId, CaseId, CodebaseId};
use crate::measurement::{Level, Verdict};
use crate::person::{Actor, DRIVERS, Seat};
use crate::policy::Deadlines;
use crate::refusal::{Refusal, RefusalCode};
use crate::rollout::holdback::HeldBack;
use crate::sign_off::checklists;
use crate::time::{Stamp, days_later, months_later};

/// What is decided about a measured feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// Keep a positive.
    Keep,
    /// Keep what is not significant, for a stated reason.
    KeepJustified,
    /// Build it better and measure again.
    Iterate,
    /// Take it out.
    Remove,
}

/// Why a feature without a significant effect is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Justification {
    /// Why.
    pub why: String,
    /// Person-days of maintenance a year.
    pub maintenance_days: f64,
    /// Who pays them.
    pub who_pays: String,
    /// When it is looked at again.
    pub review_on: Date,
}

/// A justification as it is given: everything may still be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JustificationDraft {
    /// Why.
    pub why: Option<String>,
    /// Person-days of maintenance a year.
    pub maintenance_days: Option<f64>,
    /// Who pays them.
    pub who_pays: Option<String>,
    /// When it is looked at again.
    pub review_on: Option<Date>,
}

/// A product owner's acknowledgement of a justified keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledgement {
    /// Which product owner.
    pub by: AccountId,
    /// When it was recorded, and by whom: the product owner, or a driver who says so.
    pub stamp: Stamp,
}

/// A feature that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// The number of the measurement it cites.
    pub cites: u32,
    /// The iteration that was kept.
    pub iteration: u32,
    /// Why, when the effect was not significant.
    pub justification: Option<Justification>,
    /// Who acknowledged that.
    pub acknowledgement: Option<Acknowledgement>,
    /// Whether it was negative in an earlier iteration.
    pub recovered: bool,
    /// The new baseline to beat: the treatment's level in the rollout.
    pub level: Level,
    /// The control's level in the same rollout.
    pub control_level: Level,
    /// The date the flag should have left the code by.
    pub flag_gone_by: Date,
    /// The date of the decision.
    pub on: Date,
    /// The date of the latest review of a justified keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_on: Option<Date>,
    /// Who is held back from it, while anybody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdback: Option<HeldBack>,
    /// When, and by which driver.
    pub stamp: Stamp,
}

impl Kept {
    /// When a justified keep is reviewed: on the date it gave, and within the months that the policy allows.
    pub fn review(&self, deadlines: &Deadlines) -> Option<Date> {
        let latest = months_later(self.reviewed_on.unwrap_or(self.on), deadlines.keep_review_months);
        self.justification.as_ref().map(|justification| justification.review_on.min(latest))
    }
}

/// One account or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "product_owner_acknowledges is an account or a list of accounts")]
pub enum Acknowledgers {
    /// One.
    One(AccountId),
    /// Several.
    Several(Vec<AccountId>),
}

impl Acknowledgers {
    fn iter(&self) -> impl Iterator<Item = &AccountId> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
        .iter()
    }
}

impl Case {
    /// Codebases whose owners have not confirmed that the flag and the losing code are gone.
    pub fn codebases_not_cleared(&self) -> Vec<CodebaseId> {
        let uncleared = self.named().filter(|codebase| !self.cleared.contains_key(*codebase));
        uncleared.collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }
}

/// Decides what happens with a measured feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecideOutcome {
    /// Of which case.
    pub case: CaseId,
    /// What.
    pub kind: OutcomeKind,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// For a justified keep.
    #[serde(default)]
    pub justification: Option<JustificationDraft>,
    /// The product owner who acknowledges a justified keep, as a driver says.
    #[serde(default)]
    pub product_owner_acknowledges: Option<Acknowledgers>,
}

/// A product owner acknowledges that a feature without a significant effect is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcknowledgeKeep {
    /// Of which case.
    pub case: CaseId,
}

/// Confirms that the flag and the losing code are gone from a codebase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfirmRemoved {
    /// Of which case.
    pub case: CaseId,
    /// From which codebase.
    pub codebase: CodebaseId,
}

/// What a review of a justified keep ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// It stays, until the next review.
    Affirm,
    /// It goes.
    Remove,
}

/// Reviews a justified keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewKeep {
    /// Of which case.
    pub case: CaseId,
    /// What it ends in.
    #[serde(alias = "decision", alias = "result")]
    pub kind: Review,
    /// The next review, when it stays.
    #[serde(default)]
    pub review_on: Option<Date>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A product owner acknowledged a justified keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeepAcknowledged {
    /// Of which case.
    pub case: CaseId,
    /// Which product owner.
    pub by: AccountId,
}

/// The feature is kept: everyone meets it, and the warranty counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeatureKept {
    /// Of which case.
    pub case: CaseId,
    /// The number of the measurement it cites.
    pub cites: u32,
    /// Why, when the effect was not significant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<Justification>,
    /// Whether it was negative in an earlier iteration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovered: bool,
    /// The date of the decision, from which the warranty counts.
    pub on: Date,
    /// The warranty's last day.
    pub warranty_ends: Date,
    /// The date the flag should have left the code by.
    pub flag_gone_by: Date,
    /// The new baseline to beat.
    pub level: Level,
    /// The control's level in the same rollout.
    pub control_level: Level,
    /// Who is held back from it, and how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdback: Option<HeldBack>,
}

/// It is built better and measured again: exposure 0, and the owner process runs again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IterationStarted {
    /// Of which case.
    pub case: CaseId,
    /// 2 or more.
    pub iteration: u32,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The owner process of each codebase, as it is now.
    pub processes: BTreeMap<CodebaseId, Vec<ItemTemplate>>,
    /// The date for the product owners, from which the building team is accountable again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Date>,
}

/// The feature goes: exposure 0, and the owners take the code out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RemovalStarted {
    /// Of which case.
    pub case: CaseId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The flag and the losing code are gone from a codebase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CodebaseCleared {
    /// Of which case.
    pub case: CaseId,
    /// Which.
    pub codebase: CodebaseId,
    /// The scan of the code that shows it, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_by: Option<String>,
}

/// Everything is out of the code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseRemoved {
    /// Which case.
    pub case: CaseId,
}

/// A justified keep was reviewed, and stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeepAffirmed {
    /// Of which case.
    pub case: CaseId,
    /// The date of this review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Date>,
    /// The next review.
    pub review_on: Date,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl DecideOutcome {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &DRIVERS.map(Seat::Role), "decide an outcome")?;
        let held = case.hold.is_some() && matches!(case.stage, Stage::RollingOut | Stage::Productionised);
        if !(held && matches!(self.kind, OutcomeKind::Iterate | OutcomeKind::Remove)) {
            ask.stage(case, &[Stage::Outcome])?;
        }
        match self.kind {
            OutcomeKind::Keep => self.keep(ask, case, None),
            OutcomeKind::KeepJustified => self.keep_justified(ask, case),
            OutcomeKind::Iterate => self.iterate(ask, case),
            OutcomeKind::Remove => {
                Ok(vec![RemovalStarted { case: case.id.clone(), reason: self.reason.clone() }.into()])
            }
        }
    }

    fn keep(
        &self,
        ask: &Ask<'_>,
        case: &Case,
        justification: Option<Justification>,
    ) -> Result<Vec<Event>, Refusal> {
        let Some(cited) = case.measurements.judged_in(case.iteration) else {
            return Err(Refusal::wrong_state("nothing was judged in this iteration"));
        };
        match cited.verdict {
            Verdict::Negative => return Err(never(cited.iteration)),
            Verdict::Positive if cited.needs_justification && justification.is_none() => {
                return Err(Refusal::new(
                    RefusalCode::NotAllowed,
                    "a guardrail is significantly worse, so keeping this positive needs a justification: use keep_justified",
                ));
            }
            Verdict::NotSignificant if justification.is_none() => {
                return Err(Refusal::new(
                    RefusalCode::NotAllowed,
                    "the effect is not significant: justify keeping it, iterate, or remove it",
                ));
            }
            _ => {}
        }
        if let Some(hold) = &case.hold {
            return Err(Refusal::new(
                RefusalCode::Held,
                format!("exposure is held: {}", hold.cause.sentence()),
            )
            .since(hold.since.at));
        }
        let months = case.warranty.as_ref().map_or(0, |warranty| warranty.months);
        let deadlines = &ask.state.policy_of(case).deadlines;
        let today = ask.owner_date(case);
        let planned = case.plan.as_ref().and_then(|plan| plan.holdback.as_ref());
        let holdback = planned.map(|holdback| holdback.after(today));
        // The flag is needed for as long as anybody is held back by it.
        let needed_until = holdback.as_ref().map_or(today, |held_back| held_back.until);
        Ok(vec![
            FeatureKept {
                case: case.id.clone(),
                cites: cited.number,
                recovered: case.measurements.negatives() > 0,
                on: today,
                warranty_ends: months_later(today, months),
                flag_gone_by: days_later(needed_until, i64::from(deadlines.flag_gone_days)),
                level: cited.treatment,
                control_level: cited.control,
                justification,
                holdback,
            }
            .into(),
        ])
    }

    fn keep_justified(&self, ask: &Ask<'_>, case: &Case) -> Result<Vec<Event>, Refusal> {
        match case.measurements.judged_in(case.iteration) {
            Some(cited) if cited.verdict == Verdict::Negative => return Err(never(cited.iteration)),
            Some(cited) if cited.verdict == Verdict::Positive && !cited.needs_justification => {
                return Err(Refusal::new(
                    RefusalCode::NotAllowed,
                    "the effect is positive and needs no justification: use keep",
                ));
            }
            _ => {}
        }
        let justification = self.justification.clone().unwrap_or_default().complete(ask.today(case))?;
        let mut events = Vec::new();
        if case.acknowledgement.is_none() {
            let by = self.acknowledged_by(ask, case)?;
            events.push(KeepAcknowledged { case: case.id.clone(), by }.into());
        }
        events.extend(self.keep(ask, case, Some(justification))?);
        Ok(events)
    }

    /// The product owner named, or the actor when they are one themselves and are named by nobody else.
    fn acknowledged_by(&self, ask: &Ask<'_>, case: &Case) -> Result<AccountId, Refusal> {
        let seats = case.product_owner_seats();
        let owns = |account: &AccountId| {
            let actor = Actor::of(account.clone());
            seats.iter().any(|seat| ask.state.sits(&actor, seat, Some(case.place())))
        };
        self.product_owner_acknowledges
            .iter()
            .flat_map(Acknowledgers::iter)
            .find(|account| owns(account))
            .cloned()
            .ok_or_else(|| {
                let mut refusal = Refusal::new(
                    RefusalCode::PoAckMissing,
                    "no product owner of this case acknowledges that it is kept without a significant effect",
                )
                .missing(["acknowledge_keep by a product owner"]);
                refusal.who_may = ask.who_may(&seats, Some(case.place()));
                refusal
            })
    }

    fn iterate(&self, ask: &Ask<'_>, case: &Case) -> Result<Vec<Event>, Refusal> {
        let policy = ask.state.policy_of(case);
        let negatives = case.measurements.negatives();
        if negatives >= policy.max_negative {
            return Err(Refusal::new(
                RefusalCode::NotAllowed,
                format!("it was measured negative {negatives} times: only removal is left"),
            ));
        }
        if case.iteration >= policy.max_iterations {
            return Err(Refusal::new(
                RefusalCode::NotAllowed,
                format!("it had {} iterations, and the policy allows no more", case.iteration),
            ));
        }
        Ok(vec![
            IterationStarted {
                case: case.id.clone(),
                iteration: case.iteration + 1,
                reason: self.reason.clone(),
                processes: processes(ask.state, case),
                on: Some(ask.owner_date(case)),
            }
            .into(),
        ])
    }
}

fn never(iteration: u32) -> Refusal {
    Refusal::new(
        RefusalCode::NegativeCannotBeKept,
        format!("it was measured negative in iteration {iteration}, and nobody can keep a negative"),
    )
}

impl JustificationDraft {
    fn complete(self, today: Date) -> Result<Justification, Refusal> {
        let why = stated(self.why.as_deref()).map(str::to_owned);
        let who_pays = stated(self.who_pays.as_deref()).map(str::to_owned);
        let maintenance_days = self.maintenance_days.filter(|days| *days >= 0.0 && days.is_finite());
        let review_on = self.review_on.filter(|date| *date > today);
        match (why, maintenance_days, who_pays, review_on) {
            (Some(why), Some(maintenance_days), Some(who_pays), Some(review_on)) => {
                Ok(Justification { why, maintenance_days, who_pays, review_on })
            }
            (why, maintenance_days, who_pays, review_on) => {
                let missing: Vec<&str> = [
                    why.is_none().then_some("justification.why"),
                    maintenance_days.is_none().then_some("justification.maintenance_days"),
                    who_pays.is_none().then_some("justification.who_pays"),
                    review_on.is_none().then_some("justification.review_on: a date after today"),
                ]
                .into_iter()
                .flatten()
                .collect();
                Err(Refusal::new(
                    RefusalCode::JustificationIncomplete,
                    "keeping what is not significant says why, what it costs, who pays and when it is reviewed",
                )
                .missing(missing))
            }
        }
    }
}

impl AcknowledgeKeep {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &case.product_owner_seats(), "acknowledge a justified keep")?;
        ask.stage(case, &[Stage::Outcome])?;
        match case.measurements.judged_in(case.iteration) {
            Some(cited) if cited.verdict == Verdict::Negative => return Err(never(cited.iteration)),
            Some(cited) if cited.verdict == Verdict::Positive && !cited.needs_justification => {
                return Err(Refusal::new(
                    RefusalCode::NotAllowed,
                    "the effect is positive: a keep needs no acknowledgement",
                ));
            }
            _ => {}
        }
        if case.acknowledgement.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![KeepAcknowledged { case: case.id.clone(), by: ask.actor.account() }.into()])
    }
}

impl ConfirmRemoved {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.codebase(&self.codebase)?;
        ask.may(case, &[Seat::CodebaseOwner(self.codebase.clone())], "confirm that the code is gone")?;
        ask.stage(case, &[Stage::Productionised, Stage::Removing])?;
        if !case.codebases().contains(&self.codebase) {
            return Err(Refusal::not_found("codebase of this case called", &self.codebase));
        }
        if case.cleared.contains_key(&self.codebase) {
            return Ok(Vec::new());
        }
        let shown_by = code_reference::gone(ask, case, &self.codebase)?;
        let mut events =
            vec![CodebaseCleared { case: case.id.clone(), codebase: self.codebase.clone(), shown_by }.into()];
        if case.stage == Stage::Removing && case.codebases_not_cleared() == [self.codebase.clone()] {
            events.push(CaseRemoved { case: case.id.clone() }.into());
        }
        Ok(events)
    }
}

impl ReviewKeep {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &DRIVERS.map(Seat::Role), "review a justified keep")?;
        ask.stage(case, &[Stage::Productionised])?;
        if case.kept.as_ref().is_none_or(|kept| kept.justification.is_none()) {
            return Err(Refusal::wrong_state(format!(
                "case {} was kept on a positive, so there is no review",
                case.id
            )));
        }
        match (self.kind, self.review_on) {
            (Review::Remove, _) => {
                Ok(vec![RemovalStarted { case: case.id.clone(), reason: self.reason.clone() }.into()])
            }
            (Review::Affirm, Some(review_on)) if review_on > ask.today(case) => Ok(vec![
                KeepAffirmed {
                    case: case.id.clone(),
                    on: Some(ask.today(case)),
                    review_on,
                    reason: self.reason.clone(),
                }
                .into(),
            ]),
            (Review::Affirm, _) => Err(Refusal::new(
                RefusalCode::JustificationIncomplete,
                "affirming a justified keep says when it is reviewed next",
            )
            .missing(["review_on: a date after today"])),
        }
    }
}

impl KeepAcknowledged {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.acknowledgement = Some(Acknowledgement { by: self.by.clone(), stamp: stamp.clone() });
    }
}

impl FeatureKept {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.kept = Some(Kept {
            cites: self.cites,
            iteration: case.iteration,
            justification: self.justification.clone(),
            acknowledgement: case.acknowledgement.take(),
            recovered: self.recovered,
            level: self.level,
            control_level: self.control_level,
            flag_gone_by: self.flag_gone_by,
            on: self.on,
            reviewed_on: None,
            holdback: self.holdback.clone(),
            stamp: stamp.clone(),
        });
        if let Some(warranty) = &mut case.warranty {
            warranty.ends = Some(self.warranty_ends);
        }
        case.enter(Stage::Productionised, stamp);
    }
}

impl IterationStarted {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.iteration = self.iteration;
        case.checklists = checklists(&self.processes);
        case.backlog = None;
        case.running = None;
        case.kept = None;
        case.acknowledgement = None;
        case.cleared.clear();
        case.measurements.next_iteration();
        if let Some(warranty) = &mut case.warranty {
            let ends = warranty.ends.take();
            case.earlier_warranties.extend(ends.zip(self.on).map(|(ends, cut)| Term { ends, cut }));
        }
        case.enter(Stage::Building, stamp);
    }
}

impl RemovalStarted {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.enter(Stage::Removing, stamp);
    }
}

impl CodebaseCleared {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.cleared.insert(self.codebase.clone(), stamp.clone());
    }
}

impl CaseRemoved {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.enter(Stage::Removed, stamp);
    }
}

impl KeepAffirmed {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        let Some(kept) = case.kept.as_mut() else { return };
        kept.reviewed_on = self.on;
        if let Some(justification) = kept.justification.as_mut() {
            justification.review_on = self.review_on;
        }
    }
}
