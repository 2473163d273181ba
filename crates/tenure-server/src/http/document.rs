//! Documents of a case to hand on: the dossier, the decision record and the release note.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;
use tenure_core::document::{CaseFile, JournalRow, decision_record, dossier, release_note};
use tenure_core::id::AccountId;
use tenure_core::narration::Names;
use utoipa::{IntoParams, ToSchema};

use super::query::Query;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;
use crate::text;
use crate::world::decode;

/// The most entries that a dossier carries; the journal has them all.
const ENTRIES_MAX: usize = 10_000;

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = DocumentKind)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Everything, on one page.
    Dossier,
    /// What was decided and why, as an architecture decision record.
    DecisionRecord,
    /// What customers and colleagues should know of the kept feature.
    ReleaseNote,
}

/// In which form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = DocumentFormat)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One self-contained file that loads nothing; of the dossier only.
    Html,
    /// Plain text with marks.
    #[default]
    Markdown,
}

/// How it is printed.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Printing {
    /// `html` or `markdown`; the dossier is HTML, if left out, and the others Markdown.
    format: Option<Format>,
    /// The time zone of instants, such as `Europe/Berlin`; UTC, if left out.
    zone: Option<String>,
}

/// A document of a case.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}/documents/{document}", tag = "process",
    params(
        ("case" = String, Path, description = "The case"),
        ("document" = Kind, Path, description = "`dossier`, `decision-record` or `release-note`"),
        Printing,
    ),
    responses(
        (status = 200, content_type = "text/html", body = String),
        (status = 400, body = crate::problem::ProblemBody),
        (status = 404, body = crate::problem::ProblemBody),
    ),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_document(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path((case, document)): Path<(String, String)>,
    Query(printing): Query<Printing>,
) -> Result<Response, Problem> {
    let kind: Kind = serde_json::from_value(json!(document))
        .map_err(|_| Problem::NotFound { what: "document", id: document.clone() })?;
    let zone = match &printing.zone {
        Some(name) => tenure_core::calendar::zone(name).ok_or_else(|| {
            Problem::invalid("zone", format!("{name:?} is no time zone; give one such as Europe/Berlin"))
        })?,
        None => TimeZone::UTC,
    };
    let format =
        printing.format.unwrap_or(if kind == Kind::Dossier { Format::Html } else { Format::Markdown });
    let names = names(&live).await?;
    let file = case_file(&live, &case, &names).await?;
    let printed = match (kind, format) {
        (Kind::Dossier, Format::Html) => dossier::html(&file, &journal(&live, &case, &names).await?, &zone),
        (Kind::Dossier, Format::Markdown) => {
            dossier::markdown(&file, &journal(&live, &case, &names).await?, &zone)
        }
        (Kind::DecisionRecord, Format::Markdown) => decision_record::markdown(&file, &zone),
        (Kind::ReleaseNote, Format::Markdown) => release_note::markdown(&file, &zone),
        (_, Format::Html) => {
            return Err(Problem::invalid("format", "this document is Markdown; only the dossier is HTML"));
        }
    };
    let (kind_of_text, ending) = match format {
        Format::Html => ("text/html; charset=utf-8", "html"),
        Format::Markdown => ("text/markdown; charset=utf-8", "md"),
    };
    let name = HeaderValue::from_str(&format!("inline; filename=\"{case}-{document}.{ending}\""))
        .unwrap_or(HeaderValue::from_static("inline"));
    let kind_of_text = HeaderValue::from_static(kind_of_text);
    Ok(([(header::CONTENT_TYPE, kind_of_text), (header::CONTENT_DISPOSITION, name)], printed).into_response())
}

/// What accounts are called.
pub async fn names(live: &Live) -> Result<Names, Problem> {
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page = live.store.accounts(&after, tenure_store::PAGE_MAX).await?;
        let Some(last) = page.last() else { return Ok(names.into_iter().collect()) };
        after.clone_from(&last.id);
        names.extend(page.into_iter().filter_map(|account| {
            let name = Some(account.display_name).filter(|name| !name.trim().is_empty())?;
            Some((AccountId::new(&account.id).ok()?, name))
        }));
    }
}

/// Everything the documents say, with what people wrote in place.
async fn case_file(live: &Live, case: &str, names: &Names) -> Result<CaseFile, Problem> {
    let mut shown = {
        let state = live.state();
        let found =
            state.cases.get(case).ok_or_else(|| Problem::NotFound { what: "case", id: case.to_owned() })?;
        json!(state.case_file(found, live.clock.now(), names))
    };
    text::resolve(&live.store, &mut shown).await?;
    serde_json::from_value(shown).map_err(|error| Problem::Internal(error.to_string()))
}

/// The case's entries, oldest first, each as a sentence.
async fn journal(live: &Live, case: &str, names: &Names) -> Result<Vec<JournalRow>, Problem> {
    let (mut rows, mut after) = (Vec::new(), 0);
    let stream = format!("case/{case}");
    while rows.len() < ENTRIES_MAX {
        let page = live.store.read_stream(&stream, after, tenure_store::PAGE_MAX).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for entry in &page {
            let recorded = decode(entry).map_err(|error| Problem::Internal(error.to_string()))?;
            rows.push(JournalRow::of(&recorded, names));
        }
    }
    let mut shown = json!(rows);
    text::resolve(&live.store, &mut shown).await?;
    serde_json::from_value(shown).map_err(|error| Problem::Internal(error.to_string()))
}
