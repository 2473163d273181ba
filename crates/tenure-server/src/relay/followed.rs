//! What a relay was told, in memory and on disk: the last snapshot of each environment, and which tokens are valid. It is
//! served however old it is; its age is told.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_flags::FlagSet;

use super::message::{Message, Told, ToldToken};
use crate::auth::ToldTokens;
use crate::data_dir::replace;
use crate::flag_node::{FlagNode, Flags};
use crate::flag_snapshot::FlagSnapshot;

/// The file of the last snapshot.
const FILE: &str = "followed.json";

/// What was told, and when the upstream was heard last.
#[derive(Debug)]
pub struct Followed {
    path: PathBuf,
    told: Mutex<Kept>,
}

/// What is on disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// When the upstream was heard last, on the relay's clock.
    heard_at: Option<Timestamp>,
    environments: BTreeMap<String, Told>,
    tokens: BTreeMap<String, ToldToken>,
    /// When it was written last.
    #[serde(skip)]
    kept_at: Option<Timestamp>,
}

impl Followed {
    /// What was told before the last stop, if anything.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        let kept = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, told: Mutex::new(kept) })
    }

    /// When the upstream was heard last; none if never.
    pub fn heard_at(&self) -> Option<Timestamp> {
        self.lock().heard_at
    }

    /// The versions that are had, by environment.
    pub fn versions(&self) -> BTreeMap<String, String> {
        let told = self.lock();
        told.environments.iter().map(|(name, told)| (name.clone(), told.version.clone())).collect()
    }

    /// Serve everything that was told.
    pub fn serve_all(&self, node: &FlagNode) {
        let told = self.lock().clone();
        let mut flags = Flags::new();
        for told in told.environments.values() {
            match snapshot(told) {
                Ok(snapshot) => {
                    flags.insert(told.environment.clone(), Arc::new(snapshot));
                }
                Err(fault) => {
                    tracing::error!(%fault, environment = told.environment, "a kept snapshot cannot be read");
                }
            }
        }
        node.tokens.tell(known(&told.tokens));
        node.swap(flags);
    }

    /// Take in what the upstream says: serve it, and keep it.
    ///
    /// # Errors
    /// The flags cannot be read; what was served stays.
    pub fn take(&self, node: &FlagNode, message: Message, now: Timestamp) -> Result<(), TakeError> {
        let mut flags = Flags::clone(&node.all_flags());
        let changed = match message {
            Message::Flags(told) => {
                let snapshot = snapshot(&told).map_err(|fault| TakeError::Flags(fault.to_string()))?;
                flags.insert(told.environment.clone(), Arc::new(snapshot));
                self.lock().environments.insert(told.environment.clone(), told);
                node.swap(flags);
                true
            }
            Message::Environments { names } => {
                let before = flags.len();
                flags.retain(|name, _| names.contains(name));
                self.lock().environments.retain(|name, _| names.contains(name));
                let changed = flags.len() != before;
                if changed {
                    node.swap(flags);
                }
                changed
            }
            Message::Tokens { tokens } => {
                let changed = self.lock().tokens != tokens;
                node.tokens.tell(known(&tokens));
                self.lock().tokens = tokens;
                changed
            }
            Message::Beat { .. } => false,
        };
        let is_old = {
            let mut told = self.lock();
            told.heard_at = Some(now);
            told.kept_at.is_none_or(|at| now.duration_since(at).as_secs() >= HEARD_KEPT_EVERY_S)
        };
        // The time alone is worth a write only now and then.
        if changed || is_old { self.keep(now).map_err(TakeError::Disk) } else { Ok(()) }
    }

    fn keep(&self, now: Timestamp) -> io::Result<()> {
        let bytes = serde_json::to_vec(&*self.lock()).map_err(io::Error::other)?;
        replace(&self.path, &bytes)?;
        self.lock().kept_at = Some(now);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often the time of the last word is kept while nothing else changes.
const HEARD_KEPT_EVERY_S: i64 = 60;

/// What was told could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The flags are no flagd document.
    #[error("the flags that were told cannot be read: {0}")]
    Flags(String),
    /// They are served, and will be gone after a restart.
    #[error("the snapshot cannot be kept: {0}; check the disk")]
    Disk(io::Error),
}

fn snapshot(told: &Told) -> Result<FlagSnapshot, tenure_flags::Fault> {
    let set = FlagSet::from_text(&told.document)?;
    Ok(FlagSnapshot::of(set, told.measured.clone(), told.at))
}

fn known(tokens: &BTreeMap<String, ToldToken>) -> ToldTokens {
    let known = |(digest, token): (&String, &ToldToken)| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(digest, &mut bytes).ok()?;
        Some((bytes, token.known()))
    };
    tokens.iter().filter_map(known).collect::<HashMap<_, _>>()
}
