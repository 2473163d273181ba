//! The process as a whole server has it: journal in its store, events in its log, looks by its query engine, what is due
//! done by its clockwork. The log stands on a disk that forgets what was not synced.

use std::sync::Arc;

use jiff::Timestamp;
use object_store::memory::InMemory;
use serde_json::Value as Json;
use tenure_analysis::{Embedded, Settings};
use tenure_core::measurement::EpochArms;
use tenure_core::{Actor, State, invariant};
use tenure_events::{Event, EventLog, Received};
use tenure_server::problem::Problem;
use tenure_server::{Clock, Config, Live, Submission, clockwork};
use tenure_store::{Location, Store};

use super::customers::{Customers, Sent};
use super::process::{Process, Refused, case, look};
use crate::disk::{FaultyDisk, FaultyStore, Power, Survives};

/// A server without its listener.
pub struct Served {
    config: Config,
    clock: Clock,
    disk: FaultyDisk,
    objects: Arc<InMemory>,
    live: Option<Arc<Live>>,
    /// Looks that were compared with what the customers did.
    pub compared: u32,
}

fn fault(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Served {
    /// A new server in an empty folder.
    pub async fn open(folder: &std::path::Path, now: Timestamp) -> Result<Self, String> {
        let mut served = Self {
            config: Config { data_dir: folder.to_owned(), ..Config::default() },
            clock: Clock::stepped(now),
            disk: FaultyDisk::new(Power::lasting()),
            objects: Arc::new(InMemory::new()),
            live: None,
            compared: 0,
        };
        served.start().await?;
        Ok(served)
    }

    async fn start(&mut self) -> Result<(), String> {
        let store = Store::open(&Location::folder(&self.config.data_dir)).await.map_err(fault)?;
        let objects = FaultyStore::new(self.disk.power.clone(), Arc::clone(&self.objects));
        let events = EventLog::open_on(
            Arc::new(self.disk.clone()),
            Arc::new(objects),
            tenure_events::Config::default(),
        );
        let events = Arc::new(events.await.map_err(fault)?);
        let settings =
            Settings { cohorts: Some(self.config.data_dir.join("cohorts")), ..Settings::default() };
        let engine = Embedded::new(Arc::clone(&events), settings).map_err(fault)?;
        let live = Live::open(
            self.config.clone(),
            self.clock.clone(),
            store,
            events,
            Box::new(engine),
            String::new(),
        );
        self.live = Some(Arc::new(live.await.map_err(fault)?));
        Ok(())
    }

    fn live(&self) -> Result<&Arc<Live>, String> {
        self.live.as_ref().ok_or_else(|| "the server is down".to_owned())
    }

    /// Whether the look that was just taken saw what the customers did, unit by unit.
    fn compare(&mut self, before: u32, now: Timestamp, customers: &Customers) -> Result<(), String> {
        let case = self.read(|state| case(state).cloned())?;
        let Some(latest) = case.measurements.latest.as_ref().filter(|latest| latest.number > before) else {
            return Ok(());
        };
        let expected = look(&case, customers, now);
        let differ = |what: &str, saw: &Vec<EpochArms>, did: &Vec<EpochArms>| {
            Err(format!("the engine saw {saw:?} where {did:?} is what customers did ({what})"))
        };
        // Coverage may have risen in the same tick, after the look.
        let seen = latest.moments.len();
        let did = expected.epochs.iter().take(seen).cloned().collect();
        if latest.moments != did {
            return differ("visits", &latest.moments, &did);
        }
        for (saw, did) in latest.guardrail_moments.iter().zip(&expected.guardrails) {
            let did = did.epochs.iter().take(seen).cloned().collect();
            if saw.epochs != did {
                return differ("errors", &saw.epochs, &did);
            }
        }
        let counts = |name: &str, saw: u64, did: u64| {
            if saw == did {
                Ok(())
            } else {
                Err(format!("the engine counts {saw} {name} where there are {did}"))
            }
        };
        counts("units in two arms", latest.units_in_two_arms, expected.units_in_two_arms)?;
        counts("provisional units", latest.provisional_units, expected.provisional_units)?;
        self.compared += 1;
        Ok(())
    }
}

impl Process for Served {
    const SENDS: bool = true;
    const NAME: &'static str = "served";

    async fn submit(
        &mut self,
        by: &Actor,
        now: Timestamp,
        name: &str,
        with: Json,
    ) -> Result<Result<(), Refused>, String> {
        self.clock.step_to(now);
        let Json::Object(arguments) = with else { return Err(format!("{name} has no arguments")) };
        let submission = Submission { name: name.to_owned(), arguments, ..Submission::default() };
        match self.live()?.submit(by, submission).await {
            Ok(_) => Ok(Ok(())),
            Err(Problem::Refused(refusal)) => {
                Ok(Err(Refused { code: refusal.code.code().to_owned(), sentence: refusal.sentence }))
            }
            Err(problem) => Err(format!("{name}: {}", problem.body().detail)),
        }
    }

    fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        match &self.live {
            Some(live) => look(&live.state()),
            None => look(&State::default()),
        }
    }

    async fn tick(&mut self, now: Timestamp, customers: &Customers) -> Result<(), String> {
        self.clock.step_to(now);
        let before = self.read(|state| case(state).map(|case| case.measurements.count))?;
        let live = self.live()?;
        live.turn();
        clockwork::do_what_is_due(live, None).await;
        if let Some(broken) = invariant::of_state(&live.state()).first() {
            return Err(broken.to_string());
        }
        if live.telemetry.looks_failed.get() > 0 {
            return Err(format!("the look after number {before} failed"));
        }
        self.compare(before, now, customers)
    }

    async fn send(&mut self, now: Timestamp, events: Vec<Sent>) -> Result<(), String> {
        self.clock.step_to(now);
        let events =
            events.into_iter().zip(0..).map(|((at, draft), index)| Event::new(draft, Received { at, index }));
        let events: Vec<Event> =
            events.collect::<Result<_, _>>().map_err(|invalid| format!("{invalid:?}"))?;
        for batch in events.chunks(500) {
            self.live()?.events.append(batch.to_vec()).await.map_err(fault)?;
        }
        Ok(())
    }

    async fn restart(&mut self, now: Timestamp, power: u64) -> Result<(), String> {
        self.clock.step_to(now);
        let before = self.read(State::clone);
        if power.is_multiple_of(2) {
            self.live()?.events.seal_all().await.map_err(fault)?;
        }
        let live = self.live.take().ok_or("the server is down already")?;
        live.store.close().await;
        drop(live);
        self.disk = self.disk.after_power_cut(Survives::Any(power));
        self.start().await?;
        if self.read(|state| *state == before) {
            Ok(())
        } else {
            Err("the journal, read again, makes another state".to_owned())
        }
    }
}
