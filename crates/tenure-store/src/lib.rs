//! The journal and what stands beside it, on SQLite (the embedded default) and PostgreSQL.
//!
//! The journal is an append-only chain of entries; everything that people decided is in it, and nothing personal is.
//! Beside it stand the things that may change or vanish: accounts, sessions, API tokens, blobs of free text, webhooks,
//! preferences, deliveries, cursors, leases, receipts of requests, snapshots.
//!
//! This crate knows nothing about what an entry means: an entry is a kind and a text. It hashes no password, reads no
//! clock (every instant is an argument) and speaks no HTTP.
//!
//! The SQL is written once, in the dialect both databases share. What differs is how they are opened (`database.rs`,
//! `inspect.rs`), their tables (`migrations/`), how another node's append is heard of (`follow.rs`) and the backup.

mod account;
mod backup;
mod blob;
mod cursor;
mod database;
mod delivery;
mod digest;
mod entry;
mod folder;
mod follow;
mod inspect;
mod instant;
mod journal;
mod lease;
mod location;
mod preference;
mod receipt;
mod secret;
mod session;
mod snapshot;
mod store;
mod token;
mod verify;
mod webhook;

pub use account::{Account, CreateAccountError};
pub use backup::BackupError;
pub use blob::{BLOB_BYTES_MAX, Blob, BlobKey, PutBlobError};
pub use database::{OpenError, StoreError};
pub use delivery::{Attempted, Delivery, DeliveryStatus, Owed, account_receiver};
pub use digest::{Digest, NotADigest};
pub use entry::{BODY_BYTES_MAX, Entry, EntryError, NAME_BYTES_MAX, NewEntry};
pub use inspect::Inspector;
pub use journal::{APPEND_ENTRIES_MAX, AppendError, Fact, Head, PAGE_MAX};
pub use lease::{Fence, Lease, LeaseError};
pub use location::{Location, LocationError};
pub use preference::Preferences;
pub use receipt::Receipt;
pub use secret::{Confidential, Secret};
pub use session::Session;
pub use snapshot::{PutSnapshotError, SNAPSHOT_BYTES_MAX, Snapshot};
pub use store::Store;
pub use token::{ApiToken, NewApiToken, Scopes, ScopesError, TokenError};
pub use verify::{Broken, Flaw, Verified, VerifyError};
pub use webhook::{Webhook, webhook_receiver};
