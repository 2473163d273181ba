//! An S3-compatible bucket as the place of sealed files. Whoever shares it can read the log; only one log may write to a
//! prefix, since opening it removes what its catalogue does not name.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

/// How long one attempt at a request may take …
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// … until the connection stands …
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// … and all attempts together.
const ATTEMPTS_TIME_MAX: Duration = Duration::from_secs(45);
const RETRIES_MAX: usize = 4;

/// Where a bucket is and how it is opened. What is left out comes from the environment, as AWS's own tools read it
/// (`AWS_ACCESS_KEY_ID`, `AWS_REGION`, a role of the machine …).
#[derive(Clone, Default)]
pub struct Bucket {
    /// `s3://NAME` or `s3://NAME/PREFIX`.
    pub url: String,
    /// The server's address, such as `https://minio.example:9000`; Amazon's without it.
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The name of the key.
    pub access_key_id: Option<String>,
    /// The key. Never shown.
    pub secret_access_key: Option<String>,
}

/// Why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The address names no bucket.
    #[error("{url} is no address of a bucket; write s3://BUCKET or s3://BUCKET/PREFIX")]
    Url {
        /// What was given.
        url: String,
    },
    /// The settings do not fit together.
    #[error("the bucket cannot be opened: {0}")]
    Settings(object_store::Error),
}

impl Bucket {
    /// The bucket as an object store. Nothing is sent yet.
    ///
    /// # Errors
    /// The address names no bucket, or the settings do not fit together.
    pub fn open(&self) -> Result<Arc<dyn ObjectStore>, BucketError> {
        let (name, prefix) = self.parts()?;
        let options = ClientOptions::new().with_timeout(REQUEST_MAX).with_connect_timeout(CONNECT_MAX);
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(name)
            .with_client_options(options)
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: RETRIES_MAX,
                retry_timeout: ATTEMPTS_TIME_MAX,
            });
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(id) = &self.access_key_id {
            builder = builder.with_access_key_id(id);
        }
        if let Some(key) = &self.secret_access_key {
            builder = builder.with_secret_access_key(key);
        }
        let store = builder.build().map_err(BucketError::Settings)?;
        Ok(if prefix.is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix)) })
    }

    fn parts(&self) -> Result<(&str, &str), BucketError> {
        let path = self.url.strip_prefix("s3://").map(|path| path.trim_end_matches('/'));
        let parts = path.map(|path| path.split_once('/').unwrap_or((path, "")));
        parts
            .filter(|(name, _)| !name.is_empty() && !name.contains(['?', '#', '@']))
            .ok_or_else(|| BucketError::Url { url: self.url.clone() })
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("url", &self.url)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Option<(&str, &str)>) {
        let bucket = Bucket { url: url.to_owned(), ..Bucket::default() };
        assert_eq!(bucket.parts().ok(), expected, "{url}");
    }

    #[test]
    fn an_address_is_a_bucket_and_perhaps_a_prefix() {
        check("s3://events", Some(("events", "")));
        check("s3://events/", Some(("events", "")));
        check("s3://events/tenure/live/", Some(("events", "tenure/live")));
        check("s3://", None);
        check("https://events.example", None);
        check("s3://key@events", None);
    }

    #[test]
    fn keys_are_never_shown() {
        let bucket = Bucket {
            url: "s3://events".to_owned(),
            access_key_id: Some("AKIA".to_owned()),
            secret_access_key: Some("hunter2".to_owned()),
            ..Bucket::default()
        };
        let shown = format!("{bucket:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("AKIA"), "{shown}");
    }
}
