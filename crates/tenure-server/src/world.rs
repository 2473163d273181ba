//! The world: the fold of the journal up to an entry, from which everything is read. How it comes into memory at a start, and
//! how it is kept as a snapshot so that the next start is quick.
//!
//! Knows nothing about who asks, and serves nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::{io, iter};

use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_core::board::Board;
use tenure_core::id::{AccountId, CaseId};
use tenure_core::snapshot::Part;
use tenure_core::{Recorded, State};
use tenure_store::{Entry, Snapshot, Store};

/// The form of the world in a snapshot: another version of Tenure reads the journal instead.
const SNAPSHOT_FORMAT: &str = concat!("world/", env!("CARGO_PKG_VERSION"));

/// The fold of the journal up to an entry.
#[derive(Debug, Default)]
pub struct World {
    /// When the last entry was decided.
    pub at: Timestamp,
    /// What was decided.
    pub state: State,
    /// The last entry of each case: its revision, for `ETag` and `If-Match`.
    pub revisions: BTreeMap<CaseId, i64>,
    /// What is asked of all cases at once; none while the journal is read, which would draw it anew at every entry.
    pub board: Option<Board>,
}

/// A piece of a snapshot.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Piece {
    Beside(Beside),
    State(Part),
}

/// What a world knows beside the state.
#[derive(Debug, Serialize, Deserialize)]
struct Beside {
    at: Timestamp,
    revisions: BTreeMap<CaseId, i64>,
}

/// Why the journal could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] tenure_store::StoreError),
    /// An entry means nothing to this version.
    #[error(
        "entry {seq} ({kind}, version {version}) cannot be read by this version of tenure ({why}); run the version that wrote it, or a later one"
    )]
    Entry {
        /// Its place.
        seq: i64,
        /// What it claims to be.
        kind: String,
        /// The version of its body.
        version: u32,
        /// What is wrong.
        why: String,
    },
}

impl World {
    /// The journal folded to its end: from the newest snapshot that can be read, and every entry behind it.
    pub async fn load(store: &Store) -> Result<Self, ReplayError> {
        let mut world = match store.latest_snapshot(SNAPSHOT_FORMAT).await? {
            None => Self::default(),
            Some(snapshot) => Self::of_snapshot(snapshot).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the snapshot of the state cannot be read; the journal is replayed instead");
                Self::default()
            }),
        };
        let mut pages = store.pages(world.seq(), |fact| {
            recorded(fact.seq, fact.at, &fact.actor, &fact.kind, fact.version, &fact.body)
        });
        while let Some(page) = pages.try_next().await? {
            page.iter().for_each(|recorded| world.apply(recorded));
        }
        Ok(world)
    }

    /// The last entry that is applied; 0 before the first.
    pub fn seq(&self) -> i64 {
        i64::try_from(self.state.seq).unwrap_or(i64::MAX)
    }

    /// What is asked of all cases at once, as it is now.
    pub fn board(&self, now: Timestamp) -> Cow<'_, Board> {
        self.board.as_ref().map_or_else(|| Cow::Owned(Board::of(&self.state, now)), Cow::Borrowed)
    }

    /// Bring what time alone has changed up to date.
    pub fn turn(&mut self, now: Timestamp) {
        match &mut self.board {
            Some(board) => board.turn(&self.state, now),
            None => self.board = Some(Board::of(&self.state, now)),
        }
    }

    /// Apply the next entry.
    pub fn apply(&mut self, recorded: &Recorded) {
        tenure_core::apply(&mut self.state, recorded);
        self.at = recorded.at;
        if let Some(board) = &mut self.board {
            board.note(&self.state, recorded);
        }
        if let Some(case) = recorded.event.case() {
            self.revisions.insert(case.clone(), self.seq());
        }
    }

    /// What a snapshot of this moment is made of. Cases are shared, so that nobody waits while it is written.
    pub fn kept(&self) -> Kept {
        let beside = Beside { at: self.at, revisions: self.revisions.clone() };
        Kept { seq: self.seq(), beside, parts: self.state.clone().into_parts() }
    }

    async fn of_snapshot(snapshot: Snapshot) -> io::Result<Self> {
        let mut world = Self::default();
        let mut parts = Vec::new();
        for piece in snapshot.read().await? {
            match piece {
                Piece::Beside(Beside { at, revisions }) => (world.at, world.revisions) = (at, revisions),
                Piece::State(part) => parts.push(part),
            }
        }
        world.state = State::from_parts(parts);
        Ok(world)
    }
}

/// What a snapshot is made of.
#[derive(Debug)]
pub struct Kept {
    seq: i64,
    beside: Beside,
    parts: Vec<Part>,
}

impl Kept {
    /// The snapshot; none before the first entry.
    pub async fn snapshot(self) -> io::Result<Option<Snapshot>> {
        if self.seq == 0 {
            return Ok(None);
        }
        let parts = self.parts.into_iter().map(Piece::State);
        let pieces = iter::once(Piece::Beside(self.beside)).chain(parts);
        Snapshot::write(SNAPSHOT_FORMAT, self.seq, pieces).await.map(Some)
    }
}

/// An entry of the journal as the domain knows it.
pub fn decode(entry: &Entry) -> Result<Recorded, ReplayError> {
    let Entry { seq, at, actor, kind, version, body, .. } = entry;
    recorded(*seq, *at, actor, kind, *version, body)
}

fn recorded(
    seq: i64,
    at: Timestamp,
    actor: &str,
    kind: &str,
    version: u32,
    body: &str,
) -> Result<Recorded, ReplayError> {
    let wrong = |why: String| ReplayError::Entry { seq, kind: kind.to_owned(), version, why };
    let actor = AccountId::new(actor).map_err(|error| wrong(error.to_string()))?;
    Recorded::decode(seq.unsigned_abs(), at, actor, kind, version, body)
        .map_err(|error| wrong(error.to_string()))
}
