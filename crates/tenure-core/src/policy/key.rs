//! The keys of a policy: what each is, what it may be, and what it is when nobody says. The one table from which values
//! are checked, the example file is written and the reference page is made.

use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};

use super::{KeyFault, Policy};
use crate::calendar::{WORKING_DAYS_MAX, Weekday, holidays_fault, weekend_fault, zone_fault};
use crate::warranty::MONTHS_MAX;

/// One key of a policy.
pub(super) struct Key {
    /// Its name, with the section it stands in before a dot.
    pub path: &'static str,
    /// What it is.
    pub says: &'static str,
    takes: Takes,
}

/// What a key may be.
enum Takes {
    /// A share above 0 and below one half.
    Share,
    /// A whole number of something.
    Whole(&'static str, u32, u32),
    /// Who has to confirm.
    Confirming,
    /// A time zone.
    Zone,
    /// Days of the week.
    Weekend,
    /// Dates.
    Dates,
    /// The name of a currency, or nothing.
    Currency,
    /// A list of whole numbers of days.
    ListOfDays(u32, u32),
}

const WHO_CONFIRMS: [&str; 3] = ["three_drivers", "product_manager", "one_driver"];

macro_rules! keys {
    ($($path:literal $takes:expr, $says:literal;)+) => {
        /// Every key, in the order of the file: those without a section first.
        pub(super) const KEYS: &[Key] = &[$(Key { path: $path, says: $says, takes: $takes }),+];
    };
}

const WORKING_DAYS: Takes = Takes::Whole("working days", 1, WORKING_DAYS_MAX);

keys! {
    "alpha" Takes::Share, "Two-sided error rate of a verdict; each iteration after the first halves it.";
    "srm_p" Takes::Share, "A sample ratio with a p-value below this makes an outside measurement invalid.";
    "max_negative" Takes::Whole("verdicts", 0, 20), "Negative verdicts after which a case cannot iterate any more.";
    "max_iterations" Takes::Whole("iterations", 1, 20), "Iterations a case may have in all.";
    "deviation_budget" Takes::Whole("points", 0, 1_000), "Largest sum of deviation weights over the whole case.";
    "stale_warn_days" Takes::Whole("days", 1, 3_650), "Age of an experiment over which opening a case warns.";
    "stale_block_days" Takes::Whole("days", 1, 3_650), "Age of an experiment over which opening a case is refused.";
    "warranty_months" Takes::Whole("months", 1, MONTHS_MAX), "Warranty proposed when nobody says otherwise.";
    "who_confirms" Takes::Confirming, "Who has to confirm a decision: the three drivers (one person may hold several roles), the product manager alone, or any one driver.";
    "look_every_hours" Takes::Whole("hours", 1, 8_760), "Time between two looks at a running rollout.";
    "wave_min_hours" Takes::Whole("hours", 0, 8_760), "Time a wave runs before the next starts by itself, when the plan does not say.";
    "time_zone" Takes::Zone, "IANA name of the zone in which days begin, unless a team sets its own calendar.";
    "weekend" Takes::Weekend, "Days of the week on which nobody works.";
    "holidays" Takes::Dates, "Dates on which nobody works.";
    "weights.parity" Takes::Whole("points", 0, 100), "Weight of a deviation that looks and behaves the same.";
    "weights.polish" Takes::Whole("points", 0, 100), "Weight of small design polish.";
    "weights.adjustment" Takes::Whole("points", 0, 100), "Weight of a visible change.";
    "weighing.stale_percent" Takes::Whole("percent", 0, 1_000), "How far an estimate may move before the weighing that rests on it is stale.";
    "weighing.day_rate" Takes::Whole("units of money", 0, 1_000_000), "What a person-day costs when a weighing does not say; 0 when each has to.";
    "weighing.currency" Takes::Currency, "The currency of amounts when a weighing does not say.";
    "deadlines.consultation" WORKING_DAYS, "To answer a consultation.";
    "deadlines.estimate" WORKING_DAYS, "To estimate a codebase once an answer names it.";
    "deadlines.decision" WORKING_DAYS, "To decide, after the cost/benefit.";
    "deadlines.buy_in" WORKING_DAYS, "To answer buy-in, or to renew a stale sign-off.";
    "deadlines.pull_request" WORKING_DAYS, "To respond to a pull request for the first time.";
    "deadlines.qa_demo" WORKING_DAYS, "To hold the QA demo once it is asked for.";
    "deadlines.outcome" WORKING_DAYS, "To decide an outcome.";
    "deadlines.negative_outcome" WORKING_DAYS, "To decide a negative outcome.";
    "deadlines.keep_review_months" Takes::Whole("months", 1, 60), "Within which a justified keep is reviewed.";
    "deadlines.parked_review_months" Takes::Whole("months", 1, 60), "After which a parked case is looked at again, and again.";
    "deadlines.flag_gone_days" Takes::Whole("days", 1, 730), "After a keep, in which the flag leaves the code.";
    "deadlines.warranty_notice_days" Takes::ListOfDays(1, 365), "Before the end of a warranty, at which it is said; at its end it always is.";
}

impl Takes {
    /// What to give, in words.
    fn wanted(&self) -> String {
        match self {
            Self::Share => "a share above 0 and below 0.5".to_owned(),
            Self::Whole(unit, min, max) => format!("whole {unit} between {min} and {max}"),
            Self::Confirming => {
                let names = WHO_CONFIRMS.map(|name| format!("\"{name}\""));
                format!("{} or {}", names[..2].join(", "), names[2])
            }
            Self::Zone => "an IANA time zone, such as \"Europe/Berlin\"".to_owned(),
            Self::Weekend => "days of the week, such as [\"friday\", \"saturday\"], at most six".to_owned(),
            Self::Dates => "dates, such as [2026-12-25]".to_owned(),
            Self::Currency => "a currency, such as \"EUR\", or \"\" for none".to_owned(),
            Self::ListOfDays(min, max) => format!("a list of whole days between {min} and {max}"),
        }
    }

    /// What cannot be meant in a value.
    fn fault(&self, value: &Json) -> Option<String> {
        let whole = |value: &Json, min: u32, max: u32| {
            value.as_u64().is_some_and(|number| (u64::from(min)..=u64::from(max)).contains(&number))
        };
        let right = match self {
            Self::Share => value.as_f64().is_some_and(|share| share > 0.0 && share < 0.5),
            Self::Whole(_, min, max) => whole(value, *min, *max),
            Self::Confirming => value.as_str().is_some_and(|name| WHO_CONFIRMS.contains(&name)),
            Self::Zone => match value.as_str() {
                Some(name) => return zone_fault(name),
                None => false,
            },
            Self::Weekend => match serde_json::from_value::<Vec<Weekday>>(value.clone()) {
                Ok(weekend) => return weekend_fault(&weekend),
                Err(_) => false,
            },
            Self::Dates => match serde_json::from_value::<Vec<Date>>(value.clone()) {
                Ok(holidays) => return holidays_fault(&holidays),
                Err(_) => false,
            },
            Self::Currency => value.as_str().is_some_and(|name| name == name.trim() && name.len() <= 20),
            Self::ListOfDays(min, max) => value
                .as_array()
                .is_some_and(|days| days.len() <= 10 && days.iter().all(|day| whole(day, *min, *max))),
        };
        (!right).then(|| format!("give {}", self.wanted()))
    }
}

impl Key {
    /// What to give for it, in words.
    pub(super) fn wanted(&self) -> String {
        self.takes.wanted()
    }

    /// What cannot be meant in a value of it.
    pub(super) fn fault(&self, value: &Json) -> Option<String> {
        self.takes.fault(value)
    }

    /// The section it stands in, and its name there.
    pub(super) fn place(&self) -> (Option<&'static str>, &'static str) {
        match self.path.split_once('.') {
            Some((section, name)) => (Some(section), name),
            None => (None, self.path),
        }
    }

    /// Its value when nobody says.
    pub(super) fn default(&self) -> Json {
        look_up(&as_json(&Policy::default()), self.path).cloned().unwrap_or_default()
    }
}

/// The sections of the file.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    let mut last = None;
    KEYS.iter()
        .filter_map(|key| key.place().0)
        .filter(move |section| last.replace(*section) != Some(*section))
}

pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

pub(super) fn as_json(policy: &Policy) -> Map<String, Json> {
    match json!(policy) {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

fn look_up<'a>(map: &'a Map<String, Json>, path: &str) -> Option<&'a Json> {
    match path.split_once('.') {
        Some((section, name)) => map.get(section)?.get(name),
        None => map.get(path),
    }
}

/// Everything in a policy that cannot be meant.
pub(super) fn faults(policy: &Policy) -> Vec<KeyFault> {
    let given = as_json(policy);
    let mut faults: Vec<KeyFault> = KEYS
        .iter()
        .filter_map(|key| {
            let says = key.fault(look_up(&given, key.path).unwrap_or(&Json::Null))?;
            Some(KeyFault { key: key.path.to_owned(), says })
        })
        .collect();
    if faults.is_empty() && policy.stale_warn_days > policy.stale_block_days {
        let says = format!(
            "warn before refusing: give at most stale_block_days, which is {}",
            policy.stale_block_days
        );
        faults.push(KeyFault { key: "stale_warn_days".to_owned(), says });
    }
    faults
}

/// Everything in some keys of a policy that cannot be meant, each by itself.
pub(super) fn faults_in(given: &Map<String, Json>) -> Vec<KeyFault> {
    let mut faults = Vec::new();
    for (name, value) in given {
        match value {
            Json::Object(section) if sections().any(|known| known == name) => {
                for (key, value) in section {
                    faults.extend(fault_at(&format!("{name}.{key}"), value));
                }
            }
            value => faults.extend(fault_at(name, value)),
        }
    }
    faults
}

/// What cannot be meant in a key and its value: the key, or the value.
pub(super) fn fault_at(path: &str, value: &Json) -> Option<KeyFault> {
    let says = match find(path) {
        Some(key) => key.fault(value)?,
        None if sections().any(|section| section == path) => {
            "this is a section, with keys of its own".to_owned()
        }
        None => format!("there is no such key; the nearest is {}", super::file::nearest(path)),
    };
    Some(KeyFault { key: path.to_owned(), says })
}
