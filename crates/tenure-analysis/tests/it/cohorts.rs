//! Closed cohorts: whatever is kept, deleted or damaged, an answer is the one that a whole pass gives, byte for byte;
//! and what is kept is used, so that old files are not read again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;
use tenure_analysis::{Aggregation, Embedded, Engine, Epoch, Query, Settings};
use tenure_events::{Config, Event, EventLog, Unit};

use crate::contract::{
    any_log, any_metric, assert_same, block_on, event, exposure, hour, metric, outcome, query, received_later,
};
use crate::reference;

const DAY: f64 = 24.0;

/// A log, and looks at it.
struct World {
    folder: TempDir,
    log: Arc<EventLog>,
    events: Vec<Event>,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Compaction merges what there is.
        let config = Config { day_files_max: 1, ..Config::default() };
        let log = Arc::new(EventLog::open(&folder.path().join("events"), config).await.unwrap());
        Self { folder, log, events: Vec::new() }
    }

    /// Ten days of units, of both arms, each of which buys something.
    async fn of_ten_days() -> Self {
        let mut world = Self::new().await;
        for day in 0..10_u32 {
            let mut events = Vec::new();
            for place in 0..20_u32 {
                let user = format!("u{day}-{place}");
                let at = f64::from(day) * DAY + f64::from(place);
                let arm = if place % 2 == 0 { "control" } else { "treatment" };
                events.push(event("e", &[("user", &user)], at, 0.0, exposure(arm), None));
                let spent = outcome("purchase", Some(f64::from(place * day) * 0.37));
                events.push(event("o", &[("user", &user)], at + 2.0, 0.0, spent, None));
            }
            world.add(events).await;
        }
        world
    }

    async fn add(&mut self, events: Vec<Event>) {
        self.append(events).await;
        self.log.seal_all().await.unwrap();
    }

    async fn append(&mut self, events: Vec<Event>) {
        self.log.append(events.clone()).await.unwrap();
        self.events.extend(events);
    }

    fn cohorts(&self) -> PathBuf {
        self.folder.path().join("cohorts")
    }

    fn engine(&self, keeps: bool, share_events: u64) -> Embedded {
        let cohorts = keeps.then(|| self.cohorts());
        let settings = Settings { threads: 2, share_events, cohorts, ..Settings::default() };
        Embedded::new(Arc::clone(&self.log), settings).unwrap()
    }

    /// The answer must be the same whether or not anything is kept, and that of the reference.
    async fn check(&self, query: &Query) {
        let whole = self.engine(false, 1_000).measure(query).await.unwrap();
        for share_events in [1_000, 30] {
            let kept = self.engine(true, share_events).measure(query).await.unwrap();
            assert_eq!(serde_json::to_string(&kept).unwrap(), serde_json::to_string(&whole).unwrap());
        }
        let mut expected = reference::answer(&self.events, query);
        // The log drops repeats by itself.
        assert!(whole.health.duplicates <= expected.health.duplicates);
        expected.health.duplicates = whole.health.duplicates;
        assert_same(&whole, &expected, crate::contract::Layout::Mixed);
    }

    /// Takes a day's sealed files away; gives them back when called.
    fn hide(&self, date: &str) -> impl FnOnce() + use<> {
        let folder = self.folder.path().join("events/sealed/events").join(format!("date={date}"));
        let hidden = self.folder.path().join(date);
        fs::rename(&folder, &hidden).unwrap();
        move || fs::rename(&hidden, &folder).unwrap()
    }

    /// Whether a look needs the files of a day.
    async fn reads(&self, query: &Query, date: &str) -> bool {
        let give_back = self.hide(date);
        let answer = self.engine(true, 1_000).measure(query).await;
        give_back();
        answer.is_err()
    }
}

fn spent() -> Query {
    let mut query = query(vec![
        metric("bought", "purchase", Aggregation::Any, Some(24)),
        metric("spent", "purchase", Aggregation::Sum, Some(20)),
    ]);
    query.epochs = vec![Epoch { index: 1, starts_at: hour(0.0) }, Epoch { index: 2, starts_at: hour(100.0) }];
    query.as_of = hour(10.0 * DAY);
    query
}

/// After a first look, and whatever `change` does, the third of March (closed long since) is read again or not.
fn check_read_again(expected: bool, change: impl AsyncFnOnce(&mut World, &mut Query)) {
    block_on(async {
        let mut world = World::of_ten_days().await;
        let mut query = spent();
        assert!(world.reads(&query, "2026-03-03").await, "nothing is kept yet");
        world.check(&query).await;
        assert!(!world.reads(&query, "2026-03-03").await, "what is closed is not read again");
        change(&mut world, &mut query).await;
        assert_eq!(world.reads(&query, "2026-03-03").await, expected);
        world.check(&query).await;
        assert!(!world.reads(&query, "2026-03-03").await, "it is kept anew");
    });
}

#[test]
fn a_later_look_reads_what_is_new() {
    check_read_again(false, async |world, query| {
        let at = 10.0 * DAY;
        world.add(vec![event("e", &[("user", "new")], at, 0.0, exposure("control"), None)]).await;
        query.as_of = hour(10.5 * DAY);
    });
}

#[test]
fn a_new_epoch_leaves_earlier_days_as_they_are() {
    check_read_again(false, async |_, query| {
        query.epochs.push(Epoch { index: 3, starts_at: hour(9.6 * DAY) });
    });
}

#[test]
fn a_late_event_is_counted_for_a_closed_day() {
    check_read_again(true, async |world, query| {
        let late =
            event("late", &[("user", "u2-3")], 2.0 * DAY + 5.0, 23.0, outcome("purchase", Some(99.0)), None);
        world.add(vec![late]).await;
        query.as_of = hour(10.1 * DAY);
    });
}

#[test]
fn a_late_event_that_is_not_sealed_yet_is_counted_too() {
    block_on(async {
        let mut world = World::of_ten_days().await;
        let query = spent();
        world.check(&query).await;
        let late =
            event("late", &[("user", "u2-3")], 2.0 * DAY + 5.0, 23.0, outcome("purchase", Some(99.0)), None);
        world.append(vec![late]).await;
        world.check(&query).await;
        world.log.seal_all().await.unwrap();
        world.check(&query).await;
    });
}

#[test]
fn erasing_a_unit_counts_its_day_anew() {
    check_read_again(true, async |world, _| {
        world.log.erase_unit(&Unit::new("user", "u2-3")).await.unwrap();
        world.events.retain(|event| event.unit().id != "u2-3");
    });
}

#[test]
fn another_definition_is_another_question() {
    check_read_again(true, async |_, query| query.metrics[1].cap = Some(1.0));
    check_read_again(true, async |_, query| query.lateness *= 2);
    check_read_again(true, async |_, query| query.epochs[0].starts_at = hour(1.0));
}

/// What contradicts the third of March is of a day that is still open: it closes with that day.
#[test]
fn a_unit_of_a_closed_day_in_another_arm_is_taken_out() {
    block_on(async {
        let mut world = World::of_ten_days().await;
        let mut query = spent();
        world.check(&query).await;
        let at = 10.0 * DAY;
        world.add(vec![event("again", &[("user", "u2-3")], at, 0.0, exposure("control"), None)]).await;
        for (days, expected) in [(10.1, true), (10.2, true), (14.0, true), (14.1, false)] {
            query.as_of = hour(days * DAY);
            assert_eq!(world.reads(&query, "2026-03-03").await, expected, "after {days} days");
            world.check(&query).await;
        }
    });
}

#[test]
fn a_unit_of_a_closed_day_in_its_own_arm_stays() {
    check_read_again(false, async |world, query| {
        let at = 10.0 * DAY;
        world.add(vec![event("again", &[("user", "u2-3")], at, 0.0, exposure("treatment"), None)]).await;
        query.as_of = hour(10.1 * DAY);
    });
}

#[test]
fn a_repeat_of_an_event_of_a_closed_day_counts_once() {
    block_on(async {
        let mut world = World::of_ten_days().await;
        let mut query = spent();
        world.check(&query).await;
        // A sender without a clock: the same event, told again as of today.
        let again = event("o", &[("user", "u7-4")], 10.0 * DAY, 0.0, outcome("purchase", Some(5.0)), None);
        world.add(vec![again]).await;
        query.as_of = hour(10.1 * DAY);
        world.check(&query).await;
        let answer = world.engine(true, 1_000).measure(&query).await.unwrap();
        assert_eq!(answer.health.duplicates, 1);
    });
}

#[test]
fn compaction_changes_nothing() {
    block_on(async {
        let mut world = World::of_ten_days().await;
        let second = received_later(&world.events[3], 5.0);
        world.add(vec![second]).await;
        let query = spent();
        world.check(&query).await;
        assert!(world.log.compact().await.unwrap().files > 0);
        world.check(&query).await;
    });
}

#[test]
fn what_is_kept_may_be_deleted_or_damaged() {
    #[track_caller]
    fn each(folder: &Path, of: &str, change: impl Fn(&Path)) {
        let mut changed = 0;
        for question in fs::read_dir(folder).unwrap() {
            for file in fs::read_dir(question.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                if path.to_string_lossy().ends_with(of) {
                    change(&path);
                    changed += 1;
                }
            }
        }
        assert!(changed > 0);
    }
    block_on(async {
        let mut world = World::of_ten_days().await;
        let mut query = spent();
        type Change = (&'static str, fn(&Path));
        let changes: [Change; 5] = [
            (".part", |path| fs::remove_file(path).unwrap()),
            (".part", |path| {
                fs::write(path, fs::read(path).unwrap().iter().map(|byte| !byte).collect::<Vec<_>>()).unwrap()
            }),
            (".part", |path| fs::write(path, b"").unwrap()),
            ("manifest.json", |path| fs::write(path, b"{").unwrap()),
            ("manifest.json", |path| fs::remove_file(path).unwrap()),
        ];
        for (place, (of, change)) in changes.into_iter().enumerate() {
            world.check(&query).await;
            each(&world.cohorts(), of, change);
            let id = format!("new{place}");
            let at = 10.0 * DAY + place as f64;
            world.add(vec![event(&id, &[("user", "u2-3")], at, 0.0, exposure("treatment"), None)]).await;
            query.as_of = hour(10.5 * DAY);
            world.check(&query).await;
        }
        world.engine(true, 1_000).forget().unwrap();
        assert!(!world.cohorts().exists());
        world.check(&query).await;
    });
}

#[test]
fn what_is_kept_is_bounded() {
    block_on(async {
        let world = World::of_ten_days().await;
        let settings =
            Settings { cohorts: Some(world.cohorts()), cohort_bytes_max: 200_000, ..Settings::default() };
        let engine = Embedded::new(Arc::clone(&world.log), settings).unwrap();
        for cap in 1..20 {
            let mut query = spent();
            query.metrics[1].cap = Some(f64::from(cap));
            engine.measure(&query).await.unwrap();
            let kept = fs::read_dir(world.cohorts())
                .unwrap()
                .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
            let bytes: u64 = kept.map(|file| file.unwrap().metadata().unwrap().len()).sum();
            assert!(bytes <= 200_000, "{bytes} bytes are kept");
        }
        assert!(fs::read_dir(world.cohorts()).unwrap().count() > 0, "something is kept");
    });
}

/// Questions whose cohorts close.
fn any_question() -> impl Strategy<Value = Query> {
    let metric = (any_metric(), prop_oneof![3 => 1..40_i64, 1 => 48..80_i64]).prop_map(|(metric, window)| {
        tenure_analysis::Metric { window: Some(jiff::SignedDuration::from_hours(window)), ..metric }
    });
    (prop::collection::vec(metric, 1..4), 0..60_i64, prop::sample::select(vec!["user", "user", "tenant"]))
        .prop_map(|(mut metrics, lateness, unit_type)| {
            for (place, metric) in metrics.iter_mut().enumerate() {
                metric.name = format!("m{place}");
            }
            Query {
                days: metrics[0].days(),
                unit_type: unit_type.to_owned(),
                lateness: jiff::SignedDuration::from_hours(lateness),
                ..query(metrics)
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Parts of a log arrive in any order of their events' own time, sealed or not, with a look after each.
    #[test]
    fn looks_after_looks_are_as_whole_passes(
        parts in prop::collection::vec((any_log(), any::<bool>(), 20.0..60.0_f64), 1..5),
        question in any_question(),
    ) {
        block_on(async {
            let mut world = World::new().await;
            let mut query = question;
            let mut as_of = 40.0;
            for (place, (events, is_sealed, later)) in parts.into_iter().enumerate() {
                let told = |event: &Event| event.id().starts_with("shared");
                let events: Vec<Event> = events.into_iter().filter(|event| place == 0 || !told(event)).collect();
                if !events.is_empty() {
                    world.append(events).await;
                }
                if is_sealed {
                    world.log.seal_all().await.unwrap();
                }
                as_of += later;
                query.as_of = hour(as_of);
                world.check(&query).await;
            }
        });
    }
}
