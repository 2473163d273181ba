//! A company's journal: cases walked through the process by real commands, many at once over two years, with a clockwork
//! that says every day what is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tenure_core::board::Board;
use tenure_core::id::AccountId;
use tenure_core::plan::Due;
use tenure_core::{Actor, Command, Event, Recorded, State};
use tenure_store::{NewEntry, Store};

use crate::script::Script;

/// Who works there, and as what. The same few people carry every case: the largest desks there can be.
const PEOPLE: &[(&str, &[&str])] = &[
    ("dana", &["development_lead"]),
    ("pim", &["product_manager"]),
    ("dee", &["design_lead"]),
    ("dov", &["developer"]),
    ("oda", &["product_owner:boards"]),
    ("cas", &["codebase_owner:boards-web"]),
];
/// Entries that are appended at once.
const BATCH: usize = 5_000;
/// Days in which the cases begin, one after another.
const DAYS: i64 = 730;

/// Writes a journal, and holds the state it leads to.
pub struct Company<'s> {
    store: &'s Store,
    pub state: State,
    pub board: Board,
    /// When the last entry was decided.
    pub now: Timestamp,
    pending: Vec<NewEntry>,
}

impl<'s> Company<'s> {
    /// Its people, teams and codebases.
    pub async fn found(store: &'s Store) -> Result<Self> {
        let (state, board) = (State::default(), Board::default());
        let now = "2024-01-01T09:00:00Z".parse()?;
        let mut company = Self { store, state, board, now, pending: Vec::new() };
        for (person, roles) in PEOPLE {
            for role in *roles {
                company.does("system", "grant_role", json!({"account": person, "role": role})).await?;
            }
        }
        for team in ["growth", "boards"] {
            company.does("system", "define_team", json!({ "team": team })).await?;
        }
        let codebase = json!({"codebase": "boards-web", "items": ["qa_demo", "pr_review"]});
        company.does("system", "define_codebase", codebase).await?;
        Ok(company)
    }

    /// Carries so many cases, with about so many entries each, and does what is due, day by day.
    pub async fn carries(&mut self, cases: usize, entries: u64) -> Result<()> {
        let founded = self.now;
        let every = SignedDuration::from_hours(24 * DAYS) / i32::try_from(cases)?;
        let mut begun: Vec<Script> = Vec::new();
        let mut agenda: BinaryHeap<Reverse<(Timestamp, usize)>> = BinaryHeap::new();
        let mut morning = founded;
        loop {
            let begins = (begun.len() < cases).then(|| founded + every * begun.len() as i32);
            let goes_on = agenda.peek().map(|Reverse((at, _))| *at);
            let Some(next) = begins.into_iter().chain(goes_on).min() else { break };
            while morning <= next {
                self.does_what_is_due(morning).await?;
                morning += SignedDuration::from_hours(24);
            }
            if begins == Some(next) {
                begun.push(Script::of(begun.len(), next, entries));
                agenda
                    .extend(begun.last().and_then(Script::next_at).map(|at| Reverse((at, begun.len() - 1))));
                continue;
            }
            let Some(Reverse((_, number))) = agenda.pop() else { break };
            let script = &mut begun[number];
            let step = script.next().context("a script on the agenda goes on")?;
            agenda.extend(script.next_at().map(|at| Reverse((at, number))));
            self.now = self.now.max(step.at);
            self.does(step.by, step.name, step.with).await?;
        }
        // The weekend after the last of it: nothing is left to be said.
        self.does_what_is_due(self.now + SignedDuration::from_hours(24)).await
    }

    /// What Tenure itself does in the morning: deadlines and warranties that end are said, packs drawn up.
    async fn does_what_is_due(&mut self, morning: Timestamp) -> Result<()> {
        self.now = self.now.max(morning);
        self.board.turn(&self.state, self.now);
        for due in self.board.plan(&self.state, self.now) {
            let Due::Submit(command) = due else { continue };
            self.carry_out("system", &command).await?;
        }
        Ok(())
    }

    async fn does(&mut self, by: &str, name: &str, with: Value) -> Result<()> {
        self.carry_out(by, &Command::parse(name, with)?).await
    }

    async fn carry_out(&mut self, by: &str, command: &Command) -> Result<()> {
        // Never two at the same instant.
        self.now += SignedDuration::from_millis(1);
        let account = AccountId::new(by)?;
        let actor = Actor::of(account.clone());
        let events = tenure_core::decide(&self.state, &actor, self.now, command)
            .map_err(|refusal| anyhow::anyhow!("{by} {}: {refusal}", command.name()))?;
        if events.is_empty() {
            bail!("{by} {} changed nothing", command.name());
        }
        for event in events {
            self.record(&account, event)?;
        }
        if self.pending.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    fn record(&mut self, account: &AccountId, event: Event) -> Result<()> {
        let entry = NewEntry::new(
            self.now,
            account.as_str(),
            event.stream(),
            event.kind(),
            event.version(),
            &event.body(),
        )?;
        self.pending.push(entry);
        let recorded = Recorded { seq: self.state.seq + 1, at: self.now, actor: account.clone(), event };
        tenure_core::apply(&mut self.state, &recorded);
        self.board.note(&self.state, &recorded);
        Ok(())
    }

    /// Append what is pending.
    pub async fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let expected = i64::try_from(self.state.seq)? - i64::try_from(pending.len())?;
        self.store.append(expected, &pending, None).await.context("the journal takes the entries")?;
        Ok(())
    }
}
