//! TLS at a listener: certificate, key, and the authority of the certificates that clients must show.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

/// The files of a listener's TLS, in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// The certificate, followed by those between it and its authority; without it the listener speaks in the clear.
    pub cert_file: Option<PathBuf>,
    /// The certificate's private key.
    pub key_file: Option<PathBuf>,
    /// The authority of the certificates that clients must show; without it they need none.
    pub client_ca_file: Option<PathBuf>,
}

/// Files that make no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Half of a pair is missing, or clients' certificates are asked for without TLS.
    #[error("cert_file and key_file: give both; client_ca_file needs them too")]
    Incomplete,
    /// A file cannot be read as PEM.
    #[error("{} cannot be read as PEM: {source}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls_pki_types::pem::Error,
    },
    /// A file holds no certificate.
    #[error("{} holds no certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The files do not go together.
    #[error("certificate and key: {0}")]
    Rejected(#[from] rustls::Error),
    /// The clients' authority cannot be used.
    #[error("client_ca_file: {0}")]
    ClientAuthority(#[from] rustls::server::VerifierBuilderError),
}

impl Tls {
    /// What an address with it begins with.
    pub fn scheme(&self) -> &'static str {
        if self.cert_file.is_some() { "https" } else { "http" }
    }

    /// How a listener greets its callers; none where it speaks in the clear.
    ///
    /// # Errors
    /// A file is missing, cannot be read, or does not fit the others.
    pub fn open(&self) -> Result<Option<Arc<ServerConfig>>, TlsError> {
        let (cert_file, key_file) = match (&self.cert_file, &self.key_file, &self.client_ca_file) {
            (None, None, None) => return Ok(None),
            (Some(cert_file), Some(key_file), _) => (cert_file, key_file),
            _ => return Err(TlsError::Incomplete),
        };
        let key = PrivateKeyDer::from_pem_file(key_file)
            .map_err(|source| TlsError::Pem { path: key_file.clone(), source })?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let config = match &self.client_ca_file {
            None => config.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(path)? {
                    roots.add(certificate)?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
                config.with_client_cert_verifier(verifier)
            }
        };
        let mut config = config.with_single_cert(certificates(cert_file)?, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Some(Arc::new(config)))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |source| TlsError::Pem { path: path.to_owned(), source };
    let found =
        CertificateDer::pem_file_iter(path).map_err(wrong)?.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    if found.is_empty() { Err(TlsError::NoCertificate { path: path.to_owned() }) } else { Ok(found) }
}
