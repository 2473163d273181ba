//! People: the roles an account holds, where it holds them, and the seats a rule asks for.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decide::Ask;
use crate::delegation::DelegationRevoked;
use crate::event::Event;
use crate::id::{AccountId, CaseId, CodebaseId, GUEST, InvitationId, TeamId};
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Stamp;

/// Who gives a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Tenure itself: looks, automatic waves, notices, setting up.
    System,
    /// A person or a token.
    Account(AccountId),
    /// A person without an account, who answers one invitation and may do nothing else.
    Guest(InvitationId),
}

/// The account name under which Tenure itself acts.
pub const SYSTEM: &str = "system";

impl Actor {
    /// The actor of an account name in an entry; `system` is Tenure itself and `guest:INVITATION` is whoever was invited,
    /// so no person may be called that.
    pub fn of(account: AccountId) -> Self {
        if account.as_str() == SYSTEM {
            return Self::System;
        }
        let invitation = account.as_str().strip_prefix(GUEST).and_then(|name| name.parse().ok());
        invitation.map_or(Self::Account(account), Self::Guest)
    }

    /// The account name that an entry carries.
    pub fn account(&self) -> AccountId {
        match self {
            #[expect(clippy::expect_used, reason = "the constant is a valid name")]
            Self::System => AccountId::new(SYSTEM).expect("a valid name"),
            Self::Account(account) => account.clone(),
            #[expect(clippy::expect_used, reason = "an invitation's name leaves room for the prefix")]
            Self::Guest(invitation) => AccountId::new(format!("{GUEST}{invitation}")).expect("a valid name"),
        }
    }
}

/// What somebody does. Drivers and builders hold theirs per case, owners per team or codebase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Driver: accountable for preparation and building.
    DevelopmentLead,
    /// Driver: weighs cost and benefit.
    ProductManager,
    /// Driver: rules on design.
    DesignLead,
    /// May take over preparation by delegation.
    LeadDeveloper,
    /// Builds.
    Developer,
    /// Designs.
    Designer,
    /// Owns a product; always of a team.
    ProductOwner,
    /// Owns code; always of a codebase.
    CodebaseOwner,
    /// Reads.
    Observer,
    /// A token that carries results in.
    Importer,
    /// Sets Tenure up; decides nothing in a case.
    Admin,
}

/// The three drivers.
pub const DRIVERS: [Role; 3] = [Role::DevelopmentLead, Role::ProductManager, Role::DesignLead];

/// Those who ask the product teams for buy-in.
pub(crate) const BUY_IN_ASKERS: [Role; 2] = [Role::ProductManager, Role::DesignLead];

/// Everybody who works on a case for the experiment's team.
pub(crate) const CASE_TEAM: [Role; 6] = [
    Role::DevelopmentLead,
    Role::ProductManager,
    Role::DesignLead,
    Role::LeadDeveloper,
    Role::Developer,
    Role::Designer,
];

impl Role {
    /// Every role.
    pub const ALL: [Self; 11] = [
        Self::DevelopmentLead,
        Self::ProductManager,
        Self::DesignLead,
        Self::LeadDeveloper,
        Self::Developer,
        Self::Designer,
        Self::ProductOwner,
        Self::CodebaseOwner,
        Self::Observer,
        Self::Importer,
        Self::Admin,
    ];

    /// The role's name in grants.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DevelopmentLead => "development_lead",
            Self::ProductManager => "product_manager",
            Self::DesignLead => "design_lead",
            Self::LeadDeveloper => "lead_developer",
            Self::Developer => "developer",
            Self::Designer => "designer",
            Self::ProductOwner => "product_owner",
            Self::CodebaseOwner => "codebase_owner",
            Self::Observer => "observer",
            Self::Importer => "importer",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().replace('_', " "))
    }
}

/// Where a role is held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// In every case.
    Everywhere,
    /// In the cases of one experiment team; for a product owner, in that product team.
    Team(TeamId),
    /// In one case.
    Case(CaseId),
    /// In one codebase.
    Codebase(CodebaseId),
}

/// A role and where it is held. As text: `developer`, `developer:TEAM`, `developer@CASE`,
/// `product_owner:TEAM`, `codebase_owner:CODEBASE`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Grant {
    /// What.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

/// A text that is no grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadGrant {
    /// No such role.
    #[error("role `{0}` is unknown: use one of {names}", names = Role::ALL.map(Role::name).join(", "))]
    UnknownRole(String),
    /// An owner of nothing.
    #[error("role `{0}` needs what it owns: write `{0}:NAME`")]
    OwnerOfNothing(&'static str),
    /// A product owner or codebase owner of a case.
    #[error("role `{0}` is not held in a case: write `{0}:NAME`")]
    OwnerInCase(&'static str),
    /// The scope is no name.
    #[error(transparent)]
    BadScope(#[from] crate::id::BadId),
}

impl FromStr for Grant {
    type Err = BadGrant;

    fn from_str(text: &str) -> Result<Self, BadGrant> {
        let (name, scope) = match text.find([':', '@']) {
            Some(at) => (&text[..at], Some((text.as_bytes()[at], &text[at + 1..]))),
            None => (text, None),
        };
        let role = Role::ALL
            .into_iter()
            .find(|role| role.name() == name)
            .ok_or_else(|| BadGrant::UnknownRole(name.to_owned()))?;
        let owner = matches!(role, Role::ProductOwner | Role::CodebaseOwner);
        let scope = match scope {
            None if owner => return Err(BadGrant::OwnerOfNothing(role.name())),
            Some((b'@', _)) if owner => return Err(BadGrant::OwnerInCase(role.name())),
            None => Scope::Everywhere,
            Some((b'@', case)) => Scope::Case(CaseId::new(case)?),
            Some((_, codebase)) if role == Role::CodebaseOwner => Scope::Codebase(CodebaseId::new(codebase)?),
            Some((_, team)) => Scope::Team(TeamId::new(team)?),
        };
        Ok(Self { role, scope })
    }
}

impl TryFrom<String> for Grant {
    type Error = BadGrant;
    fn try_from(text: String) -> Result<Self, BadGrant> {
        text.parse()
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> String {
        grant.to_string()
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.role.name();
        match &self.scope {
            Scope::Everywhere => f.write_str(name),
            Scope::Team(team) => write!(f, "{name}:{team}"),
            Scope::Case(case) => write!(f, "{name}@{case}"),
            Scope::Codebase(codebase) => write!(f, "{name}:{codebase}"),
        }
    }
}

/// An account and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// The roles held, and where.
    pub grants: BTreeSet<Grant>,
}

/// The place a seat is looked for: a team's cases, or one case of it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The experiment team that has the onus.
    pub team: &'a TeamId,
    /// The case, when there is one already.
    pub case: Option<&'a CaseId>,
}

/// A position that a rule asks for; whoever holds it at a [`Place`] may act.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seat {
    /// A role on the case.
    Role(Role),
    /// A role anywhere at all, as for registering a platform change.
    Somewhere(Role),
    /// A product owner of a team.
    ProductOwner(TeamId),
    /// An owner of a codebase.
    CodebaseOwner(CodebaseId),
    /// One account, such as the delegate.
    Account(AccountId),
    /// Tenure itself.
    System,
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => write!(f, "{role}"),
            Self::Somewhere(role) => write!(f, "any {role}"),
            Self::ProductOwner(team) => write!(f, "product owner of {team}"),
            Self::CodebaseOwner(codebase) => write!(f, "codebase owner of {codebase}"),
            Self::Account(account) => write!(f, "{account}"),
            Self::System => f.write_str("Tenure itself"),
        }
    }
}

impl Person {
    /// Whether one of the grants gives the seat at the place.
    fn fills(&self, seat: &Seat, place: Option<Place<'_>>) -> bool {
        self.fills_by(seat, place, |_| true)
    }

    /// Whether one of the grants that count gives the seat at the place.
    pub(crate) fn fills_by(
        &self,
        seat: &Seat,
        place: Option<Place<'_>>,
        counts: impl Fn(&Grant) -> bool,
    ) -> bool {
        self.grants.iter().filter(|grant| counts(grant)).any(|grant| match seat {
            Seat::Role(role) => grant.role == *role && grant.scope.covers(place),
            Seat::Somewhere(role) => grant.role == *role,
            Seat::ProductOwner(team) => {
                grant.role == Role::ProductOwner && matches!(&grant.scope, Scope::Team(of) if of == team)
            }
            Seat::CodebaseOwner(codebase) => {
                grant.role == Role::CodebaseOwner
                    && matches!(&grant.scope, Scope::Codebase(of) if of == codebase)
            }
            Seat::Account(_) | Seat::System => false,
        })
    }
}

impl Scope {
    fn covers(&self, place: Option<Place<'_>>) -> bool {
        match (self, place) {
            (Self::Everywhere, _) => true,
            (Self::Team(team), Some(place)) => team == place.team,
            (Self::Case(case), Some(place)) => Some(case) == place.case,
            _ => false,
        }
    }
}

impl State {
    /// Whether the actor holds the seat at the place.
    pub fn sits(&self, actor: &Actor, seat: &Seat, place: Option<Place<'_>>) -> bool {
        match (actor, seat) {
            (Actor::System, Seat::System) => true,
            (Actor::System | Actor::Guest(_), _) => false,
            (Actor::Account(account), Seat::Account(wanted)) => account == wanted,
            (Actor::Account(account), seat) => {
                let (seat, place) = self.inherited(seat, place);
                self.people.get(account).is_some_and(|person| person.fills(&seat, place))
            }
        }
    }

    /// The accounts that hold the seat at the place.
    pub fn sitters(&self, seat: &Seat, place: Option<Place<'_>>) -> Vec<AccountId> {
        let (seat, place) = self.inherited(seat, place);
        let held = |role: Role, scope: Scope| self.holders.get(&Grant { role, scope });
        let mut accounts = BTreeSet::new();
        match &*seat {
            Seat::Account(account) => return vec![account.clone()],
            Seat::System => {}
            Seat::ProductOwner(team) => {
                accounts.extend(held(Role::ProductOwner, Scope::Team(team.clone())).into_iter().flatten());
            }
            Seat::CodebaseOwner(codebase) => {
                let scope = Scope::Codebase(codebase.clone());
                accounts.extend(held(Role::CodebaseOwner, scope).into_iter().flatten());
            }
            Seat::Somewhere(role) => accounts.extend(self.holding(*role).flat_map(|(_, accounts)| accounts)),
            Seat::Role(role) => {
                let team = place.map(|place| Scope::Team(place.team.clone()));
                let case = place.and_then(|place| place.case).map(|case| Scope::Case(case.clone()));
                let scopes = [Some(Scope::Everywhere), team, case].into_iter().flatten();
                accounts.extend(scopes.filter_map(|scope| held(*role, scope)).flatten());
            }
        }
        accounts.into_iter().cloned().collect()
    }

    /// The grants of a role that somebody holds, and who.
    pub(crate) fn holding(&self, role: Role) -> impl Iterator<Item = (&Grant, &BTreeSet<AccountId>)> {
        let first = Grant { role, scope: Scope::Everywhere };
        self.holders.range(first..).take_while(move |(grant, _)| grant.role == role)
    }

    /// The seat and place as they are now that teams may have taken the place of others.
    fn inherited<'a>(
        &'a self,
        seat: &'a Seat,
        place: Option<Place<'a>>,
    ) -> (Cow<'a, Seat>, Option<Place<'a>>) {
        if self.successions.is_empty() {
            return (Cow::Borrowed(seat), place);
        }
        let seat = match seat {
            Seat::ProductOwner(team) => Cow::Owned(Seat::ProductOwner(self.product_heir(team).clone())),
            other => Cow::Borrowed(other),
        };
        (seat, place.map(|place| Place { team: self.onus_heir(place.team), ..place }))
    }
}

/// Gives an account a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GrantRole {
    /// To whom.
    pub account: AccountId,
    /// What, and where.
    pub role: Grant,
}

/// Takes a role from an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevokeRole {
    /// From whom.
    pub account: AccountId,
    /// What, and where.
    pub role: Grant,
}

/// An account was given a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleGranted {
    /// To whom.
    pub account: AccountId,
    /// What, and where.
    pub role: Grant,
}

/// An account lost a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleRevoked {
    /// From whom.
    pub account: AccountId,
    /// What, and where.
    pub role: Grant,
}

impl GrantRole {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.admin()?;
        if self.account.as_str() == SYSTEM {
            return Err(Refusal::argument("account `system` is Tenure itself and holds no roles"));
        }
        if self.account.as_str().starts_with(GUEST) {
            return Err(Refusal::argument("accounts that begin with `guest:` are guests and hold no roles"));
        }
        if ask.state.people.get(&self.account).is_some_and(|person| person.grants.contains(&self.role)) {
            return Ok(Vec::new());
        }
        Ok(vec![RoleGranted { account: self.account.clone(), role: self.role.clone() }.into()])
    }
}

impl RevokeRole {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let person = ask
            .state
            .people
            .get(&self.account)
            .ok_or_else(|| Refusal::not_found("account", &self.account))?;
        ask.admin()?;
        if !person.grants.contains(&self.role) {
            return Ok(Vec::new());
        }
        let mut events: Vec<Event> =
            vec![RoleRevoked { account: self.account.clone(), role: self.role.clone() }.into()];
        // Preparation is delegated to a lead developer; who is none any more does not prepare.
        let lost = ask.state.all_cases().filter(|case| {
            !case.stage.is_terminal()
                && case.delegation.as_ref().is_some_and(|delegation| delegation.to == self.account)
                && !person.fills_by(&Seat::Role(Role::LeadDeveloper), Some(case.place()), |grant| {
                    *grant != self.role
                })
        });
        events.extend(lost.map(|case| DelegationRevoked { case: case.id.clone() }.into()));
        Ok(events)
    }
}

impl RoleGranted {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        state.people.entry(self.account.clone()).or_default().grants.insert(self.role.clone());
        state.holders.entry(self.role.clone()).or_default().insert(self.account.clone());
    }
}

impl RoleRevoked {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        if let Some(person) = state.people.get_mut(&self.account) {
            person.grants.remove(&self.role);
        }
        if let Some(accounts) = state.holders.get_mut(&self.role) {
            accounts.remove(&self.account);
            if accounts.is_empty() {
                state.holders.remove(&self.role);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_read_as_they_are_written() {
        for text in [
            "development_lead",
            "developer:kestrel",
            "designer@PC-1",
            "product_owner:boards",
            "codebase_owner:boards-web",
        ] {
            assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_bad_grant_says_why() {
        let check = |text: &str, says: &str| {
            let error = text.parse::<Grant>().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        };
        check("king", "unknown");
        check("product_owner", "product_owner:NAME");
        check("codebase_owner@PC-1", "not held in a case");
        check("developer:", "empty");
    }

    #[test]
    fn a_scope_covers_its_place_and_nothing_else() {
        let kestrel = TeamId::new("kestrel").unwrap();
        let case = CaseId::new("PC-1").unwrap();
        let here = Some(Place { team: &kestrel, case: Some(&case) });
        let check = |grant: &str, covered: bool| {
            let person = Person { grants: BTreeSet::from([grant.parse().unwrap()]) };
            assert_eq!(person.fills(&Seat::Role(Role::Developer), here), covered, "{grant}");
        };
        check("developer", true);
        check("developer:kestrel", true);
        check("developer@PC-1", true);
        check("developer:other", false);
        check("developer@PC-2", false);
        check("designer", false);
    }
}
