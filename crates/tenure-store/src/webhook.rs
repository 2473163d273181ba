//! Webhooks: where entries are posted to, and the secrets that sign what is posted.

use jiff::Timestamp;
use sqlx::FromRow;

use crate::database::{StoreError, on};
use crate::instant::{from_micros, micros};
use crate::journal::PAGE_MAX;
use crate::secret::Confidential;
use crate::store::Store;

/// The columns are named: another node's migration may add some while this one runs.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT id, account, name, form, url, filter, secret, old_secret, old_secret_until, created_at,
                    failing_since, disabled_at, disabled_why
             FROM webhooks ",
            $which
        )
    };
}

/// Somewhere that entries are posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// What people name it by.
    pub id: String,
    /// The account that made it and is told when it fails.
    pub account: String,
    /// What it is for, in the words of whoever made it.
    pub name: String,
    /// How what is posted is written.
    pub form: String,
    /// Where to. It may carry a credential.
    pub url: Confidential,
    /// Which entries; whoever made it knows how to read this.
    pub filter: String,
    /// What signs.
    pub secret: Confidential,
    /// What signs beside it, and until when.
    pub old_secret: Option<(Confidential, Timestamp)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nothing could be delivered.
    pub failing_since: Option<Timestamp>,
    /// Since when nothing is posted to it any more, and why.
    pub disabled: Option<(Timestamp, String)>,
}

impl Store {
    /// Keeps a new webhook.
    ///
    /// # Errors
    /// When the database fails, its id is in use, or there is no such account.
    pub async fn create_webhook(&self, webhook: &Webhook) -> Result<(), StoreError> {
        on!(&self.write, db => {
            sqlx::query(
                "INSERT INTO webhooks (id, account, name, form, url, filter, secret, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(&webhook.id)
            .bind(&webhook.account)
            .bind(&webhook.name)
            .bind(&webhook.form)
            .bind(webhook.url.reveal())
            .bind(&webhook.filter)
            .bind(webhook.secret.reveal())
            .bind(micros(webhook.created_at))
            .execute(db)
            .await?;
        });
        Ok(())
    }

    /// The webhook of that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook(&self, id: &str) -> Result<Option<Webhook>, StoreError> {
        let row: Option<WebhookRow> = on!(&self.read, db => {
            sqlx::query_as(select!("WHERE id = $1")).bind(id).fetch_optional(db).await?
        });
        row.map(WebhookRow::decode).transpose()
    }

    /// Up to `limit` webhooks (at most [`PAGE_MAX`]) behind the id `after` (`""` for the first), by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhooks(&self, after: &str, limit: u32) -> Result<Vec<Webhook>, StoreError> {
        let rows: Vec<WebhookRow> = on!(&self.read, db => {
            sqlx::query_as(select!("WHERE id > $1 ORDER BY id LIMIT $2"))
                .bind(after)
                .bind(i64::from(limit.min(PAGE_MAX)))
                .fetch_all(db)
                .await?
        });
        rows.into_iter().map(WebhookRow::decode).collect()
    }

    /// Changes what it is called, where it posts to and what. False when there is no such webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_webhook(
        &self,
        id: &str,
        name: &str,
        url: &Confidential,
        filter: &str,
    ) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            sqlx::query("UPDATE webhooks SET name = $1, url = $2, filter = $3 WHERE id = $4")
                .bind(name)
                .bind(url.reveal())
                .bind(filter)
                .bind(id)
                .execute(db)
                .await?
                .rows_affected()
        });
        Ok(found > 0)
    }

    /// Signs with a new secret from now on, and with the one before beside it until `old_until`. False when there is no
    /// such webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate_webhook_secret(
        &self,
        id: &str,
        secret: &Confidential,
        old_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            sqlx::query(
                "UPDATE webhooks SET old_secret = secret, old_secret_until = $1, secret = $2 WHERE id = $3",
            )
            .bind(micros(old_until))
            .bind(secret.reveal())
            .bind(id)
            .execute(db)
            .await?
            .rows_affected()
        });
        Ok(found > 0)
    }

    /// Notes since when nothing can be delivered; none when it works again. The first time counts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_webhook_failing(&self, id: &str, since: Option<Timestamp>) -> Result<(), StoreError> {
        let change = match since {
            Some(_) => "UPDATE webhooks SET failing_since = $1 WHERE id = $2 AND failing_since IS NULL",
            None => "UPDATE webhooks SET failing_since = $1 WHERE id = $2 AND failing_since IS NOT NULL",
        };
        on!(&self.write, db => {
            sqlx::query(change).bind(since.map(micros)).bind(id).execute(db).await?;
        });
        Ok(())
    }

    /// Posts nothing to it any more, and drops what waits. False when there is no such webhook, or it is disabled already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn disable_webhook(&self, id: &str, at: Timestamp, why: &str) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            let mut tx = db.begin_with(self.write.begin_writing()).await?;
            let found = sqlx::query(
                "UPDATE webhooks SET disabled_at = $1, disabled_why = $2 WHERE id = $3 AND disabled_at IS NULL",
            )
            .bind(micros(at))
            .bind(why)
            .bind(id)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            sqlx::query(
                "UPDATE deliveries SET status = 'dropped', done_at = $1
                 WHERE receiver = $2 AND status = 'waiting'",
            )
            .bind(micros(at))
            .bind(webhook_receiver(id))
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            found
        });
        Ok(found > 0)
    }

    /// Posts to it again. False when there is no such webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enable_webhook(&self, id: &str) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            sqlx::query(
                "UPDATE webhooks SET disabled_at = NULL, disabled_why = NULL, failing_since = NULL WHERE id = $1",
            )
            .bind(id)
            .execute(db)
            .await?
            .rows_affected()
        });
        Ok(found > 0)
    }

    /// Forgets a webhook with its secrets and deliveries. False when there is no such webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_webhook(&self, id: &str) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            let mut tx = db.begin_with(self.write.begin_writing()).await?;
            let found =
                sqlx::query("DELETE FROM webhooks WHERE id = $1").bind(id).execute(&mut *tx).await?.rows_affected();
            sqlx::query("DELETE FROM deliveries WHERE receiver = $1")
                .bind(webhook_receiver(id))
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            found
        });
        self.wipe().await;
        Ok(found > 0)
    }
}

/// The name under which a webhook's deliveries are kept.
pub fn webhook_receiver(id: &str) -> String {
    format!("webhook/{id}")
}

#[derive(FromRow)]
struct WebhookRow {
    id: String,
    account: String,
    name: String,
    form: String,
    url: String,
    filter: String,
    secret: String,
    old_secret: Option<String>,
    old_secret_until: Option<i64>,
    created_at: i64,
    failing_since: Option<i64>,
    disabled_at: Option<i64>,
    disabled_why: Option<String>,
}

impl WebhookRow {
    fn decode(self) -> Result<Webhook, StoreError> {
        let instant = |micros: Option<i64>| micros.map(from_micros).transpose();
        Ok(Webhook {
            id: self.id,
            account: self.account,
            name: self.name,
            form: self.form,
            url: self.url.into(),
            filter: self.filter,
            secret: self.secret.into(),
            old_secret: self.old_secret.map(Confidential::from).zip(instant(self.old_secret_until)?),
            created_at: from_micros(self.created_at)?,
            failing_since: instant(self.failing_since)?,
            disabled: instant(self.disabled_at)?.map(|at| (at, self.disabled_why.unwrap_or_default())),
        })
    }
}
