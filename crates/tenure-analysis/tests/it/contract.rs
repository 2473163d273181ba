//! The contract of engines: on any log and for any query the answer is the reference's, and how the log is laid
//! out and the work shared out changes not one byte of it. A later engine is added to [`engines`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tenure_analysis::{
    Aggregation, Answer, Condition, Embedded, Engine, EngineError, Epoch, Health, Metric, Query, Settings,
};
use tenure_events::{Config, Draft, Event, EventLog, Kind, Received, Unit};

use crate::reference;

/// Every engine under contract, over one log. Some share out the work more finely than others.
fn engines(log: &Arc<EventLog>) -> Vec<Box<dyn Engine>> {
    vec![
        Box::new(embedded(log, Settings { threads: 1, ..Settings::default() })),
        Box::new(embedded(log, Settings { threads: 3, share_events: 15, ..Settings::default() })),
    ]
}

fn embedded(log: &Arc<EventLog>, settings: Settings) -> Embedded {
    Embedded::new(Arc::clone(log), settings).unwrap()
}

/// Where the events lie when the question is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Layout {
    Recent,
    Sealed,
    /// Sealed by thirds, the last of them not.
    Mixed,
}

async fn log(folder: &Path, events: &[Event], layout: Layout) -> Arc<EventLog> {
    let log = EventLog::open(folder, Config::default()).await.unwrap();
    let parts: Vec<&[Event]> = match layout {
        Layout::Recent | Layout::Sealed => vec![events],
        Layout::Mixed => events.chunks(events.len().div_ceil(3).max(1)).collect(),
    };
    for (place, part) in parts.iter().enumerate() {
        log.append(part.to_vec()).await.unwrap();
        if layout == Layout::Sealed || layout == Layout::Mixed && place < 2 {
            log.seal_all().await.unwrap();
        }
    }
    Arc::new(log)
}

/// The answers of all engines on all layouts must be the reference's, and the same bytes.
fn check(events: &[Event], query: &Query) {
    check_on(events, query, &[Layout::Recent, Layout::Sealed, Layout::Mixed]);
}

fn check_on(events: &[Event], query: &Query, layouts: &[Layout]) {
    block_on(async {
        let expected = reference::answer(events, query);
        let mut bytes: Option<String> = None;
        for layout in layouts {
            let folder = tempfile::tempdir().unwrap();
            let log = log(folder.path(), events, *layout).await;
            for engine in engines(&log) {
                let mut got = engine.measure(query).await.unwrap();
                if *layout != Layout::Recent {
                    // The log may have dropped repeats by itself.
                    assert!(got.health.duplicates <= expected.health.duplicates, "{layout:?}");
                    got.health.duplicates = expected.health.duplicates;
                }
                assert_same(&got, &expected, *layout);
                let got = serde_json::to_string(&got).unwrap();
                assert_eq!(*bytes.get_or_insert_with(|| got.clone()), got, "{layout:?}");
            }
        }
    });
}

/// Counts are equal, means and sums of squares equal up to rounding.
#[track_caller]
pub(crate) fn assert_same(got: &Answer, expected: &Answer, layout: Layout) {
    assert_eq!(got.health, expected.health, "{layout:?}");
    assert_eq!(got.epochs.len(), expected.epochs.len());
    for (got, expected) in got.epochs.iter().zip(&expected.epochs) {
        assert_eq!((got.epoch, got.arms.len()), (expected.epoch, expected.arms.len()));
        for (got, expected) in got.arms.iter().zip(&expected.arms) {
            assert_eq!(
                (&got.arm, got.units, got.metrics.len()),
                (&expected.arm, expected.units, expected.metrics.len())
            );
            assert_eq!(got.by_day.is_some(), expected.by_day.is_some());
            if let (Some(got), Some(expected)) = (&got.by_day, &expected.by_day) {
                assert_eq!((got.n(), got.variables()), (expected.n(), expected.variables()), "{layout:?}");
                for one in 0..got.variables() {
                    let scale = 1.0 + expected.mean(one).abs() + expected.cross(one, one);
                    assert!(
                        (got.mean(one) - expected.mean(one)).abs() < 1e-9 * scale,
                        "{got:?} {expected:?}"
                    );
                    for other in 0..got.variables() {
                        let scale = scale + expected.cross(other, other);
                        let apart = got.cross(one, other) - expected.cross(one, other);
                        assert!(apart.abs() < 1e-6 * scale, "{one} {other} {got:?} {expected:?}");
                    }
                }
            }
            for (got, expected) in got.metrics.iter().zip(&expected.metrics) {
                assert_eq!(got.name, expected.name);
                for (got, expected) in
                    [(&got.moments, &expected.moments), (&got.immature, &expected.immature)]
                {
                    assert_eq!(got.n(), expected.n(), "{layout:?}");
                    let scale = 1.0 + expected.mean().abs() + expected.m2();
                    assert!((got.mean() - expected.mean()).abs() < 1e-9 * scale, "{got:?} {expected:?}");
                    assert!((got.m2() - expected.m2()).abs() < 1e-9 * scale, "{got:?} {expected:?}");
                }
            }
        }
    }
}

/// Hours after the start of the tests' time.
pub(crate) fn hour(hours: f64) -> Timestamp {
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    start + SignedDuration::from_micros((hours * 3.6e9) as i64)
}

pub(crate) fn event(
    id: &str,
    units: &[(&str, &str)],
    at: f64,
    delay: f64,
    kind: Kind,
    tier: Option<&str>,
) -> Event {
    let draft = Draft {
        id: Some(id.to_owned()),
        at: Some(hour(at)),
        units: units.iter().map(|(unit_type, id)| Unit::new(*unit_type, *id)).collect(),
        kind,
        source: "test".to_owned(),
        attributes: tier
            .map(|tier| ("tier".to_owned(), tier.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
    };
    Event::new(draft, Received { at: hour(at + delay), index: 0 }).unwrap()
}

pub(crate) fn exposure(variant: &str) -> Kind {
    Kind::Exposure {
        flag: "checkout".to_owned(),
        variant: variant.to_owned(),
        revision: Some("PC-1/1".to_owned()),
        reason: None,
    }
}

pub(crate) fn outcome(name: &str, value: Option<f64>) -> Kind {
    Kind::Outcome { name: name.to_owned(), value }
}

pub(crate) fn metric(name: &str, event: &str, aggregation: Aggregation, window_hours: Option<i64>) -> Metric {
    Metric {
        name: name.to_owned(),
        event: event.to_owned(),
        filter: Vec::new(),
        aggregation,
        window: window_hours.map(SignedDuration::from_hours),
        cap: None,
    }
}

/// Two epochs, at hours 10 and 40; a look at hour 100.
pub(crate) fn query(metrics: Vec<Metric>) -> Query {
    Query {
        flag: "checkout".to_owned(),
        revision: Some("PC-1/1".to_owned()),
        unit_type: "user".to_owned(),
        arms: vec!["control".to_owned(), "treatment".to_owned()],
        epochs: vec![Epoch { index: 1, starts_at: hour(10.0) }, Epoch { index: 2, starts_at: hour(40.0) }],
        as_of: hour(100.0),
        lateness: SignedDuration::from_hours(24),
        days: 0,
        metrics,
    }
}

#[test]
fn an_empty_log_has_an_answer() {
    check(&[], &query(vec![metric("bought", "purchase", Aggregation::Any, Some(24))]));
}

/// The reference itself, and with it every engine, against numbers worked out by hand.
#[test]
fn by_hand() {
    let user = |id| [("user", id)];
    let bought = || outcome("purchase", Some(10.0));
    let events = [
        // u1: control in the first epoch, matured; 30 within the window of 48 hours, 5 after it.
        event("1", &user("u1"), 12.0, 0.0, exposure("control"), None),
        event("2", &user("u1"), 11.9, 0.0, bought(), None),
        event("3", &user("u1"), 12.0, 0.0, bought(), None),
        event("4", &user("u1"), 20.0, 1.0, outcome("purchase", Some(20.0)), None),
        event("5", &user("u1"), 60.0, 0.0, outcome("purchase", Some(5.0)), None),
        // u2: treatment in the second epoch, matured; exposed again; nothing bought but without a value.
        event("1", &user("u2"), 50.0, 0.0, exposure("treatment"), None),
        event("2", &user("u2"), 70.0, 0.0, exposure("treatment"), None),
        event("3", &user("u2"), 71.0, 0.0, outcome("purchase", None), None),
        // u3: treatment in the second epoch, still watched; one purchase told twice, one told too late.
        event("1", &user("u3"), 60.0, 0.0, exposure("treatment"), None),
        event("2", &user("u3"), 61.0, 0.0, bought(), None),
        event("2", &user("u3"), 61.0, 2.0, bought(), None),
        event("3", &user("u3"), 62.0, 25.0, bought(), None),
        // u4 is in two arms, u5 was exposed before the first epoch, u6 never, u7 elsewhere.
        event("1", &user("u4"), 50.0, 0.0, exposure("treatment"), None),
        event("2", &user("u4"), 51.0, 0.0, exposure("control"), None),
        event("1", &user("u5"), 9.0, 0.0, exposure("control"), None),
        event("1", &user("u6"), 50.0, 0.0, bought(), None),
        event("1", &user("u7"), 50.0, 0.0, exposure("off"), None),
        // No user at all, and what the look cannot know yet.
        event("1", &[("device", "d1")], 50.0, 0.0, bought(), None),
        event("2", &user("u6"), 99.0, 2.0, exposure("control"), None),
    ];
    let query = query(vec![
        metric("bought", "purchase", Aggregation::Any, Some(48)),
        metric("spent", "purchase", Aggregation::Sum, Some(48)),
    ]);
    check(&events, &query);

    let got = reference::answer(&events, &query);
    let level = |epoch: usize, arm: usize, metric: usize| {
        let arm = &got.epochs[epoch].arms[arm];
        let metric = &arm.metrics[metric];
        (arm.units, metric.moments.n(), metric.moments.mean(), metric.immature.n(), metric.immature.mean())
    };
    assert_eq!(level(0, 0, 0), (1, 1, 1.0, 0, 0.0));
    assert_eq!(level(0, 0, 1), (1, 1, 30.0, 0, 0.0));
    assert_eq!(level(0, 1, 1), (0, 0, 0.0, 0, 0.0));
    assert_eq!(level(1, 0, 1), (0, 0, 0.0, 0, 0.0));
    assert_eq!(level(1, 1, 0), (2, 1, 1.0, 1, 1.0));
    assert_eq!(level(1, 1, 1), (2, 1, 0.0, 1, 10.0));
    let expected = Health {
        exposures: 7,
        other_exposures: 1,
        outcomes: 7,
        duplicates: 1,
        late: 1,
        without_unit: 1,
        units_in_two_arms: 1,
        units_before_epochs: 1,
        freshest_at: Some(hour(71.0)),
        freshest_received_at: Some(hour(87.0)),
    };
    assert_eq!(got.health, expected);
}

/// Days count from the first exposure, and only units that are seen on all of them.
#[test]
fn values_by_day_by_hand() {
    let user = |id| [("user", id)];
    let spent = |value: f64| outcome("purchase", Some(value));
    let events = [
        event("1", &user("u1"), 12.0, 0.0, exposure("control"), None),
        event("2", &user("u1"), 12.0, 0.0, spent(1.0), None),
        event("3", &user("u1"), 35.9, 0.0, spent(2.0), None),
        event("4", &user("u1"), 36.0, 0.0, spent(5.0), None),
        event("5", &user("u1"), 60.0, 0.0, spent(9.0), None),
        event("1", &user("u2"), 20.0, 0.0, exposure("control"), None),
        // Still watched.
        event("1", &user("u3"), 60.0, 0.0, exposure("control"), None),
        event("2", &user("u3"), 61.0, 0.0, spent(7.0), None),
    ];
    let query = Query { days: 2, ..query(vec![metric("spent", "purchase", Aggregation::Sum, Some(50))]) };
    check(&events, &query);
    let got = reference::answer(&events, &query);
    let control = got.epochs[0].arms[0].by_day.as_ref().unwrap();
    assert_eq!((control.n(), control.mean(0), control.mean(1)), (2, 1.5, 2.5));
    let refused = Query { days: 3, ..query };
    assert!(refused.check().unwrap_err().to_string().contains("allow 2"), "a day that no window holds");
}

#[test]
fn a_unit_that_stands_behind_another_one_is_found() {
    let both = [("user", "u1"), ("tenant", "t1")];
    let events = [
        event("1", &both, 12.0, 0.0, exposure("control"), None),
        event("2", &[("user", "u2"), ("tenant", "t1")], 13.0, 0.0, outcome("purchase", Some(3.0)), None),
        event("3", &[("tenant", "t1")], 14.0, 0.0, outcome("purchase", Some(4.0)), None),
        event("4", &[("tenant", "t2")], 14.0, 0.0, exposure("treatment"), None),
        event("5", &[("user", "u2")], 14.0, 0.0, outcome("purchase", Some(100.0)), None),
    ];
    let mut query = query(vec![metric("spent", "purchase", Aggregation::Sum, None)]);
    query.unit_type = "tenant".to_owned();
    check(&events, &query);
    let got = reference::answer(&events, &query);
    assert_eq!(got.epochs[0].arms[0].metrics[0].moments.mean(), 7.0);
    assert_eq!(got.health.without_unit, 1);
}

/// One event of a small world in which everything that can collide does.
fn any_event() -> impl Strategy<Value = Event> {
    let units = prop_oneof![
        4 => Just(vec!["user"]),
        2 => Just(vec!["user", "tenant"]),
        1 => Just(vec!["tenant"]),
        1 => Just(vec!["tenant", "user"]),
    ];
    let kind = prop_oneof![
        5 => (0..4_usize, 0..8_usize, 0..8_usize).prop_map(|(variant, flag, revision)| Kind::Exposure {
            flag: if flag == 0 { "search" } else { "checkout" }.to_owned(),
            variant: ["control", "control", "treatment", "off"][variant].to_owned(),
            revision: (revision > 0).then(|| format!("PC-1/{}", if revision == 1 { 2 } else { 1 })),
            reason: None,
        }),
        5 => (0..3_usize, prop::option::weighted(0.8, -20.0..100.0_f64)).prop_map(|(name, value)| {
            outcome(["purchase", "visit", "noise"][name], value)
        }),
    ];
    let delay = prop_oneof![6 => Just(0.0), 2 => 0.0..30.0_f64, 1 => 20.0..60.0_f64];
    // Whole hours often enough for events of one instant.
    let at = prop_oneof![(0..90_u8).prop_map(f64::from), 0.0..90.0_f64];
    let tier = prop::option::of(prop::sample::select(vec!["free", "paid"]));
    (0..12_u16, units, 0..8_u8, at, delay, kind, tier, any::<u32>()).prop_map(
        |(id, types, unit, at, delay, kind, tier, own_id)| {
            let units: Vec<(&str, String)> = types
                .into_iter()
                .map(|unit_type| (unit_type, format!("{}{}", &unit_type[..1], unit / 2)))
                .collect();
            let units: Vec<(&str, &str)> =
                units.iter().map(|(unit_type, id)| (*unit_type, id.as_str())).collect();
            // An id is shared by events of one name only: a log may drop a repeat before anyone asks what it was.
            let id = if id == 0 { shared_id(&kind) } else { own_id.to_string() };
            // The receipt tells copies apart: which of them came first is never a matter of chance.
            event(&id, &units, at, delay + f64::from(own_id % 3_600_000) * 1e-6, kind, tier)
        },
    )
}

/// 40,000 events of 1,500 users, in a log that keeps most of them sealed.
async fn larger_log(folder: &Path) -> Arc<EventLog> {
    let events: Vec<Event> = (0..40_000_u32)
        .map(|place| {
            let user = format!("customer-{:06}", place.wrapping_mul(2_654_435_761) % 1_500);
            let kind = match place {
                0..2_000 if user.ends_with(['0', '2', '4', '6', '8']) => exposure("control"),
                0..2_000 => exposure("treatment"),
                _ => outcome("purchase", Some(f64::from(place % 97) * 0.1)),
            };
            let at = 10.0 + f64::from(place) * 0.0015;
            event(&place.to_string(), &[("user", &user)], at, 0.0, kind, None)
        })
        .collect();
    log(folder, &events, Layout::Mixed).await
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn little_memory_and_sharing_out_change_nothing() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let log = larger_log(folder.path()).await;
        let query = query(vec![
            metric("spent", "purchase", Aggregation::Sum, Some(24)),
            metric("mean", "purchase", Aggregation::Mean, None),
        ]);
        let roomy = embedded(&log, Settings::default()).measure(&query).await.unwrap();
        assert_eq!(roomy.health.exposures, 2_000);
        assert_eq!(roomy.health.outcomes, 38_000);
        for settings in [
            Settings { threads: 2, share_events: 5_000, ..Settings::default() },
            Settings { threads: 1, memory_bytes_max: 8 << 20, ..Settings::default() },
        ] {
            let got = embedded(&log, settings.clone()).measure(&query).await.unwrap();
            assert_eq!(
                serde_json::to_string(&got).unwrap(),
                serde_json::to_string(&roomy).unwrap(),
                "{settings:?}"
            );
        }
    });
}

#[test]
fn too_little_memory_and_a_damaged_file_are_told_apart() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let log = larger_log(folder.path()).await;
        let query = query(vec![metric("spent", "purchase", Aggregation::Sum, Some(24))]);
        let none = Settings { memory_bytes_max: 1_000, ..Settings::default() };
        let error = embedded(&log, none).measure(&query).await.unwrap_err();
        assert!(matches!(error, EngineError::Memory { bytes_max: 1_000, .. }), "{error}");

        let file = folder.path().join("sealed").join(&log.view().await.unwrap().files[0].path);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        let error = embedded(&log, Settings::default()).measure(&query).await.unwrap_err();
        assert!(matches!(error, EngineError::Log(_)), "{error}");
    });
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    #[track_caller]
    fn check(change: impl Fn(&mut Query), expected: &str) {
        let mut query = query(vec![metric("bought", "purchase", Aggregation::Any, Some(24))]);
        change(&mut query);
        assert_eq!(query.check().unwrap_err().to_string(), expected);
    }
    check(|query| query.arms.clear(), "the query names no arms; name at least one");
    check(|query| query.metrics.clear(), "the query names no metrics; name at least one");
    check(
        |query| query.metrics.push(query.metrics[0].clone()),
        "the query names metric `bought` twice; names must differ",
    );
    check(
        |query| query.epochs.reverse(),
        "epoch 1 starts at 2026-03-01T10:00:00Z, not after the epoch before it; order the epochs by their start",
    );
    check(
        |query| query.lateness = SignedDuration::from_hours(-1),
        "the lateness is 1h ago; it must not be negative",
    );
    check(
        |query| query.metrics[0].window = Some(SignedDuration::ZERO),
        "metric `bought` has window 0s; it must be longer than nothing",
    );
    check(
        |query| query.metrics[0].cap = Some(f64::NAN),
        "metric `bought` has cap NaN; it must be a positive number",
    );
}

fn shared_id(kind: &Kind) -> String {
    match kind {
        Kind::Exposure { flag, revision, .. } => format!("shared {flag} {revision:?}"),
        Kind::Outcome { name, .. } => format!("shared {name}"),
    }
}

pub(crate) fn any_metric() -> impl Strategy<Value = Metric> {
    let aggregation = prop::sample::select(vec![
        Aggregation::Any,
        Aggregation::Count,
        Aggregation::Sum,
        Aggregation::Mean,
        Aggregation::Last,
    ]);
    let condition = prop_oneof![
        Just(Condition::Attribute { name: "tier".to_owned(), equals: "paid".to_owned() }),
        (-10.0..50.0_f64).prop_map(Condition::ValueAtLeast),
        (0.0..90.0_f64).prop_map(Condition::ValueBelow),
    ];
    (
        prop::sample::select(vec!["purchase", "visit"]),
        aggregation,
        prop::option::of(1..80_i64),
        prop::option::weighted(0.3, 0.5..60.0_f64),
        prop::collection::vec(condition, 0..3),
    )
        .prop_map(|(event, aggregation, window, cap, filter)| Metric {
            cap,
            filter,
            ..metric("", event, aggregation, window)
        })
}

fn any_query() -> impl Strategy<Value = Query> {
    (
        prop::collection::vec(any_metric(), 1..5),
        prop::collection::btree_set(0..60_u8, 1..4),
        prop::sample::select(vec!["user", "user", "tenant"]),
        prop::option::weighted(0.8, Just("PC-1/1".to_owned())),
        prop_oneof![2 => Just(130.0), 1 => 20.0..100.0_f64],
        0..40_i64,
    )
        .prop_map(|(mut metrics, starts, unit_type, revision, as_of, lateness)| {
            for (place, metric) in metrics.iter_mut().enumerate() {
                metric.name = format!("m{place}");
            }
            let epochs = starts.iter().enumerate();
            let epochs = epochs
                .map(|(place, start)| Epoch { index: place as u32 + 1, starts_at: hour(f64::from(*start)) });
            Query {
                days: metrics[0].days(),
                unit_type: unit_type.to_owned(),
                revision,
                epochs: epochs.collect(),
                as_of: hour(as_of),
                lateness: SignedDuration::from_hours(lateness),
                ..query(metrics)
            }
        })
}

/// Some events are sent again, later.
pub(crate) fn any_log() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((any_event(), prop::option::weighted(0.15, 0.1..20.0_f64)), 0..60).prop_map(
        |sent| {
            let mut events = Vec::new();
            for (event, again) in sent {
                if let Some(delay) = again {
                    events.push(received_later(&event, delay));
                }
                events.push(event);
            }
            events
        },
    )
}

pub(crate) fn received_later(event: &Event, hours: f64) -> Event {
    let draft = Draft {
        id: Some(event.id().to_owned()),
        at: Some(event.at()),
        units: event.units().to_vec(),
        kind: event.kind().clone(),
        source: event.source().to_owned(),
        attributes: event.attributes().clone(),
    };
    let at = event.received_at() + SignedDuration::from_micros((hours * 3.6e9) as i64);
    Event::new(draft, Received { at, index: 0 }).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn every_engine_answers_as_the_reference_does(events in any_log(), query in any_query()) {
        check_on(&events, &query, &[Layout::Recent, Layout::Mixed]);
    }
}
