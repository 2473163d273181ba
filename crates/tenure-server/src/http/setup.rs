//! Claiming a new server: the code printed at its first start makes the first account, once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tenure_core::Actor;
use utoipa::ToSchema;

use super::account::{self, NewAccount};
use super::body::Body;
use super::token::{self, NewToken};
use crate::auth::Scope;
use crate::live::{Live, Submission};
use crate::problem::Problem;

/// Who claims the server.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SetupClaim)]
pub struct Claim {
    /// The setup code, as `tenure serve` printed it.
    code: String,
    /// The login of the first account, usually an e-mail address.
    login: String,
    /// At least 12 characters.
    password: String,
}

/// The first account and its token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Claimed {
    /// The account's id.
    account: String,
    /// A token with every scope, shown this once.
    token: String,
}

/// Claim a new server.
///
/// Works once, with the setup code, while the server has no account.
#[utoipa::path(
    post, path = "/api/v1/setup", tag = "accounts", request_body = Claim,
    responses(
        (status = 201, body = Claimed),
        (status = 400, body = crate::problem::ProblemBody),
        (status = 403, body = crate::problem::ProblemBody),
    ),
)]
pub async fn claim(
    State(live): State<Arc<Live>>,
    Body(claim): Body<Claim>,
) -> Result<(StatusCode, Json<Claimed>), Problem> {
    let _one_at_a_time = live.claiming.lock().await;
    let code = live.setup_code();
    let right = code.as_deref().is_some_and(|code| bool::from(code.as_bytes().ct_eq(claim.code.as_bytes())));
    if !right {
        return Err(Problem::Forbidden(match code {
            Some(_) => "the setup code is not the one that `tenure serve` printed".to_owned(),
            None => "this server is claimed already; sign in, or ask its admin for an account".to_owned(),
        }));
    }
    let made = account::create(
        &live,
        NewAccount { login: claim.login, display_name: None, password: Some(claim.password), id: None },
    )
    .await?;
    let mut grant = Submission { name: "grant_role".to_owned(), ..Submission::default() };
    grant.arguments.insert("account".to_owned(), made.id.clone().into());
    grant.arguments.insert("role".to_owned(), "admin".into());
    live.submit(&Actor::System, grant).await?;
    let token = NewToken {
        name: "setup".to_owned(),
        scopes: Scope::ALL.to_vec(),
        environment: None,
        account: None,
        expires_in_days: None,
    };
    let token = token::create(&live, &made.id, token).await?;
    live.end_setup();
    Ok((StatusCode::CREATED, Json(Claimed { account: made.id, token: token.token })))
}
