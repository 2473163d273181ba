//! The place where query engines plug in: one question, one answer. What any engine must answer on the same
//! data is held by the contract tests of this crate.

use async_trait::async_trait;

use crate::answer::Answer;
use crate::query::{Query, QueryError};

/// Answers queries over an event log that it was made with.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The moments of every metric per epoch and arm, as of the query's instant.
    async fn measure(&self, query: &Query) -> Result<Answer, EngineError>;

    /// Removes whatever is kept of earlier answers that could tell of single units, as after an erasure.
    fn forget(&self) -> Result<(), EngineError>;
}

/// Why an engine gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The question makes no sense.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The log cannot be read.
    #[error("the event log cannot be read: {0}")]
    Log(String),
    /// The memory that the engine may use was not enough.
    #[error(
        "the analysis needs more than its {bytes_max} bytes of memory; raise the limit or narrow the query ({detail})"
    )]
    Memory {
        /// The limit.
        bytes_max: usize,
        /// What the engine was doing.
        detail: String,
    },
    /// The engine itself failed.
    #[error("the query engine failed: {0}")]
    Engine(String),
}
