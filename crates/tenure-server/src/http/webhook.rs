//! Webhooks: programs and chats that entries are posted to. A secret is shown once, when it is made.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tenure_store::{Confidential, Delivery, Digest, Webhook, webhook_receiver};
use utoipa::{IntoParams, ToSchema};

use super::body::Body;
use super::page::{After, Page};
use super::query::Query;
use crate::auth::{Admin, Allowed, secret};
use crate::live::Live;
use crate::notify::delivery;
use crate::notify::webhook::{Filter, Form, new_secret};
use crate::problem::Problem;

/// How long a replaced secret still signs, so that the receiver can be given the new one meanwhile.
const OLD_SECRET_SIGNS: SignedDuration = SignedDuration::from_hours(24);
/// The most webhooks.
const WEBHOOKS_MAX: usize = 100;

/// A webhook to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// What it is for.
    pub name: String,
    /// Where to post.
    pub url: String,
    /// How what is posted is written; `standard`, if left out.
    #[serde(default = "standard")]
    pub form: Form,
    /// Which entries; all, if left out.
    #[serde(default)]
    pub filter: Filter,
}

fn standard() -> Form {
    Form::Standard
}

/// What is to change about a webhook; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    /// What it is for.
    #[serde(default)]
    pub name: Option<String>,
    /// Where to post.
    #[serde(default)]
    pub url: Option<String>,
    /// Which entries.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// Whether anything is posted: `true` enables it again after it was disabled.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// A webhook as it is shown. Never its secret, nor the part of its address that may be one.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookView {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Where it posts to: scheme and host.
    pub url: String,
    /// How what is posted is written.
    pub form: Form,
    /// Which entries.
    pub filter: Filter,
    /// Who made it, and is told when it is disabled.
    pub account: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Until when a replaced secret signs too.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub old_secret_until: Option<Timestamp>,
    /// Since when nothing could be delivered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
    /// Since when nothing is posted any more.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<Timestamp>,
    /// Why.
    pub disabled_why: Option<String>,
}

/// A webhook that was just made, or whose secret was replaced.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeWebhook {
    /// What messages are signed with, shown this once; none for a chat.
    pub secret: Option<String>,
    /// What it is.
    pub info: WebhookView,
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tested {
    /// Whether it arrived.
    pub delivered: bool,
    /// What the receiver answered, or why it did not arrive.
    pub said: String,
}

/// A delivery as it is listed.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// Which message: by it a delivery is made again.
    pub message: String,
    /// The entry it tells, or the last of them.
    pub seq: i64,
    /// `waiting`, `delivered`, `failed` (given up) or `dropped` (no longer wanted).
    pub status: &'static str,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt was answered.
    pub said: Option<String>,
    /// When it was first owed.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it is tried next, while it waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    /// When it was over.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub done_at: Option<Timestamp>,
}

/// How many deliveries.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Last {
    /// At most 1,000.
    #[serde(default = "last_default")]
    pub limit: u32,
}

fn last_default() -> u32 {
    50
}

/// Make a webhook.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "notifications", request_body = NewWebhook,
    responses((status = 201, body = MadeWebhook), (status = 400, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn create_webhook(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Admin>,
    Body(new): Body<NewWebhook>,
) -> Result<(StatusCode, Json<MadeWebhook>), Problem> {
    let name = check_name(&new.name)?;
    check_filter(&new.filter)?;
    if live.store.webhooks("", tenure_store::PAGE_MAX).await?.len() >= WEBHOOKS_MAX {
        return Err(Problem::Conflict(format!("there are {WEBHOOKS_MAX} webhooks; remove one first")));
    }
    let random = |error: getrandom::Error| Problem::Internal(error.to_string());
    let webhook = Webhook {
        id: Digest::of(secret::generate("").map_err(random)?.as_bytes()).to_string()[..16].to_owned(),
        account: allowed.account().to_owned(),
        name,
        form: new.form.name().to_owned(),
        url: check_url(&live, &new.url)?,
        filter: filter_text(&new.filter),
        secret: new_secret().map_err(random)?,
        old_secret: None,
        created_at: live.clock.now(),
        failing_since: None,
        disabled: None,
    };
    live.store.create_webhook(&webhook).await?;
    Ok((StatusCode::CREATED, Json(made(&webhook))))
}

/// List webhooks.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "notifications", params(After),
    responses((status = 200, body = Page<WebhookView>)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn list_webhooks(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Query(After { after, limit }): Query<After>,
) -> Result<Json<Page<WebhookView>>, Problem> {
    let webhooks = live.store.webhooks(&after, limit).await?;
    Ok(Json(Page::of(webhooks.iter().map(view).collect(), limit, |webhook: &WebhookView| webhook.id.clone())))
}

/// One webhook.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", tag = "notifications",
    params(("id" = String, Path, description = "The webhook's id")),
    responses((status = 200, body = WebhookView), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn get_webhook(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Path(id): Path<String>,
) -> Result<Json<WebhookView>, Problem> {
    Ok(Json(view(&find(&live, &id).await?)))
}

/// Change a webhook, or enable it again.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", tag = "notifications", request_body = WebhookChange,
    params(("id" = String, Path, description = "The webhook's id")),
    responses((status = 200, body = WebhookView), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn change_webhook(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Admin>,
    Path(id): Path<String>,
    Body(change): Body<WebhookChange>,
) -> Result<Json<WebhookView>, Problem> {
    let kept = find(&live, &id).await?;
    let name = change.name.as_deref().map_or(Ok(kept.name), check_name)?;
    let url = change.url.as_deref().map_or(Ok(kept.url), |url| check_url(&live, url))?;
    let filter = match change.filter {
        Some(filter) => check_filter(&filter).map(|()| filter_text(&filter))?,
        None => kept.filter,
    };
    live.store.set_webhook(&id, &name, &url, &filter).await?;
    match change.enabled {
        Some(true) => live.store.enable_webhook(&id).await?,
        Some(false) => {
            let why = format!("{} disabled it", allowed.account());
            live.store.disable_webhook(&id, live.clock.now(), &why).await?
        }
        None => true,
    };
    Ok(Json(view(&find(&live, &id).await?)))
}

/// Remove a webhook, its secrets and its deliveries.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", tag = "notifications",
    params(("id" = String, Path, description = "The webhook's id")),
    responses((status = 204), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn delete_webhook(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if live.store.delete_webhook(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(none(id)) }
}

/// Replace a webhook's secret. For 24 hours messages carry two signatures, by the old one and the new one.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/secret", tag = "notifications",
    params(("id" = String, Path, description = "The webhook's id")),
    responses((status = 200, body = MadeWebhook), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn rotate_secret(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Path(id): Path<String>,
) -> Result<Json<MadeWebhook>, Problem> {
    let new = new_secret().map_err(|error| Problem::Internal(error.to_string()))?;
    // Signatures are made by the wall's clock, so their secrets end by it.
    let until = crate::clock::wall_now().checked_add(OLD_SECRET_SIGNS).unwrap_or(Timestamp::MAX);
    if !live.store.rotate_webhook_secret(&id, &new, until).await? {
        return Err(none(id));
    }
    Ok(Json(made(&find(&live, &id).await?)))
}

/// Post a test message, now.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/test", tag = "notifications",
    params(("id" = String, Path, description = "The webhook's id")),
    responses((status = 200, body = Tested), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn test_webhook(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Path(id): Path<String>,
) -> Result<Json<Tested>, Problem> {
    let webhook = find(&live, &id).await?;
    Ok(Json(Tested::of(delivery::test_webhook(&live, &webhook).await)))
}

/// The last deliveries to a webhook, the newest first.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", tag = "notifications",
    params(("id" = String, Path, description = "The webhook's id"), Last),
    responses((status = 200, body = Vec<DeliveryView>), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn list_deliveries(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Path(id): Path<String>,
    Query(Last { limit }): Query<Last>,
) -> Result<Json<Vec<DeliveryView>>, Problem> {
    find(&live, &id).await?;
    let deliveries = live.store.deliveries(&webhook_receiver(&id), limit).await?;
    Ok(Json(deliveries.into_iter().map(DeliveryView::of).collect()))
}

/// Make a delivery again, whatever came of it.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/deliveries/{message}/redeliver", tag = "notifications",
    params(
        ("id" = String, Path, description = "The webhook's id"),
        ("message" = String, Path, description = "The message, as listed"),
    ),
    responses((status = 202), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn redeliver(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Path((id, message)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    if live.store.redeliver(&webhook_receiver(&id), &message, live.clock.now()).await? {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Problem::NotFound { what: "delivery", id: message })
    }
}

impl Tested {
    /// What came of a test.
    pub fn of(outcome: Result<String, String>) -> Self {
        let delivered = outcome.is_ok();
        Self { delivered, said: outcome.unwrap_or_else(|said| said) }
    }
}

impl DeliveryView {
    /// A delivery as it is listed.
    pub fn of(delivery: Delivery) -> Self {
        Self {
            message: delivery.owed.message,
            seq: delivery.owed.seq,
            status: delivery.status.name(),
            attempts: delivery.attempts,
            said: delivery.said,
            created_at: delivery.created_at,
            next_at: delivery.done_at.is_none().then_some(delivery.next_at),
            done_at: delivery.done_at,
        }
    }
}

/// An address that may be posted to.
pub fn check_url(live: &Live, url: &str) -> Result<Confidential, Problem> {
    let checked =
        live.senders.target.check(url).map_err(|error| Problem::invalid("url", error.to_string()))?;
    Ok(Confidential::from(checked.to_string()))
}

/// An address without the part that may be a credential.
pub fn shown_url(url: &Confidential) -> String {
    match url.reveal().split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            format!("{scheme}://{host}/…")
        }
        None => "…".to_owned(),
    }
}

fn check_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Problem::invalid("name", "say in 1 to 100 characters what the webhook is for"));
    }
    Ok(name.to_owned())
}

fn check_filter(filter: &Filter) -> Result<(), Problem> {
    match filter.unknown_kind() {
        Some(kind) => Err(Problem::invalid("filter.kinds", format!("there is no kind of entry {kind:?}"))),
        None => Ok(()),
    }
}

fn filter_text(filter: &Filter) -> String {
    serde_json::to_string(filter).unwrap_or_default()
}

async fn find(live: &Live, id: &str) -> Result<Webhook, Problem> {
    live.store.webhook(id).await?.ok_or_else(|| none(id.to_owned()))
}

fn none(id: String) -> Problem {
    Problem::NotFound { what: "webhook", id }
}

fn made(webhook: &Webhook) -> MadeWebhook {
    let signs = Form::of(webhook) == Form::Standard;
    MadeWebhook { secret: signs.then(|| webhook.secret.reveal().to_owned()), info: view(webhook) }
}

fn view(webhook: &Webhook) -> WebhookView {
    let (disabled_at, disabled_why) = webhook.disabled.clone().unzip();
    WebhookView {
        id: webhook.id.clone(),
        name: webhook.name.clone(),
        url: shown_url(&webhook.url),
        form: Form::of(webhook),
        filter: Filter::of(webhook),
        account: webhook.account.clone(),
        created_at: webhook.created_at,
        old_secret_until: webhook.old_secret.as_ref().map(|(_, until)| *until),
        failing_since: webhook.failing_since,
        disabled_at,
        disabled_why,
    }
}
