//! Health of the data behind a look: what is wrong with it, in a sentence with a remedy.
//!
//! Judged when the look is taken and recorded with it, so that a mended rule rewrites no history. It judges the data, never
//! the effect: what the effect is, and whether it may be believed at all, is `look.rs`' business.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_stats::number::{count, decimal, of, p as p_value, percent};
use tenure_stats::sample_ratio;

use crate::measurement::Drift;

/// What was seen of the event log beside the moments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataSeen {
    /// Exposed units by epoch, whether or not their window has passed.
    #[serde(default)]
    pub exposed: Vec<ExposedUnits>,
    /// Exposures that counted.
    #[serde(default)]
    pub exposures: u64,
    /// Outcomes that a metric of the rollout measures.
    #[serde(default)]
    pub outcomes: u64,
    /// Events that were sent again, and counted once.
    #[serde(default)]
    pub duplicates: u64,
    /// Events that arrived too late to count.
    #[serde(default)]
    pub late: u64,
    /// Events without an id of the rollout's unit.
    #[serde(default)]
    pub without_unit: u64,
    /// Units that met the feature before its first wave.
    #[serde(default)]
    pub units_before_epochs: u64,
    /// Events that were refused since the server started, of any kind and any sender.
    #[serde(default)]
    pub refused: u64,
    /// Events that were accepted since the server started, likewise.
    #[serde(default)]
    pub accepted: u64,
    /// When the newest event of the rollout was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freshest_received_at: Option<Timestamp>,
    /// Clients that told of arms which are not the server's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disagreements: Vec<Disagreement>,
}

/// Units first exposed in one epoch of the allocation log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExposedUnits {
    /// Which epoch.
    pub epoch: u32,
    /// In the control arm.
    pub control: u64,
    /// In the treatment arm.
    pub treatment: u64,
    /// In each further treatment arm, of an experiment with several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<u64>,
}

impl ExposedUnits {
    /// The units of each arm, control first.
    fn counts(&self) -> impl Iterator<Item = u64> {
        [self.control, self.treatment].into_iter().chain(self.further.iter().copied())
    }
}

/// A client whose exposures name other arms than the server's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disagreement {
    /// The client, with its version as far as it is known.
    pub client: String,
    /// Its exposures that name another arm.
    pub exposures: u64,
    /// All exposures of it that were compared.
    pub of: u64,
}

/// One check of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataFinding {
    /// What was checked.
    pub check: DataCheck,
    /// How it stands.
    pub state: DataStanding,
    /// The same in words.
    pub sentence: String,
    /// What to do about it; left out where nothing is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataCheck {
    /// Are the arms as large as the plan says, in every epoch?
    SampleRatio,
    /// Is every unit in one arm, and in the one that the server gave it?
    Assignment,
    /// Do events still arrive?
    Freshness,
    /// Do outcomes arrive?
    Outcomes,
    /// Are events in time, and do they name the rollout's unit?
    Completeness,
    /// Are senders' events accepted?
    Refused,
    /// Is the control's level what it was in the experiment?
    Baseline,
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataStanding {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// The result is not to be believed until it is mended.
    Bad,
}

/// What a check needs beside what was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// The instant of the look.
    pub now: Timestamp,
    /// The share of units that each arm is to get, control first; 0 for one that is closed.
    pub shares: &'a [f64],
    /// Below this a sample ratio is no chance.
    pub srm_p: f64,
    /// Units that were seen in both arms.
    pub units_in_two_arms: u64,
    /// The largest share of those that can be borne.
    pub two_arms_share_max: f64,
    /// How the control's level moved since the experiment.
    pub drift: Option<&'a Drift>,
    /// What the unit is called.
    pub unit: &'a str,
    /// What is looked at: a rollout or an experiment.
    pub what: &'a str,
}

/// A day without an event is worth a look …
const QUIET: SignedDuration = SignedDuration::from_hours(24);
/// … and three days mean that nothing arrives any more.
const SILENT: SignedDuration = SignedDuration::from_hours(72);
/// The share of events that may be lost to one cause before it is worth a look.
const LOST_SHARE_MAX: f64 = 0.01;
/// Units after which an outcome should have been seen.
const UNITS_WITH_OUTCOME: u64 = 200;
/// Below this the control's level is another one than the experiment's.
const DRIFT_P: f64 = 0.01;

impl DataSeen {
    /// Every check, the worst first.
    pub(crate) fn findings(&self, context: &Context<'_>) -> Vec<DataFinding> {
        let mut findings = vec![
            self.sample_ratio(context),
            self.assignment(context),
            self.freshness(context),
            self.outcomes(),
            self.completeness(context),
            self.refused(),
        ];
        findings.extend(context.drift.map(baseline));
        findings.sort_by_key(|finding| (std::cmp::Reverse(finding.state), finding.check));
        findings
    }

    fn units(&self) -> u64 {
        self.exposed.iter().flat_map(ExposedUnits::counts).sum()
    }

    fn sample_ratio(&self, context: &Context<'_>) -> DataFinding {
        let tested = self.exposed.iter().filter_map(|epoch| {
            let arms = epoch.counts().zip(context.shares.iter().copied()).filter(|(_, share)| *share > 0.0);
            let (counts, shares): (Vec<u64>, Vec<f64>) = arms.unzip();
            let test = sample_ratio::chi_square(&counts, &shares).ok()?;
            Some((test.p_value, epoch.epoch, counts, shares))
        });
        let tested: Vec<_> = tested.collect();
        // Each epoch is a test of its own; together they cry wolf as seldom as one.
        let worst = tested.iter().min_by(|a, b| a.0.total_cmp(&b.0));
        match worst {
            Some((p, epoch, counts, shares)) if *p * (tested.len() as f64) < context.srm_p => {
                DataFinding::bad(
                    DataCheck::SampleRatio,
                    format!("in epoch {epoch} {} (p = {})", lopsided(counts, shares), p_value(*p)),
                    "look for what loses one arm's exposures, such as a redirect, a crash or a filter of bots; mend it and iterate",
                )
            }
            Some(_) => DataFinding::good(
                DataCheck::SampleRatio,
                format!("the arms are as large as planned in {}", of(tested.len() as f64, "epoch", "epochs")),
            ),
            None => DataFinding::good(
                DataCheck::SampleRatio,
                "too few units to compare the arms' sizes".to_owned(),
            ),
        }
    }

    fn assignment(&self, context: &Context<'_>) -> DataFinding {
        let twice = context.units_in_two_arms;
        let share = twice as f64 / self.units().saturating_add(twice).max(1) as f64;
        let both = format!("{} seen in both arms ({} of all)", units(twice), percent(share));
        let other = self.disagreements.iter().filter(|client| client.exposures > 0);
        let told = other.max_by_key(|client| client.exposures).map(|client| {
            format!(
                "{} told of another arm than the server's in {} of {} exposures",
                client.client,
                count(client.exposures),
                count(client.of)
            )
        });
        match told {
            _ if share > context.two_arms_share_max => DataFinding::bad(
                DataCheck::Assignment,
                format!(
                    "{both}: more than can be left out{}",
                    told.map_or_else(String::new, |told| format!("; {told}"))
                ),
                "find who is served by two ways of hashing, such as a client that is named here, or shared by two people; a new iteration draws new arms",
            ),
            Some(told) => DataFinding::warning(
                DataCheck::Assignment,
                told,
                "let it evaluate remotely, or give it an evaluation library of the server's version of fractional",
            ),
            _ if twice > 0 => DataFinding::warning(
                DataCheck::Assignment,
                format!("{both}, counted in neither"),
                "nothing, while they are few; else find what makes two units of one",
            ),
            _ => DataFinding::good(DataCheck::Assignment, "every unit is in one arm".to_owned()),
        }
    }

    fn freshness(&self, context: &Context<'_>) -> DataFinding {
        const REMEDY: &str = "see that the application runs, that its exporter has a token with the scope ingest, and what the server's log refuses";
        let Some(newest) = self.freshest_received_at else {
            return DataFinding::bad(
                DataCheck::Freshness,
                format!("no event of this {} has arrived", context.what),
                REMEDY,
            );
        };
        let age = context.now.duration_since(newest);
        let hours = age.as_secs_f64() / 3600.0;
        let sentence = format!("the newest event arrived {} ago", of(hours, "hour", "hours"));
        if age > SILENT {
            DataFinding::bad(DataCheck::Freshness, sentence, REMEDY)
        } else if age > QUIET {
            DataFinding::warning(DataCheck::Freshness, sentence, REMEDY)
        } else {
            DataFinding::good(DataCheck::Freshness, sentence)
        }
    }

    fn outcomes(&self) -> DataFinding {
        if self.outcomes == 0 && self.units() >= UNITS_WITH_OUTCOME {
            return DataFinding::bad(
                DataCheck::Outcomes,
                format!("{} exposed and no outcome has arrived", units(self.units())),
                "compare the event's name in the metric with the one that is sent, and see that it is sent at all",
            );
        }
        DataFinding::good(
            DataCheck::Outcomes,
            format!(
                "{} and {} counted, {} sent again",
                of(self.exposures as f64, "exposure", "exposures"),
                of(self.outcomes as f64, "outcome", "outcomes"),
                count(self.duplicates)
            ),
        )
    }

    fn completeness(&self, context: &Context<'_>) -> DataFinding {
        let all = (self.exposures + self.outcomes + self.late + self.without_unit).max(1) as f64;
        let lost = |events: u64| events as f64 / all;
        if lost(self.without_unit) > LOST_SHARE_MAX {
            return DataFinding::warning(
                DataCheck::Completeness,
                format!(
                    "{} of events ({}) carry no id of a {} and are not counted",
                    percent(lost(self.without_unit)),
                    count(self.without_unit),
                    context.unit
                ),
                "send the id with every event, beside other units' ids",
            );
        }
        if lost(self.late) > LOST_SHARE_MAX {
            return DataFinding::warning(
                DataCheck::Completeness,
                format!(
                    "{} of events ({}) arrived later than counts and are left out",
                    percent(lost(self.late)),
                    count(self.late)
                ),
                "have senders flush at least daily, and check their clocks",
            );
        }
        let mut sentence = format!("{} late", of(self.late as f64, "event", "events"));
        if self.units_before_epochs > 0 {
            sentence
                .push_str(&format!(", {} exposed before the first wave", units(self.units_before_epochs)));
        }
        DataFinding::good(DataCheck::Completeness, sentence)
    }

    fn refused(&self) -> DataFinding {
        let share = self.refused as f64 / self.accepted.saturating_add(self.refused).max(1) as f64;
        let sentence = format!(
            "{} refused since the server started ({})",
            of(self.refused as f64, "event", "events"),
            percent(share)
        );
        if share > LOST_SHARE_MAX {
            DataFinding::warning(
                DataCheck::Refused,
                sentence,
                "read the answers that senders get: each refused event is named with its field",
            )
        } else {
            DataFinding::good(DataCheck::Refused, sentence)
        }
    }
}

/// How large the arms are, and how large they were to be.
fn lopsided(counts: &[u64], shares: &[f64]) -> String {
    if let ([control, treatment], [_, share]) = (counts, shares) {
        let (control, treatment) = (count(*control), count(*treatment));
        let share = percent(*share);
        return format!(
            "there are {control} control and {treatment} treatment units, where {share} were to be treated"
        );
    }
    let units: Vec<String> = counts.iter().map(|units| count(*units)).collect();
    let total: f64 = shares.iter().sum();
    let planned: Vec<String> = shares.iter().map(|share| percent(share / total)).collect();
    format!(
        "there are {} units in the arms, control first, where {} were planned",
        units.join(", "),
        planned.join(", ")
    )
}

fn baseline(drift: &Drift) -> DataFinding {
    let levels = format!(
        "the control's level is {} here and was {} in the experiment",
        decimal(drift.rollout, 4),
        decimal(drift.experiment, 4)
    );
    if drift.p_value < DRIFT_P {
        DataFinding::warning(
            DataCheck::Baseline,
            format!("{levels} (p = {})", p_value(drift.p_value)),
            "ask what changed around the feature since: the effect may be another one in another context",
        )
    } else {
        DataFinding::good(DataCheck::Baseline, levels)
    }
}

fn units(number: u64) -> String {
    if number == 1 { "1 unit was".to_owned() } else { format!("{} units were", count(number)) }
}

impl DataFinding {
    fn good(check: DataCheck, sentence: String) -> Self {
        Self { check, state: DataStanding::Good, sentence, remedy: None }
    }

    fn warning(check: DataCheck, sentence: String, remedy: &str) -> Self {
        Self { check, state: DataStanding::Warning, sentence, remedy: Some(remedy.to_owned()) }
    }

    fn bad(check: DataCheck, sentence: String, remedy: &str) -> Self {
        Self { check, state: DataStanding::Bad, sentence, remedy: Some(remedy.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T09:00:00Z".parse().unwrap()
    }

    fn healthy() -> DataSeen {
        DataSeen {
            exposed: vec![
                ExposedUnits { epoch: 1, control: 500, treatment: 510, further: Vec::new() },
                ExposedUnits { epoch: 2, control: 5_020, treatment: 4_980, further: Vec::new() },
            ],
            exposures: 11_010,
            outcomes: 1_200,
            accepted: 12_300,
            freshest_received_at: Some(now() - SignedDuration::from_mins(30)),
            ..DataSeen::default()
        }
    }

    fn context(units_in_two_arms: u64, drift: Option<&Drift>) -> Context<'_> {
        Context {
            now: now(),
            shares: &[0.5, 0.5],
            srm_p: 0.001,
            units_in_two_arms,
            two_arms_share_max: 0.01,
            drift,
            unit: "user",
            what: "rollout",
        }
    }

    /// The one check that does not stand well, and its words.
    fn check(change: impl FnOnce(&mut DataSeen), twice: u64, expected: (DataCheck, DataStanding, &str)) {
        let mut seen = healthy();
        change(&mut seen);
        let findings = seen.findings(&context(twice, None));
        let wrong: Vec<_> = findings.iter().filter(|finding| finding.state != DataStanding::Good).collect();
        let [wrong] = wrong[..] else { panic!("{findings:#?}") };
        assert_eq!((wrong.check, wrong.state, wrong.sentence.as_str()), expected);
        assert_eq!(findings.first(), Some(wrong), "what is wrong comes first");
        assert!(wrong.remedy.is_some());
    }

    #[test]
    fn sound_data_are_good_in_every_check() {
        let drift = Drift { experiment: 0.12, rollout: 0.1195, p_value: 0.4 };
        let findings = healthy().findings(&context(0, Some(&drift)));
        assert_eq!(findings.len(), 7);
        for finding in findings {
            assert_eq!((finding.state, finding.remedy), (DataStanding::Good, None), "{}", finding.sentence);
        }
    }

    #[test]
    fn each_fault_is_told_with_a_remedy() {
        use DataCheck::{Assignment, Completeness, Freshness, Outcomes, Refused, SampleRatio};
        use DataStanding::{Bad, Warning};
        check(
            |seen| seen.exposed[1].treatment = 4_500,
            0,
            (
                SampleRatio,
                Bad,
                "in epoch 2 there are 5,020 control and 4,500 treatment units, where 50 % were to be treated (p = 1e-7)",
            ),
        );
        check(
            |_| {},
            12,
            (Assignment, Warning, "12 units were seen in both arms (0.1 % of all), counted in neither"),
        );
        check(
            |_| {},
            200,
            (Assignment, Bad, "200 units were seen in both arms (1.8 % of all): more than can be left out"),
        );
        check(
            |seen| {
                let client = "flagd nodejs 2.1.0".to_owned();
                seen.disagreements = vec![Disagreement { client, exposures: 498, of: 1_000 }];
            },
            0,
            (
                Assignment,
                Warning,
                "flagd nodejs 2.1.0 told of another arm than the server's in 498 of 1,000 exposures",
            ),
        );
        check(
            |seen| seen.freshest_received_at = Some(now() - SignedDuration::from_hours(30)),
            0,
            (Freshness, Warning, "the newest event arrived 30 hours ago"),
        );
        check(
            |seen| seen.freshest_received_at = None,
            0,
            (Freshness, Bad, "no event of this rollout has arrived"),
        );
        check(
            |seen| seen.outcomes = 0,
            0,
            (Outcomes, Bad, "11,010 units were exposed and no outcome has arrived"),
        );
        check(
            |seen| seen.without_unit = 3_000,
            0,
            (Completeness, Warning, "20 % of events (3,000) carry no id of a user and are not counted"),
        );
        check(
            |seen| seen.late = 300,
            0,
            (Completeness, Warning, "2.4 % of events (300) arrived later than counts and are left out"),
        );
        check(
            |seen| seen.refused = 900,
            0,
            (Refused, Warning, "900 events refused since the server started (6.8 %)"),
        );
    }

    #[test]
    fn several_arms_are_compared_with_their_shares_and_closed_ones_are_not() {
        let mut seen = healthy();
        seen.exposed = vec![ExposedUnits { epoch: 0, control: 5_020, treatment: 2_480, further: vec![300] }];
        let told = |shares: &[f64]| {
            let findings = seen.findings(&Context { shares, what: "experiment", ..context(0, None) });
            let ratio = findings.into_iter().find(|finding| finding.check == DataCheck::SampleRatio);
            ratio.map(|finding| (finding.state, finding.sentence)).unwrap()
        };
        let (standing, sentence) = told(&[0.5, 0.25, 0.25]);
        assert_eq!(standing, DataStanding::Bad);
        let says = "there are 5,020, 2,480, 300 units in the arms, control first, where 50 %, 25 %, 25 % were planned";
        assert!(sentence.contains(says), "{sentence}");
        assert_eq!(told(&[0.5, 0.25, 0.0]).0, DataStanding::Good, "an arm that is closed gets no units");
    }

    #[test]
    fn a_moved_baseline_is_told() {
        let drift = Drift { experiment: 0.12, rollout: 0.105, p_value: 1e-4 };
        let findings = healthy().findings(&context(0, Some(&drift)));
        let finding = findings.first().unwrap();
        assert_eq!((finding.check, finding.state), (DataCheck::Baseline, DataStanding::Warning));
        assert_eq!(
            finding.sentence,
            "the control's level is 0.105 here and was 0.12 in the experiment (p = 1e-4)"
        );
    }
}
