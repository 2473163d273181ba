//! Signed links: an address that carries its own proof, for a person without an account.
//!
//! A link holds what it is for and a keyed digest of it (HMAC-SHA256 under a secret of the store). It opens one thing,
//! and says nothing of whether that thing is still open: the process knows when an invitation ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tenure_store::{Store, StoreError};

/// Bytes of the digest that a link carries: 128 bits cannot be guessed, and the link stays short enough for a message.
const PROOF_BYTES: usize = 16;

/// Signs and checks links of one purpose.
#[derive(Debug, Clone)]
pub struct Links {
    key: [u8; 32],
    purpose: &'static str,
}

impl Links {
    /// Links of that purpose, under the store's own secret: every node signs alike, and a restart voids none.
    pub async fn open(store: &Store, purpose: &'static str) -> Result<Self, StoreError> {
        Ok(Self { key: *store.secret("links").await?.as_bytes(), purpose })
    }

    /// Links of that purpose, under a key that the caller keeps.
    pub fn under(key: [u8; 32], purpose: &'static str) -> Self {
        Self { key, purpose }
    }

    /// The last part of a link's address.
    pub fn sign(&self, id: &str) -> String {
        format!("{id}.{}", URL_SAFE_NO_PAD.encode(&self.proof(id).finalize().into_bytes()[..PROOF_BYTES]))
    }

    /// What the link is for, when its proof is right.
    pub fn check<'l>(&self, link: &'l str) -> Option<&'l str> {
        let (id, proof) = link.rsplit_once('.')?;
        let proof = URL_SAFE_NO_PAD.decode(proof).ok().filter(|proof| proof.len() == PROOF_BYTES)?;
        self.proof(id).verify_truncated_left(&proof).ok()?;
        Some(id)
    }

    fn proof(&self, id: &str) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut proof = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of any length");
        for part in [self.purpose.as_bytes(), b"\n", id.as_bytes()] {
            proof.update(part);
        }
        proof
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Links = Links { key: [7; 32], purpose: "sign-off" };

    #[test]
    fn a_link_opens_what_it_was_signed_for_and_nothing_else() {
        let link = OPEN.sign("INV-1");
        assert_eq!(OPEN.check(&link), Some("INV-1"));
        let check_refused = |link: &str| assert_eq!(OPEN.check(link), None, "{link}");
        check_refused(&link.replace("INV-1", "INV-2"));
        check_refused("INV-1");
        check_refused("INV-1.");
        check_refused("");
        check_refused(&link[..link.len() - 4]);
        check_refused(&Links { key: [8; 32], ..OPEN }.sign("INV-1"));
        check_refused(&Links { purpose: "other", ..OPEN }.sign("INV-1"));
    }

    #[test]
    fn a_link_fits_into_a_message() {
        assert!(OPEN.sign("inv-0123456789").len() < 48);
    }
}
