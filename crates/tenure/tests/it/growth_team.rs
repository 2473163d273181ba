//! A server with a growth team on it, walked through the process over HTTP as its people would.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenure_server::{Clock, Config, Server};

/// Who is in the company, with which roles.
const PEOPLE: &[(&str, &[&str])] = &[
    ("development-lead", &["development_lead"]),
    ("product-manager", &["product_manager"]),
    ("design-lead", &["design_lead"]),
    ("developer", &["developer"]),
    ("boards-owner", &["product_owner:boards"]),
    ("boards-web-owner", &["codebase_owner:boards-web"]),
];

/// A running server whose clock the test moves, and a token for each of its people.
pub struct GrowthTeam {
    pub server: Server,
    pub clock: Clock,
    pub admin: String,
    http: reqwest::Client,
    tokens: Vec<(&'static str, String)>,
    _folder: tempfile::TempDir,
}

impl GrowthTeam {
    /// Start a server, claim it, and let the admin set the company up.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at("2026-03-02T09:00:00Z".parse().unwrap(), change).await
    }

    /// The same at another time.
    pub async fn start_at(now: Timestamp, change: impl FnOnce(&mut Config)) -> Self {
        // Several tests share the process; the first one installs.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::stepped(now);
        let mut config = Config {
            data_dir: folder.path().to_owned(),
            listen: "127.0.0.1:0".parse().unwrap(),
            ..Config::default()
        };
        change(&mut config);
        let server = Server::start(config, clock.clone()).await.unwrap();
        let mut team = Self {
            server,
            clock,
            admin: String::new(),
            http: reqwest::Client::new(),
            tokens: Vec::new(),
            _folder: folder,
        };
        let claim = json!({
            "code": team.server.setup_code().unwrap(), "login": "admin@example.com", "password": "correct horse battery",
        });
        let claimed = team.ok(Method::POST, "/api/v1/setup", "", &claim).await;
        team.admin = claimed["token"].as_str().unwrap().to_owned();
        team.set_up().await;
        team
    }

    async fn set_up(&mut self) {
        let admin = self.admin.clone();
        for (account, roles) in PEOPLE {
            let new = json!({"id": account, "login": format!("{account}@example.com")});
            self.ok(Method::POST, "/api/v1/accounts", &admin, &new).await;
            let token = json!({"name": "test", "scopes": ["read", "write"], "account": account});
            let made = self.ok(Method::POST, "/api/v1/tokens", &admin, &token).await;
            self.tokens.push((account, made["token"].as_str().unwrap().to_owned()));
            for role in *roles {
                self.setup("grant_role", json!({"account": account, "role": role})).await;
            }
        }
        for team in ["growth", "boards"] {
            self.setup("define_team", json!({"team": team})).await;
        }
        self.setup("define_codebase", json!({"codebase": "boards-web", "items": ["qa_demo", "pr_review"]}))
            .await;
        let metric = json!({"metric": "visit", "kind": "proportion", "event": "visit", "window_hours": 24});
        self.setup("define_metric", metric).await;
    }

    async fn setup(&self, name: &str, with: Value) {
        self.ok(Method::POST, "/api/v1/commands", &self.admin, &json!({"do": name, "with": with})).await;
    }

    /// Somebody's token.
    pub fn token_of(&self, account: &str) -> &str {
        let found = self.tokens.iter().find(|(name, _)| *name == account);
        &found.unwrap_or_else(|| panic!("{account} is nobody here")).1
    }

    /// A token for applications.
    pub async fn application_token(&self, scope: &str) -> String {
        let new = json!({"name": scope, "scopes": [scope]});
        let made = self.ok(Method::POST, "/api/v1/tokens", &self.admin, &new).await;
        made["token"].as_str().unwrap().to_owned()
    }

    /// Any request; its status and JSON.
    pub async fn send(&self, method: Method, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
        let mut request = self.http.request(method.clone(), format!("http://{}{path}", self.server.addr()));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if method != Method::GET {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// A request that must succeed.
    pub async fn ok(&self, method: Method, path: &str, token: &str, body: &Value) -> Value {
        let (status, answer) = self.send(method.clone(), path, token, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    /// Somebody gives a command that must be carried out.
    pub async fn give(&self, who: &str, name: &str, with: Value) {
        let body = json!({"do": name, "with": with});
        let (status, answer) = self.send(Method::POST, "/api/v1/commands", self.token_of(who), &body).await;
        assert!(status.is_success(), "{name} by {who}: {answer}");
    }

    /// Somebody gives a command that must be refused; the refusal's code.
    pub async fn refused(&self, who: &str, name: &str, with: Value) -> String {
        let body = json!({"do": name, "with": with});
        let (status, answer) = self.send(Method::POST, "/api/v1/commands", self.token_of(who), &body).await;
        assert_eq!(status, StatusCode::CONFLICT, "{name} by {who}: {answer}");
        answer["code"].as_str().unwrap().to_owned()
    }

    /// The case as it is now.
    pub async fn case(&self, case: &str) -> Value {
        self.ok(Method::GET, &format!("/api/v1/cases/{case}"), &self.admin, &Value::Null).await
    }

    /// From the open case to a feature that is built, with everything agreed.
    pub async fn prepare_and_build(&self, case: &str, experiment: &str, flag: &str) {
        let on = |more: Value| {
            let mut with = json!({"case": case});
            for (key, value) in more.as_object().unwrap() {
                with[key] = value.clone();
            }
            with
        };
        let steps = [
            ("development-lead", "open_case", on(json!({"experiment": experiment}))),
            ("development-lead", "request_consultation", on(json!({"team": "boards"}))),
            (
                "boards-owner",
                "answer_consultation",
                on(json!({"team": "boards", "codebases": ["boards-web"]})),
            ),
            (
                "development-lead",
                "submit_estimate",
                on(json!({"codebase": "boards-web", "days": [9, 14, 22], "maintenance_days_per_year": 4})),
            ),
            (
                "product-manager",
                "set_cost_benefit",
                on(
                    json!({"benefit_per_year": 51_840, "one_off_cost": 12_350, "maintenance_per_year": 2_600}),
                ),
            ),
            ("product-manager", "decide", on(json!({"kind": "proceed", "reason": "pays back in a quarter"}))),
            ("development-lead", "confirm_decision", on(json!({}))),
            ("design-lead", "confirm_decision", on(json!({}))),
            ("design-lead", "request_buy_in", on(json!({"team": "boards"}))),
            ("boards-owner", "answer_buy_in", on(json!({"team": "boards", "answer": "approve"}))),
            ("development-lead", "reserve_backlog", on(json!({"days": 14}))),
            ("development-lead", "assign_builder", on(json!({"developer": "developer"}))),
            ("developer", "create_flag", on(json!({"key": flag}))),
            (
                "boards-web-owner",
                "checklist",
                on(json!({"codebase": "boards-web", "item": "qa_demo", "result": "passed"})),
            ),
            (
                "boards-web-owner",
                "checklist",
                on(json!({"codebase": "boards-web", "item": "pr_review", "result": "passed"})),
            ),
            ("developer", "finish_building", on(json!({}))),
            ("development-lead", "propose_warranty", on(json!({"months": 6}))),
            ("boards-owner", "agree_warranty", on(json!({"team": "boards"}))),
        ];
        for (who, name, with) in steps {
            self.give(who, name, with).await;
        }
    }

    /// Move the clock, then wait until the clockwork has brought the case to where `is` says; its view.
    pub async fn pass(&self, span: SignedDuration, case: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.clock.step_to(self.clock.now().checked_add(span).unwrap());
        let started = Instant::now();
        loop {
            let seen = self.case(case).await;
            if is(&seen) {
                return seen;
            }
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the clockwork did not get there; the case is in {} with {} % exposed, latest {}",
                seen["stage"],
                seen["exposure_percent"],
                seen["measurements"]["latest"]
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Where the OpenFeature clients' programs are.
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/clients")
}

/// Node with the JavaScript clients, if they are installed; a skipped test says so, a required one fails.
pub fn node() -> Option<Command> {
    installed("the JavaScript clients", &programs().join("node_modules"), || Command::new("node"))
}

/// Python with its clients, likewise.
pub fn python() -> Option<Command> {
    let cache = std::env::var_os("TENURE_VENV")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/tenure/venv")))?;
    let python = cache.join("bin/python");
    installed("the Python clients", &python, || Command::new(&python))
}

/// The program of the Rust clients, likewise.
pub fn rust() -> Option<Command> {
    let cache = std::env::var_os("TENURE_CACHE")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/tenure")))?;
    let program = cache.join("target-conformance/debug/conformance-rust");
    installed("the Rust clients", &program, || Command::new(&program))
}

fn installed(what: &str, place: &Path, command: impl Fn() -> Command) -> Option<Command> {
    if place.exists() {
        return Some(command());
    }
    let required = std::env::var("TENURE_REQUIRE_CLIENTS").is_ok_and(|required| required == "1");
    assert!(!required, "{what} are not installed ({} is missing); run `make clients`", place.display());
    eprintln!("SKIPPED: {what} are not installed; `make clients` installs them");
    None
}
