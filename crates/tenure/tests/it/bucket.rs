//! Sealed events in a store that speaks S3 (moto's server), and what happens when it is away.

use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tenure_server::{Clock, Config};

use crate::growth_team::{GrowthTeam, python};

/// A store of the test's own; it ends with the test.
struct Store {
    process: Child,
    endpoint: String,
}

impl Store {
    async fn start(mut command: Command) -> Self {
        // The port is free as long as nobody else asks for one in between.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = command
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let store = Self { process, endpoint: format!("http://127.0.0.1:{port}") };
        let started = Instant::now();
        let bucket = format!("{}/events", store.endpoint);
        while reqwest::Client::new().put(&bucket).send().await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "moto does not answer");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        store
    }

    /// The keys of the bucket's objects.
    async fn keys(&self) -> Vec<String> {
        let list = reqwest::get(format!("{}/events?list-type=2", self.endpoint)).await.unwrap();
        let list = list.text().await.unwrap();
        list.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned()).collect()
    }

    fn end(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn outcomes(from: u32) -> Value {
    (from..from + 50)
        .map(|number| json!({"type": "outcome", "unit": format!("u{number}"), "event": "visit", "id": format!("e{number}")}))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_events_live_in_a_bucket_and_ingest_does_without_it() {
    let Some(python) = python() else { return };
    // Several tests share the process; the first one installs.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut store = Store::start(python).await;
    let in_bucket = |config: &mut Config| {
        config.events.store = Some("s3://events/tenure/live".to_owned());
        config.events.endpoint = Some(store.endpoint.clone());
        config.events.region = Some("us-east-1".to_owned());
        config.events.access_key_id = Some("test".to_owned());
        config.events.secret_access_key = Some("hunter2".to_owned().into());
    };
    let team = GrowthTeam::start_with(in_bucket).await;
    let token = team.application_token("ingest").await;
    let send = async |from: u32| team.ok(Method::POST, "/api/v1/events", &token, &outcomes(from)).await;
    let events = &team.server.live().events;
    for round in 0..3 {
        send(round * 50).await;
        events.seal_all().await.unwrap();
    }
    assert_eq!(events.view().await.unwrap().events(), 150);
    let keys = store.keys().await;
    let sealed = keys.iter().filter(|key| key.starts_with("tenure/live/events/date=")).count();
    assert_eq!((sealed, keys.iter().filter(|key| key.contains("/catalogue/")).count()), (3, 3), "{keys:?}");
    let erased = team.ok(Method::DELETE, "/api/v1/events?unit=u7", &team.admin, &Value::Null).await;
    assert_eq!(erased["events"], 1);
    assert_eq!(events.view().await.unwrap().events(), 149);

    store.end();
    let started = Instant::now();
    assert_eq!(send(150).await["accepted"], 50, "what is accepted is on this disk");
    let fault = events.seal_all().await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    assert!(fault.to_string().contains("sealed later"), "{fault}");
    assert_eq!(events.stats().unsealed_events, 50);
    let (status, answer) =
        team.send(Method::DELETE, "/api/v1/events?unit=u8", &team.admin, &Value::Null).await;
    assert_eq!((status.as_u16(), &answer["code"]), (503, &json!("unavailable")), "{answer}");
    assert_eq!(send(200).await["accepted"], 50);
    let config = team.server.live().config.clone();
    assert!(!format!("{config:?}").contains("hunter2"));
    team.server.stop().await.unwrap();

    // A log that has reached the bucket before starts without it, and finds its way back.
    let again = tenure_server::open(config.clone(), Clock::wall()).await.unwrap();
    let away = again.events.recovery().store_away.clone().unwrap();
    assert!(!away.contains("hunter2"), "{away}");
    let stats = again.events.stats();
    assert_eq!((stats.sealed_events, stats.unsealed_events), (149, 100), "as it was remembered");
    drop(again);
    let elsewhere = tempfile::tempdir().unwrap();
    let config = Config { data_dir: elsewhere.path().to_owned(), ..config };
    let refused = tenure_server::open(config, Clock::wall()).await.err().unwrap();
    assert!(format!("{refused:#}").contains("object store"), "a first start needs the bucket: {refused:#}");
}
