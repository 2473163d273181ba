//! Names of things: one newtype a noun, so that a case can never be passed where a team is meant.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Why a text cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{noun} `{text}` {fault}")]
pub struct BadId {
    noun: &'static str,
    text: String,
    fault: &'static str,
}

/// Longest name accepted, in bytes.
pub const ID_BYTES_MAX: usize = 200;

/// What the account names of guests begin with; no person may be called that.
pub(crate) const GUEST: &str = "guest:";

fn fault(text: &str, forbidden: &[char], bytes_max: usize) -> Option<&'static str> {
    if text.trim().is_empty() {
        return Some("is empty: give it a name");
    }
    if text.len() > bytes_max {
        return Some("is too long: shorten it to 190 bytes");
    }
    if text.chars().any(char::is_control) {
        return Some("holds a control character: remove it");
    }
    if text.contains(forbidden) {
        return Some("holds a `/`, which clients do not escape: use `-`");
    }
    None
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $noun:literal $forbidden:expr $(, $bytes_max:expr)?;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name, checked: not empty, at most [`ID_BYTES_MAX`] bytes, no control characters.
            pub fn new(text: impl Into<String>) -> Result<Self, BadId> {
                let text = text.into();
                let bytes_max = [$($bytes_max,)? ID_BYTES_MAX][0];
                match fault(&text, &$forbidden, bytes_max) {
                    Some(fault) => Err(BadId { noun: $noun, text, fault }),
                    None => Ok(Self(text)),
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let bytes_max = [$($bytes_max,)? ID_BYTES_MAX][0];
                json_schema!({"type": "string", "minLength": 1, "maxLength": bytes_max, "description": concat!("The name of a ", $noun, ".")})
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )+};
}

ids! {
    /// A person's or a token's account; `system` is Tenure itself.
    AccountId "account" [];
    /// A productionisation case.
    CaseId "case" [];
    /// A registered experiment.
    ExperimentId "experiment" [];
    /// A team: of experimenters, or of a product.
    TeamId "team" [];
    /// A body of code with owners.
    CodebaseId "codebase" [];
    /// A platform change.
    PlatformChangeId "platform change" [];
    /// An idea for a next experiment.
    FollowUpId "follow-up" [];
    /// A bug found in the wild.
    BugId "bug" [];
    /// An invitation to answer buy-in; short enough to stand in the name of the guest who answers.
    InvitationId "invitation" [], ID_BYTES_MAX - GUEST.len();
    /// A metric.
    MetricId "metric" [];
    /// A flag's key as applications ask for it.
    FlagKey "flag key" ['/'];
    /// A named set of units.
    SegmentId "segment" ['/'];
    /// A request to change flags.
    ChangeRequestId "change request" ['/'];
    /// An environment that flags are served in.
    EnvironmentId "environment" ['/'];
}
