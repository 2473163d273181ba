//! Signing in and out of the web pages: a session in an HttpOnly cookie.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tenure_core::Actor;
use tenure_core::person::{DRIVERS, Grant, Role, Scope as GrantScope};
use tenure_store::{Digest, Session};
use utoipa::{IntoParams, ToSchema};

use super::body::Body;
use super::query::Query;
use crate::auth::{Allowed, Read, SESSION_COOKIE, Scope, password, secret};
use crate::live::Live;
use crate::problem::Problem;

/// How long a session lasts, by the watch of whoever signed in.
const SESSION_LASTS: SignedDuration = SignedDuration::from_hours(12);

/// The same by the server's clock, which runs faster than that in a demo.
fn lasts(time_scale: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(SESSION_LASTS.as_secs_f64() * time_scale).unwrap_or(SESSION_LASTS)
}

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
    /// The name others see.
    display_name: String,
    /// To be sent as `X-CSRF-Token` with every write of this session; a page that was loaded again has it from here. None
    /// for a token, which needs none.
    csrf: Option<String>,
    /// The product teams it answers for, and the experiment teams it holds a role in.
    teams: Vec<String>,
    /// The codebases it owns.
    codebases: Vec<String>,
    /// The accounts it acts for now, while they are away.
    acts_for: Vec<String>,
    /// Where it can do something: `desk`, `cases`, `experiments`, `flags`, `company` (teams, roles, policy) and `accounts`
    /// (accounts, tokens, webhooks). What may be done in one case, the case's `choices` say.
    may: Vec<Area>,
    /// How far the credential reaches.
    scopes: Vec<String>,
    /// The roles the account holds.
    roles: Vec<String>,
}

/// Somewhere that something can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Answer what waits.
    Desk,
    /// Give commands in cases.
    Cases,
    /// Register experiments.
    Experiments,
    /// Set flags by hand.
    Flags,
    /// Define teams, codebases, roles and the policy.
    Company,
    /// Make accounts, tokens and webhooks.
    Accounts,
}

/// Whose sessions end.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Leaving {
    /// End every session of the account, on every machine.
    #[serde(default)]
    everywhere: bool,
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
        expires_at: now.saturating_add(lasts(live.config.time_scale)).unwrap_or(now),
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
pub async fn who_am_i(State(live): State<Arc<Live>>, allowed: Allowed<Read>) -> Result<Json<Me>, Problem> {
    let account = live.store.account(allowed.account()).await?;
    let actor = allowed.actor()?;
    let (grants, acts_for) = {
        let (state, now) = (live.state(), live.clock.now());
        let grants =
            state.people.get(allowed.account()).map(|person| person.grants.clone()).unwrap_or_default();
        let acts_for = match &actor {
            Actor::Account(account) => state.away_for(account, now),
            _ => Vec::new(),
        };
        (grants, acts_for)
    };
    let (mut teams, mut codebases) = (BTreeSet::new(), BTreeSet::new());
    for grant in &grants {
        match &grant.scope {
            GrantScope::Team(team) => drop(teams.insert(team.to_string())),
            GrantScope::Codebase(codebase) => drop(codebases.insert(codebase.to_string())),
            GrantScope::Everywhere | GrantScope::Case(_) => {}
        }
    }
    Ok(Json(Me {
        account: allowed.account().to_owned(),
        display_name: account.map_or_else(|| allowed.account().to_owned(), |account| account.display_name),
        csrf: allowed.principal.csrf.clone(),
        teams: teams.into_iter().collect(),
        codebases: codebases.into_iter().collect(),
        may: areas(&grants, !acts_for.is_empty(), &allowed.principal.scopes),
        acts_for: acts_for.iter().map(ToString::to_string).collect(),
        scopes: allowed.principal.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
        roles: grants.iter().map(ToString::to_string).collect(),
    }))
}

/// Where an account with these roles can do something, as far as its credential reaches.
fn areas(grants: &BTreeSet<Grant>, acts_for_others: bool, scopes: &[Scope]) -> Vec<Area> {
    let holds = |roles: &[Role]| grants.iter().any(|grant| roles.contains(&grant.role));
    let decides =
        acts_for_others || grants.iter().any(|grant| !matches!(grant.role, Role::Observer | Role::Admin));
    let writes = scopes.contains(&Scope::Write);
    let admin = holds(&[Role::Admin]);
    [
        (Area::Desk, writes && decides),
        (Area::Cases, writes && decides),
        (Area::Experiments, writes && (holds(&DRIVERS) || holds(&[Role::Importer]))),
        (
            Area::Flags,
            writes && (admin || holds(&[Role::Developer, Role::LeadDeveloper, Role::DevelopmentLead])),
        ),
        (Area::Company, writes && admin),
        (Area::Accounts, scopes.contains(&Scope::Admin)),
    ]
    .into_iter()
    .filter_map(|(area, open)| open.then_some(area))
    .collect()
}

/// Sign out, of this session or of all.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "accounts", params(Leaving),
    responses((status = 204), (status = 401, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn sign_out(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Read>,
    Query(Leaving { everywhere }): Query<Leaving>,
    jar: CookieJar,
) -> Result<(StatusCode, CookieJar), Problem> {
    if everywhere {
        live.store.delete_sessions_of(allowed.account()).await?;
    }
    if let Some(cookie) = jar.get(SESSION_COOKIE) {
        live.store.delete_session(Digest::of(cookie.value().as_bytes())).await?;
    }
    Ok((StatusCode::NO_CONTENT, jar.remove(Cookie::build(SESSION_COOKIE).path("/"))))
}
