//! Where sealed events live and how long they are kept, as the configuration says it.

use serde::{Deserialize, Serialize};
use tenure_events::Bucket;
use tenure_store::Confidential;

/// `[events]` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventStore {
    /// `s3://BUCKET/PREFIX`; the data folder without it.
    pub store: Option<String>,
    /// The address of a server that speaks S3.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// The name of the key.
    pub access_key_id: Option<String>,
    /// The key.
    #[serde(with = "crate::confidential")]
    pub secret_access_key: Option<Confidential>,
    /// Events are removed when they are older than this many days; 0 keeps them.
    pub retention_days: u32,
}

impl EventStore {
    /// The bucket, if there is one.
    pub fn bucket(&self) -> Option<Bucket> {
        let secret = self.secret_access_key.as_ref();
        self.store.clone().map(|url| Bucket {
            url,
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: secret.map(|secret| secret.reveal().to_owned()),
        })
    }

    /// Check what the types alone do not.
    ///
    /// # Errors
    /// The key at fault, and what would be right.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        match self.bucket() {
            Some(bucket) => bucket.open().map(|_| ()).map_err(|error| ("events.store", error.to_string())),
            None if self.endpoint.is_some() || self.access_key_id.is_some() => {
                Err(("events.store", "name the bucket, such as s3://BUCKET/PREFIX".to_owned()))
            }
            None => Ok(()),
        }
    }
}
