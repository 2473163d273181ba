//! The two conversations with the upstream: what it says is followed, and what happened here is sent to it. Each goes on by
//! itself after any failure.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, header};
use tokio::sync::watch;

use super::Heart;
use super::message::Message;
use super::outbox::Batch;

/// How long the upstream may say nothing, though it sends a sign of life every five seconds.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// Between failures the pause grows from this …
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// … to this.
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// A line of more bytes is no message.
const LINE_BYTES_MAX: usize = 256 << 20;
/// How long sending a batch may take.
const SEND_MAX: Duration = Duration::from_secs(30);

/// The upstream, and what proves to it who asks.
#[derive(Clone)]
pub struct Upstream {
    http: Client,
    url: String,
    token: String,
}

/// Why a conversation ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the upstream answered {status}: {detail}")]
    Refused { status: StatusCode, detail: String },
    #[error("the upstream fell silent")]
    Silent,
    #[error("the upstream ended the conversation")]
    Closed,
    #[error("what the upstream said is no message: {0}")]
    NoMessage(String),
    #[error(transparent)]
    Take(#[from] super::followed::TakeError),
    #[error("the events that wait cannot be read: {0}")]
    Disk(#[from] std::io::Error),
}

impl Upstream {
    /// An upstream at an address.
    ///
    /// # Errors
    /// The machine has no way to speak HTTP.
    pub fn new(url: &str, token: &str) -> reqwest::Result<Self> {
        let http = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("tenure-relay/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    /// Follow what the upstream says until the relay stops.
    pub async fn follow(self, heart: Arc<Heart>, mut stopped: watch::Receiver<bool>) {
        let mut pause = PAUSE_MIN;
        loop {
            let ended = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                ended = self.listen(&heart) => ended,
            };
            if heart.hears() {
                pause = PAUSE_MIN;
            }
            heart.is_alone();
            tracing::warn!(error = %ended, upstream = self.url, "the upstream is not followed; flags are served as they were");
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            }
        }
    }

    async fn listen(&self, heart: &Heart) -> Ended {
        let mut response = match self.ask_to_follow(heart).await {
            Ok(response) => response,
            Err(ended) => return ended,
        };
        let mut buffer = Vec::new();
        loop {
            let chunk = match tokio::time::timeout(SILENCE_MAX, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Ended::Closed,
                Ok(Err(error)) => return error.into(),
                Err(_) => return Ended::Silent,
            };
            buffer.extend_from_slice(&chunk);
            if buffer.len() > LINE_BYTES_MAX {
                return Ended::NoMessage("a line has no end".to_owned());
            }
            if !chunk.contains(&b'\n') {
                continue;
            }
            let Some(end) = buffer.iter().rposition(|byte| *byte == b'\n') else { continue };
            let rest = buffer.split_off(end + 1);
            for line in buffer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let message: Message = match serde_json::from_slice(line) {
                    Ok(message) => message,
                    Err(error) => return Ended::NoMessage(error.to_string()),
                };
                if let Err(error) = heart.take(message) {
                    return error.into();
                }
            }
            buffer = rest;
        }
    }

    async fn ask_to_follow(&self, heart: &Heart) -> Result<Response, Ended> {
        let have = heart.followed.versions();
        let have: Vec<String> = have.iter().map(|(name, version)| format!("{name}={version}")).collect();
        let request = self.http.get(format!("{}/api/v1/relay", self.url)).query(&[("have", have.join(","))]);
        let asked = tokio::time::timeout(SILENCE_MAX, request.bearer_auth(&self.token).send());
        accepted(asked.await.map_err(|_| Ended::Silent)??).await
    }

    /// Send what happened here until the relay stops.
    pub async fn send(self, heart: Arc<Heart>, mut stopped: watch::Receiver<bool>) {
        let mut pause = PAUSE_MIN;
        loop {
            let done = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                done = self.send_oldest(&heart) => done,
            };
            match done {
                Ok(()) => pause = PAUSE_MIN,
                Err(error) => {
                    tracing::warn!(%error, upstream = self.url, "events wait for the upstream");
                    tokio::select! {
                        _ = stopped.wait_for(|stopped| *stopped) => return,
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
                    }
                }
            }
        }
    }

    /// Send the oldest events, or wait until there are some.
    async fn send_oldest(&self, heart: &Heart) -> Result<(), Ended> {
        let Some(batch) = heart.outbox.oldest().await? else {
            heart.outbox.arrived().await;
            return Ok(());
        };
        self.post(&batch).await?;
        heart.outbox.sent(batch).await?;
        Ok(())
    }

    async fn post(&self, batch: &Batch) -> Result<(), Ended> {
        let request = self
            .http
            .post(format!("{}/api/v1/events", self.url))
            .bearer_auth(&self.token)
            .header(header::CONTENT_TYPE, "application/x-ndjson")
            .timeout(SEND_MAX)
            .body(batch.lines.clone());
        let answer = accepted(request.send().await?).await?;
        let answer: serde_json::Value = answer.json().await?;
        // What was valid here and is not there, such as an event that has become too old, would be refused for ever.
        for refused in answer["refused"].as_array().into_iter().flatten() {
            tracing::error!(%refused, "the upstream does not take an event");
        }
        Ok(())
    }
}

async fn accepted(response: Response) -> Result<Response, Ended> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body: serde_json::Value = response.json().await.unwrap_or_default();
    let detail = body["detail"].as_str().unwrap_or("nothing more").to_owned();
    Err(Ended::Refused { status, detail })
}
