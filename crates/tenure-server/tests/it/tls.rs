//! TLS at the listeners: certificates made for the test, and callers that show one or do not.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use reqwest::{Certificate, Identity, StatusCode};
use serde_json::json;
use tenure_server::listener::{Credential, FlagListener};
use tenure_server::tls::Tls;
use tenure_server::{Clock, Config, Server, StartError};

/// An authority, and PEM files of what it signed.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    folder: PathBuf,
}

impl Authority {
    fn new(folder: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem, folder: folder.to_owned() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A certificate and its key.
    fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn server(&self) -> Tls {
        let (certificate, key) = self.sign("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth);
        Tls {
            cert_file: Some(self.file("server.pem", &certificate)),
            key_file: Some(self.file("server.key", &key)),
            client_ca_file: None,
        }
    }

    fn client(&self, identity: Option<(String, String)>) -> reqwest::Client {
        let root = Certificate::from_pem(self.pem.as_bytes()).unwrap();
        let mut client = reqwest::Client::builder().tls_certs_only([root]);
        if let Some((certificate, key)) = identity {
            client = client.identity(Identity::from_pem((certificate + &key).as_bytes()).unwrap());
        }
        client.build().unwrap()
    }
}

fn config(folder: &Path) -> Config {
    // Several tests share the process; the first one installs.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Config { data_dir: folder.join("data"), listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() }
}

fn clock() -> Clock {
    Clock::stepped("2026-03-02T09:00:00Z".parse().unwrap())
}

#[tokio::test]
async fn a_certificate_stands_for_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let mut config = config(folder.path());
    config.tls = authority.server();
    config.flag_listeners = vec![FlagListener {
        listen: "127.0.0.1:0".parse().unwrap(),
        credential: Credential::Certificate,
        environment: "staging".to_owned(),
        tls: Tls { client_ca_file: Some(authority.file("ca.pem", &authority.pem)), ..authority.server() },
    }];
    let server = Server::start(config, clock()).await.unwrap();
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());

    let nobody = authority.client(None);
    let alive = nobody.get(format!("{}/healthz", server.url())).send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);

    let url = format!("https://{}/flagd.sync.v1.FlagSyncService/FetchAllFlags", server.flag_addrs()[0]);
    assert!(nobody.post(&url).json(&json!({})).send().await.is_err(), "nobody without a certificate");
    let stranger = Authority::new(folder.path());
    let stranger = stranger.sign("app", ExtendedKeyUsagePurpose::ClientAuth);
    let stranger = authority.client(Some(stranger));
    assert!(stranger.post(&url).json(&json!({})).send().await.is_err(), "nor with another authority's");
    let application = authority.client(Some(authority.sign("app", ExtendedKeyUsagePurpose::ClientAuth)));
    let answer = application.post(&url).json(&json!({})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.unwrap().contains("flagConfiguration"));
    let url = format!("https://{}/flagd.evaluation.v2.Service/ResolveBoolean", server.flag_addrs()[0]);
    let (_, trailers) = crate::flagd::grpc_web(&application, &url, None, &json!({"flagKey": "none"})).await;
    assert!(trailers.contains("grpc-status:5"), "gRPC-Web, too, and there is no such flag: {trailers}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn files_that_make_no_tls_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let sound = authority.server();
    let empty = authority.file("empty.pem", "nothing");
    let other = authority.file("other.key", &KeyPair::generate().unwrap().serialize_pem());
    let check = async |tls: Tls, says: &str| {
        let error = Server::start(Config { tls, ..config(folder.path()) }, clock()).await.err().unwrap();
        assert!(matches!(error, StartError::Listen(_)), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    };
    check(Tls { key_file: None, ..sound.clone() }, "give both").await;
    check(Tls { key_file: Some(folder.path().join("none.key")), ..sound.clone() }, "none.key cannot be read")
        .await;
    check(Tls { cert_file: Some(empty), ..sound.clone() }, "empty.pem holds no certificate").await;
    check(Tls { key_file: Some(other), ..sound }, "certificate and key").await;
}
