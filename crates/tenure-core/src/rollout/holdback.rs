//! The holdback: a share of the customers who go on without a kept feature for a while, so that its effect can be seen in
//! the long run. They are of the control cohort, so nobody loses what they had.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::CaseId;
use crate::outcome::Kept;
use crate::person::{DRIVERS, Seat};
use crate::refusal::Refusal;
use crate::time::{Stamp, days_later};

/// How long who is held back after a keep, as a rollout plan says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Holdback {
    /// The share of all units that go on without the feature, in percent.
    pub percent: f64,
    /// For how many days after the keep.
    pub days: u32,
}

/// Who is held back from a kept feature, and how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeldBack {
    /// The share of all units, in percent.
    pub percent: f64,
    /// The date from which everybody meets the feature.
    pub until: Date,
}

/// The longest holdback, in days.
const DAYS_MAX: u32 = 730;

impl Holdback {
    /// Refuses a holdback that the control cohort has no room for.
    pub(crate) fn check(&self, treatment_share: f64) -> Result<(), Refusal> {
        let most = (1.0 - treatment_share) * 100.0;
        if !(self.percent > 0.0 && self.percent <= most) {
            return Err(Refusal::argument(format!(
                "holdback.percent is {}: give above 0 and at most {most:.0}, the share of the control cohort",
                self.percent
            )));
        }
        if !(1..=DAYS_MAX).contains(&self.days) {
            return Err(Refusal::argument(format!("holdback.days is {}: give 1 to {DAYS_MAX}", self.days)));
        }
        Ok(())
    }

    /// As it holds after a keep on this date.
    pub(crate) fn after(&self, kept_on: Date) -> HeldBack {
        HeldBack { percent: self.percent, until: days_later(kept_on, i64::from(self.days)) }
    }
}

impl Case {
    /// Who is held back from the kept feature now.
    pub fn held_back(&self) -> Option<&HeldBack> {
        let kept: Option<&Kept> = self.kept.as_ref().filter(|_| self.stage == Stage::Productionised);
        kept?.holdback.as_ref()
    }
}

/// Ends the holdback of a kept feature: everybody meets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndHoldback {
    /// Of which case.
    pub case: CaseId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The holdback ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldbackEnded {
    /// Of which case.
    pub case: CaseId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl EndHoldback {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let mut seats = vec![Seat::System];
        seats.extend(DRIVERS.map(Seat::Role));
        ask.may(case, &seats, "end a holdback")?;
        ask.stage(case, &[Stage::Productionised])?;
        if case.held_back().is_none() {
            return Err(Refusal::wrong_state(format!("nobody is held back from case {}", case.id)));
        }
        Ok(vec![HoldbackEnded { case: self.case.clone(), reason: self.reason.clone() }.into()])
    }
}

impl HoldbackEnded {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        if let Some(kept) = &mut case.kept {
            kept.holdback = None;
        }
    }
}
