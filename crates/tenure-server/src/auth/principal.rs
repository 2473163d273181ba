//! From the headers of a request to an account and its scopes.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum_extra::extract::cookie::CookieJar;
use subtle::ConstantTimeEq;
use tenure_core::Actor;
use tenure_core::id::AccountId;
use tenure_store::Digest;

use super::permission::Scope;
use crate::flag_node::FlagNode;
use crate::live::Live;
use crate::problem::Problem;

/// The cookie that carries a session.
pub const SESSION_COOKIE: &str = "tenure_session";
/// The header that proves that a write with a session comes from our own page.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// The environment of a token that names none.
pub const ENVIRONMENT_DEFAULT: &str = "production";

/// What a caller without any credential is told.
pub const NO_CREDENTIAL: Problem = Problem::Unauthenticated(
    "no credential: send a token as `Authorization: Bearer …` or `X-API-Key`, or sign in",
);

/// An account that is signed in, by token or by session.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The account's id, as entries name it.
    pub account: String,
    /// How far the credential reaches.
    pub scopes: Vec<Scope>,
    /// The environment whose flags are evaluated, unless the caller selects another.
    pub environment: String,
    /// What proves that a write of this session comes from our own page; none for a token.
    pub csrf: Option<String>,
    /// May the caller select any other environment?
    pub any_environment: bool,
    /// A digest of the credential, by which requests are counted.
    pub credential: [u8; 32],
}

impl Principal {
    /// Refuse a credential that does not reach as far as `scope`.
    pub fn check(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        let has: Vec<&str> = self.scopes.iter().map(|scope| scope.name()).collect();
        Err(Problem::Forbidden(format!(
            "this needs the scope {scope}; the credential has {}",
            if has.is_empty() { "none".to_owned() } else { has.join(", ") }
        )))
    }
}

/// A kind of endpoint, by the scope it needs.
pub trait Permission: Send + Sync + 'static {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident $scope:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Permission for $name {
            const SCOPE: Scope = Scope::$scope;
        }
    )+};
}

permissions! {
    /// Evaluates flags.
    Evaluate Evaluate;
    /// Follows whole flag definitions.
    Follow Sync;
    /// Sends events.
    Ingest Ingest;
    /// Reads.
    Read Read;
    /// Gives commands.
    Write Write;
    /// Manages accounts and tokens.
    Admin Admin;
}

/// Proof that the request carries a credential with the scope of `P`.
#[derive(Debug, Clone)]
pub struct Allowed<P> {
    /// Who is asking.
    pub principal: Principal,
    permission: PhantomData<P>,
}

impl<P> Allowed<P> {
    /// The account's id.
    pub fn account(&self) -> &str {
        &self.principal.account
    }

    /// The account as the process knows it.
    pub fn actor(&self) -> Result<Actor, Problem> {
        let account = AccountId::new(self.account()).map_err(|error| Problem::Internal(error.to_string()))?;
        Ok(Actor::Account(account))
    }

    /// The environment whose flags are meant.
    pub fn environment(&self) -> &str {
        &self.principal.environment
    }
}

impl<P: Permission> FromRequestParts<Arc<Live>> for Allowed<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, live: &Arc<Live>) -> Result<Self, Problem> {
        let principal = identify(parts, live).await?;
        principal.check(P::SCOPE)?;
        Ok(Self { principal, permission: PhantomData })
    }
}

impl<P: Permission> FromRequestParts<Arc<FlagNode>> for Allowed<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<FlagNode>) -> Result<Self, Problem> {
        let principal = node.admit(&parts.headers, &parts.extensions, P::SCOPE).await?;
        Ok(Self { principal, permission: PhantomData })
    }
}

async fn identify(parts: &Parts, live: &Live) -> Result<Principal, Problem> {
    if let Some(token) = token_of(&parts.headers)? {
        return live.node.tokens.principal(token, live.clock.now()).await;
    }
    let jar = CookieJar::from_headers(&parts.headers);
    match jar.get(SESSION_COOKIE) {
        Some(cookie) => by_session(cookie.value(), parts, live).await,
        None => Err(NO_CREDENTIAL),
    }
}

/// The token that headers carry.
pub fn token_of(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    const UNREADABLE: Problem = Problem::Unauthenticated("the credential's header is not plain text");
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let value = value.to_str().map_err(|_| UNREADABLE)?;
        return match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
            _ => Err(Problem::Unauthenticated("the Authorization header must be `Bearer TOKEN`")),
        };
    }
    headers.get("x-api-key").map(|value| value.to_str().map_err(|_| UNREADABLE)).transpose()
}

async fn by_session(cookie: &str, parts: &Parts, live: &Live) -> Result<Principal, Problem> {
    let session = live.store.session(Digest::of(cookie.as_bytes()), live.clock.now()).await?;
    let Some(session) = session else {
        return Err(Problem::Unauthenticated("the session has ended; sign in again"));
    };
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        let sent = parts.headers.get(CSRF_HEADER).map(|value| value.as_bytes()).unwrap_or_default();
        if !bool::from(sent.ct_eq(session.csrf.as_bytes())) {
            return Err(Problem::Forbidden(format!(
                "a write with a session needs the header {CSRF_HEADER} with the session's csrf value"
            )));
        }
    }
    let mut scopes = vec![Scope::Read, Scope::Write, Scope::Evaluate];
    if live.is_admin(&session.account) {
        scopes.push(Scope::Admin);
    }
    Ok(Principal {
        account: session.account,
        scopes,
        environment: ENVIRONMENT_DEFAULT.to_owned(),
        csrf: Some(session.csrf),
        any_environment: true,
        credential: *Digest::of(cookie.as_bytes()).as_bytes(),
    })
}
