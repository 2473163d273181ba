//! Random secrets. They are kept as digests only ([`tenure_store::Digest`]): 256 random bits need no slow hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 32 random bytes as text after a prefix that says what they open, so that a leaked one can be recognised.
///
/// Fails only where the system has no random source.
pub fn generate(prefix: &str) -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// What API tokens begin with.
pub const TOKEN_PREFIX: &str = "tnr_";
/// What session cookies begin with.
pub const SESSION_PREFIX: &str = "tns_";
