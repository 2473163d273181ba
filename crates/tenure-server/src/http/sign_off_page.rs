//! The page behind a signed link: the size of the change, and four buttons. Plain HTML, for a phone, without a script and
//! without an account.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use tenure_core::invitation::InvitationStatus;

use super::invitation::{self, Answer, Asked};
use crate::live::Live;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "sign_off.html")]
struct Page<'a> {
    asked: Option<&'a Asked>,
    /// What stands at the top: an error, or how it went.
    notice: Option<&'a str>,
}

impl Page<'_> {
    fn is_open(&self) -> bool {
        self.asked.is_some_and(|asked| asked.status == InvitationStatus::Open)
    }

    /// Why there are no buttons.
    fn closed(&self) -> &'static str {
        match self.asked.map(|asked| asked.status) {
            Some(InvitationStatus::Answered) => "You have answered. Thank you: there is nothing more to do.",
            Some(InvitationStatus::Revoked) => {
                "This invitation was taken back. Ask whoever sent it for a new one."
            }
            Some(InvitationStatus::Expired) => {
                "This invitation has expired. Ask whoever sent it for a new one."
            }
            Some(InvitationStatus::Superseded) => {
                "Buy-in is asked for anew since this was sent. Ask whoever sent it for a new link."
            }
            Some(InvitationStatus::Open) | None => "",
        }
    }
}

/// The page.
pub async fn show(State(live): State<Arc<Live>>, Path(link): Path<String>) -> Response {
    match look_up(&live, &link).await {
        Ok(asked) => render(StatusCode::OK, Some(&asked), None),
        Err(problem) => refuse(problem, None),
    }
}

/// An answer from the page's form.
pub async fn answer(
    State(live): State<Arc<Live>>,
    Path(link): Path<String>,
    Form(answer): Form<Answer>,
) -> Response {
    let answered = match invitation::opened(&live, &link) {
        Ok(id) => invitation::answered(&live, id, answer).await,
        Err(problem) => Err(problem),
    };
    match answered {
        // To the page again, so that reloading it sends nothing twice.
        Ok(_) => Redirect::to(&format!("/sign-off/{link}")).into_response(),
        Err(problem) => {
            let asked = look_up(&live, &link).await.ok();
            refuse(problem, asked.as_ref())
        }
    }
}

async fn look_up(live: &Live, link: &str) -> Result<Asked, Problem> {
    invitation::asked(live, &invitation::opened(live, link)?).await
}

fn refuse(problem: Problem, asked: Option<&Asked>) -> Response {
    let detail = match &problem {
        Problem::NotFound { .. } => {
            "This link opens nothing. Check that it was copied whole, or ask for a new one.".to_owned()
        }
        other => other.body().detail,
    };
    let status = problem.into_response().status();
    render(status, asked, Some(&detail))
}

fn render(status: StatusCode, asked: Option<&Asked>, notice: Option<&str>) -> Response {
    match (Page { asked, notice }).render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => Problem::Internal(error.to_string()).into_response(),
    }
}
