//! API tokens: what a program signs in with. Only a digest of the token is kept.

use std::fmt;
use std::str::FromStr;

use jiff::{Timestamp, ToSpan as _};
use sqlx::FromRow;

use crate::database::{StoreError, on};
use crate::digest::Digest;
use crate::instant::{from_micros, micros};
use crate::journal::PAGE_MAX;
use crate::store::Store;

/// The columns are named: another node's migration may add some while this one runs.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT t.id, t.name, t.scopes, t.environment, t.account, t.created_at, t.expires_at, t.revoked_at,
                    t.last_used_at, a.disabled
             FROM api_tokens t JOIN accounts a ON a.id = t.account ",
            $which
        )
    };
}

/// A token to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiToken {
    /// What people revoke it by.
    pub id: String,
    /// What it is for, in the words of whoever created it.
    pub name: String,
    /// The digest of the token itself, which nobody can show again.
    pub token_hash: Digest,
    /// What it may be used for.
    pub scopes: Scopes,
    /// The only environment it may be used in; none for any.
    pub environment: Option<String>,
    /// The account that acts when it is used.
    pub account: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// From then on it is not valid.
    pub expires_at: Option<Timestamp>,
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// What people revoke it by.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// The only environment it may be used in; none for any.
    pub environment: Option<String>,
    /// The account that acts when it is used.
    pub account: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// From then on it is not valid.
    pub expires_at: Option<Timestamp>,
    /// When somebody revoked it.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// What a token may be used for: words such as `evaluate`, `ingest`, `sync`, `admin`. As text, the words with spaces between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

/// A text that is no list of scopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scopes are words of a-z, 0-9, '_', ':' and '-' with spaces between, at least one: {0:?}")]
pub struct ScopesError(String);

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is none like it.
    #[error("the token is not known here; create one, or check that it was copied whole")]
    Unknown,
    /// Its time is over.
    #[error("the token {name:?} expired at {at}; create a new one")]
    Expired {
        /// What it was for.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody revoked it.
    #[error("the token {name:?} was revoked at {at}; create a new one")]
    Revoked {
        /// What it was for.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// The account it acts as may no longer act.
    #[error("the account of the token {name:?} is disabled; create a token of another account")]
    AccountDisabled {
        /// What it was for.
        name: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Keeps a token.
    ///
    /// # Errors
    /// When the database fails, its id or digest is in use, or there is no such account.
    pub async fn create_token(&self, token: &NewApiToken) -> Result<(), StoreError> {
        on!(&self.write, db => {
            sqlx::query(
                "INSERT INTO api_tokens (id, name, token_hash, scopes, environment, account, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(&token.id)
            .bind(&token.name)
            .bind(token.token_hash.as_bytes().as_slice())
            .bind(token.scopes.to_string())
            .bind(&token.environment)
            .bind(&token.account)
            .bind(micros(token.created_at))
            .bind(token.expires_at.map(micros))
            .execute(db)
            .await?;
        });
        Ok(())
    }

    /// The valid token of that digest. Notes its use, at most once a minute.
    ///
    /// # Errors
    /// When there is none, or it is not valid at `now`; the error says why.
    pub async fn use_token(&self, token_hash: Digest, now: Timestamp) -> Result<ApiToken, TokenError> {
        let row: Option<TokenRow> = on!(&self.read, db => {
            sqlx::query_as(
                select!("WHERE t.token_hash = $1")
            )
            .bind(token_hash.as_bytes().as_slice())
            .fetch_optional(db)
            .await
            .map_err(StoreError::from)?
        });
        let Some(row) = row else { return Err(TokenError::Unknown) };
        let disabled = row.disabled;
        let token = row.decode()?;
        match (token.revoked_at, token.expires_at) {
            (Some(at), _) => return Err(TokenError::Revoked { name: token.name, at }),
            (_, Some(at)) if at <= now => return Err(TokenError::Expired { name: token.name, at }),
            _ if disabled => return Err(TokenError::AccountDisabled { name: token.name }),
            _ => {}
        }
        let minute_ago = now.saturating_sub(1.minute()).unwrap_or(now);
        if token.last_used_at.is_none_or(|last| last <= minute_ago) {
            self.note_use(&token.id, now).await?;
        }
        Ok(token)
    }

    /// Revokes a token at once and for good. False when there is no such token, or it is revoked already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            sqlx::query("UPDATE api_tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
                .bind(micros(at))
                .bind(id)
                .execute(db)
                .await?
                .rows_affected()
        });
        Ok(found > 0)
    }

    /// Up to `limit` tokens (at most [`PAGE_MAX`]) behind the id `after` (`""` for the first), by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self, after: &str, limit: u32) -> Result<Vec<ApiToken>, StoreError> {
        let limit = i64::from(limit.min(PAGE_MAX));
        let rows: Vec<TokenRow> = on!(&self.read, db => {
            sqlx::query_as(
                select!("WHERE t.id > $1 ORDER BY t.id LIMIT $2")
            )
            .bind(after)
            .bind(limit)
            .fetch_all(db)
            .await?
        });
        rows.into_iter().map(TokenRow::decode).collect()
    }

    /// Tokens that are valid at `now`, each with its digest: up to [`PAGE_MAX`] behind the id `after` (`""` for the first),
    /// by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn valid_tokens(
        &self,
        after: &str,
        now: Timestamp,
    ) -> Result<Vec<(Digest, ApiToken)>, StoreError> {
        let rows: Vec<HashedRow> = on!(&self.read, db => {
            sqlx::query_as(
                "SELECT t.token_hash, t.id, t.name, t.scopes, t.environment, t.account, t.created_at, t.expires_at,
                        t.revoked_at, t.last_used_at, a.disabled
                 FROM api_tokens t JOIN accounts a ON a.id = t.account
                 WHERE t.id > $1 AND t.revoked_at IS NULL AND NOT a.disabled
                   AND (t.expires_at IS NULL OR t.expires_at > $2)
                 ORDER BY t.id LIMIT $3"
            )
            .bind(after)
            .bind(micros(now))
            .bind(i64::from(PAGE_MAX))
            .fetch_all(db)
            .await?
        });
        rows.into_iter().map(HashedRow::decode).collect()
    }

    async fn note_use(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        on!(&self.write, db => {
            sqlx::query("UPDATE api_tokens SET last_used_at = $1 WHERE id = $2").bind(micros(now)).bind(id).execute(db).await?;
        });
        Ok(())
    }
}

impl Scopes {
    /// Whether `scope` is among them.
    pub fn allow(&self, scope: &str) -> bool {
        self.0.iter().any(|given| given == scope)
    }

    /// The words, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for Scopes {
    type Err = ScopesError;

    fn from_str(text: &str) -> Result<Scopes, ScopesError> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | ':' | '-');
        if words.is_empty() || !words.iter().all(|word| word.chars().all(plain)) {
            return Err(ScopesError(text.to_owned()));
        }
        Ok(Scopes(words))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[derive(FromRow)]
struct TokenRow {
    id: String,
    name: String,
    scopes: String,
    environment: Option<String>,
    account: String,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
    disabled: bool,
}

/// A token with its digest.
#[derive(FromRow)]
struct HashedRow {
    token_hash: Vec<u8>,
    #[sqlx(flatten)]
    token: TokenRow,
}

impl HashedRow {
    fn decode(self) -> Result<(Digest, ApiToken), StoreError> {
        let digest = Digest::try_from(self.token_hash.as_slice())
            .map_err(|error| StoreError::Damaged { what: "API token", why: error.to_string() })?;
        Ok((digest, self.token.decode()?))
    }
}

impl TokenRow {
    fn decode(self) -> Result<ApiToken, StoreError> {
        let scopes = self.scopes.parse().map_err(|error: ScopesError| StoreError::Damaged {
            what: "API token",
            why: error.to_string(),
        })?;
        Ok(ApiToken {
            id: self.id,
            name: self.name,
            scopes,
            environment: self.environment,
            account: self.account,
            created_at: from_micros(self.created_at)?,
            expires_at: self.expires_at.map(from_micros).transpose()?,
            revoked_at: self.revoked_at.map(from_micros).transpose()?,
            last_used_at: self.last_used_at.map(from_micros).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(text.parse::<Scopes>().ok().map(|scopes| scopes.to_string()).as_deref(), expected);
    }

    #[test]
    fn scopes_are_plain_words() {
        check("evaluate", Some("evaluate"));
        check("  evaluate   flags:read ", Some("evaluate flags:read"));
        check("", None);
        check("  ", None);
        check("Admin", None);
        check("a,b", None);
    }
}
