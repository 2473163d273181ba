//! What is evaluated: five questions that every system can be asked, and who asks.

use serde_json::{Value as Json, json};

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// A flag without a rule.
    Static,
    /// On in Germany for adults on a paid plan.
    Targeting,
    /// On for the members of a list of so many keys.
    Segment(usize),
    /// On for half of the callers, by hash.
    Rollout,
    /// So many flags for one caller, two fifths static, three fifths targeting.
    Bulk(usize),
    /// One of so many such flags; only we are asked.
    Among(usize),
    /// What the product serves while it measures: whether the unit is admitted, and into which arm. Only we are asked.
    Measured,
}

impl Workload {
    pub const ALL: [Self; 5] =
        [Self::Static, Self::Targeting, Self::Segment(10_000), Self::Rollout, Self::Bulk(1_000)];

    pub fn name(self) -> String {
        match self {
            Self::Static => "static flag".into(),
            Self::Targeting => "three conditions".into(),
            Self::Segment(keys) => format!("segment of {} keys", thousands(keys)),
            Self::Rollout => "percentage rollout".into(),
            Self::Bulk(flags) => format!("bulk of {} flags", thousands(flags)),
            Self::Among(flags) => format!("one of {} flags", thousands(flags)),
            Self::Measured => "a measured rollout: admission, then the arm".into(),
        }
    }

    /// What each flag is, by its index.
    pub fn flags(self) -> Vec<Self> {
        match self {
            Self::Bulk(flags) | Self::Among(flags) => {
                (0..flags).map(|flag| if flag % 5 < 2 { Self::Static } else { Self::Targeting }).collect()
            }
            one => vec![one],
        }
    }

    /// The index of the flag that is asked for, where it is one.
    pub fn asked(self) -> usize {
        // The last is a targeting flag.
        if let Self::Among(flags) = self { flags - 1 } else { 0 }
    }

    /// How many flags are on for this caller; `None` where it depends on the system's hash.
    pub fn expected(self, caller: usize) -> Option<usize> {
        match self {
            Self::Static => Some(1),
            Self::Targeting | Self::Among(_) => Some(usize::from(is_targeted(caller))),
            Self::Segment(keys) => Some(usize::from(caller.is_multiple_of(2) && caller / 2 < keys)),
            Self::Rollout | Self::Measured => None,
            Self::Bulk(_) => self.flags().into_iter().map(|flag| flag.expected(caller)).sum(),
        }
    }
}

pub fn key(flag: usize) -> String {
    format!("flag-{flag:06}")
}

/// Every second caller is a member.
pub fn members(keys: usize) -> Vec<String> {
    (0..keys).map(|member| id(2 * member)).collect()
}

pub fn id(caller: usize) -> String {
    format!("user-{caller:06}")
}

pub fn country(caller: usize) -> &'static str {
    ["DE", "FR", "US"][caller % 3]
}

pub fn plan(caller: usize) -> &'static str {
    ["free", "pro", "enterprise", "pro"][caller % 4]
}

pub fn age(caller: usize) -> usize {
    15 + caller * 7 % 60
}

/// Attributes that no rule asks for; every context has some.
pub const OTHERS: [(&str, &str); 3] = [("browser", "firefox"), ("language", "de-DE"), ("version", "12.4.1")];

fn is_targeted(caller: usize) -> bool {
    country(caller) == "DE" && plan(caller) != "free" && age(caller) >= 18
}

/// The caller as JSON; `name` is what the system calls the unit.
pub fn attributes(caller: usize, name: &str) -> Json {
    let mut attributes =
        json!({name: id(caller), "country": country(caller), "plan": plan(caller), "age": age(caller)});
    for (name, value) in OTHERS {
        attributes[name] = value.into();
    }
    attributes
}

pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
