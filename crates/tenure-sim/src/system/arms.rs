//! Which customers meet which arm: every customer there may be, asked of the compiled flag as a node serves it.
//!
//! Simulated rollouts share their customers, so each state of a flag is asked once and counted from then on.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Map, Value as Json};
use tenure_flags::{Context, Definition, Entry, FlagSet, Snapshot};

/// Customers there are; more visits are of the same again.
pub const CUSTOMERS: u64 = 1 << 19;

/// The customers that a flag admits in one state, by arm.
pub struct Arms {
    arm_of: Vec<Option<Arm>>,
    /// Of the first so many customers, how many are in control and in treatment.
    before: Vec<[u32; 2]>,
}

/// An arm that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// The old value.
    Control = 0,
    /// The new value.
    Treatment = 1,
}

impl Arm {
    /// Both, in the order of every count of arms.
    pub const BOTH: [Self; 2] = [Self::Control, Self::Treatment];

    /// The variant's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Treatment => "treatment",
        }
    }
}

/// The name of a customer.
pub fn customer(index: u64) -> String {
    format!("c{}", index % CUSTOMERS)
}

/// States of flags that were asked for, by their definition.
static ASKED: LazyLock<Mutex<HashMap<String, Arc<Arms>>>> = LazyLock::new(Mutex::default);

impl Arms {
    /// What a definition of a flag says to every customer.
    pub fn of(key: &str, definition: &Definition) -> Result<Arc<Self>, String> {
        let name = definition.to_json().to_string();
        // Held while the customers are asked: whoever wants the same waits for it.
        let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arms) = asked.get(&name) {
            return Ok(Arc::clone(arms));
        }
        let arms = Arc::new(Self::ask(key, definition)?);
        asked.insert(name, Arc::clone(&arms));
        Ok(arms)
    }

    fn ask(key: &str, definition: &Definition) -> Result<Self, String> {
        let served = Served::of(key, definition);
        let arm_of: Vec<Option<Arm>> = (0..CUSTOMERS)
            .map(|index| match served.variant(&customer(index))?.as_str() {
                "control" => Ok(Some(Arm::Control)),
                "treatment" => Ok(Some(Arm::Treatment)),
                _ => Ok(None),
            })
            .collect::<Result<_, String>>()?;
        let mut count = [0; 2];
        let mut before = vec![count];
        for arm in &arm_of {
            if let Some(arm) = arm {
                count[*arm as usize] += 1;
            }
            before.push(count);
        }
        Ok(Self { arm_of, before })
    }

    /// How many of some customers are in each arm.
    pub fn count(&self, customers: &Range<u64>) -> [u64; 2] {
        let up_to = |index: u64| {
            let (rounds, rest) = (index / CUSTOMERS, (index % CUSTOMERS) as usize);
            let all = self.before[CUSTOMERS as usize];
            [0, 1].map(|arm| rounds * u64::from(all[arm]) + u64::from(self.before[rest][arm]))
        };
        let (from, to) = (up_to(customers.start), up_to(customers.end));
        [to[0] - from[0], to[1] - from[1]]
    }

    /// The arm of a customer, if they are admitted.
    pub fn of_customer(&self, index: u64) -> Option<Arm> {
        self.arm_of[(index % CUSTOMERS) as usize]
    }

    /// Whether everybody whom `narrower` admits is in the same arm here.
    pub fn widens(&self, narrower: &Self) -> bool {
        narrower.arm_of.iter().zip(&self.arm_of).all(|(before, now)| before.is_none() || before == now)
    }
}

/// A flag in one state, as a node serves it.
pub struct Served {
    key: String,
    snapshot: Snapshot,
}

impl Served {
    /// The compiled form of a definition.
    pub fn of(key: &str, definition: &Definition) -> Self {
        let mut set = FlagSet::default();
        set.flags.insert(key.to_owned(), Entry::Sound(definition.clone()));
        Self { key: key.to_owned(), snapshot: Snapshot::compile(&set) }
    }

    /// The variant that a customer gets.
    pub fn variant(&self, customer: &str) -> Result<String, String> {
        let context = Map::from_iter([(Context::TARGETING_KEY.to_owned(), Json::from(customer))]);
        let answer = self.snapshot.evaluate(&self.key, &Context::new(&context), 0);
        let answer = answer.map_err(|error| format!("the flag does not answer {customer}: {error}"))?;
        answer.variant.map(str::to_owned).ok_or_else(|| format!("the flag has no value for {customer}"))
    }
}
