//! Passwords: argon2id, with the crate's current defaults, stored as PHC strings.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

/// The fewest characters a password may have.
pub const MIN_CHARS: usize = 12;
/// The most bytes that are hashed; more would be a way to keep the server busy.
pub const MAX_BYTES: usize = 1024;

/// Hash a password with a fresh salt. Slow on purpose: call it off the async threads.
pub fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

/// Does the password match? An account without a usable hash costs the same time and answers no.
pub fn verify(password: &str, phc: Option<&str>) -> bool {
    // Any valid hash serves: the comparison is made for its duration only.
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm8$eUXiWCH5NTrW0cDA5A1tYSDSIPGxJeXZ2Hxh1DPCmLQ";
    let known = phc.and_then(|phc| PasswordHash::new(phc).ok());
    let found = known.is_some();
    let against = known.or_else(|| PasswordHash::new(NOBODY).ok());
    let matches =
        against.is_some_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    found && matches && password.len() <= MAX_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_of_a_known_account() {
        let phc = hash("correct horse battery").unwrap();
        assert!(phc.starts_with("$argon2id$"));
        assert!(verify("correct horse battery", Some(&phc)));
        assert!(!verify("correct horse batterx", Some(&phc)));
        assert!(!verify("correct horse battery", None));
        assert!(!verify("correct horse battery", Some("not a hash")));
    }
}
