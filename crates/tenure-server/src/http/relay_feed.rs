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
use crate::auth::{Allowed, Follow, KnownToken, Principal};
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
    let feed = Feed::new(live, &allowed.principal, &have, place);
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
    /// The digest of its own token.
    credential: [u8; 32],
    _place: OwnedSemaphorePermit,
}

impl Feed {
    /// A feed for whoever has some versions already. The flags are the first that it says.
    fn new(live: Arc<Live>, principal: &Principal, have: &str, place: OwnedSemaphorePermit) -> Self {
        let versions = have.split(',').filter_map(|had| had.split_once('='));
        let mut beat = tokio::time::interval(BEAT_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut feed = Self {
            follower: live.node.follower(),
            versions: versions.map(|(name, version)| (name.to_owned(), version.to_owned())).collect(),
            names: None,
            tokens: None,
            waiting: VecDeque::new(),
            beat,
            only: (!principal.any_environment).then(|| principal.environment.clone()),
            credential: principal.credential,
            _place: place,
            live,
        };
        feed.look_at_flags();
        feed
    }

    /// The next line; none when the server stops, or when the relay's own token is not valid any more.
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
                    match self.look_at_tokens().await {
                        Ok(true) => {}
                        Ok(false) => {
                            tracing::info!("a relay is told no more: its token was revoked or has expired");
                            return None;
                        }
                        Err(problem) => tracing::warn!(?problem, "a relay is not told of tokens"),
                    }
                    self.beat_now();
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

    /// Say that the upstream is there. Whoever is behind the relay may be asking for any flag that it is told.
    fn beat_now(&mut self) {
        let (flags, at) = (self.live.node.all_flags(), self.live.clock.now());
        for told in self.names.iter().flatten().filter_map(|name| flags.get(name)) {
            told.evaluations().note_whole(at);
        }
        self.say(&Message::Beat { at });
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

    /// Say which tokens are valid, when that changed. False, and nothing said, when the relay's own is not among them.
    async fn look_at_tokens(&mut self) -> Result<bool, Problem> {
        let (mut tokens, mut is_valid) = (BTreeMap::new(), false);
        let mut after = String::new();
        loop {
            let page = self.live.store.valid_tokens(&after, self.live.clock.now()).await?;
            let Some((_, last)) = page.last() else { break };
            after.clone_from(&last.id);
            for (digest, token) in page {
                is_valid |= *digest.as_bytes() == self.credential;
                let fits = match (&self.only, &token.environment) {
                    (Some(only), Some(environment)) => only == environment,
                    _ => true,
                };
                if let Some(told) = ToldToken::of(KnownToken::from(token)).filter(|_| fits) {
                    tokens.insert(hex::encode(digest.as_bytes()), told);
                }
            }
        }
        if is_valid && self.tokens.as_ref() != Some(&tokens) {
            self.say(&Message::Tokens { tokens: tokens.clone() });
            self.tokens = Some(tokens);
        }
        Ok(is_valid)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::auth::Scope;
    use crate::flag_snapshot::FlagSnapshot;
    use crate::http::account::{self, NewAccount};
    use crate::http::token::{self, MadeToken, NewToken};
    use crate::{Clock, Config};

    /// A token that relays follow with, valid for a day.
    async fn token(live: &Live) -> MadeToken {
        let new = NewToken {
            name: "relay".to_owned(),
            scopes: vec![Scope::Sync],
            environment: Some("production".to_owned()),
            account: None,
            expires_in_days: Some(1),
        };
        token::create(live, "relay", new).await.unwrap()
    }

    async fn feed(live: &Arc<Live>, token: &MadeToken) -> Feed {
        let principal = live.node.tokens.principal(&token.token, live.clock.now()).await.unwrap();
        let place = Arc::clone(&live.followers).try_acquire_owned().unwrap();
        Feed::new(Arc::clone(live), &principal, "", place)
    }

    async fn told(feed: &mut Feed) -> Message {
        serde_json::from_slice(&feed.next().await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_relay_is_told_until_its_token_is_not_valid_any_more() {
        // Several tests share the process; the first one installs.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        let now: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let clock = Clock::stepped(now);
        let live = Arc::new(crate::open(config, clock.clone()).await.unwrap());
        let new = NewAccount { id: None, login: "relay".to_owned(), display_name: None, password: None };
        account::create(&live, new).await.unwrap();
        let flags = |name: &str| (name.to_owned(), Arc::new(FlagSnapshot::empty()));
        live.node.swap(Flags::from(["production", "staging"].map(flags)));
        let [first, second] = [token(&live).await, token(&live).await];
        let [mut revoked, mut expired] = [feed(&live, &first).await, feed(&live, &second).await];
        for feed in [&mut revoked, &mut expired] {
            assert!(matches!(told(feed).await, Message::Flags(_)));
            assert!(matches!(told(feed).await, Message::Environments { .. }));
            assert!(matches!(told(feed).await, Message::Tokens { tokens } if tokens.len() == 2));
            assert!(matches!(told(feed).await, Message::Beat { at } if at == now));
        }
        let asked = |environment: &str| live.node.flags(environment).evaluations().last_whole();
        assert_eq!((asked("production"), asked("staging")), (Some(now), None), "of what it is told");

        assert!(live.store.revoke_token(&first.info.id, now).await.unwrap());
        for feed in [&mut revoked, &mut expired] {
            feed.beat.reset_immediately();
        }
        assert!(revoked.next().await.is_none(), "nothing more");
        assert!(matches!(told(&mut expired).await, Message::Tokens { tokens } if tokens.len() == 1));
        assert!(matches!(told(&mut expired).await, Message::Beat { .. }));

        clock.step_to(now + SignedDuration::from_hours(24));
        expired.beat.reset_immediately();
        assert!(expired.next().await.is_none(), "its day is over");
    }
}
