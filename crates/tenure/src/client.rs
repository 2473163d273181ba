//! The command line as a client of a running server: where it is, which token to carry, what its problems say.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How long a wait may get before a server that is too busy or away is given up.
const AWAY_MAX: Duration = Duration::from_secs(30);

/// Which server to talk to.
#[derive(Debug, Clone, clap::Args)]
pub struct Server {
    /// Where the server is
    #[arg(long, env = "TENURE_URL", default_value = "http://127.0.0.1:8016", global = true)]
    pub url: String,
    /// An API token of that server
    #[arg(long, env = "TENURE_TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
}

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

/// The server said no, with its problem.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// The problem's body.
    pub body: Value,
}

impl Problem {
    fn message(&self) -> String {
        let text = |key: &str| self.body.get(key).and_then(Value::as_str);
        let mut message = match (text("code"), text("detail")) {
            (Some(code), Some(detail)) => format!("{code}: {detail}"),
            _ => format!("the server answered {}", self.status),
        };
        if let Some(field) = text("field") {
            message.push_str(&format!(" (field {field})"));
        }
        for who in self.body["refusal"]["who_may"].as_array().into_iter().flatten() {
            let accounts: Vec<&str> =
                who["accounts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let held = if accounts.is_empty() { "nobody yet".to_owned() } else { accounts.join(", ") };
            message.push_str(&format!("\n  who may: {} ({held})", who["seat"].as_str().unwrap_or("-")));
        }
        for missing in self.body["refusal"]["missing"].as_array().into_iter().flatten() {
            message.push_str(&format!("\n  missing: {}", missing.as_str().unwrap_or("-")));
        }
        if let Some(since) = self.body["refusal"]["since"].as_str() {
            message.push_str(&format!("\n  since: {since}"));
        }
        message
    }
}

impl Client {
    /// A client of that server.
    pub fn new(server: &Server) -> anyhow::Result<Self> {
        // The process may have a provider already (tests run several clients): the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("tenure/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, url: server.url.trim_end_matches('/').to_owned(), token: server.token.clone() })
    }

    /// Read something.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        Ok(self.send(Method::GET, path, None::<&()>).await?.json().await?)
    }

    /// Read something as it is, with a query.
    pub async fn query(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Response> {
        let address = reqwest::Url::parse_with_params(&format!("{}{path}", self.url), query)?;
        let path_and_query = address.query().filter(|query| !query.is_empty());
        let path = path_and_query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        self.send(Method::GET, &path, None::<&()>).await
    }

    /// Send something and read the answer.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        Ok(self.send(Method::POST, path, Some(body)).await?.json().await?)
    }

    /// Read all pages of a list, whose address has a query already.
    pub async fn all(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut page: Value = self.get(path).await?;
        loop {
            if let Some(more) = page["items"].as_array() {
                items.extend(more.iter().cloned());
            }
            let Some(next) = page["next"].as_str().map(str::to_owned) else { return Ok(items) };
            page = self.get(&format!("{path}&after={next}")).await?;
        }
    }

    /// Read all pages of a list, with a query.
    pub async fn all_of(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut query = query.to_vec();
        loop {
            let page: Value = self.query(path, &query).await?.json().await?;
            items.extend(page["items"].as_array().into_iter().flatten().cloned());
            let Some(next) = page["next"].as_str().map(str::to_owned) else { return Ok(items) };
            query.retain(|(name, _)| *name != "after");
            query.push(("after", next));
        }
    }

    /// Send a file, with a query that says what it is for.
    pub async fn upload(
        &self,
        path: &str,
        query: &[(&str, String)],
        media_type: &str,
        bytes: Vec<u8>,
    ) -> anyhow::Result<Value> {
        let request = self.http.post(reqwest::Url::parse_with_params(&format!("{}{path}", self.url), query)?);
        let response = self.answer(request.header("Content-Type", media_type).body(bytes)).await?;
        Ok(response.json().await?)
    }

    /// Give a command.
    pub async fn give(&self, command: &Value, idempotency_key: Option<&str>) -> anyhow::Result<Value> {
        let headers = idempotency_key.map(|key| ("Idempotency-Key", key));
        let response = self.request(Method::POST, "/api/v1/commands", Some(command), headers).await?;
        Ok(response.json().await?)
    }

    /// Make any request; a problem is an error.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<Response> {
        self.request(method, path, body, None).await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        header: Option<(&str, &str)>,
    ) -> anyhow::Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        self.answer(request).await
    }

    /// Send lines of JSON and read the answer. While the server is too busy, or away, this waits and sends them again.
    pub async fn post_lines<T: DeserializeOwned>(&self, path: &str, lines: &str) -> anyhow::Result<T> {
        let mut wait = Duration::from_millis(500);
        loop {
            let request = self.http.post(format!("{}{path}", self.url));
            let request = request.header(CONTENT_TYPE, "application/x-ndjson").body(lines.to_owned());
            match self.answer(request).await {
                Ok(response) => return Ok(response.json().await?),
                Err(error) if wait > AWAY_MAX || !is_passing(&error) => return Err(error),
                Err(_) => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
            }
        }
    }

    /// Send it with the token; a problem is an error.
    async fn answer(&self, mut request: RequestBuilder) -> anyhow::Result<Response> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request
            .send()
            .await
            .with_context(|| format!("no answer from {}; is `tenure serve` running there?", self.url))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.json().await.unwrap_or(Value::Null);
        if status == StatusCode::UNAUTHORIZED && self.token.is_none() {
            bail!(
                "no token: set TENURE_TOKEN or pass --token (`tenure setup` and `tenure token create` make one)"
            );
        }
        Err(Problem { status, body }.into())
    }
}

/// Is it a fault that goes away by itself: the server is too busy, or cannot be reached now?
fn is_passing(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Problem>() {
        Some(problem) => {
            matches!(problem.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
        }
        None => error.downcast_ref::<reqwest::Error>().is_some_and(|error| !error.is_builder()),
    }
}

/// Run an asynchronous command to its end.
pub fn block_on(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
