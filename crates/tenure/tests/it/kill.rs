//! SIGKILL of the real server under load, a few times: what was acknowledged is there exactly once. (`scripts/kill9` does it two
//! hundred times, fills a real disk and traces the syncs.)

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenure_events::EventLog;

const KILLS: u64 = 8;
const CLIENTS: u64 = 6;

/// The server in a process of its own, which goes with this.
struct Killed {
    process: Child,
    url: String,
    said: String,
}

impl Killed {
    fn start(folder: &Path, run: u64) -> Self {
        let log = folder.join(format!("server-{run}.log"));
        let process = Command::new(env!("CARGO_BIN_EXE_tenure"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let (started, mut server) =
            (Instant::now(), Self { process, url: String::new(), said: String::new() });
        while server.url.is_empty() {
            server.said = std::fs::read_to_string(&log).unwrap();
            server.url = word_after(&server.said, "serving on ").unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(60), "the server did not start: {}", server.said);
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // Killed already, when all went well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn word_after(text: &str, mark: &str) -> Option<String> {
    // A line that is not whole yet is read again.
    let (word, _) = text.split_once(mark)?.1.split_once('\n')?;
    Some(word.split_whitespace().next()?.to_owned())
}

/// Clients that send events with ids of their own, and remember which were acknowledged.
#[derive(Default)]
struct Load {
    sent: Mutex<BTreeSet<String>>,
    acknowledged: Mutex<BTreeSet<String>>,
}

impl Load {
    /// Sends until the server answers no more.
    async fn send(&self, http: reqwest::Client, url: String, token: String, name: String) {
        for number in 0_u64.. {
            let ids: Vec<String> =
                (0..=number % 40).map(|event| format!("{name}-{number}-{event}")).collect();
            let event = |id: &String| json!({"type": "outcome", "id": id, "unit": id, "event": "visit"});
            let batch: Vec<Value> = ids.iter().map(event).collect();
            self.sent.lock().unwrap().extend(ids.iter().cloned());
            let answer =
                http.post(format!("{url}/api/v1/events")).bearer_auth(&token).json(&batch).send().await;
            match answer {
                Ok(answer) if answer.status().is_success() => self.acknowledged.lock().unwrap().extend(ids),
                Ok(answer) => panic!("{}", answer.status()),
                Err(_) => return,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_load_keeps_what_it_acknowledged() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let (load, http) = (Arc::new(Load::default()), reqwest::Client::new());
    let mut server = Killed::start(folder.path(), 0);
    let ask = async |path: &str, token: &str, body: Value| -> Value {
        let request = http.post(format!("{}{path}", server.url)).json(&body);
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    };
    let code = word_after(&server.said, "--code ").unwrap();
    let claim = json!({"code": code, "login": "admin@example.com", "password": "correct horse battery"});
    let admin = ask("/api/v1/setup", "", claim).await["token"].as_str().unwrap().to_owned();
    let new = json!({"name": "load", "scopes": ["ingest"]});
    let token = ask("/api/v1/tokens", &admin, new).await["token"].as_str().unwrap().to_owned();
    for kill in 1..=KILLS {
        let before = load.acknowledged.lock().unwrap().len();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (load, name) = (Arc::clone(&load), format!("k{kill}c{client}"));
                let (http, url, token) = (http.clone(), server.url.clone(), token.clone());
                tokio::spawn(async move { load.send(http, url, token, name).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(60 + 37 * kill)).await;
        server.kill();
        for client in clients {
            client.await.unwrap();
        }
        assert!(
            load.acknowledged.lock().unwrap().len() > before,
            "nothing was acknowledged before kill {kill}"
        );
        if kill < KILLS {
            server = Killed::start(folder.path(), kill);
        }
    }
    let log =
        EventLog::open(&folder.path().join("data/events"), tenure_events::Config::default()).await.unwrap();
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for id in tenure_sim::written::ids(&log).await.unwrap() {
        *found.entry(id).or_default() += 1;
    }
    let (sent, acknowledged) = (load.sent.lock().unwrap(), load.acknowledged.lock().unwrap());
    let lost = acknowledged.iter().filter(|id| !found.contains_key(*id)).count();
    let twice = found.values().filter(|times| **times > 1).count();
    let invented = found.keys().filter(|id| !sent.contains(*id)).count();
    eprintln!(
        "{KILLS} kills, {} of {} events acknowledged, {} there",
        acknowledged.len(),
        sent.len(),
        found.len()
    );
    assert_eq!((lost, twice, invented), (0, 0, 0), "lost, there twice, never sent");
}
