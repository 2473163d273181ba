//! What stands behind the question mark: parameters into a type, with a fault that names the parameter.

use std::error::Error;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The parameters of a request, or a problem that says which of them is wrong.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let axum::extract::Query(parameters) =
            axum::extract::Query::try_from_uri(&parts.uri).map_err(|rejection| {
                // "PARAMETER: WHAT", or only what where no parameter is at fault by itself.
                let said = rejection.source().map_or_else(|| rejection.body_text(), ToString::to_string);
                match said.split_once(": ") {
                    Some((parameter, detail)) => Problem::invalid(parameter, detail),
                    None => Problem::invalid("query", said),
                }
            })?;
        Ok(Self(parameters))
    }
}
