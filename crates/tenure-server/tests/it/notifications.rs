//! Notifications: retried, resumed, told once a week, kept from where they must not go.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode as Status, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenure_server::{Clock, Config, Server};

use crate::server::TestServer;

/// How a receiver answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answers {
    Ok,
    Broken,
    Gone,
    Elsewhere,
    /// Never ends.
    Endless,
}

/// A receiver of posts, started by the test.
struct Receiver {
    url: String,
    inner: Arc<Inner>,
}

struct Inner {
    answers: Mutex<Answers>,
    taken: Mutex<Vec<(HeaderMap, Value)>>,
    tries: Mutex<u32>,
}

impl Receiver {
    async fn start(answers: Answers) -> Self {
        let inner = Arc::new(Inner {
            answers: Mutex::new(answers),
            taken: Mutex::default(),
            tries: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in?key=hush", listener.local_addr().unwrap());
        let app = Router::new().fallback(take).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, inner }
    }

    fn answer(&self, answers: Answers) {
        *self.inner.answers.lock().unwrap() = answers;
    }

    fn taken(&self) -> Vec<Value> {
        self.inner.taken.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }

    fn ids(&self) -> Vec<String> {
        let taken = self.inner.taken.lock().unwrap();
        taken.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap().to_owned()).collect()
    }

    fn tries(&self) -> u32 {
        *self.inner.tries.lock().unwrap()
    }

    async fn until(&self, count: usize) -> Vec<Value> {
        eventually(|| self.taken().len() >= count).await;
        self.taken()
    }
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    *inner.tries.lock().unwrap() += 1;
    let answers = *inner.answers.lock().unwrap();
    match answers {
        Answers::Broken => return (Status::INTERNAL_SERVER_ERROR, "no disk").into_response(),
        Answers::Gone => return Status::GONE.into_response(),
        Answers::Elsewhere => {
            return (Status::FOUND, [(header::LOCATION, "http://169.254.169.254/")]).into_response();
        }
        Answers::Ok | Answers::Endless => {}
    }
    inner.taken.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap()));
    if answers == Answers::Endless {
        let chunks =
            futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 4_096])));
        return axum::body::Body::from_stream(chunks).into_response();
    }
    Status::NO_CONTENT.into_response()
}

async fn eventually(is: impl Fn() -> bool) {
    let started = Instant::now();
    while !is() {
        assert!(started.elapsed() < Duration::from_secs(30), "it did not happen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A server that posts to this machine. What claiming it wrote is told before any receiver is there: on a stepped clock
/// it is as old as the receivers.
async fn with_private_receivers() -> TestServer {
    let test = TestServer::start_with(|config| config.notify.private_addresses_allowed = true).await;
    settled(&test).await;
    test
}

async fn add(test: &TestServer, with: Value) -> Value {
    let made = test.post("/api/v1/webhooks", &with).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.body
}

fn id_of(made: &Value) -> String {
    made["info"]["id"].as_str().unwrap().to_owned()
}

async fn define(test: &TestServer, team: &str) {
    let done = test.give("define_team", json!({"team": team})).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
}

async fn deliveries(test: &TestServer, id: &str) -> Vec<Value> {
    let listed = test.get(&format!("/api/v1/webhooks/{id}/deliveries")).await;
    listed.body.as_array().unwrap().clone()
}

/// The newest delivery to a receiver that has failed for good, once that is noted.
async fn failed(test: &TestServer, id: &str) -> Value {
    let started = Instant::now();
    loop {
        if let Some(failed) = deliveries(test, id).await.into_iter().find(|one| one["status"] == "failed") {
            return failed;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "no delivery has failed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Wait until everything owed was tried, and the journal is read to its end.
async fn settled(test: &TestServer) {
    let live = test.server.live();
    let started = Instant::now();
    loop {
        let read = live.store.cursor("notify").await.unwrap() == live.seq();
        if read && live.store.receivers_due(live.clock.now(), 10).await.unwrap().is_empty() {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "it does not settle");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn step(test: &TestServer, span: SignedDuration) {
    let clock = &test.server.live().clock;
    clock.step_to(clock.now().checked_add(span).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_receiver_is_retried_and_the_others_go_on() {
    let test = with_private_receivers().await;
    let (dead, well) = (Receiver::start(Answers::Broken).await, Receiver::start(Answers::Ok).await);
    let made = add(&test, json!({"name": "dead", "url": dead.url})).await;
    add(&test, json!({"name": "well", "url": well.url})).await;
    define(&test, "growth").await;
    define(&test, "boards").await;
    let taken = well.until(2).await;
    assert_eq!(taken[0]["type"], "team_defined");
    assert_eq!(taken[0]["data"]["sentence"], "admin@example.com defined team growth as growth");
    settled(&test).await;
    assert_eq!(dead.tries(), 1, "the second message waits with the first");
    let waiting = deliveries(&test, &id_of(&made)).await;
    let first = waiting.last().unwrap();
    assert_eq!((&first["status"], &first["attempts"]), (&json!("waiting"), &json!(1)));
    assert_eq!(first["said"], "500 Internal Server Error: no disk");

    step(&test, SignedDuration::from_secs(4));
    settled(&test).await;
    assert_eq!(dead.tries(), 1, "5 to 10 seconds after the first failure");
    step(&test, SignedDuration::from_secs(6));
    settled(&test).await;
    assert_eq!(dead.tries(), 2);
    dead.answer(Answers::Ok);
    step(&test, SignedDuration::from_secs(19));
    settled(&test).await;
    assert_eq!(dead.tries(), 2, "20 to 40 seconds after the second");
    step(&test, SignedDuration::from_secs(21));
    dead.until(2).await;
    assert_eq!(dead.ids()[0].rsplit('-').next(), well.ids()[0].rsplit('-').next(), "the same entry first");
    settled(&test).await;
    let webhook = test.get(&format!("/api/v1/webhooks/{}", id_of(&made))).await.body;
    assert_eq!(webhook["failing_since"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_fails_for_days_is_disabled_and_enabled_again() {
    let test = with_private_receivers().await;
    let (dead, chat) = (Receiver::start(Answers::Broken).await, Receiver::start(Answers::Ok).await);
    let choices = json!({"choices": {"channel": "chat", "digest": false}, "chat_url": chat.url});
    let chosen = test.send(Method::PUT, "/api/v1/me/notifications", Some(&test.admin), Some(&choices)).await;
    assert_eq!(chosen.status, StatusCode::OK, "{chosen:?}");
    let id = id_of(&add(&test, json!({"name": "bridge", "url": dead.url})).await);
    define(&test, "growth").await;
    eventually(|| dead.tries() == 1).await;
    settled(&test).await;
    for _ in 0..5 {
        step(&test, SignedDuration::from_hours(25));
        settled(&test).await;
    }
    let webhook = test.get(&format!("/api/v1/webhooks/{id}")).await.body;
    let why = webhook["disabled_why"].as_str().unwrap();
    assert!(why.starts_with("nothing could be delivered since 2026-03-02"), "{why}");
    let told = chat.until(1).await.remove(0)["text"].as_str().unwrap().to_owned();
    assert!(told.starts_with("*Tenure: the webhook “bridge” is disabled*"), "{told}");
    let tries = dead.tries();
    define(&test, "boards").await;
    settled(&test).await;
    assert_eq!(dead.tries(), tries, "nothing is posted to it any more");

    dead.answer(Answers::Ok);
    let path = format!("/api/v1/webhooks/{id}");
    test.send(Method::PATCH, &path, Some(&test.admin), Some(&json!({"enabled": true}))).await;
    define(&test, "identity").await;
    assert_eq!(dead.until(1).await[0]["data"]["body"]["team"], "identity");
    let missed = failed(&test, &id).await;
    let again = format!("{path}/deliveries/{}/redeliver", missed["message"].as_str().unwrap());
    assert_eq!(test.post(&again, &json!({})).await.status, StatusCode::ACCEPTED);
    assert_eq!(dead.until(2).await[1]["data"]["body"]["team"], "growth");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_where_it_was_under_the_same_ids() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config {
        data_dir: folder.path().to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        ..Config::default()
    };
    config.notify.private_addresses_allowed = true;
    let clock = Clock::stepped("2026-03-02T09:00:00Z".parse().unwrap());
    let receiver = Receiver::start(Answers::Broken).await;
    let server = Server::start(config.clone(), clock.clone()).await.unwrap();
    let test = TestServer::claim(server, folder).await;
    settled(&test).await;
    add(&test, json!({"name": "bridge", "url": receiver.url})).await;
    for team in ["growth", "boards"] {
        define(&test, team).await;
    }
    eventually(|| receiver.tries() == 1).await;
    let folder = test.stop().await;
    receiver.answer(Answers::Ok);
    let server = Server::start(config, clock.clone()).await.unwrap();
    clock.step_to(clock.now().checked_add(SignedDuration::from_mins(1)).unwrap());
    let taken = receiver.until(2).await;
    let teams: Vec<&Value> = taken.iter().map(|body| &body["data"]["body"]["team"]).collect();
    assert_eq!(teams, [&json!("growth"), &json!("boards")], "nothing is lost, and in order");
    let seqs: Vec<String> = taken.iter().map(|body| format!("entry-{}", body["data"]["seq"])).collect();
    for (id, seq) in receiver.ids().iter().zip(&seqs) {
        assert!(id.starts_with("msg_") && id.ends_with(seq), "{id}");
    }
    // Sent again, it carries the same id.
    let live = server.live();
    let webhook = live.store.webhooks("", 1).await.unwrap().remove(0);
    live.store.redeliver(&format!("webhook/{}", webhook.id), &seqs[0], live.clock.now()).await.unwrap();
    receiver.until(3).await;
    assert_eq!(receiver.ids()[2], receiver.ids()[0]);
    server.stop().await.unwrap();
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_receivers_do_no_harm() {
    let test = with_private_receivers().await;
    let receivers = [Answers::Elsewhere, Answers::Endless, Answers::Gone]
        .map(|answers| async move { Receiver::start(answers).await });
    let [elsewhere, endless, gone] = receivers;
    let (elsewhere, endless, gone) = (elsewhere.await, endless.await, gone.await);
    let mut ids = Vec::new();
    for (name, receiver) in [("elsewhere", &elsewhere), ("endless", &endless), ("gone", &gone)] {
        ids.push(id_of(&add(&test, json!({"name": name, "url": receiver.url})).await));
    }
    define(&test, "growth").await;
    eventually(|| elsewhere.tries() + endless.tries() + gone.tries() == 3).await;
    settled(&test).await;
    let status = async |id: &str| deliveries(&test, id).await[0].clone();
    let redirected = status(&ids[0]).await;
    assert_eq!((&redirected["status"], &redirected["said"]), (&json!("waiting"), &json!("302 Found")));
    assert_eq!(status(&ids[1]).await["status"], "delivered", "an endless answer is not read to its end");
    assert_eq!(failed(&test, &ids[2]).await["said"], "it answered 410 Gone: it wants nothing any more");
    let webhook = test.get(&format!("/api/v1/webhooks/{}", ids[2])).await.body;
    assert_eq!(webhook["disabled_why"], "it answered 410 Gone: it wants nothing any more");
}

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let test = TestServer::start().await;
    let check = async |url: &str, says: &str| {
        let refused = test.post("/api/v1/webhooks", &json!({"name": "inside", "url": url})).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{url}: {refused:?}");
        assert_eq!(refused.body["field"], "url");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
    };
    check("http://127.0.0.1:9/", "127.0.0.1 is a private, loopback or link-local address").await;
    check("http://169.254.169.254/latest", "169.254.169.254").await;
    check("http://localhost/", "loopback").await;
    check("http://[fd00::1]/", "fd00::1").await;
    check("gopher://example.org/", "no http:// or https:// address").await;
    let unknown = json!({"name": "x", "url": "https://example.org/", "filter": {"kinds": ["case_flown"]}});
    let refused = test.post("/api/v1/webhooks", &unknown).await;
    assert_eq!(refused.body["field"], "filter.kinds", "{refused:?}");
    let chat = json!({"choices": {"channel": "chat"}, "chat_url": "http://10.0.0.1/"});
    let refused = test.send(Method::PUT, "/api/v1/me/notifications", Some(&test.admin), Some(&chat)).await;
    assert_eq!(refused.body["field"], "chat_url", "{refused:?}");
}

#[tokio::test]
async fn a_secret_is_shown_once_and_an_address_never_whole() {
    let test = with_private_receivers().await;
    let made =
        add(&test, json!({"name": "bridge", "url": "https://hooks.example.org/services/T0/hush?key=hush"}))
            .await;
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    let id = id_of(&made);
    let chat =
        json!({"choices": {"channel": "chat"}, "chat_url": "https://hooks.example.org/services/T0/hush"});
    let chosen = test.send(Method::PUT, "/api/v1/me/notifications", Some(&test.admin), Some(&chat)).await;
    assert_eq!(chosen.body["chat_url"], "https://hooks.example.org/…");
    for path in [
        "/api/v1/webhooks".to_owned(),
        format!("/api/v1/webhooks/{id}"),
        format!("/api/v1/webhooks/{id}/deliveries"),
        "/api/v1/me/notifications".to_owned(),
        "/api/v1/journal".to_owned(),
    ] {
        let shown = test.get(&path).await.body.to_string();
        assert!(!shown.contains("hush") && !shown.contains(&secret[6..]), "{path}: {shown}");
    }
    let rotated = test.post(&format!("/api/v1/webhooks/{id}/secret"), &json!({})).await.body;
    assert_ne!(rotated["secret"], made["secret"]);
    assert!(rotated["info"]["old_secret_until"].is_string());
    let removed = test.send(Method::DELETE, &format!("/api/v1/webhooks/{id}"), Some(&test.admin), None).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(test.get(&format!("/api/v1/webhooks/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn choices_are_checked_and_kept() {
    let test = TestServer::start().await;
    let put = async |body: Value| {
        test.send(Method::PUT, "/api/v1/me/notifications", Some(&test.admin), Some(&body)).await
    };
    let refused = put(json!({"choices": {"schedule": {"day": "monday", "hour": 24}}})).await;
    assert_eq!(refused.body["field"], "choices.schedule.hour", "{refused:?}");
    let refused = put(json!({"choices": {"time_zone": "Mars/Olympus"}})).await;
    assert_eq!(refused.body["field"], "choices.time_zone", "{refused:?}");
    let refused = put(json!({"choices": {"channel": "pigeon"}})).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let refused = put(json!({"choices": {}, "email": "nobody"})).await;
    assert_eq!(refused.body["field"], "email", "{refused:?}");
    let kept = put(json!({"choices": {"muted": ["PC-1"], "schedule": {"day": "friday", "hour": 16}}, "email": "a@b.example"})).await;
    assert_eq!(kept.status, StatusCode::OK, "{kept:?}");
    let mine = test.get("/api/v1/me/notifications").await.body;
    assert_eq!(mine, kept.body);
    assert_eq!((&mine["email"], &mine["choices"]["muted"]), (&json!("a@b.example"), &json!(["PC-1"])));
    assert_eq!(mine["choices"]["schedule"], json!({"day": "friday", "hour": 16}));
    let tested = test.post("/api/v1/me/notifications/test", &json!({})).await.body;
    assert_eq!(tested["delivered"], false, "no mail server here: {tested}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ask_is_told_in_the_chats_of_whom_it_is_for() {
    let test = TestServer::start_with(|config| {
        config.public_url = Some("https://tenure.example.com".to_owned());
        config.notify.private_addresses_allowed = true;
    })
    .await;
    let receivers = [(), (), ()].map(|()| Receiver::start(Answers::Ok));
    let [own, channel, other] = receivers;
    let (own, channel, other) = (own.await, channel.await, other.await);
    test.grant(&["development_lead", "product_manager"]).await;
    for team in ["growth", "boards", "identity"] {
        define(&test, team).await;
    }
    let made = test.post("/api/v1/accounts", &json!({"id": "bo", "login": "bo@example.com"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    test.give("grant_role", json!({"account": "bo", "role": "product_owner:boards"})).await;
    let token = json!({"name": "bo", "scopes": ["read", "write"], "account": "bo"});
    let token = test.post("/api/v1/tokens", &token).await.body["token"].as_str().unwrap().to_owned();
    let chat = json!({"choices": {"channel": "chat"}, "chat_url": own.url});
    test.send(Method::PUT, "/api/v1/me/notifications", Some(&token), Some(&chat)).await;
    for (team, receiver) in [("boards", &channel), ("identity", &other)] {
        let filter = json!({"teams": [team]});
        add(&test, json!({"name": team, "form": "slack", "url": receiver.url, "filter": filter})).await;
    }
    let experiment = json!({
        "experiment": "EXP-1", "team": "growth", "ended": "2026-02-13", "title": "Sparkle",
        "measurement": {"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0},
    });
    test.give("register_experiment", experiment).await;
    test.give("open_case", json!({"case": "PC-1", "experiment": "EXP-1"})).await;
    let ask = json!({"case": "PC-1", "team": "boards", "question": "<!channel> & does it touch the cache?"});
    let asked = test.give("request_consultation", ask).await;
    assert_eq!(asked.status, StatusCode::OK, "{asked:?}");
    let told = own.until(1).await;
    assert_eq!(channel.until(1).await, told, "the channel and the person read the same");
    insta::assert_json_snapshot!(told[0]);
    settled(&test).await;
    assert_eq!((own.tries(), channel.tries(), other.tries()), (1, 1, 0), "and nobody else");
}
