//! The live system: the journal's fold in memory, and the one way to change it.
//!
//! A command is decided on the state, its entries are appended to the journal at the expected place, and only then
//! applied. A loser of the race for a place catches up and decides again. Every read is a memory read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenure_analysis::Engine;
use tenure_core::desk::Desk;
use tenure_core::filter::Filter;
use tenure_core::person::Role;
use tenure_core::plan::Due;
use tenure_core::portfolio::Portfolio;
use tenure_core::{Actor, Command, Event, Recorded, State};
use tenure_events::EventLog;
use tenure_store::{AppendError, Digest, Fence, NewEntry, Receipt, Store};
use tokio::sync::{Mutex, Semaphore, broadcast};

use crate::attachment;
use crate::audit::Audit;
use crate::auth::{Attempts, Links, Tokens};
use crate::changed_flags::{Changed, Part, raised_by, served_by};
use crate::clock::Clock;
use crate::config::Config;
use crate::data_dir;
use crate::event_sink::EventSink;
use crate::flag_evaluations::KeptEvaluations;
use crate::flag_node::{FlagNode, Flags};
use crate::flag_snapshot::{FlagSnapshot, Siblings};
use crate::key_list::{self, KeyLists};
use crate::notify::Senders;
use crate::problem::Problem;
use crate::telemetry::{CommandLabels, Telemetry};
use crate::text;
use crate::world::{ReplayError, World, decode};

/// How many entries pass at least before the state is kept as a snapshot again …
const SNAPSHOT_EVERY: i64 = 5_000;
/// … and which share of the journal: a large state costs more to write, and a start reads a tenth more in no time.
const SNAPSHOT_SHARE: i64 = 10;
/// How often a command is decided again because another node was faster, before the caller is told.
const RACES_MAX: usize = 16;
/// How often a minute one login may be tried.
const SIGN_INS_PER_MINUTE_MAX: u32 = 10;
/// How often a minute one signed link may be opened or answered.
const LINK_USES_PER_MINUTE_MAX: u32 = 30;
/// How many may follow the journal at once.
const FOLLOWERS_MAX: usize = 1_000;
/// How long the answer to a request with an idempotency key is kept.
const RECEIPT_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// The live system. One a process; shared by all handlers and the clockwork.
pub struct Live {
    /// What the server was told at start.
    pub config: Config,
    /// Where time comes from.
    pub clock: Clock,
    /// The journal, accounts, tokens, blobs.
    pub store: Store,
    /// Exposures and outcomes.
    pub events: Arc<EventLog>,
    /// Answers questions about the event log.
    pub engine: Box<dyn Engine>,
    /// Counters.
    pub telemetry: Telemetry,
    /// What serves flags.
    pub node: Arc<FlagNode>,
    /// Attempts to sign in lately.
    pub sign_ins: Attempts,
    /// Signs the links by which people without an account answer buy-in.
    pub sign_off_links: Links,
    /// Places for those who follow the journal.
    pub followers: Arc<Semaphore>,
    /// Uses of those links lately.
    pub link_uses: Attempts,
    /// The ways out: mail and web addresses.
    pub senders: Senders,
    /// One claim of a new server at a time.
    pub claiming: Mutex<()>,
    /// One check of the whole journal at a time.
    pub verifying: Mutex<()>,
    /// Individual targets and members of segments.
    pub key_lists: KeyLists,
    /// Arms that clients told of, compared with our own.
    pub audit: Audit,
    setup_code: RwLock<Option<String>>,
    world: RwLock<World>,
    /// One decision at a time: what is decided is what is appended.
    deciding: Mutex<()>,
    feed: broadcast::Sender<i64>,
}

/// What a command did.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Done {
    /// The entries it wrote, in order; none when it changed nothing.
    pub entries: Vec<Written>,
}

/// An entry that a command wrote.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Written {
    /// Its place in the journal.
    pub seq: i64,
    /// What happened.
    pub kind: String,
    /// What it belongs to.
    pub stream: String,
}

/// A command as it comes in: its name and arguments, and how it wants to be carried out.
#[derive(Debug, Clone, Default)]
pub struct Submission {
    /// The command's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// The same key from the same actor is carried out once.
    pub idempotency_key: Option<String>,
    /// Refuse when the case has changed since this entry.
    pub if_match: Option<i64>,
    /// The term under which the clockwork gives it; refused once that term is over.
    pub fence: Option<Fence>,
}

/// Events that were decided on the state as of `expected`, on their way into the journal.
struct Decided<'a> {
    actor: &'a Actor,
    now: Timestamp,
    expected: i64,
    entries: Vec<NewEntry>,
    events: Vec<Event>,
    receipt: Option<Receipt>,
    fence: Option<&'a Fence>,
}

impl Live {
    /// Read the journal to its end and be ready to serve.
    pub async fn open(
        config: Config,
        clock: Clock,
        store: Store,
        events: Arc<EventLog>,
        engine: Box<dyn Engine>,
        setup_code: String,
    ) -> Result<Self, ReplayError> {
        let (feed, _) = broadcast::channel(1_024);
        let telemetry = Telemetry::new();
        let node = FlagNode::new(
            config.clone(),
            clock.clone(),
            telemetry.clone(),
            Tokens::stored(store.clone()),
            Links::open(&store, "flag-stream").await?,
            EventSink::Log(Arc::clone(&events)),
        );
        let live = Self {
            senders: Senders::of(&config),
            config,
            clock,
            events,
            engine,
            telemetry,
            node: Arc::new(node),
            sign_ins: Attempts::new(SIGN_INS_PER_MINUTE_MAX),
            sign_off_links: Links::open(&store, "sign-off").await?,
            followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
            link_uses: Attempts::new(LINK_USES_PER_MINUTE_MAX),
            claiming: Mutex::default(),
            verifying: Mutex::default(),
            key_lists: KeyLists::default(),
            audit: Audit::default(),
            setup_code: RwLock::new(Some(setup_code)),
            world: RwLock::new(World::load(&store).await?),
            deciding: Mutex::new(()),
            feed,
            store,
        };
        live.telemetry.journal_seq.set(live.seq());
        live.turn();
        let used = live.world().state.kept_lists();
        live.key_lists.load(&live.store, &used).await?;
        let everything = |environment| (environment, Part::All);
        let all: Changed = live.world().state.environments().into_iter().map(everything).collect();
        live.compile_flags(&all);
        live.restore_evaluations();
        Ok(live)
    }

    /// The state, to be read and let go quickly.
    pub fn state(&self) -> impl std::ops::Deref<Target = State> + '_ {
        StateGuard(self.world())
    }

    /// The oldest of what waits on an actor in the cases that a filter lets through, so many at most.
    pub fn desk(&self, actor: &Actor, filter: &Filter, most: usize) -> Desk {
        let (world, now) = (self.world(), self.clock.now());
        world.board(now).desk(&world.state, actor, filter, now, most)
    }

    /// Figures over the cases that a filter lets through.
    pub fn portfolio(&self, filter: &Filter) -> Portfolio {
        let (world, now) = (self.world(), self.clock.now());
        world.board(now).portfolio(&world.state, filter, now)
    }

    /// What is due of Tenure itself now.
    pub fn due(&self) -> Vec<Due> {
        let (world, now) = (self.world(), self.clock.now());
        world.board(now).plan(&world.state, now)
    }

    /// Bring what time alone has changed up to date, so that desks and portfolios need not.
    pub fn turn(&self) {
        self.world.write().unwrap_or_else(PoisonError::into_inner).turn(self.clock.now());
    }

    /// The last entry that is applied.
    pub fn seq(&self) -> i64 {
        self.world().seq()
    }

    /// The last entry of a case.
    pub fn revision(&self, case: &str) -> Option<i64> {
        self.world().revisions.get(case).copied()
    }

    /// The code that makes the first account, while there is none.
    pub fn setup_code(&self) -> Option<String> {
        self.setup_code.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The server has an account: the code is void.
    pub fn end_setup(&self) {
        *self.setup_code.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Does the account hold the admin role?
    pub fn is_admin(&self, account: &str) -> bool {
        let state = self.state();
        state
            .people
            .get(account)
            .is_some_and(|person| person.grants.iter().any(|grant| grant.role == Role::Admin))
    }

    /// The roles an account holds, as they are written in grants.
    pub fn roles_of(&self, account: &str) -> Vec<String> {
        let state = self.state();
        let grants = state.people.get(account).map(|person| &person.grants);
        grants.into_iter().flatten().map(ToString::to_string).collect()
    }

    /// Numbers of entries as they are applied. A slow reader is told that it lagged, and reads the journal.
    pub fn feed(&self) -> broadcast::Receiver<i64> {
        self.feed.subscribe()
    }

    /// Carry out a command, as somebody.
    pub async fn submit(&self, actor: &Actor, submission: Submission) -> Result<Done, Problem> {
        let mut done = self.submit_once(actor, submission).await;
        if let Err(Problem::Refused(refusal)) = &mut done {
            text::resolve_text(&self.store, &mut refusal.sentence).await?;
            for missing in &mut refusal.missing {
                text::resolve_text(&self.store, missing).await?;
            }
        }
        let result = match &done {
            Ok(_) => "ok".to_owned(),
            Err(problem) => problem.code().to_owned(),
        };
        self.telemetry.commands.get_or_create(&CommandLabels { result }).inc();
        done
    }

    async fn submit_once(&self, actor: &Actor, mut submission: Submission) -> Result<Done, Problem> {
        let request = Digest::of(
            serde_json::to_string(&(&submission.name, &submission.arguments)).unwrap_or_default().as_bytes(),
        );
        let receipt = submission.idempotency_key.take();
        let scope = match submission.arguments.get("case").and_then(Value::as_str) {
            Some(case) => attachment::scope(case),
            None => "general".to_owned(),
        };
        key_list::put(&self.store, &scope, &mut submission.arguments, self.clock.now()).await?;
        text::put(&self.store, &scope, &mut submission.arguments, self.clock.now()).await?;
        attachment::check(&self.store, &submission.arguments).await?;
        let case = submission.arguments.get("case").and_then(Value::as_str).map(str::to_owned);
        let command = Command::parse(&submission.name, Value::Object(submission.arguments))
            .map_err(|error| Problem::invalid("with", error.to_string()))?;

        let _deciding = self.deciding.lock().await;
        for _ in 0..RACES_MAX {
            // Asked where nobody else decides: of two clicks at once the second finds what the first has done.
            if let Some(key) = &receipt
                && let Some(done) = self.receipt(actor, key, request).await?
            {
                return Ok(done);
            }
            let (expected, now, events) = {
                let world = self.world();
                if let (Some(seen), Some(case)) = (submission.if_match, &case) {
                    let current = world.revisions.get(case.as_str()).copied();
                    if current != Some(seen) {
                        let current = current.map_or_else(|| "none".to_owned(), |seq| seq.to_string());
                        return Err(Problem::Stale { current });
                    }
                }
                // Entries never go back in time, also when the machine's clock did.
                let now = self.clock.now().max(world.at);
                (world.seq(), now, tenure_core::decide(&world.state, actor, now, &command)?)
            };
            let done = Done {
                entries: events
                    .iter()
                    .zip(expected + 1..)
                    .map(|(event, seq)| Written {
                        seq,
                        kind: event.kind().to_owned(),
                        stream: event.stream(),
                    })
                    .collect(),
            };
            if events.is_empty() {
                return Ok(done);
            }
            // What is to be served must be in memory before it is decided for good.
            let lists = events.iter().flat_map(Event::kept_lists).collect();
            self.key_lists.load(&self.store, &lists).await?;
            let decided = Decided {
                actor,
                now,
                expected,
                entries: encode(actor, now, &events)?,
                events,
                receipt: receipt.as_ref().map(|key| self.new_receipt(actor, key, request, &done)),
                fence: submission.fence.as_ref(),
            };
            match self.append(decided).await {
                Ok(()) => return Ok(done),
                Err(AppendError::Conflict { .. }) => self.catch_up().await?,
                Err(AppendError::Repeated { .. }) => {
                    let key = receipt.as_deref().unwrap_or_default();
                    return self.receipt(actor, key, request).await?.ok_or_else(|| {
                        Problem::Conflict("the same request is being carried out; ask again".to_owned())
                    });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Problem::Busy {
            retry_after_s: 1,
            detail: "other nodes are writing faster; send the command again".to_owned(),
        })
    }

    /// The answer given to the same request before, if there was one.
    async fn receipt(&self, actor: &Actor, key: &str, request: Digest) -> Result<Option<Done>, Problem> {
        let account = actor.account();
        let Some(receipt) = self.store.receipt(account.as_str(), key, self.clock.now()).await? else {
            return Ok(None);
        };
        if receipt.request != request {
            return Err(Problem::Conflict(
                "the idempotency key was used for another request; use a new key".to_owned(),
            ));
        }
        serde_json::from_slice(&receipt.response)
            .map(Some)
            .map_err(|error| Problem::Internal(error.to_string()))
    }

    fn new_receipt(&self, actor: &Actor, key: &str, request: Digest, done: &Done) -> Receipt {
        let now = self.clock.now();
        Receipt {
            actor: actor.account().as_str().to_owned(),
            key: key.to_owned(),
            request,
            response: serde_json::to_vec(done).unwrap_or_default(),
            created_at: now,
            expires_at: now.saturating_add(RECEIPT_KEPT).unwrap_or(Timestamp::MAX),
        }
    }

    /// Make what was decided durable, then apply it.
    async fn append(&self, decided: Decided<'_>) -> Result<(), AppendError> {
        let Decided { actor, now, expected, entries, events, receipt, fence } = decided;
        match receipt {
            None => self.store.append(expected, &entries, fence).await?,
            Some(receipt) => self.store.append_once(expected, &entries, fence, &receipt).await?,
        };
        let account = actor.account();
        self.apply(events.into_iter().zip(expected + 1..).map(|(event, seq)| Recorded {
            seq: seq.unsigned_abs(),
            at: now,
            actor: account.clone(),
            event,
        }));
        Ok(())
    }

    /// Apply what another node appended, up to an entry. What this node appended itself is applied already.
    pub async fn catch_up_to(&self, seq: i64) -> Result<(), ReplayError> {
        let _deciding = self.deciding.lock().await;
        if seq > self.seq() { self.catch_up().await } else { Ok(()) }
    }

    /// Read and apply what is behind the last applied entry.
    async fn catch_up(&self) -> Result<(), ReplayError> {
        while let Some(page) = self.read_on().await? {
            let lists = page.iter().flat_map(|recorded| recorded.event.kept_lists()).collect();
            self.key_lists.load(&self.store, &lists).await?;
            self.apply(page);
        }
        Ok(())
    }

    /// The entries behind the last applied one, a page of them; none at the journal's end.
    async fn read_on(&self) -> Result<Option<Vec<Recorded>>, ReplayError> {
        let page = self.store.read(self.seq(), tenure_store::PAGE_MAX).await?;
        let entries = page.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
        Ok((!entries.is_empty()).then_some(entries))
    }

    fn apply(&self, entries: impl IntoIterator<Item = Recorded>) {
        let (mut changed, mut lists_changed) = (Changed::new(), false);
        let seq = {
            let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
            for recorded in entries {
                let event = &recorded.event;
                lists_changed |= !event.kept_lists().is_empty();
                let before = raised_by(&world.state, event);
                let left = served_by(&world.state, event);
                world.apply(&recorded);
                let of_neither = event.case().is_none() && event.run().is_none();
                if of_neither || before != raised_by(&world.state, event) {
                    let now = served_by(&world.state, event);
                    for (environment, what) in left.into_iter().chain(now) {
                        changed.entry(environment).or_default().add(what);
                    }
                }
            }
            world.seq()
        };
        self.telemetry.journal_seq.set(seq);
        if !changed.is_empty() {
            self.compile_flags(&changed);
        }
        if lists_changed {
            self.key_lists.retain(&self.world().state.kept_lists());
        }
        // Nobody listening is no fault.
        let _ = self.feed.send(seq);
    }

    /// Compile what changed anew and swap it in at once.
    fn compile_flags(&self, changed: &Changed) {
        let (world, now) = (self.world(), self.clock.now());
        let (state, lists) = (&world.state, &self.key_lists);
        let mut served = Flags::clone(&self.node.all_flags());
        // Where everything is compiled anew, segments may have changed: only what is up to date is shared.
        let whole = changed.iter().filter(|(_, part)| **part == Part::All);
        let mut outdated: Flags =
            whole.filter_map(|(environment, _)| served.remove_entry(environment.as_str())).collect();
        for (environment, part) in changed {
            let others: Vec<Arc<FlagSnapshot>> = served.values().cloned().collect();
            let siblings = Siblings(&others);
            let snapshot = match (part, served.get(environment.as_str())) {
                (Part::Flags(keys), Some(before)) => {
                    before.with(state, environment, keys, lists, now, siblings)
                }
                _ => {
                    let anew = FlagSnapshot::compile(state, environment, lists, now, siblings);
                    match outdated.remove(environment.as_str()) {
                        Some(before) => anew.succeeding(&before),
                        None => anew,
                    }
                }
            };
            served.insert(environment.to_string(), Arc::new(snapshot));
        }
        self.node.swap(served);
    }

    /// Keep when each flag was evaluated last. It is worth no failure: without it flags seem younger than they are.
    pub fn keep_evaluations(&self) {
        let flags = self.node.all_flags();
        let kept: BTreeMap<&String, KeptEvaluations> =
            flags.iter().map(|(environment, flags)| (environment, flags.evaluations().kept())).collect();
        let bytes = serde_json::to_vec(&kept).unwrap_or_default();
        if let Err(error) = data_dir::replace(&self.evaluations_file(), &bytes) {
            tracing::warn!(%error, "when flags were evaluated last was not kept");
        }
    }

    fn restore_evaluations(&self) {
        let Ok(bytes) = std::fs::read(self.evaluations_file()) else { return };
        let kept: BTreeMap<String, KeptEvaluations> = serde_json::from_slice(&bytes).unwrap_or_default();
        for (environment, kept) in &kept {
            if let Some(flags) = self.node.all_flags().get(environment) {
                flags.evaluations().restore(kept);
            }
        }
    }

    fn evaluations_file(&self) -> PathBuf {
        self.config.data_dir.join(data_dir::EVALUATIONS)
    }

    /// Keep the state as it is, so that the next start need not replay the whole journal.
    pub async fn keep_snapshot(&self) -> Result<(), Problem> {
        let kept = self.world().kept();
        let Some(snapshot) = kept.snapshot().await.map_err(|error| Problem::Internal(error.to_string()))?
        else {
            return Ok(());
        };
        self.store.put_snapshot(&snapshot).await.map_err(|error| Problem::Internal(error.to_string()))
    }

    /// Keep a snapshot when enough entries have passed since the last one at `kept`; returns where the last one is now.
    pub async fn keep_snapshot_sometimes(&self, kept: i64) -> i64 {
        let seq = self.seq();
        if seq - kept < SNAPSHOT_EVERY.max(seq / SNAPSHOT_SHARE) {
            return kept;
        }
        match self.keep_snapshot().await {
            Ok(()) => seq,
            Err(problem) => {
                tracing::warn!(?problem, "no snapshot of the state was kept; the next start takes longer");
                kept
            }
        }
    }

    fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }
}

struct StateGuard<'a>(RwLockReadGuard<'a, World>);

impl std::ops::Deref for StateGuard<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0.state
    }
}

/// Events as entries of the journal.
fn encode(actor: &Actor, now: Timestamp, events: &[Event]) -> Result<Vec<NewEntry>, Problem> {
    let account = actor.account();
    let entries = events.iter().map(|event| {
        NewEntry::new(now, account.as_str(), event.stream(), event.kind(), event.version(), &event.body())
    });
    entries.collect::<Result<_, _>>().map_err(|error| Problem::invalid("with", error.to_string()))
}
