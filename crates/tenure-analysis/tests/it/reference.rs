//! What every engine must answer, told the slow way: all events in memory, unit by unit, straight from the
//! words of `Query` and `Answer`. Shares no code with any engine.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tenure_analysis::{
    Aggregation, Answer, ArmAnswer, Condition, EpochAnswer, Health, Metric, MetricAnswer, Query,
};
use tenure_events::{Event, Kind, REPEAT_HORIZON};
use tenure_stats::joint::Joint;

pub(crate) fn answer(events: &[Event], query: &Query) -> Answer {
    let mut known: Vec<&Event> = events
        .iter()
        .filter(|event| {
            event.at() <= query.as_of && event.received_at() <= query.as_of && about(event, query)
        })
        .collect();
    known.sort_by_key(|event| event.received_at());
    let mut health = Health::default();
    let mut counted: BTreeMap<_, Timestamp> = BTreeMap::new();
    let mut units: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in known {
        let first = event.unit();
        let identity = (&first.unit_type, &first.id, event.id());
        let received_at = event.received_at();
        if counted.get(&identity).is_some_and(|before| received_at.duration_since(*before) <= REPEAT_HORIZON)
        {
            health.duplicates += 1;
            continue;
        }
        counted.insert(identity, received_at);
        health.freshest_at = health.freshest_at.max(Some(event.at()));
        health.freshest_received_at = health.freshest_received_at.max(Some(event.received_at()));
        if event.received_at().duration_since(event.at()) > query.lateness {
            health.late += 1;
            continue;
        }
        let Some(unit) = event.units().iter().find(|unit| unit.unit_type == query.unit_type) else {
            health.without_unit += 1;
            continue;
        };
        match event.kind() {
            Kind::Exposure { variant, .. } if query.arms.contains(variant) => health.exposures += 1,
            Kind::Exposure { .. } => health.other_exposures += 1,
            Kind::Outcome { .. } => health.outcomes += 1,
        }
        units.entry(&unit.id).or_default().push(event);
    }
    let mut epochs: Vec<EpochAnswer> = query.epochs.iter().map(|epoch| empty(epoch.index, query)).collect();
    for (_, mut events) in units {
        events.sort_by(|a, b| {
            let by_value = worth(a).total_cmp(&worth(b));
            (a.at(), a.id()).cmp(&(b.at(), b.id())).then(by_value)
        });
        place(&events, query, &mut epochs, &mut health);
    }
    Answer { epochs, health }
}

fn worth(event: &Event) -> f64 {
    match event.kind() {
        Kind::Outcome { value, .. } => value.unwrap_or(f64::NEG_INFINITY),
        Kind::Exposure { .. } => f64::NEG_INFINITY,
    }
}

fn empty(epoch: u32, query: &Query) -> EpochAnswer {
    let metric = |metric: &Metric| MetricAnswer {
        name: metric.name.clone(),
        moments: Default::default(),
        immature: Default::default(),
    };
    let arm = |arm: &String| ArmAnswer {
        arm: arm.clone(),
        units: 0,
        metrics: query.metrics.iter().map(metric).collect(),
        by_day: (query.days > 0).then(|| Joint::new(query.days as usize)),
    };
    EpochAnswer { epoch, arms: query.arms.iter().map(arm).collect() }
}

fn about(event: &Event, query: &Query) -> bool {
    match event.kind() {
        Kind::Exposure { flag, revision, .. } => {
            *flag == query.flag && (query.revision.is_none() || *revision == query.revision)
        }
        Kind::Outcome { name, .. } => query.metrics.iter().any(|metric| metric.event == *name),
    }
}

fn place(events: &[&Event], query: &Query, epochs: &mut [EpochAnswer], health: &mut Health) {
    let exposures: Vec<(Timestamp, &String)> = events
        .iter()
        .filter_map(|event| match event.kind() {
            Kind::Exposure { variant, .. } if query.arms.contains(variant) => Some((event.at(), variant)),
            _ => None,
        })
        .collect();
    let Some((first, arm)) = exposures.first().copied() else { return };
    if exposures.iter().any(|(_, other)| *other != arm) {
        health.units_in_two_arms += 1;
        return;
    }
    let Some(epoch) = query.epochs.iter().rposition(|epoch| epoch.starts_at <= first) else {
        health.units_before_epochs += 1;
        return;
    };
    let arm = epochs[epoch].arms.iter_mut().find(|each| each.arm == *arm).unwrap();
    arm.units += 1;
    for (metric, answer) in query.metrics.iter().zip(&mut arm.metrics) {
        let value = value(events, metric, first);
        let mature = metric.window.is_none_or(|window| query.as_of.duration_since(first) >= window);
        if mature { &mut answer.moments } else { &mut answer.immature }.push(value);
    }
    let (Some(metric), Some(by_day)) = (query.metrics.first(), &mut arm.by_day) else { return };
    if metric.window.is_some_and(|window| query.as_of.duration_since(first) >= window) {
        let day = |day: u32| {
            let of = |event: &&&Event| {
                let hours = event.at().duration_since(first).as_secs_f64() / 3600.0;
                (f64::from(24 * day)..f64::from(24 * (day + 1))).contains(&hours)
            };
            let that: Vec<&Event> = events.iter().filter(of).copied().collect();
            value(&that, metric, first)
        };
        by_day.push(&(0..query.days).map(day).collect::<Vec<f64>>()).unwrap();
    }
}

fn value(events: &[&Event], metric: &Metric, first: Timestamp) -> f64 {
    let watched: Vec<&Event> = events
        .iter()
        .copied()
        .filter(|event| {
            let since = event.at().duration_since(first);
            since >= SignedDuration::ZERO && metric.window.is_none_or(|window| since < window)
        })
        .filter(|event| passes(event, metric))
        .collect();
    let values: Vec<f64> = watched
        .iter()
        .filter_map(|event| match event.kind() {
            Kind::Outcome { value, .. } => *value,
            Kind::Exposure { .. } => None,
        })
        .collect();
    let value = match metric.aggregation {
        Aggregation::Any => f64::from(u8::from(!watched.is_empty())),
        Aggregation::Count => watched.len() as f64,
        Aggregation::Sum => values.iter().sum(),
        Aggregation::Mean if values.is_empty() => 0.0,
        Aggregation::Mean => values.iter().sum::<f64>() / values.len() as f64,
        Aggregation::Last => values.last().copied().unwrap_or(0.0),
    };
    metric.cap.map_or(value, |cap| value.min(cap))
}

fn passes(event: &Event, metric: &Metric) -> bool {
    let Kind::Outcome { name, value } = event.kind() else { return false };
    *name == metric.event
        && metric.filter.iter().all(|condition| match condition {
            Condition::Attribute { name, equals } => event.attributes().get(name) == Some(equals),
            Condition::ValueAtLeast(bound) => value.is_some_and(|value| value >= *bound),
            Condition::ValueBelow(bound) => value.is_some_and(|value| value < *bound),
        })
}
