//! Consultations: a question to a product team, and its answer naming the codebases it touches.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, CodebaseId, TeamId};
use crate::person::Seat;
use crate::refusal::Refusal;
use crate::time::Stamp;

/// A question to a product team and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Consultation {
    /// When it was asked, and by whom.
    pub asked: Stamp,
    /// What was asked beyond "what would it take?".
    pub question: Option<String>,
    /// The date the answer is promised by.
    pub due: Date,
    /// The answer, when there is one to this question.
    pub answered: Option<Stamp>,
    /// Advice given with the answer.
    pub advice: Option<String>,
    /// The codebases the last answer named.
    pub codebases: BTreeSet<CodebaseId>,
}

impl Case {
    /// The teams that were asked and have not answered.
    pub fn open_consultations(&self) -> impl Iterator<Item = (&TeamId, &Consultation)> {
        self.consultations.iter().filter(|(_, consultation)| consultation.answered.is_none())
    }

    /// Every codebase that an answer named.
    pub fn codebases(&self) -> BTreeSet<CodebaseId> {
        self.named().cloned().collect()
    }

    /// The same, one for each answer that names it.
    pub(crate) fn named(&self) -> impl Iterator<Item = &CodebaseId> {
        self.consultations.values().flat_map(|consultation| &consultation.codebases)
    }
}

/// Asks a product team for advice and for the codebases concerned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestConsultation {
    /// For which case.
    pub case: CaseId,
    /// Which team.
    pub team: TeamId,
    /// What to ask beyond the usual.
    #[serde(default)]
    pub question: Option<String>,
}

/// Answers for a product team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerConsultation {
    /// For which case.
    pub case: CaseId,
    /// For which team.
    pub team: TeamId,
    /// The codebases concerned; at least one.
    #[serde(default)]
    pub codebases: BTreeSet<CodebaseId>,
    /// Advice.
    #[serde(default)]
    pub advice: Option<String>,
}

/// A product team was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsultationRequested {
    /// For which case.
    pub case: CaseId,
    /// Which team.
    pub team: TeamId,
    /// What was asked beyond the usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The date the answer is promised by.
    pub due: Date,
}

/// A product team answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsultationAnswered {
    /// For which case.
    pub case: CaseId,
    /// For which team.
    pub team: TeamId,
    /// The codebases concerned.
    pub codebases: BTreeSet<CodebaseId>,
    /// Advice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl RequestConsultation {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        ask.may(case, &case.preparers(), "consult product teams")?;
        ask.stage(case, &[Stage::Preparation])?;
        if case.consultations.get(&self.team).is_some_and(|consultation| consultation.answered.is_none()) {
            return Ok(Vec::new());
        }
        let policy = ask.state.policy_of(case);
        Ok(vec![
            ConsultationRequested {
                case: self.case.clone(),
                team: self.team.clone(),
                question: self.question.clone(),
                due: ask.due(case, &self.team, policy.deadlines.consultation),
            }
            .into(),
        ])
    }
}

impl AnswerConsultation {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        for codebase in &self.codebases {
            ask.codebase(codebase)?;
        }
        ask.may(case, &[Seat::ProductOwner(self.team.clone())], "answer for that team")?;
        ask.stage(case, &[Stage::Preparation])?;
        if !case.consultations.contains_key(&self.team) {
            return Err(Refusal::wrong_state(format!("{} was not consulted on this case", self.team)));
        }
        if self.codebases.is_empty() {
            return Err(Refusal::argument("codebases is empty: an answer names the codebases concerned")
                .missing(["codebases"]));
        }
        Ok(vec![
            ConsultationAnswered {
                case: self.case.clone(),
                team: self.team.clone(),
                codebases: self.codebases.clone(),
                advice: self.advice.clone(),
            }
            .into(),
        ])
    }
}

impl ConsultationRequested {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let codebases =
            case.consultations.remove(&self.team).map(|before| before.codebases).unwrap_or_default();
        case.consultations.insert(
            self.team.clone(),
            Consultation {
                asked: stamp.clone(),
                question: self.question.clone(),
                due: self.due,
                answered: None,
                advice: None,
                codebases,
            },
        );
    }
}

impl ConsultationAnswered {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(consultation) = case.consultations.get_mut(&self.team) {
            consultation.answered = Some(stamp.clone());
            consultation.advice.clone_from(&self.advice);
            consultation.codebases.clone_from(&self.codebases);
        }
        let codebases = case.codebases();
        case.estimates.retain(|codebase, _| codebases.contains(codebase));
    }
}
