//! Notices: a deadline is near or missed. It escalates, it never decides, and it is said once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::CaseId;
use crate::person::Seat;
use crate::refusal::Refusal;
use crate::time::Stamp;

/// Says once that a deadline is near or missed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GiveNotice {
    /// Of which case.
    pub case: CaseId,
    /// Which deadline; the same name is said once.
    pub name: String,
    /// What there is to say.
    pub sentence: String,
    /// Whom it concerns.
    #[serde(default)]
    pub to: Vec<Seat>,
}

/// A deadline was said to be near or missed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeGiven {
    /// Of which case.
    pub case: CaseId,
    /// Which deadline.
    pub name: String,
    /// What there is to say.
    pub sentence: String,
    /// Whom it concerns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Seat>,
}

impl GiveNotice {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &[Seat::System], "give notice of a deadline")?;
        if case.notices.contains(&self.name) {
            return Ok(Vec::new());
        }
        Ok(vec![
            NoticeGiven {
                case: self.case.clone(),
                name: self.name.clone(),
                sentence: self.sentence.clone(),
                to: self.to.clone(),
            }
            .into(),
        ])
    }
}

impl NoticeGiven {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        case.notices.insert(self.name.clone());
    }
}
