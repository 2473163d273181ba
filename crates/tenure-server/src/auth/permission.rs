//! What a credential must reach for each endpoint. Which *role* a person needs is the process's business, not ours.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far an API token reaches. A session of a signed-in person has `read` and `write`, and `admin` where that
/// account holds the admin role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Evaluate flags (OFREP) in the token's environment.
    Evaluate,
    /// Send exposures and outcomes.
    Ingest,
    /// Read whole flag definitions, for relays and in-process clients.
    Sync,
    /// Read cases, experiments, flags and the journal.
    Read,
    /// Give commands, with the roles of the token's account.
    Write,
    /// Manage accounts and tokens.
    Admin,
}

impl Scope {
    /// All scopes, narrowest first.
    pub const ALL: [Self; 6] =
        [Self::Evaluate, Self::Ingest, Self::Sync, Self::Read, Self::Write, Self::Admin];

    /// The name in tokens, messages and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Evaluate => "evaluate",
            Self::Ingest => "ingest",
            Self::Sync => "sync",
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|scope| scope.name() == name).ok_or_else(|| {
            format!("{name:?} is not a scope; use one of {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}
