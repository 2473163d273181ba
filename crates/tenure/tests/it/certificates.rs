//! flagd's clients over TLS: native gRPC, unmodified, to a listener with a certificate, and to one that asks for theirs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use reqwest::Method;
use serde_json::{Value, json};
use tenure_server::listener::{Credential, FlagListener};
use tenure_server::tls::Tls;

use crate::growth_team::{GrowthTeam, node, programs, python};

/// PEM files of an authority, and of a server and an application that it signed.
struct Certificates {
    authority: PathBuf,
    server: (PathBuf, PathBuf),
    application: (PathBuf, PathBuf),
}

impl Certificates {
    fn new(folder: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let file = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let signed = |name: &str, host: &str, usage: ExtendedKeyUsagePurpose| {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages = vec![usage];
            let certificate = params.signed_by(&key, &issuer).unwrap().pem();
            (file(&format!("{name}.pem"), certificate), file(&format!("{name}.key"), key.serialize_pem()))
        };
        Self {
            authority: file("authority.pem", pem),
            server: signed("server", "localhost", ExtendedKeyUsagePurpose::ServerAuth),
            application: signed("application", "application", ExtendedKeyUsagePurpose::ClientAuth),
        }
    }

    fn listener(&self, credential: Credential) -> FlagListener {
        let asked = matches!(credential, Credential::Certificate).then(|| self.authority.clone());
        let (certificate, key) = self.server.clone();
        FlagListener {
            listen: "127.0.0.1:0".parse().unwrap(),
            credential,
            environment: "production".to_owned(),
            tls: Tls { cert_file: Some(certificate), key_file: Some(key), client_ca_file: asked },
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flagds_clients_speak_grpc_over_tls_and_show_a_certificate() {
    let (Some(_), Some(_)) = (node(), python()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::new(folder.path());
    let listeners =
        [Credential::None, Credential::Certificate].map(|credential| certificates.listener(credential));
    let team = GrowthTeam::start_with(|config| config.flag_listeners = listeners.into()).await;
    let definition = json!({
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": {"if": [{"==": [{"var": "plan"}, "team"]}, "on"]},
    });
    team.ok(Method::PUT, "/api/v1/flags/banner", team.token_of("developer"), &definition).await;
    let case = |plan: &str, value: bool| {
        json!({
            "name": plan, "flag": "banner", "type": "boolean", "default": !value,
            "context": {"targetingKey": "u1", "plan": plan}, "expect": {"value": value},
        })
    };
    let cases = folder.path().join("cases.json");
    fs::write(&cases, json!({"cases": [case("team", true), case("free", false)]}).to_string()).unwrap();
    let [open, asking] = team.server.flag_addrs() else { panic!("two listeners") };
    for mode in ["rpc", "in-process"] {
        let mut javascript = node().unwrap();
        javascript
            .arg(programs().join("provider.mjs"))
            .env("HOST_PORT", format!("localhost:{}", open.port()));
        let mut shows = python().unwrap();
        shows.arg(programs().join("provider.py")).env("HOST_PORT", format!("localhost:{}", asking.port()));
        shows.env("CERT_FILE", &certificates.application.0).env("KEY_FILE", &certificates.application.1);
        for (name, mut command) in [("JavaScript", javascript), ("Python", shows)] {
            command.env("CASES", &cases).env("MODE", mode).env("CA_FILE", &certificates.authority);
            let passed = json!([{"name": "team", "problems": []}, {"name": "free", "problems": []}]);
            assert_eq!(said(command).await, passed, "{name} {mode}");
        }
    }
    team.server.stop().await.unwrap();
}

/// The lines that a program printed.
async fn said(mut command: Command) -> Value {
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(done.status.success(), "{text}{}", String::from_utf8_lossy(&done.stderr));
    lines.collect()
}
