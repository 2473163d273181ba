//! A server of the test's own, with an admin, and a client that speaks JSON.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenure_server::{Clock, Config, Server};

/// A running server in a folder that goes with it.
pub struct TestServer {
    pub server: Server,
    pub admin: String,
    pub http: reqwest::Client,
    folder: tempfile::TempDir,
}

/// An answer: its status, headers and JSON body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl TestServer {
    /// Start, and claim the server.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Start with a changed configuration, and claim the server.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        // Several tests share the process; the first one installs.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            data_dir: folder.path().to_owned(),
            listen: "127.0.0.1:0".parse().unwrap(),
            ..Config::default()
        };
        change(&mut config);
        let clock = Clock::stepped("2026-03-02T09:00:00Z".parse().unwrap());
        Self::claim(Server::start(config, clock).await.unwrap(), folder).await
    }

    /// Claim a server that was just started in a folder.
    pub async fn claim(server: Server, folder: tempfile::TempDir) -> Self {
        let mut test = Self { server, admin: String::new(), http: reqwest::Client::new(), folder };
        let claim = json!({
            "code": test.server.setup_code().unwrap(),
            "login": "admin@example.com", "password": "correct horse battery",
        });
        let claimed = test.send(Method::POST, "/api/v1/setup", None, Some(&claim)).await;
        assert_eq!(claimed.status, StatusCode::CREATED, "{claimed:?}");
        test.admin = claimed.body["token"].as_str().unwrap().to_owned();
        test
    }

    /// Stop, and keep the folder.
    pub async fn stop(self) -> tempfile::TempDir {
        self.server.stop().await.unwrap();
        self.folder
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.addr())
    }

    /// Any request with a JSON body.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        self.send_with(method, path, token, body, &[]).await
    }

    /// Any request with a JSON body and further headers.
    pub async fn send_with(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.http.request(method, self.url(path));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Some(&self.admin), None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(&self.admin), Some(body)).await
    }

    /// Give a command as the admin.
    pub async fn give(&self, name: &str, with: Value) -> Answer {
        self.post("/api/v1/commands", &json!({"do": name, "with": with})).await
    }

    /// Give a command that has to be carried out.
    pub async fn does(&self, name: &str, with: Value) {
        let done = self.give(name, with).await;
        assert_eq!(done.status, StatusCode::OK, "{name}: {done:?}");
    }

    /// A token of the admin with these scopes.
    pub async fn token(&self, scopes: &[&str]) -> String {
        let made = self.post("/api/v1/tokens", &json!({"name": "test", "scopes": scopes})).await;
        made.body["token"].as_str().unwrap().to_owned()
    }

    /// Give the admin roles.
    pub async fn grant(&self, roles: &[&str]) {
        for role in roles {
            let done = self.give("grant_role", json!({"account": "admin", "role": role})).await;
            assert_eq!(done.status, StatusCode::OK, "{done:?}");
        }
    }
}

pub async fn read(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, headers, body }
}
