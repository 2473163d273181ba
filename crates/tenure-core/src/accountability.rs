//! Accountability: who answers for a feature, at any instant. Exactly one side, from the first exposure until it is gone.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::id::TeamId;
use crate::person::{DRIVERS, Role, Seat};
use crate::state::State;
use crate::warranty::Accountable;

/// Who answers for a feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// Which side.
    pub side: Accountable,
    /// Its teams: the one that has the onus, or every product team of the case.
    pub teams: Vec<TeamId>,
}

/// A warranty that ended early, because the feature was taken back to be built again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Term {
    /// What would have been, or was, its last day.
    pub ends: Date,
    /// The day from which the building team is accountable again.
    pub cut: Date,
}

/// A team that had the onus of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AccountableTerm")]
pub struct Tenure {
    /// Which.
    pub team: TeamId,
    /// Until when.
    pub until: Timestamp,
}

impl State {
    /// Who answers for a case's feature at an instant; nobody before the first exposure and after it is out of the code.
    pub fn owner_at(&self, case: &Case, at: Timestamp) -> Option<Owner> {
        let side = self.accountable_at(case, at)?;
        let teams = match side {
            Accountable::BuildingTeam => vec![case.team_at(at).clone()],
            Accountable::ProductOwners => {
                let heirs =
                    case.teams().into_iter().map(|team| self.product_heir_at(&team, Some(at)).clone());
                heirs.collect::<BTreeSet<TeamId>>().into_iter().collect()
            }
        };
        Some(Owner { side, teams })
    }

    /// Which side is accountable at an instant; nobody before the day of the first exposure. The warranty's last day ends
    /// when it is over where the product owners are.
    pub fn accountable_at(&self, case: &Case, at: Timestamp) -> Option<Accountable> {
        if case.stage == Stage::Removed && at >= case.stage_since {
            return None;
        }
        let exposed = case.first_exposed.is_some_and(|first| first <= at);
        let date = self.owner_date(case, at);
        // A team that moved west since must not leave the first hours without anybody.
        let date = if exposed { case.first_exposed_on.map_or(date, |first| first.max(date)) } else { date };
        case.accountable_on(date)
    }
}

impl Case {
    /// Which side is accountable on a date of the product owners; nobody before the first exposure.
    pub fn accountable_on(&self, date: Date) -> Option<Accountable> {
        if self.first_exposed_on.is_none_or(|exposed| date < exposed) {
            return None;
        }
        let cut = self.earlier_warranties.iter().find(|term| date < term.cut).map(|term| term.ends);
        let over = cut.or(self.warranty_ends()).is_some_and(|last| date > last);
        Some(if over { Accountable::ProductOwners } else { Accountable::BuildingTeam })
    }

    /// The team that had the onus at an instant.
    pub fn team_at(&self, at: Timestamp) -> &TeamId {
        self.earlier_teams.iter().find(|held| at < held.until).map_or(&self.team, |held| &held.team)
    }

    /// The onus goes to another team.
    pub(crate) fn hand_onus_to(&mut self, team: &TeamId, at: Timestamp) {
        let before = std::mem::replace(&mut self.team, team.clone());
        self.earlier_teams.push(Tenure { team: before, until: at });
        self.onus_offered = None;
    }

    /// The seats that speak for a side.
    pub(crate) fn seats_of(&self, side: Accountable) -> Vec<Seat> {
        match side {
            Accountable::BuildingTeam => DRIVERS.map(Seat::Role).to_vec(),
            Accountable::ProductOwners => self.product_owner_seats(),
        }
    }

    /// The seats that fix a side's bugs.
    pub(crate) fn fixers(&self, side: Accountable) -> Vec<Seat> {
        match side {
            Accountable::BuildingTeam => [Role::Developer, Role::DevelopmentLead].map(Seat::Role).to_vec(),
            Accountable::ProductOwners => self.product_owner_seats(),
        }
    }
}
