//! Accounts: who can sign in. What is personal about them is here and in the store, never in the journal.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tenure_core::id::AccountId;
use tenure_store::{Account, CreateAccountError};
use utoipa::ToSchema;

use super::body::Body;
use super::page::{After, Page};
use super::query::Query;
use crate::auth::{Admin, Allowed, Read, password};
use crate::live::Live;
use crate::problem::Problem;

/// An account to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// The id that entries will name; made from the login when left out. Not personal: it stays in the journal.
    #[serde(default)]
    pub id: Option<String>,
    /// What the person signs in with, usually an e-mail address.
    pub login: String,
    /// The name others see; the login, if left out.
    #[serde(default)]
    pub display_name: Option<String>,
    /// At least 12 characters. Without one the account cannot sign in, but tokens can act as it.
    #[serde(default)]
    pub password: Option<String>,
}

/// An account as others see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// The id that entries name.
    pub id: String,
    /// The name others see.
    pub display_name: String,
    /// Can no longer sign in.
    pub disabled: bool,
    /// The roles it holds, such as `product_owner:boards`.
    pub roles: Vec<String>,
}

/// Make an account.
#[utoipa::path(
    post, path = "/api/v1/accounts", tag = "accounts", request_body = NewAccount,
    responses((status = 201, body = AccountView), (status = 400, body = crate::problem::ProblemBody)),
    security(("token" = ["admin"]), ("session" = [])),
)]
pub async fn create_account(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Body(new): Body<NewAccount>,
) -> Result<(StatusCode, Json<AccountView>), Problem> {
    let account = create(&live, new).await?;
    Ok((StatusCode::CREATED, Json(view(&live, account))))
}

/// List accounts.
#[utoipa::path(
    get, path = "/api/v1/accounts", tag = "accounts", params(After),
    responses((status = 200, body = Page<AccountView>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_accounts(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(After { after, limit }): Query<After>,
) -> Result<Json<Page<AccountView>>, Problem> {
    let accounts = live.store.accounts(&after, limit).await?;
    Ok(Json(Page::of(accounts.into_iter().map(|account| view(&live, account)).collect(), limit, |account| {
        account.id.clone()
    })))
}

/// Check, hash and store a new account. The id is not personal and stays in the journal.
pub async fn create(live: &Live, new: NewAccount) -> Result<Account, Problem> {
    let login = new.login.trim().to_lowercase();
    if login.is_empty() || login.len() > 254 {
        return Err(Problem::invalid("login", "give 1 to 254 characters, usually an e-mail address"));
    }
    let id = match new.id {
        Some(id) => id,
        None => id_from(&login),
    };
    AccountId::new(&id).map_err(|error| Problem::invalid("id", error.to_string()))?;
    if id == tenure_core::SYSTEM {
        return Err(Problem::invalid("id", "`system` is Tenure itself; choose another id"));
    }
    let password_hash = match new.password {
        None => None,
        Some(password) => Some(hash(password).await?),
    };
    let account = Account {
        id,
        email: login.contains('@').then(|| login.clone()),
        display_name: new.display_name.unwrap_or_else(|| login.clone()),
        login,
        password_hash,
        disabled: false,
        created_at: live.clock.now(),
    };
    let kept = live.store.create_account(&account).await.map_err(|error| match error {
        CreateAccountError::Store(error) => error.into(),
        CreateAccountError::IdTaken { .. } => Problem::invalid("id", error.to_string()),
        _ => Problem::invalid("login", error.to_string()),
    })?;
    // Their first digest begins here.
    live.store.owe_digest(&kept.id, live.seq(), None, kept.created_at).await?;
    Ok(kept)
}

async fn hash(password: String) -> Result<String, Problem> {
    if password.chars().count() < password::MIN_CHARS || password.len() > password::MAX_BYTES {
        return Err(Problem::invalid(
            "password",
            format!("give {} characters or more, at most {} bytes", password::MIN_CHARS, password::MAX_BYTES),
        ));
    }
    tokio::task::spawn_blocking(move || password::hash(&password))
        .await
        .map_err(|error| Problem::Internal(error.to_string()))?
        .map_err(|error| Problem::Internal(error.to_string()))
}

/// The part of a login before `@`, with what an id may hold.
fn id_from(login: &str) -> String {
    let name = login.split('@').next().unwrap_or(login);
    name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect()
}

fn view(live: &Live, account: Account) -> AccountView {
    let roles = live.roles_of(&account.id);
    AccountView { id: account.id, display_name: account.display_name, disabled: account.disabled, roles }
}
