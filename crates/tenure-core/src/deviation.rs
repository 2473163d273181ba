//! The deviation ledger: every change from the experiment, and what it weighs. The further the build deviates,
//! the less likely the same result is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::CaseId;
use crate::person::{Role, Seat};
use crate::policy::Weights;
use crate::refusal::{Refusal, RefusalCode};
use crate::time::Stamp;

/// How far a change goes from the experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviationKind {
    /// Built differently, looks and behaves the same.
    Parity,
    /// Small design polish.
    Polish,
    /// A visible change.
    Adjustment,
    /// Another design; never a deviation.
    Redesign,
}

impl DeviationKind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parity => "parity",
            Self::Polish => "polish",
            Self::Adjustment => "adjustment",
            Self::Redesign => "redesign",
        }
    }

    /// What it weighs; nothing says what a redesign weighs.
    pub fn weight(self, weights: &Weights) -> Option<u32> {
        match self {
            Self::Parity => Some(weights.parity),
            Self::Polish => Some(weights.polish),
            Self::Adjustment => Some(weights.adjustment),
            Self::Redesign => None,
        }
    }
}

/// One change from the experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deviation {
    /// 1 for the first of the case.
    pub number: u32,
    /// How far it goes.
    pub kind: DeviationKind,
    /// What it weighs under the case's policy.
    pub weight: u32,
    /// What was changed.
    pub description: String,
    /// The iteration it was logged in.
    pub iteration: u32,
    /// When, and by whom.
    pub stamp: Stamp,
}

/// How far a change goes, and what that weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Size {
    /// How far.
    pub kind: DeviationKind,
    /// What it weighs under the case's policy.
    pub weight: u32,
}

/// What one version of the ledger brought: a change, or a ruling on one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    /// The version.
    pub version: u32,
    /// Which change.
    pub number: u32,
    /// How far it goes from this version on.
    pub size: Size,
}

/// The changes of a case, and the version a sign-off is pinned to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Changes, oldest first.
    pub deviations: Vec<Deviation>,
    /// Counts entries and rulings; 0 for an empty ledger.
    pub version: u32,
    /// The version at the latest adjustment: sign-offs pinned before it are stale.
    pub adjusted_at: u32,
    /// What each version brought, oldest first.
    pub turns: Vec<Turn>,
}

impl Ledger {
    /// The sum of the weights.
    pub fn spent(&self) -> u32 {
        self.deviations.iter().map(|deviation| deviation.weight).sum()
    }

    fn turn(&mut self, number: u32, size: Size) {
        self.version += 1;
        self.turns.push(Turn { version: self.version, number, size });
        if size.kind == DeviationKind::Adjustment {
            self.adjusted_at = self.version;
        }
    }
}

/// Writes a change into the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogDeviation {
    /// Of which case.
    pub case: CaseId,
    /// How far it goes.
    pub kind: DeviationKind,
    /// What is changed.
    #[serde(default)]
    pub description: String,
}

/// The design lead's ruling on how far a change goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleDeviation {
    /// Of which case.
    pub case: CaseId,
    /// Which change.
    pub number: u32,
    /// How far it goes.
    pub kind: DeviationKind,
}

/// A change was written into the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviationLogged {
    /// Of which case.
    pub case: CaseId,
    /// 1 for the first of the case.
    pub number: u32,
    /// How far it goes.
    pub kind: DeviationKind,
    /// What it weighs.
    pub weight: u32,
    /// What is changed.
    pub description: String,
}

/// The design lead ruled on a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviationRuled {
    /// Of which case.
    pub case: CaseId,
    /// Which change.
    pub number: u32,
    /// How far it goes.
    pub kind: DeviationKind,
    /// What it weighs.
    pub weight: u32,
}

const STAGES: [Stage; 3] = [Stage::BuyIn, Stage::Building, Stage::Ready];

impl LogDeviation {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let mut seats = vec![Seat::Role(Role::Developer), Seat::Role(Role::Designer)];
        seats.extend(case.product_owner_seats());
        ask.may(case, &seats, "log a deviation")?;
        ask.stage(case, &STAGES)?;
        let weight = weigh(ask, case, self.kind, case.ledger.spent())?;
        Ok(vec![
            DeviationLogged {
                case: self.case.clone(),
                number: case.ledger.deviations.last().map_or(1, |last| last.number + 1),
                kind: self.kind,
                weight,
                description: self.description.clone(),
            }
            .into(),
        ])
    }
}

impl RuleDeviation {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let deviation = case
            .ledger
            .deviations
            .iter()
            .find(|deviation| deviation.number == self.number)
            .ok_or_else(|| Refusal::not_found("deviation", self.number))?;
        ask.may(case, &[Seat::Role(Role::DesignLead)], "rule on the size of a deviation")?;
        ask.stage(case, &STAGES)?;
        if deviation.kind == self.kind {
            return Ok(Vec::new());
        }
        let weight = weigh(ask, case, self.kind, case.ledger.spent() - deviation.weight)?;
        Ok(vec![
            DeviationRuled { case: self.case.clone(), number: self.number, kind: self.kind, weight }.into(),
        ])
    }
}

/// The weight of one more change beside `spent`, when the policy has room for it.
fn weigh(ask: &Ask<'_>, case: &Case, kind: DeviationKind, spent: u32) -> Result<u32, Refusal> {
    let policy = ask.state.policy_of(case);
    let Some(weight) = kind.weight(&policy.weights) else {
        return Err(Refusal::new(
            RefusalCode::TooBigMakeFollowUp,
            "a redesign would be another experiment: add it as a follow-up",
        ));
    };
    let budget = policy.deviation_budget;
    if weight > 0 && spent.saturating_add(weight) > budget {
        return Err(Refusal::new(
            RefusalCode::DeviationBudgetExceeded,
            format!("{spent} of {budget} are spent, and this change weighs {weight}"),
        ));
    }
    Ok(weight)
}

impl DeviationLogged {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.ledger.deviations.push(Deviation {
            number: self.number,
            kind: self.kind,
            weight: self.weight,
            description: self.description.clone(),
            iteration: case.iteration,
            stamp: stamp.clone(),
        });
        case.ledger.turn(self.number, Size { kind: self.kind, weight: self.weight });
    }
}

impl DeviationRuled {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        if let Some(deviation) = case.ledger.deviations.iter_mut().find(|one| one.number == self.number) {
            deviation.kind = self.kind;
            deviation.weight = self.weight;
        }
        case.ledger.turn(self.number, Size { kind: self.kind, weight: self.weight });
    }
}
