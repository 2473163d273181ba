//! What serves flags: the compiled snapshots, who may ask for them, and where exposures go.
//!
//! A server is such a node, and so is a relay. It knows nothing about the process behind the flags, nor about the
//! protocols in front of them.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::http::{Extensions, HeaderMap};
use futures::{Stream, stream};
use jiff::SignedDuration;
use serde_json::{Map, Value};
use tenure_events::{Draft, Kind, Received, Unit};
use tenure_flags::{Arm, Context, Resolution};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::auth::{Links, NO_CREDENTIAL, Principal, Scope, Tokens, token_of};
use crate::clock::Clock;
use crate::config::Config;
use crate::event_sink::EventSink;
use crate::exposure::Exposed;
use crate::flag_snapshot::FlagSnapshot;
use crate::look;
use crate::problem::Problem;
use crate::rate::Rates;
use crate::selector::{SELECTOR_HEADER, Selector, View};
use crate::telemetry::Telemetry;

/// Whoever follows may be using any flag that they see: that is noted at every change, and this often without one …
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// … by the node's clock, which may run faster, but with a pause on the wall's.
const NOTED_PAUSE_MIN: Duration = Duration::from_secs(1);

/// A node that serves flags.
pub struct FlagNode {
    /// What the node was told at start.
    pub config: Config,
    /// Where time comes from.
    pub clock: Clock,
    /// Counters.
    pub telemetry: Telemetry,
    /// Whose tokens are accepted.
    pub tokens: Tokens,
    /// Signs the addresses of event streams.
    pub stream_links: Links,
    rates: Rates,
    /// Places for those who follow the flags.
    places: Arc<Semaphore>,
    exposed: Exposed,
    events: EventSink,
    flags: ArcSwap<Flags>,
    /// Where clients reach the node, once its listener is open and unless it is configured.
    url: OnceLock<String>,
    /// Wakes whoever follows `flags`.
    changes: watch::Sender<Change>,
}

/// Why a follower of the flags wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Flags were swapped.
    Swapped,
    /// The node stops.
    Ended,
}

/// The flags of each environment.
pub type Flags = HashMap<String, Arc<FlagSnapshot>>;

/// A listener that asks no token of its callers: whoever reaches it may do this. Stands in a request's extensions.
#[derive(Debug, Clone)]
pub struct OpenDoor {
    /// The environment that is served there.
    pub environment: String,
}

impl OpenDoor {
    const SCOPES: [Scope; 2] = [Scope::Evaluate, Scope::Sync];

    fn principal(&self) -> Principal {
        Principal {
            account: "listener".to_owned(),
            scopes: Self::SCOPES.to_vec(),
            environment: self.environment.clone(),
            any_environment: false,
            csrf: None,
            credential: [0; 32],
        }
    }
}

impl FlagNode {
    /// A node without flags.
    pub fn new(
        config: Config,
        clock: Clock,
        telemetry: Telemetry,
        tokens: Tokens,
        stream_links: Links,
        events: EventSink,
    ) -> Self {
        Self {
            exposed: Exposed::new(config.exposures_remembered_max),
            places: Arc::new(Semaphore::new(config.flag_streams_max)),
            rates: Rates::new(config.evaluations_per_second_max),
            config,
            clock,
            telemetry,
            tokens,
            stream_links,
            events,
            flags: ArcSwap::default(),
            url: OnceLock::new(),
            changes: watch::Sender::new(Change::Swapped),
        }
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        self.url.get().cloned().unwrap_or_else(|| self.config.url())
    }

    /// The listener is open: without a public address, clients reach it here.
    pub fn listens_on(&self, addr: SocketAddr) {
        if self.config.public_url.is_none() {
            // Said once, at start.
            let _ = self.url.set(format!("{}://{addr}", self.config.tls.scheme()));
        }
    }

    /// Who is asking, when their credential reaches `scope` and they do not ask too often.
    ///
    /// # Errors
    /// No credential, one that is not valid or does not reach, or too many requests.
    pub async fn admit(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        scope: Scope,
    ) -> Result<Principal, Problem> {
        let principal = match extensions.get::<OpenDoor>() {
            Some(door) => door.principal(),
            None => {
                let token = token_of(headers)?.ok_or(NO_CREDENTIAL)?;
                self.tokens.principal(token, self.clock.now()).await?
            }
        };
        principal.check(scope)?;
        self.rates.count(&principal.credential).map_err(|wait| Problem::Busy {
            retry_after_s: wait.as_secs() + 1,
            detail: format!(
                "this credential may ask {} times a second",
                self.config.evaluations_per_second_max
            ),
        })?;
        Ok(principal)
    }

    /// What a caller sees who selects by header, or else by `field`.
    ///
    /// # Errors
    /// The selector cannot be read, or names an environment that the caller's credential does not reach.
    pub fn select(&self, principal: &Principal, headers: &HeaderMap, field: &str) -> Result<View, Problem> {
        let text = match headers.get(SELECTOR_HEADER) {
            Some(value) => {
                value.to_str().map_err(|_| Problem::invalid(SELECTOR_HEADER, "it is not plain text"))?
            }
            None => field,
        };
        let selector: Selector =
            text.parse().map_err(|error| Problem::invalid(SELECTOR_HEADER, format!("{error}")))?;
        self.view(principal, selector)
    }

    /// What a caller sees of what they select. A flag set that is named like an environment is all of it.
    ///
    /// # Errors
    /// The caller's credential does not reach that environment.
    pub fn view(&self, principal: &Principal, selector: Selector) -> Result<View, Problem> {
        let flags = self.flags.load();
        let (environment, flag_set) = match selector {
            Selector { environment: None, flag_set: Some(set) } if set == principal.environment => {
                (set, None)
            }
            Selector { environment: None, flag_set: Some(set) }
                if principal.any_environment && flags.contains_key(&set) =>
            {
                (set, None)
            }
            Selector { environment: None, flag_set } => (principal.environment.clone(), flag_set),
            Selector { environment: Some(environment), flag_set } => {
                let flag_set = flag_set.filter(|set| *set != environment);
                (environment, flag_set)
            }
        };
        if environment != principal.environment && !principal.any_environment {
            return Err(Problem::Forbidden(format!(
                "the credential is for the environment {}, not {environment}",
                principal.environment
            )));
        }
        let snapshot = snapshot_of(&flags, &environment);
        Ok(View { environment, flag_set, snapshot })
    }

    /// The same part of the flags, as they are now.
    pub fn renewed(&self, view: &View) -> View {
        View { snapshot: self.flags(&view.environment), ..view.clone() }
    }

    /// The flags of an environment, as they are now. An environment nobody defined a flag in has none.
    pub fn flags(&self, environment: &str) -> Arc<FlagSnapshot> {
        snapshot_of(&self.flags.load(), environment)
    }

    /// The flags of all environments, as they are now.
    pub fn all_flags(&self) -> Arc<Flags> {
        self.flags.load_full()
    }

    /// Serve these flags from now on. A request sees all of them or none.
    pub fn swap(&self, flags: Flags) {
        self.flags.store(Arc::new(flags));
        self.changes.send_if_modified(|change| *change == Change::Swapped);
    }

    /// What a caller sees now, and again after every change of it, until the node stops. A slow follower misses what lies
    /// between. As long as the stream is held, the flags count as asked for.
    ///
    /// # Errors
    /// As many follow as the node bears.
    pub fn follow(self: &Arc<Self>, view: &View) -> Result<impl Stream<Item = View> + Send + use<>, Problem> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Problem::Busy {
            retry_after_s: 10,
            detail: format!("as many follow the flags as this node bears ({})", self.config.flag_streams_max),
        })?;
        let changes = self.changes.subscribe();
        let start = (Arc::clone(self), changes, None, self.renewed(view), place);
        type Following = (Arc<FlagNode>, watch::Receiver<Change>, Option<View>, View, OwnedSemaphorePermit);
        Ok(stream::unfold(start, |(node, mut changes, seen, mut view, place): Following| async move {
            while seen.as_ref().is_some_and(|seen| view.changed_since(seen).is_empty()) {
                if !node.goes_on(&mut changes).await {
                    return None;
                }
                view = node.renewed(&view);
                view.snapshot.evaluations().note_whole(node.clock.now());
            }
            Some((view.clone(), (node, changes, Some(view.clone()), view, place)))
        }))
    }

    /// Returns after the next change, or when who follows is to be noted again; false when the node stops.
    async fn goes_on(&self, changes: &mut watch::Receiver<Change>) -> bool {
        let pause = self.clock.on_the_wall(NOTED_EVERY).max(NOTED_PAUSE_MIN);
        let changed = tokio::time::timeout(pause, changes.changed()).await;
        match changed {
            Ok(changed) => changed.is_ok() && *changes.borrow_and_update() != Change::Ended,
            Err(_) => true,
        }
    }

    /// Wakes at every change of any flag.
    pub fn follower(&self) -> Follower {
        Follower(self.changes.subscribe())
    }

    /// End what follows the flags: the node stops.
    pub fn end_streams(&self) {
        self.changes.send_replace(Change::Ended);
    }

    /// The attributes of a caller, and those that stand in every context here.
    pub fn attributes(&self, mut context: Map<String, Value>) -> Map<String, Value> {
        context.extend(self.config.flag_context.iter().map(|(name, value)| (name.clone(), value.clone())));
        context
    }

    /// Record that a unit met a flag, if the flag is being measured and this unit's meeting is not recorded yet.
    ///
    /// The evaluation does not wait for the disk: an exposure that cannot be queued is counted, and the unit's next
    /// evaluation records it.
    pub fn record_exposure(
        self: &Arc<Self>,
        view: &View,
        answer: &Resolution<'_>,
        context: &Context<'_>,
        source: &str,
    ) {
        let (Some(rollout), Some(variant)) = (view.snapshot.measured(answer.key), answer.variant) else {
            return;
        };
        let Some(unit) = context.unit(&rollout.unit_attribute) else { return };
        // The arm is part of the identity, so that a unit in two arms is seen as one.
        let identity = format!("{}/{variant}", rollout.revision);
        if variant == Arm::Off.as_str() || !self.exposed.is_new(&unit, answer.key, &identity) {
            return;
        }
        let draft = Draft {
            id: Some(format!("exposure/{}/{identity}", answer.key)),
            at: None,
            units: vec![Unit::new(look::unit_type(&rollout.unit_attribute), &unit)],
            kind: Kind::Exposure {
                flag: answer.key.to_owned(),
                variant: variant.to_owned(),
                revision: Some(rollout.revision.clone()),
                reason: Some(answer.reason.as_str().to_owned()),
            },
            source: source.to_owned(),
            attributes: BTreeMap::new(),
        };
        let received = Received { at: self.clock.now(), index: 0 };
        let Ok(event) = tenure_events::Event::new(draft, received) else {
            self.telemetry.exposures_refused.inc();
            return;
        };
        let (node, flag) = (Arc::clone(self), answer.key.to_owned());
        tokio::spawn(async move {
            if let Err(error) = node.events.append(vec![event]).await {
                tracing::warn!(%error, flag, "an exposure was not recorded");
                node.telemetry.exposures_refused.inc();
                node.exposed.forget(&unit, &flag, &identity);
            }
        });
    }
}

/// Follows all flags of a node.
pub struct Follower(watch::Receiver<Change>);

impl Follower {
    /// Returns after the next change, or at once if there was one since the last call; false when the node stops.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok() && *self.0.borrow_and_update() != Change::Ended
    }
}

fn snapshot_of(flags: &Flags, environment: &str) -> Arc<FlagSnapshot> {
    flags.get(environment).map_or_else(|| Arc::new(FlagSnapshot::empty()), Arc::clone)
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use jiff::Timestamp;

    use super::*;
    use crate::relay::Outbox;

    #[tokio::test]
    async fn flags_count_as_asked_for_while_a_stream_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let [start, later]: [Timestamp; 2] =
            ["2026-03-02T09:00:00Z", "2026-06-02T09:00:00Z"].map(|at| at.parse().unwrap());
        let clock = Clock::stepped(start);
        let node = Arc::new(FlagNode::new(
            Config::default(),
            clock.clone(),
            Telemetry::new(),
            Tokens::told(),
            Links::under([7; 32], "flag-stream"),
            EventSink::Outbox(Arc::new(Outbox::open(folder.path()).unwrap())),
        ));
        node.swap(Flags::from([("production".to_owned(), Arc::new(FlagSnapshot::empty()))]));
        let snapshot = node.flags("production");
        let view = View { environment: "production".to_owned(), flag_set: None, snapshot };
        let mut views = std::pin::pin!(node.follow(&view).unwrap());
        assert!(views.next().await.is_some());
        clock.step_to(later);
        let waited = tokio::time::timeout(NOTED_PAUSE_MIN * 3 / 2, views.next()).await;
        assert!(waited.is_err(), "nothing changed");
        assert_eq!(node.flags("production").evaluations().last_whole(), Some(later));
    }
}
