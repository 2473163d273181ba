//! Whom an API token belongs to: asked of the store and remembered for seconds, or told to a relay by its upstream.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tenure_store::{ApiToken, Digest, Store, TokenError};

use super::permission::Scope;
use super::principal::{ENVIRONMENT_DEFAULT, Principal};
use crate::problem::Problem;

const UNKNOWN: Problem =
    Problem::Unauthenticated("the token is not known here; check that it was copied whole");
const EXPIRED: Problem = Problem::Unauthenticated("the token has expired; create a new one");

/// Finds the owner of a token.
#[derive(Debug)]
pub enum Tokens {
    /// A server's own.
    Stored(StoredTokens),
    /// Those that a relay was told of.
    Told(ArcSwap<ToldTokens>),
}

/// Tokens in the store. Those that were looked up lately are remembered, so that the flags' hot path asks the database rarely.
///
/// A token that is revoked on this node is forgotten at once; one revoked on another node works for [`StoredTokens::KEPT`] more.
#[derive(Debug)]
pub struct StoredTokens {
    store: Store,
    seen: Mutex<Seen>,
}

/// Tokens by digest, and when they were looked up.
type Seen = HashMap<[u8; 32], (Instant, Arc<KnownToken>)>;

/// What a relay knows of tokens, by their digests: nobody can make a token from one.
pub type ToldTokens = HashMap<[u8; 32], KnownToken>;

/// How far a token reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownToken {
    /// How far it reaches.
    pub scopes: Vec<Scope>,
    /// The only environment it may be used in; none for any.
    pub environment: Option<String>,
    /// The account that owns it.
    pub account: String,
    /// From then on it is not valid.
    pub expires_at: Option<Timestamp>,
}

impl Tokens {
    /// The tokens of a store.
    pub fn stored(store: Store) -> Self {
        Self::Stored(StoredTokens { store, seen: Mutex::default() })
    }

    /// A relay's tokens: none yet.
    pub fn told() -> Self {
        Self::Told(ArcSwap::default())
    }

    /// Accept these tokens from now on, and no others: what a relay is told.
    pub fn tell(&self, tokens: ToldTokens) {
        if let Self::Told(told) = self {
            told.store(Arc::new(tokens));
        }
    }

    /// Whoever the token belongs to.
    pub async fn principal(&self, token: &str, now: Timestamp) -> Result<Principal, Problem> {
        let digest = Digest::of(token.as_bytes());
        match self {
            Self::Stored(tokens) => tokens.find(digest, now).await.map(|token| token.principal(digest)),
            Self::Told(tokens) => match tokens.load().get(digest.as_bytes()) {
                None => Err(UNKNOWN),
                Some(token) if token.expires_at.is_some_and(|at| at <= now) => Err(EXPIRED),
                Some(token) => Ok(token.principal(digest)),
            },
        }
    }

    /// Look every token up again from now on.
    pub fn forget_all(&self) {
        if let Self::Stored(tokens) = self {
            tokens.seen().clear();
        }
    }
}

impl KnownToken {
    fn principal(&self, digest: Digest) -> Principal {
        Principal {
            account: self.account.clone(),
            scopes: self.scopes.clone(),
            environment: self.environment.clone().unwrap_or_else(|| ENVIRONMENT_DEFAULT.to_owned()),
            any_environment: self.environment.is_none(),
            csrf: None,
            credential: *digest.as_bytes(),
        }
    }
}

impl From<ApiToken> for KnownToken {
    fn from(token: ApiToken) -> Self {
        Self {
            scopes: Scope::ALL.into_iter().filter(|scope| token.scopes.allow(scope.name())).collect(),
            environment: token.environment,
            account: token.account,
            expires_at: token.expires_at,
        }
    }
}

impl StoredTokens {
    /// How long a looked-up token is trusted.
    pub const KEPT: Duration = Duration::from_secs(5);
    const TOKENS_MAX: usize = 10_000;

    async fn find(&self, digest: Digest, now: Timestamp) -> Result<Arc<KnownToken>, Problem> {
        if let Some(token) = self.get(digest) {
            return Ok(token);
        }
        let token = self.store.use_token(digest, now).await.map_err(|error| match error {
            TokenError::Unknown => UNKNOWN,
            TokenError::Expired { .. } => EXPIRED,
            TokenError::Revoked { .. } => Problem::Unauthenticated("the token was revoked; create a new one"),
            TokenError::AccountDisabled { .. } => Problem::Unauthenticated("the token's account is disabled"),
            TokenError::Store(error) => error.into(),
        })?;
        let token = Arc::new(KnownToken::from(token));
        self.put(digest, Arc::clone(&token));
        Ok(token)
    }

    fn get(&self, digest: Digest) -> Option<Arc<KnownToken>> {
        let seen = self.seen();
        let (at, token) = seen.get(digest.as_bytes())?;
        (at.elapsed() < Self::KEPT).then(|| Arc::clone(token))
    }

    fn put(&self, digest: Digest, token: Arc<KnownToken>) {
        let mut seen = self.seen();
        if seen.len() >= Self::TOKENS_MAX {
            seen.clear();
        }
        seen.insert(*digest.as_bytes(), (Instant::now(), token));
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
