//! Flags that have outlived their purpose, by what is known of their lives: the expected lifetime, the case they belong to,
//! and how long they have served everybody the same. Whether anybody still asks for them is not known here.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_flags::authoring::Source;

use crate::case::Stage;
use crate::flag::hand::{Lifetime, PlainFlag};
use crate::id::FlagKey;
use crate::state::State;
use crate::time::{days_between, days_later};

/// A reason to take a flag out of the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stale {
    /// What says so.
    pub reason: Staleness,
    /// Since when.
    pub since: Date,
    /// The same for people, without a full stop.
    pub sentence: String,
}

/// What says that a flag has outlived its purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Staleness {
    /// It was meant to live no longer.
    PastLifetime,
    /// Its case came to its end.
    CaseEnded,
    /// The experiment that was run on it came to its end, and no case has taken it over.
    RunEnded,
    /// Everybody has been getting the same for longer than a flag may stay after a keep.
    SameForEverybody,
    /// Nobody has asked for it lately.
    NotEvaluated,
}

impl State {
    /// Why a flag should leave the code; empty for one that still has a purpose.
    pub fn staleness(&self, key: &FlagKey, now: Timestamp) -> Vec<Stale> {
        if self.case_of_flag(key).is_some() {
            return self.case_flag_staleness(key, now);
        }
        let plain = self.flags.get(key).is_some_and(|flag| flag.in_force().next().is_some());
        if plain { self.plain_flag_staleness(key, now) } else { self.run_flag_staleness(key) }
    }

    /// The flag of an experiment that ended serves what control got, until a case takes it over or it leaves the code.
    fn run_flag_staleness(&self, key: &FlagKey) -> Vec<Stale> {
        let ended = self.run_of_flag(key).and_then(|run| Some((run, run.ended.as_ref()?)));
        let stale = ended.map(|(run, end)| Stale {
            reason: Staleness::RunEnded,
            since: self.calendar(&run.plan.team).date(end.stamp.at),
            sentence: format!("experiment {} came to its end", run.experiment),
        });
        stale.into_iter().collect()
    }

    fn case_flag_staleness(&self, key: &FlagKey, now: Timestamp) -> Vec<Stale> {
        let Some(case) = self.case_of_flag(key) else { return Vec::new() };
        let mut found = Vec::new();
        if matches!(case.stage, Stage::Closed | Stage::Removed | Stage::Retired) {
            found.push(Stale {
                reason: Staleness::CaseEnded,
                since: self.today(case, case.stage_since),
                sentence: format!("case {} came to its end", case.id),
            });
        }
        if let Some(kept) = &case.kept {
            let today = self.owner_date(case, now);
            if today > kept.flag_gone_by && !case.codebases_not_cleared().is_empty() {
                found.push(Stale {
                    reason: Staleness::SameForEverybody,
                    since: kept.on,
                    sentence: format!(
                        "everybody has met the feature for {} days; the flag was to leave the code by {}",
                        days_between(kept.on, today),
                        kept.flag_gone_by
                    ),
                });
            }
        }
        found
    }

    fn plain_flag_staleness(&self, key: &FlagKey, now: Timestamp) -> Vec<Stale> {
        let Some(flag) = self.flags.get(key).filter(|flag| flag.in_force().next().is_some()) else {
            return Vec::new();
        };
        let today = self.date_of(flag, now);
        let mut found = Vec::new();
        match flag.about.lifetime {
            // What is meant to stay serves everybody the same for good reason.
            Some(Lifetime::Permanent) => return found,
            Some(Lifetime::Until(until)) if today > until => found.push(Stale {
                reason: Staleness::PastLifetime,
                since: until,
                sentence: format!("it was meant to live until {until}"),
            }),
            _ => {}
        }
        if let Some(since) = same_for_everybody(flag) {
            let (since, days) =
                (self.date_of(flag, since), i64::from(self.policy().deadlines.flag_gone_days));
            if today > days_later(since, days) {
                let lasting = days_between(since, today);
                found.push(Stale {
                    reason: Staleness::SameForEverybody,
                    since,
                    sentence: format!("everybody has been getting the same for {lasting} days"),
                });
            }
        }
        found
    }

    /// The date of an instant where the flag's owner is.
    fn date_of(&self, flag: &PlainFlag, at: Timestamp) -> Date {
        match &flag.about.owner {
            Some(team) => self.calendar(team).date(at),
            None => self.company_calendar().date(at),
        }
    }
}

/// Since when a flag has served one variant to whoever asks, in every environment.
fn same_for_everybody(flag: &PlainFlag) -> Option<Timestamp> {
    let mut latest = None;
    for (_, version) in flag.in_force() {
        let decides = match version.source.as_ref()?.source()? {
            Source::Authored(authored) => {
                !authored.enabled || !authored.targets.is_empty() || !authored.rules.is_empty()
            }
            Source::Definition(definition) => {
                definition["state"] == "DISABLED"
                    || definition["targeting"].as_object().is_some_and(|rule| !rule.is_empty())
            }
        };
        if decides {
            return None;
        }
        latest = latest.max(Some(version.stamp.at));
    }
    latest
}
