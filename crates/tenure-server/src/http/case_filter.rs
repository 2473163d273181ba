//! Which cases a list, the desk or the portfolio is about, as a query says it.

use serde::Deserialize;
use serde_json::json;
use tenure_core::Stage;
use tenure_core::filter::{Filter, Order};
use tenure_core::id::{CaseId, TeamId};
use utoipa::IntoParams;

use super::schema::Given;
use crate::live::Live;
use crate::problem::Problem;
use crate::text;

/// A stage.
pub type StageGiven = Given<Stage>;
/// By what a list is ordered.
pub type OrderGiven = Given<Order>;

/// Which cases. What is left out lets every case through.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Which {
    /// The team that has the onus.
    team: Option<String>,
    /// A product team that is concerned.
    product_team: Option<String>,
    /// The stage.
    #[param(value_type = Option<StageGiven>)]
    stage: Option<Stage>,
    /// The product surface.
    surface: Option<String>,
    /// Whether exposure is held.
    held: Option<bool>,
    /// Whether something is late.
    late: Option<bool>,
}

/// In which order, and which words.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Listing {
    /// Words that the case's or its experiment's name, title or flag holds, in any case of letters.
    #[serde(default)]
    pub text: String,
    /// By what they are ordered; by name, if left out.
    #[serde(default)]
    #[param(value_type = Option<OrderGiven>)]
    pub order: Order,
}

impl Which {
    /// The filter that is meant.
    pub fn filter(self) -> Result<Filter, Problem> {
        Ok(Filter {
            team: team("team", self.team)?,
            product_team: team("product_team", self.product_team)?,
            stage: self.stage,
            surface: self.surface,
            held: self.held,
            late: self.late,
        })
    }
}

/// Those cases that hold all words of a text in what they are called. Titles are kept beside the journal, so all are asked
/// for at once.
pub async fn with_words(live: &Live, cases: Vec<CaseId>, words: &str) -> Result<Vec<CaseId>, Problem> {
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    let mut called = {
        let state = live.state();
        let names = |id: &CaseId| {
            let case = state.cases.get(id)?;
            let experiment = state.experiments.get(&case.experiment);
            let title = experiment.and_then(|experiment| experiment.title.as_deref()).unwrap_or_default();
            let flag = case.flag.as_ref().map_or("", |flag| flag.key.as_str());
            Some(format!("{id} {} {} {flag} {title}", case.experiment, case.team))
        };
        json!(cases.iter().map(|id| names(id).unwrap_or_default()).collect::<Vec<_>>())
    };
    text::resolve(&live.store, &mut called).await?;
    let called = called.as_array().map(Vec::as_slice).unwrap_or_default();
    let holds = |called: &str| {
        let called = called.to_lowercase();
        words.iter().all(|word| called.contains(word))
    };
    let found = cases.into_iter().zip(called).filter(|(_, called)| called.as_str().is_some_and(holds));
    Ok(found.map(|(id, _)| id).collect())
}

fn team(field: &str, name: Option<String>) -> Result<Option<TeamId>, Problem> {
    name.map(TeamId::new).transpose().map_err(|fault| Problem::invalid(field, fault.to_string()))
}
