//! Accounts: who can sign in. Entries name an account by its id; what is personal about it is only here.

use jiff::Timestamp;
use sqlx::FromRow;

use crate::database::{StoreError, on};
use crate::instant::{from_micros, micros};
use crate::journal::PAGE_MAX;
use crate::store::Store;

/// The columns are named: another node's migration may add some while this one runs.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT id, login, email, display_name, password_hash, disabled, created_at FROM accounts ",
            $which
        )
    };
}

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What entries name. Never changes and is never used again.
    pub id: String,
    /// The name or address to sign in with, kept trimmed and in lower case; no two accounts share one.
    pub login: String,
    /// Where mail goes.
    pub email: Option<String>,
    /// What people read.
    pub display_name: String,
    /// The password's hash in PHC form; none when the password cannot be used to sign in.
    pub password_hash: Option<String>,
    /// May no longer sign in, nor any session or token of it be used.
    pub disabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Why an account cannot be created or renamed.
#[derive(Debug, thiserror::Error)]
pub enum CreateAccountError {
    /// Somebody else signs in with it.
    #[error("the login {login:?} is taken; choose another")]
    LoginTaken {
        /// The login as it would be kept.
        login: String,
    },
    /// There is such an account already.
    #[error("there is an account {id:?} already; ids are never used again")]
    IdTaken {
        /// The id.
        id: String,
    },
    /// Nothing to sign in with.
    #[error("an account's login is empty; give a name or an e-mail address")]
    LoginEmpty,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CreateAccountError {
    fn from(error: sqlx::Error) -> CreateAccountError {
        CreateAccountError::Store(error.into())
    }
}

impl Store {
    /// Creates the account, and returns it as it is kept.
    ///
    /// # Errors
    /// When its id or its login is taken, or the login is empty.
    pub async fn create_account(&self, account: &Account) -> Result<Account, CreateAccountError> {
        let kept = Account { login: normal_login(&account.login), ..account.clone() };
        if kept.login.is_empty() {
            return Err(CreateAccountError::LoginEmpty);
        }
        let created = on!(&self.write, db => {
            sqlx::query(
                "INSERT INTO accounts (id, login, email, display_name, password_hash, disabled, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            )
            .bind(&kept.id)
            .bind(&kept.login)
            .bind(&kept.email)
            .bind(&kept.display_name)
            .bind(&kept.password_hash)
            .bind(kept.disabled)
            .bind(micros(kept.created_at))
            .execute(db)
            .await?
            .rows_affected()
        });
        match created {
            0 if self.account(&kept.id).await?.is_some() => Err(CreateAccountError::IdTaken { id: kept.id }),
            0 => Err(CreateAccountError::LoginTaken { login: kept.login }),
            _ => Ok(kept),
        }
    }

    /// The account of that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        let row: Option<AccountRow> = on!(&self.read, db => {
            sqlx::query_as(select!("WHERE id = $1")).bind(id).fetch_optional(db).await?
        });
        row.map(AccountRow::decode).transpose()
    }

    /// The account that signs in as `login`, in whatever case it is typed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_by_login(&self, login: &str) -> Result<Option<Account>, StoreError> {
        let login = normal_login(login);
        let row: Option<AccountRow> = on!(&self.read, db => {
            sqlx::query_as(select!("WHERE login = $1")).bind(login).fetch_optional(db).await?
        });
        row.map(AccountRow::decode).transpose()
    }

    /// Up to `limit` accounts (at most [`PAGE_MAX`]) behind the id `after` (`""` for the first), by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts(&self, after: &str, limit: u32) -> Result<Vec<Account>, StoreError> {
        let limit = i64::from(limit.min(PAGE_MAX));
        let rows: Vec<AccountRow> = on!(&self.read, db => {
            sqlx::query_as(select!("WHERE id > $1 ORDER BY id LIMIT $2"))
                .bind(after)
                .bind(limit)
                .fetch_all(db)
                .await?
        });
        rows.into_iter().map(AccountRow::decode).collect()
    }

    /// Whether there is any account yet: a store without one waits for its first administrator.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_accounts(&self) -> Result<bool, StoreError> {
        Ok(!self.accounts("", 1).await?.is_empty())
    }

    /// Sets or takes away the password, and ends every session of the account. False when there is no such account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_password_hash(&self, id: &str, password_hash: Option<&str>) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            let mut tx = db.begin_with(self.write.begin_writing()).await?;
            let found = sqlx::query("UPDATE accounts SET password_hash = $1 WHERE id = $2")
                .bind(password_hash)
                .bind(id)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            sqlx::query("DELETE FROM sessions WHERE account = $1").bind(id).execute(&mut *tx).await?;
            tx.commit().await?;
            found
        });
        Ok(found > 0)
    }

    /// Disables or enables the account. While it is disabled no session and no token of it is valid; sessions are
    /// ended for good. False when there is no such account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_account_disabled(&self, id: &str, disabled: bool) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            let mut tx = db.begin_with(self.write.begin_writing()).await?;
            let found = sqlx::query("UPDATE accounts SET disabled = $1 WHERE id = $2")
                .bind(disabled)
                .bind(id)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            if disabled {
                sqlx::query("DELETE FROM sessions WHERE account = $1").bind(id).execute(&mut *tx).await?;
            }
            tx.commit().await?;
            found
        });
        Ok(found > 0)
    }

    /// Changes what people read and where mail goes. False when there is no such account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_account_profile(
        &self,
        id: &str,
        display_name: &str,
        email: Option<&str>,
    ) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            sqlx::query("UPDATE accounts SET display_name = $1, email = $2 WHERE id = $3")
                .bind(display_name)
                .bind(email)
                .bind(id)
                .execute(db)
                .await?
                .rows_affected()
        });
        Ok(found > 0)
    }

    /// Removes everything personal of the account: its login, name, address and password, its sessions, tokens and
    /// preferences.
    /// What is left is the id that entries name. False when there is no such account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_account(&self, id: &str) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            let mut tx = db.begin_with(self.write.begin_writing()).await?;
            let found = sqlx::query(
                "UPDATE accounts SET login = $1, email = NULL, display_name = '', password_hash = NULL, disabled = $2
                 WHERE id = $3",
            )
            .bind(format!("{ERASED}{id}"))
            .bind(true)
            .bind(id)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            sqlx::query("DELETE FROM sessions WHERE account = $1").bind(id).execute(&mut *tx).await?;
            sqlx::query("DELETE FROM api_tokens WHERE account = $1").bind(id).execute(&mut *tx).await?;
            sqlx::query("DELETE FROM preferences WHERE account = $1").bind(id).execute(&mut *tx).await?;
            sqlx::query("DELETE FROM deliveries WHERE receiver = $1")
                .bind(crate::delivery::account_receiver(id))
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            found
        });
        self.wipe().await;
        Ok(found > 0)
    }
}

/// Begins the login of an erased account. Nobody can type one: logins are trimmed.
const ERASED: &str = " erased ";

fn normal_login(login: &str) -> String {
    login.trim().to_lowercase()
}

#[derive(FromRow)]
struct AccountRow {
    id: String,
    login: String,
    email: Option<String>,
    display_name: String,
    password_hash: Option<String>,
    disabled: bool,
    created_at: i64,
}

impl AccountRow {
    fn decode(self) -> Result<Account, StoreError> {
        Ok(Account {
            id: self.id,
            login: self.login,
            email: self.email,
            display_name: self.display_name,
            password_hash: self.password_hash,
            disabled: self.disabled,
            created_at: from_micros(self.created_at)?,
        })
    }
}
