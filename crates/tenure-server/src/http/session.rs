//! Signing in and out of the web pages: a session in an HttpOnly cookie.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tenure_store::{Digest, Session};
use utoipa::ToSchema;

use super::body::Body;
use crate::auth::{Allowed, Read, SESSION_COOKIE, password, secret};
use crate::live::Live;
use crate::problem::Problem;

/// How long a session lasts.
const SESSION_LASTS: SignedDuration = SignedDuration::from_hours(12);

/// Who signs in.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Credentials {
    /// The account's login.
    login: String,
    /// Its password.
    password: String,
}

/// A session that began.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedIn {
    /// The account's id.
    account: String,
    /// To be sent as `X-CSRF-Token` with every write.
    csrf: String,
}

/// The account behind the request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The account's id.
    account: String,
    /// How far the credential reaches.
    scopes: Vec<String>,
    /// The roles the account holds.
    roles: Vec<String>,
}

/// Sign in.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "accounts", request_body = Credentials,
    responses((status = 201, body = SignedIn), (status = 401, body = crate::problem::ProblemBody), (status = 429)),
)]
pub async fn sign_in(
    State(live): State<Arc<Live>>,
    jar: CookieJar,
    Body(credentials): Body<Credentials>,
) -> Result<(StatusCode, CookieJar, Json<SignedIn>), Problem> {
    if !live.sign_ins.allow(&credentials.login) {
        return Err(Problem::Busy {
            retry_after_s: 60,
            detail: "too many attempts to sign in with this login; wait a minute".to_owned(),
        });
    }
    let account = live.store.account_by_login(&credentials.login).await?.filter(|account| !account.disabled);
    let phc = account.as_ref().and_then(|account| account.password_hash.clone());
    let right = tokio::task::spawn_blocking(move || password::verify(&credentials.password, phc.as_deref()))
        .await
        .map_err(|error| Problem::Internal(error.to_string()))?;
    let Some(account) = account.filter(|_| right) else {
        return Err(Problem::Unauthenticated("login or password is wrong"));
    };
    let random = |prefix| secret::generate(prefix).map_err(|error| Problem::Internal(error.to_string()));
    let token = random(secret::SESSION_PREFIX)?;
    let csrf = random("")?;
    let now = live.clock.now();
    let session = Session {
        token_hash: Digest::of(token.as_bytes()),
        account: account.id.clone(),
        csrf: csrf.clone(),
        created_at: now,
        expires_at: now.saturating_add(SESSION_LASTS).unwrap_or(now),
    };
    live.store.create_session(&session).await?;
    let cookie = Cookie::build((SESSION_COOKIE, token))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(live.config.secure_cookies)
        .build();
    Ok((StatusCode::CREATED, jar.add(cookie), Json(SignedIn { account: account.id, csrf })))
}

/// Who am I?
#[utoipa::path(
    get, path = "/api/v1/session", tag = "accounts",
    responses((status = 200, body = Me), (status = 401, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn who_am_i(State(live): State<Arc<Live>>, allowed: Allowed<Read>) -> Json<Me> {
    Json(Me {
        account: allowed.account().to_owned(),
        scopes: allowed.principal.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
        roles: live.roles_of(allowed.account()),
    })
}

/// Sign out.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "accounts",
    responses((status = 204), (status = 401, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn sign_out(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    jar: CookieJar,
) -> Result<(StatusCode, CookieJar), Problem> {
    if let Some(cookie) = jar.get(SESSION_COOKIE) {
        live.store.delete_session(Digest::of(cookie.value().as_bytes())).await?;
    }
    Ok((StatusCode::NO_CONTENT, jar.remove(Cookie::build(SESSION_COOKIE).path("/"))))
}
