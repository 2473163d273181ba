//! The warranty: who is accountable for what arises in the wild, and until when.
//!
//! It counts from the keep decision, but the building team is accountable from the first exposure; its last day is
//! included.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, TeamId};
use crate::person::{Role, Seat};
use crate::refusal::Refusal;
use crate::time::{Stamp, months_later};

/// The longest warranty, in months.
pub const MONTHS_MAX: u32 = 120;

/// A warranty proposed to the product owners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warranty {
    /// Months from the keep decision.
    pub months: u32,
    /// When it was proposed, and by whom.
    pub proposed: Stamp,
    /// The teams that agreed.
    pub agreed: BTreeMap<TeamId, Stamp>,
    /// Its last day, once the feature is kept.
    pub ends: Option<Date>,
}

/// Who answers for a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accountable {
    /// The team that built it.
    BuildingTeam,
    /// The owners of the product it is in.
    ProductOwners,
}

impl Accountable {
    /// The name of the accountable side.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuildingTeam => "building_team",
            Self::ProductOwners => "product_owners",
        }
    }
}

impl Case {
    /// The last day of the warranty of a kept feature.
    pub fn warranty_ends(&self) -> Option<Date> {
        self.warranty.as_ref().and_then(|warranty| warranty.ends)
    }

    /// Teams that have not agreed the warranty.
    pub fn teams_without_warranty(&self) -> Vec<TeamId> {
        let agreed = |team: &TeamId| self.warranty.as_ref().is_some_and(|it| it.agreed.contains_key(team));
        self.teams().into_iter().filter(|team| !agreed(team)).collect()
    }
}

/// Proposes a warranty, or another length, which every team agrees afresh.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposeWarranty {
    /// Of which case.
    pub case: CaseId,
    /// How long; the policy's length when left out.
    #[serde(default)]
    pub months: Option<u32>,
}

/// Agrees the warranty for a product team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgreeWarranty {
    /// Of which case.
    pub case: CaseId,
    /// For which team.
    pub team: TeamId,
}

/// Makes a running warranty longer, to the product owners' favour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExtendWarranty {
    /// Of which case.
    pub case: CaseId,
    /// By how many months.
    pub months: u32,
}

/// A warranty was proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarrantyProposed {
    /// Of which case.
    pub case: CaseId,
    /// How long.
    pub months: u32,
}

/// A team agreed the warranty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarrantyAgreed {
    /// Of which case.
    pub case: CaseId,
    /// Which team.
    pub team: TeamId,
}

/// The warranty is longer now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarrantyExtended {
    /// Of which case.
    pub case: CaseId,
    /// How long it is in all.
    pub months: u32,
    /// Its last day.
    pub ends: Date,
}

const BEFORE: [Stage; 2] = [Stage::Building, Stage::Ready];

fn months(months: u32) -> Result<u32, Refusal> {
    if months == 0 || months > MONTHS_MAX {
        return Err(Refusal::argument(format!("months is {months}: give 1 to {MONTHS_MAX}")));
    }
    Ok(months)
}

impl ProposeWarranty {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &[Seat::Role(Role::DevelopmentLead)], "propose a warranty")?;
        ask.stage(case, &BEFORE)?;
        let months = months(self.months.unwrap_or(ask.state.policy_of(case).warranty_months))?;
        if case.warranty.as_ref().is_some_and(|warranty| warranty.months == months) {
            return Ok(Vec::new());
        }
        Ok(vec![WarrantyProposed { case: self.case.clone(), months }.into()])
    }
}

impl AgreeWarranty {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        ask.may(case, &[Seat::ProductOwner(self.team.clone())], "agree the warranty for that team")?;
        ask.stage(case, &BEFORE)?;
        if !case.teams().contains(&self.team) {
            return Err(Refusal::not_found("product team of this case called", &self.team));
        }
        let Some(warranty) = &case.warranty else {
            return Err(Refusal::wrong_state("no warranty is proposed yet")
                .missing(["propose_warranty by the development lead"]));
        };
        if warranty.agreed.contains_key(&self.team) {
            return Ok(Vec::new());
        }
        Ok(vec![WarrantyAgreed { case: self.case.clone(), team: self.team.clone() }.into()])
    }
}

impl ExtendWarranty {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &[Seat::Role(Role::DevelopmentLead)], "extend the warranty")?;
        ask.stage(case, &[Stage::Productionised])?;
        let longer = months(self.months)?;
        let (Some(warranty), Some(ends)) = (&case.warranty, case.warranty_ends()) else {
            return Err(Refusal::wrong_state("no warranty is running"));
        };
        if ask.owner_date(case) > ends {
            return Err(Refusal::wrong_state(format!(
                "the warranty ended on {ends}, and the product owners are accountable since"
            )));
        }
        let total = months(warranty.months.saturating_add(longer))?;
        // Counted from the keep, like the warranty itself: months that are short cost the owners no day.
        let ends = case.kept.as_ref().map_or(ends, |kept| months_later(kept.on, total)).max(ends);
        Ok(vec![WarrantyExtended { case: self.case.clone(), months: total, ends }.into()])
    }
}

impl WarrantyProposed {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.warranty = Some(Warranty {
            months: self.months,
            proposed: stamp.clone(),
            agreed: BTreeMap::new(),
            ends: None,
        });
    }
}

impl WarrantyAgreed {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(warranty) = &mut case.warranty {
            warranty.agreed.insert(self.team.clone(), stamp.clone());
        }
    }
}

impl WarrantyExtended {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        if let Some(warranty) = &mut case.warranty {
            warranty.months = self.months;
            warranty.ends = Some(self.ends);
        }
    }
}
