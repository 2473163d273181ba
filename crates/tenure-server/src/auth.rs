//! Who is asking, and how far their credential reaches.
//!
//! A handler takes `Allowed<Read>` (or another permission) as an argument; without a credential of that reach it is
//! never called. Which role a person needs for a command is decided by `tenure-core`, not here.

mod attempts;
mod link;
pub mod password;
mod permission;
mod principal;
pub mod secret;
mod tokens;

pub use attempts::Attempts;
pub use link::Links;
pub use permission::Scope;
pub use principal::{
    Admin, Allowed, ENVIRONMENT_DEFAULT, Evaluate, Follow, Ingest, NO_CREDENTIAL, Permission, Principal,
    Read, SESSION_COOKIE, Write, token_of,
};
pub use tokens::{KnownToken, Tokens, ToldTokens};
