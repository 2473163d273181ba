//! Credentials in the configuration: read, and never written.

use serde::{Deserialize, Deserializer, Serializer};
use tenure_store::Confidential;

/// Writes nothing, whatever there is.
pub fn serialize<S: Serializer>(_: &Option<Confidential>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_none()
}

/// Reads a text.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Confidential>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(Confidential::from))
}
