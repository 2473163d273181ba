//! Cursors: how far each reader of the journal has come.

use crate::database::{StoreError, on};
use crate::store::Store;

/// Moves a reader's cursor on; never back.
pub(crate) const ADVANCE: &str = "INSERT INTO cursors (name, seq) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE cursors.seq < excluded.seq";

impl Store {
    /// The last entry that the reader `name` is done with; 0 when it has not begun.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cursor(&self, name: &str) -> Result<i64, StoreError> {
        let seq: Option<i64> = on!(&self.read, db => {
            sqlx::query_scalar("SELECT seq FROM cursors WHERE name = $1").bind(name).fetch_optional(db).await?
        });
        Ok(seq.unwrap_or(0))
    }

    /// Notes that the reader `name` is done with every entry up to `seq`. A cursor never goes back: an earlier `seq`
    /// changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn advance_cursor(&self, name: &str, seq: i64) -> Result<(), StoreError> {
        on!(&self.write, db => {
            sqlx::query(ADVANCE).bind(name).bind(seq).execute(db).await?;
        });
        Ok(())
    }
}
