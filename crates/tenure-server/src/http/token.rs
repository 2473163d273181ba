//! API tokens: what programs sign in with. A token is shown once; only its digest is kept.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tenure_store::{ApiToken, Digest, NewApiToken, Scopes};
use utoipa::ToSchema;

use super::body::Body;
use super::page::{After, Page};
use super::query::Query;
use crate::auth::{Admin, Allowed, Scope, secret};
use crate::live::Live;
use crate::problem::Problem;

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// How far it reaches.
    pub scopes: Vec<Scope>,
    /// The environment whose flags it evaluates; `production`, if left out.
    #[serde(default)]
    pub environment: Option<String>,
    /// The account it acts as; the caller's, if left out.
    #[serde(default)]
    pub account: Option<String>,
    /// Days until it expires; never, if left out.
    #[serde(default)]
    pub expires_in_days: Option<u32>,
}

/// A token as it is listed.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenView {
    /// Its id, to revoke it by.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// How far it reaches.
    pub scopes: Vec<String>,
    /// The environment whose flags it evaluates.
    pub environment: Option<String>,
    /// The account it acts as.
    pub account: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

/// A token that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeToken {
    /// The secret, shown this once.
    pub token: String,
    /// What it is.
    pub info: TokenView,
}

/// Make an API token.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "accounts", request_body = NewToken,
    responses((status = 201, body = MadeToken), (status = 400, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn create_token(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Admin>,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    Ok((StatusCode::CREATED, Json(create(&live, allowed.account(), new).await?)))
}

/// List API tokens.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "accounts", params(After),
    responses((status = 200, body = Page<TokenView>)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn list_tokens(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Query(After { after, limit }): Query<After>,
) -> Result<Json<Page<TokenView>>, Problem> {
    let tokens = live.store.tokens(&after, limit).await?;
    Ok(Json(Page::of(tokens.into_iter().map(view).collect(), limit, |token: &TokenView| token.id.clone())))
}

/// Revoke an API token, at once.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", tag = "accounts",
    params(("id" = String, Path, description = "The token's id, as listed")),
    responses((status = 204), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn revoke_token(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let found = live.store.revoke_token(&id, live.clock.now()).await?;
    live.node.tokens.forget_all();
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::NotFound { what: "token in use", id }) }
}

/// Make a token that acts as `owner`, or as the account that `new` names.
pub async fn create(live: &Live, owner: &str, new: NewToken) -> Result<MadeToken, Problem> {
    let account = new.account.unwrap_or_else(|| owner.to_owned());
    if live.store.account(&account).await?.is_none() {
        return Err(Problem::invalid("account", format!("there is no account {account:?}")));
    }
    if new.name.trim().is_empty() {
        return Err(Problem::invalid("name", "say what the token is for"));
    }
    let mut names: Vec<&str> = new.scopes.iter().map(|scope| scope.name()).collect();
    names.sort_unstable();
    names.dedup();
    let scopes: Scopes =
        names.join(" ").parse().map_err(|_| Problem::invalid("scopes", "name at least one scope"))?;
    let now = live.clock.now();
    let random = |prefix| secret::generate(prefix).map_err(|error| Problem::Internal(error.to_string()));
    let token = random(secret::TOKEN_PREFIX)?;
    let kept = NewApiToken {
        id: Digest::of(random("")?.as_bytes()).to_string()[..16].to_owned(),
        name: new.name.trim().to_owned(),
        token_hash: Digest::of(token.as_bytes()),
        scopes,
        environment: new.environment,
        account,
        created_at: now,
        expires_at: new
            .expires_in_days
            .and_then(|days| now.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok()),
    };
    live.store.create_token(&kept).await?;
    let info = view(ApiToken {
        id: kept.id,
        name: kept.name,
        scopes: kept.scopes,
        environment: kept.environment,
        account: kept.account,
        created_at: kept.created_at,
        expires_at: kept.expires_at,
        revoked_at: None,
        last_used_at: None,
    });
    Ok(MadeToken { token, info })
}

fn view(token: ApiToken) -> TokenView {
    TokenView {
        scopes: token.scopes.iter().map(str::to_owned).collect(),
        id: token.id,
        name: token.name,
        environment: token.environment,
        account: token.account,
        created_at: token.created_at,
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
        last_used_at: token.last_used_at,
    }
}
