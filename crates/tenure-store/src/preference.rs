//! Preferences: how a person wants to be told. Mutable, personal, and never in the journal.

use crate::database::{StoreError, on};
use crate::secret::Confidential;
use crate::store::Store;

/// What a person chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// The choices; whoever kept them knows how to read them.
    pub choices: String,
    /// The incoming webhook of the person's chat. It is a credential.
    pub chat_url: Option<Confidential>,
}

impl Store {
    /// What an account chose; none while it has the defaults.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn preferences(&self, account: &str) -> Result<Option<Preferences>, StoreError> {
        let row: Option<(String, Option<String>)> = on!(&self.read, db => {
            sqlx::query_as("SELECT choices, chat_url FROM preferences WHERE account = $1")
                .bind(account)
                .fetch_optional(db)
                .await?
        });
        Ok(row.map(|(choices, chat_url)| Preferences { choices, chat_url: chat_url.map(Into::into) }))
    }

    /// Whether anybody is told by chat.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_chats(&self) -> Result<bool, StoreError> {
        let one: Option<String> = on!(&self.read, db => {
            sqlx::query_scalar("SELECT account FROM preferences WHERE chat_url IS NOT NULL LIMIT 1")
                .fetch_optional(db)
                .await?
        });
        Ok(one.is_some())
    }

    /// Keeps what an account chose.
    ///
    /// # Errors
    /// When the database fails, or there is no such account.
    pub async fn set_preferences(&self, account: &str, preferences: &Preferences) -> Result<(), StoreError> {
        on!(&self.write, db => {
            sqlx::query(
                "INSERT INTO preferences (account, choices, chat_url) VALUES ($1, $2, $3)
                 ON CONFLICT (account) DO UPDATE SET choices = excluded.choices, chat_url = excluded.chat_url",
            )
            .bind(account)
            .bind(&preferences.choices)
            .bind(preferences.chat_url.as_ref().map(Confidential::reveal))
            .execute(db)
            .await?;
        });
        Ok(())
    }
}
