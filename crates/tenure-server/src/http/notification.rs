//! How the caller is told: by which channel, when, about which cases.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tenure_store::{Account, account_receiver};
use utoipa::ToSchema;

use super::body::Body;
use super::query::Query;
use super::webhook::{DeliveryView, Last, Tested, check_url, shown_url};
use crate::auth::{Allowed, Read, Write};
use crate::live::Live;
use crate::notify::delivery;
use crate::notify::preference::{self, Choices};
use crate::problem::Problem;

/// How a person is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationsView {
    /// What was chosen.
    pub choices: Choices,
    /// Where mail goes.
    pub email: Option<String>,
    /// The chat's incoming webhook: scheme and host, as the rest is a credential.
    pub chat_url: Option<String>,
    /// Whether this server can send mail.
    pub mail_possible: bool,
}

/// What a person chooses. Choices are taken whole; an address that is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choose {
    /// What is chosen.
    pub choices: Choices,
    /// Where mail goes; an empty one takes it away.
    #[serde(default)]
    pub email: Option<String>,
    /// The incoming webhook of a Slack-compatible chat; an empty one takes it away.
    #[serde(default)]
    pub chat_url: Option<String>,
}

/// How the caller is told.
#[utoipa::path(
    get, path = "/api/v1/me/notifications", tag = "notifications",
    responses((status = 200, body = NotificationsView)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn my_notifications(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Read>,
) -> Result<Json<NotificationsView>, Problem> {
    Ok(Json(view(&live, allowed.account()).await?))
}

/// Choose how to be told.
#[utoipa::path(
    put, path = "/api/v1/me/notifications", tag = "notifications", request_body = Choose,
    responses((status = 200, body = NotificationsView), (status = 400, body = crate::problem::ProblemBody)),
    security(("token" = ["write"]), ("session" = [])),
)]
pub async fn choose_notifications(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Write>,
    Body(choose): Body<Choose>,
) -> Result<Json<NotificationsView>, Problem> {
    if let Some((field, detail)) = choose.choices.fault() {
        return Err(Problem::invalid(format!("choices.{field}"), detail));
    }
    let account = me(&live, allowed.account()).await?;
    let chat_url = match choose.chat_url.as_deref().map(str::trim) {
        None => preference::chosen(&live.store, &account.id).await?.1,
        Some("") => None,
        Some(url) => Some(check_url(&live, url).map_err(|problem| renamed(problem, "chat_url"))?),
    };
    if let Some(email) = choose.email.as_deref().map(str::trim) {
        if !email.is_empty() && email.parse::<lettre::Address>().is_err() {
            return Err(Problem::invalid("email", format!("{email:?} is no mail address")));
        }
        let email = (!email.is_empty()).then_some(email);
        live.store.set_account_profile(&account.id, &account.display_name, email).await?;
    }
    preference::choose(&live.store, &account.id, &choose.choices, chat_url).await?;
    Ok(Json(view(&live, &account.id).await?))
}

/// Send the caller a test message, now.
#[utoipa::path(
    post, path = "/api/v1/me/notifications/test", tag = "notifications",
    responses((status = 200, body = Tested)),
    security(("token" = ["write"]), ("session" = [])),
)]
pub async fn test_notifications(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Write>,
) -> Result<Json<Tested>, Problem> {
    let account = me(&live, allowed.account()).await?;
    let reader = preference::reader(&live.store, account, live.senders.mailer.is_some()).await?;
    let outcome = match &reader {
        Some(reader) => delivery::test_reader(&live, reader).await,
        None => Err("there is no way to reach you: choose a channel and give its address".to_owned()),
    };
    Ok(Json(Tested::of(outcome)))
}

/// The last messages to the caller, the newest first.
#[utoipa::path(
    get, path = "/api/v1/me/notifications/deliveries", tag = "notifications", params(Last),
    responses((status = 200, body = Vec<DeliveryView>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn my_deliveries(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Read>,
    Query(Last { limit }): Query<Last>,
) -> Result<Json<Vec<DeliveryView>>, Problem> {
    let deliveries = live.store.deliveries(&account_receiver(allowed.account()), limit).await?;
    Ok(Json(deliveries.into_iter().map(DeliveryView::of).collect()))
}

async fn me(live: &Live, account: &str) -> Result<Account, Problem> {
    let found = live.store.account(account).await?;
    found.ok_or_else(|| Problem::NotFound { what: "account", id: account.to_owned() })
}

async fn view(live: &Live, account: &str) -> Result<NotificationsView, Problem> {
    let account = me(live, account).await?;
    let (choices, chat_url) = preference::chosen(&live.store, &account.id).await?;
    Ok(NotificationsView {
        choices,
        email: account.email,
        chat_url: chat_url.as_ref().map(shown_url),
        mail_possible: live.senders.mailer.is_some(),
    })
}

/// The same problem with the field as this caller named it.
fn renamed(problem: Problem, name: &str) -> Problem {
    match problem {
        Problem::Invalid { detail, .. } => Problem::invalid(name, detail),
        other => other,
    }
}
