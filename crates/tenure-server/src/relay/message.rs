//! What an upstream tells a relay: one JSON object a line. A relay that comes back says which versions it has, and is told
//! the others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::{KnownToken, Scope};
use crate::flag_snapshot::Measured;

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Message {
    /// The flags of an environment, whole.
    Flags(Told),
    /// The environments there are; others are gone.
    Environments {
        /// Their names.
        names: BTreeSet<String>,
    },
    /// Every token that may evaluate, follow or send events; others are not valid, or no longer.
    Tokens {
        /// By digest, in hexadecimal digits.
        tokens: BTreeMap<String, ToldToken>,
    },
    /// The upstream is there.
    Beat {
        /// The time there.
        at: Timestamp,
    },
}

/// The flags of an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Which.
    pub environment: String,
    /// The version of its document.
    pub version: String,
    /// When that was compiled.
    pub at: Timestamp,
    /// The rollouts being measured.
    pub measured: Measured,
    /// The flagd document, as text.
    pub document: String,
}

/// How far a token reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldToken {
    /// The scopes that matter to a relay.
    pub scopes: Vec<String>,
    /// The only environment it may be used in; none for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The account that owns it.
    pub account: String,
    /// From then on it is not valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The scopes that a relay has a use for.
const SCOPES: [Scope; 3] = [Scope::Evaluate, Scope::Sync, Scope::Ingest];

impl ToldToken {
    /// What a relay is told of a token; nothing of one that it has no use for.
    pub fn of(token: KnownToken) -> Option<Self> {
        let scopes = token.scopes.iter().filter(|scope| SCOPES.contains(*scope));
        let scopes: Vec<String> = scopes.map(|scope| scope.name().to_owned()).collect();
        let KnownToken { environment, account, expires_at, .. } = token;
        (!scopes.is_empty()).then_some(Self { scopes, environment, account, expires_at })
    }

    /// The token as a node knows it.
    pub fn known(&self) -> KnownToken {
        let held = |scope: &Scope| self.scopes.iter().any(|name| name == scope.name());
        KnownToken {
            scopes: SCOPES.into_iter().filter(held).collect(),
            environment: self.environment.clone(),
            account: self.account.clone(),
            expires_at: self.expires_at,
        }
    }
}
