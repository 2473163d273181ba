//! The process that a simulated rollout goes through: the fold of a journal in memory, or a whole server. Both decide,
//! apply and plan with `tenure-core`; they differ in where a look's moments come from and what a restart is.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value as Json;
use tenure_core::health::{DataSeen, ExposedUnits};
use tenure_core::measurement::{GuardrailArms, Measurement, OwnLook, RecordMeasurement};
use tenure_core::plan::{Due, plan};
use tenure_core::scenario::World;
use tenure_core::{Actor, Case, Command, Recorded, State, apply, invariant};

use super::customers::{Act, Customers, Sent};
use super::people::CASE;

/// A command that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The refusal's code.
    pub code: String,
    /// What it said.
    pub sentence: String,
}

/// What a rollout is simulated on. A fault of it is a text: what should never happen.
pub trait Process {
    /// Whether it wants every event, or the tallies alone.
    const SENDS: bool;
    /// What `tenure simulate` calls a rollout on it.
    const NAME: &'static str;
    /// Somebody gives a command.
    async fn submit(
        &mut self,
        by: &Actor,
        now: Timestamp,
        name: &str,
        with: Json,
    ) -> Result<Result<(), Refused>, String>;
    /// Looks at the state as it is.
    fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R;
    /// Does what is due; looks are taken of what these customers did.
    async fn tick(&mut self, now: Timestamp, customers: &Customers) -> Result<(), String>;
    /// Clients send what is to be sent.
    async fn send(&mut self, now: Timestamp, events: Vec<Sent>) -> Result<(), String>;
    /// The node stops and starts again; nothing may have changed by it.
    async fn restart(&mut self, now: Timestamp, power: u64) -> Result<(), String>;
}

/// The journal in memory. A look is what an engine would have returned: the tallies of the customers.
pub struct Folded {
    world: World,
}

impl Folded {
    /// A company before its first day.
    pub fn new() -> Self {
        Self { world: World::default() }
    }

    fn give(&mut self, by: &Actor, now: Timestamp, command: &Command) -> Result<Result<(), Refused>, String> {
        match self.world.submit(by, now, command) {
            Ok(()) => self.check().map(Ok),
            Err(refusal) => {
                Ok(Err(Refused { code: refusal.code.code().to_owned(), sentence: refusal.sentence }))
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        match invariant::of_state(&self.world.state).as_slice() {
            [] => Ok(()),
            broken => Err(broken.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        }
    }
}

impl Process for Folded {
    const SENDS: bool = false;
    const NAME: &'static str = "system";

    async fn submit(
        &mut self,
        by: &Actor,
        now: Timestamp,
        name: &str,
        with: Json,
    ) -> Result<Result<(), Refused>, String> {
        let command = Command::parse(name, with).map_err(|fault| fault.to_string())?;
        self.give(by, now, &command)
    }

    fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.world.state)
    }

    async fn tick(&mut self, now: Timestamp, customers: &Customers) -> Result<(), String> {
        for due in plan(&self.world.state, now) {
            let command = match due {
                Due::Submit(command) => *command,
                Due::Look { case } => {
                    let look = self.world.state.cases.get(&case).map(|case| look(case, customers, now));
                    let measurement = Measurement::Own(look.ok_or("a look at no case is due")?);
                    RecordMeasurement { case, measurement, drift: false, source: None }.into()
                }
                Due::LookAtRun { experiment } => {
                    return Err(format!("a look at {experiment} is due, and nothing is run in this town"));
                }
            };
            if let Err(refused) = self.give(&Actor::System, now, &command)? {
                // A look may have stopped what was due beside it; what is still due must not be refused.
                let still = plan(&self.world.state, now).contains(&Due::Submit(Box::new(command)));
                if still {
                    return Err(format!("what is due is refused: {}", refused.sentence));
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, _: Timestamp, _: Vec<Sent>) -> Result<(), String> {
        Ok(())
    }

    async fn restart(&mut self, now: Timestamp, _: u64) -> Result<(), String> {
        let mut state = State::default();
        let before = plan(&self.world.state, now);
        for entry in &self.world.journal {
            let event = &entry.event;
            let body = event.body().to_string();
            let read = Recorded::decode(
                entry.seq,
                entry.at,
                entry.actor.clone(),
                event.kind(),
                event.version(),
                &body,
            )
            .map_err(|fault| format!("entry {} cannot be read again: {fault}", entry.seq))?;
            apply(&mut state, &read);
        }
        if state != self.world.state || plan(&state, now) != before {
            return Err("the journal, read again, makes another state".to_owned());
        }
        self.world.state = state;
        Ok(())
    }
}

/// The look that the query engine's moments make, as a server submits it.
pub fn look(case: &Case, customers: &Customers, now: Timestamp) -> OwnLook {
    let epochs: Vec<u32> = case.epochs().map(|epoch| epoch.epoch).collect();
    let guardrails = case.plan.iter().flat_map(|plan| &plan.guardrails).map(|guardrail| GuardrailArms {
        metric: guardrail.metric.clone(),
        epochs: customers.moments(Act::Error, &epochs, now),
    });
    let exposed = epochs.iter().map(|epoch| {
        let [control, treatment] = customers.exposed(*epoch);
        ExposedUnits { epoch: *epoch, control, treatment, further: Vec::new() }
    });
    let exposed: Vec<ExposedUnits> = exposed.collect();
    let units = exposed.iter().map(|epoch| epoch.control + epoch.treatment).sum();
    OwnLook {
        by_day: None,
        epochs: customers.moments(Act::Visit, &epochs, now),
        guardrails: guardrails.collect(),
        provisional_units: customers.provisional(&epochs, now),
        units_in_two_arms: customers.torn(&epochs),
        fault: None,
        engine: "simulation".to_owned(),
        inputs: None,
        seen: Some(DataSeen {
            exposed,
            exposures: units,
            outcomes: units,
            duplicates: customers.duplicates(),
            accepted: 2 * units,
            freshest_received_at: customers.freshest(),
            ..DataSeen::default()
        }),
    }
}

/// The simulated case.
pub fn case(state: &State) -> Result<&Case, String> {
    state.cases.get(CASE).map(Arc::as_ref).ok_or_else(|| format!("there is no case {CASE}"))
}
