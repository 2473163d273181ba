//! What relays follow: the flags of every environment whole, whenever they change, and which tokens are valid.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, MissedTickBehavior};
use utoipa::IntoParams;

use super::query::Query;
use crate::auth::{Allowed, Follow, KnownToken};
use crate::flag_node::{Flags, Follower};
use crate::live::Live;
use crate::problem::Problem;
use crate::relay::message::{Message, Told, ToldToken};

/// How often a relay hears that the upstream is there, and tokens are looked at.
const BEAT_EVERY: Duration = Duration::from_secs(5);

/// What a relay has already.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Had {
    /// `ENVIRONMENT=VERSION` with commas between: versions that need not be sent again.
    #[serde(default)]
    have: String,
}

/// Follow flags and tokens, as a relay does.
///
/// One JSON object a line: the flags of each environment whole, digests of the tokens that may evaluate, follow or send
/// events, and a sign of life every five seconds. A token of one environment is told of that one only.
#[utoipa::path(
    get, path = "/api/v1/relay", tag = "flags", params(Had),
    responses(
        (status = 200, content_type = "application/x-ndjson", body = String),
        (status = 429, body = crate::problem::ProblemBody, description = "as many follow as the server bears"),
    ),
    security(("token" = ["sync"])),
)]
pub async fn follow_as_relay(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Follow>,
    Query(Had { have }): Query<Had>,
) -> Result<Response, Problem> {
    let place = Arc::clone(&live.followers).try_acquire_owned().map_err(|_| Problem::Busy {
        retry_after_s: 10,
        detail: "as many follow as the server bears".to_owned(),
    })?;
    let only = (!allowed.principal.any_environment).then(|| allowed.principal.environment.clone());
    let versions = have.split(',').filter_map(|had| had.split_once('='));
    let mut beat = tokio::time::interval(BEAT_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut feed = Feed {
        follower: live.node.follower(),
        versions: versions.map(|(name, version)| (name.to_owned(), version.to_owned())).collect(),
        names: None,
        tokens: None,
        waiting: VecDeque::new(),
        beat,
        only,
        _place: place,
        live,
    };
    feed.look_at_flags();
    let lines = stream::unfold(feed, |mut feed| async move {
        let line = feed.next().await?;
        Some((Ok::<Bytes, Infallible>(line), feed))
    });
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))];
    Ok((kind, Body::from_stream(lines)).into_response())
}

/// What one relay was told, and what it is told next.
struct Feed {
    live: Arc<Live>,
    follower: Follower,
    /// The versions it has.
    versions: BTreeMap<String, String>,
    names: Option<BTreeSet<String>>,
    tokens: Option<BTreeMap<String, ToldToken>>,
    waiting: VecDeque<Bytes>,
    beat: Interval,
    /// The one environment that it may see.
    only: Option<String>,
    _place: OwnedSemaphorePermit,
}

impl Feed {
    /// The next line; none when the server stops.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Some(line);
            }
            tokio::select! {
                goes_on = self.follower.changed() => {
                    if !goes_on {
                        return None;
                    }
                    self.look_at_flags();
                }
                _ = self.beat.tick() => {
                    // A relay whose own token was revoked is not told anything any more.
                    if let Err(problem) = self.look_at_tokens().await {
                        tracing::warn!(?problem, "a relay is not told of tokens");
                    }
                    self.say(&Message::Beat { at: self.live.clock.now() });
                }
            }
        }
    }

    fn say(&mut self, message: &Message) {
        if let Ok(mut line) = serde_json::to_vec(message) {
            line.push(b'\n');
            self.waiting.push_back(line.into());
        }
    }

    /// Say what is new in the flags.
    fn look_at_flags(&mut self) {
        let flags: Arc<Flags> = self.live.node.all_flags();
        let seen: BTreeSet<String> = flags
            .keys()
            .filter(|name| self.only.as_ref().is_none_or(|only| only == *name))
            .cloned()
            .collect();
        for name in &seen {
            let snapshot = &flags[name];
            let version = snapshot.document().version();
            if self.versions.get(name).is_some_and(|had| had == version) {
                continue;
            }
            self.versions.insert(name.clone(), version.to_owned());
            self.say(&Message::Flags(Told {
                environment: name.clone(),
                version: version.to_owned(),
                at: snapshot.at(),
                measured: snapshot.all_measured().clone(),
                document: String::from_utf8_lossy(&snapshot.document().text()).into_owned(),
            }));
        }
        if self.names.as_ref() != Some(&seen) {
            self.say(&Message::Environments { names: seen.clone() });
            self.names = Some(seen);
        }
    }

    /// Say which tokens are valid, when that changed.
    async fn look_at_tokens(&mut self) -> Result<(), Problem> {
        let mut tokens = BTreeMap::new();
        let mut after = String::new();
        loop {
            let page = self.live.store.valid_tokens(&after, self.live.clock.now()).await?;
            let Some((_, last)) = page.last() else { break };
            after.clone_from(&last.id);
            for (digest, token) in page {
                let fits = match (&self.only, &token.environment) {
                    (Some(only), Some(environment)) => only == environment,
                    _ => true,
                };
                if let Some(told) = ToldToken::of(KnownToken::from(token)).filter(|_| fits) {
                    tokens.insert(hex::encode(digest.as_bytes()), told);
                }
            }
        }
        if self.tokens.as_ref() != Some(&tokens) {
            self.say(&Message::Tokens { tokens: tokens.clone() });
            self.tokens = Some(tokens);
        }
        Ok(())
    }
}
