//! Statsig: an experiment with its pulse results, as its Console API answers them.
//!
//! Read are `{"experiment": …, "pulse": …}`, the answers of `GET /console/v1/experiments/ID` and `…/ID/pulse_results` put
//! together (each with or without its `data` around it), or the pulse results alone. Member names may be in camel or in
//! snake case.
//!
//! What is to be known of the numbers: whether `testStd` is the deviation of a unit or the standard error of the mean is not
//! said in the answer. Here the interval and the p-value beside it decide; where they do not, the fault says so.

use serde_json::Value as Json;
use tenure_stats::normal;

use super::arms::{Reported, Side, arms, is_binomial};
use super::field::Field;
use super::{About, Choices, Compared, Fault, Intake, Notes, date_of, register};
use crate::metric::Direction;
use tenure_stats::number;

/// Reads a Statsig document.
///
/// Errors: everything that keeps it from being taken in, each with its place and the remedy.
pub fn read(document: &Json, choices: &Choices) -> Result<Intake, Vec<Fault>> {
    let mut notes = Notes::default();
    let root = Field::root(document);
    let inner = |field: Field<'_>| -> Option<()> { field.get("data").map(|_| ()) };
    let opened = |name: &str| {
        root.get(name)
            .map(|field| if inner(field.clone()).is_some() { field.get("data") } else { Some(field) })
    };
    let experiment = opened("experiment").flatten().filter(|field| field.value.is_object());
    let has_metrics = |field: &Field<'_>| LISTS.iter().any(|list| field.get(list).is_some());
    let pulse =
        ["pulse", "pulse_results", "data"].iter().find_map(|name| opened(name).flatten().filter(has_metrics));
    let pulse = pulse.or_else(|| Some(root.clone()).filter(has_metrics));
    let compared = pulse.as_ref().ok_or_else(|| {
        root.fault("there are no pulse results: put the answer of GET /console/v1/experiments/ID/pulse_results under `pulse`")
    });
    let compared = compared.and_then(|pulse| compared_arms(&mut notes, pulse, experiment.as_ref(), choices));
    let (compared, direction) = match notes.keep(compared) {
        Some((compared, direction)) => (Some(compared), direction),
        None => (None, None),
    };
    let about = about(&mut notes, pulse.as_ref(), experiment.as_ref(), direction);
    let command = compared.and_then(|compared| register(&mut notes, choices, about, compared));
    notes.finish(command.into_iter().collect())
}

/// The lists of metrics, the most important first.
const LISTS: [&str; 5] =
    ["primaryMetrics", "primary_metrics", "secondaryMetrics", "secondary_metrics", "monitoringMetrics"];

fn compared_arms(
    notes: &mut Notes,
    pulse: &Field<'_>,
    experiment: Option<&Field<'_>>,
    choices: &Choices,
) -> Result<(Compared, Option<Direction>), Fault> {
    let metric = metric(notes, pulse, choices)?;
    let name = name_of(&metric);
    let split = groups(notes, experiment, choices)?;
    let read = |names: [&str; 2]| -> Result<Option<f64>, Fault> {
        metric.any(&names).map(|field| field.number()).transpose()
    };
    let need =
        |names: [&str; 2]| metric.any(&names).ok_or_else(|| metric.fault(format!("{} is missing", names[0])));
    let units =
        [need(["controlUnits", "control_units"])?.count()?, need(["testUnits", "test_units"])?.count()?];
    let means = [read(["controlMean", "control_mean"])?, read(["testMean", "test_mean"])?];
    let deviations = [read(["controlStd", "control_std"])?, read(["testStd", "test_std"])?];
    let effect = Effect::read(&metric)?;
    let told = experiment.and_then(|experiment| experiment.get("defaultConfidenceInterval"));
    let told = told.map(|field| field.number()).transpose()?.map(|percent| percent / 100.0);
    let confidence = choices.confidence.or(told);
    let (variances, se) = match (deviations, &effect) {
        ([Some(control), Some(test)], Some(effect)) if control > 0.0 && test > 0.0 => {
            let (is_error, se) = meaning(notes, &metric, [control, test], units, effect, confidence)?;
            let variance =
                |deviation: f64, n: u64| deviation * deviation * if is_error { n as f64 } else { 1.0 };
            ([Some(variance(control, units[0])), Some(variance(test, units[1]))], se)
        }
        (_, Some(effect)) => ([None, None], effect.se(confidence.unwrap_or(0.95))),
        (_, None) => {
            return Err(metric.fault(
                "neither absoluteChange nor percentChange is given, so that nothing says what testStd is",
            ));
        }
    };
    let sides = [0, 1].map(|arm| side(units[arm], means[arm], variances[arm]));
    let reported = effect.map(|effect| Reported { estimate: effect.estimate, is_lift: effect.is_lift, se });
    let found = arms(notes, &metric.path, choices.kind, sides, reported);
    let (kind, control, treatment) = found.map_err(|says| metric.fault(says))?;
    let direction = match metric.text("directionality").as_deref() {
        Some("increase") => Some(Direction::Increase),
        Some("decrease") => Some(Direction::Decrease),
        _ => None,
    };
    let compared = Compared {
        metric: name,
        kind,
        control,
        treatment,
        split,
        source: "Statsig, pulse results".to_owned(),
    };
    Ok((compared, direction))
}

/// The effect with what says how sure it is.
struct Effect {
    estimate: f64,
    is_lift: bool,
    /// Half the width of its interval.
    half: Option<f64>,
    p_value: Option<f64>,
}

impl Effect {
    fn read(metric: &Field<'_>) -> Result<Option<Self>, Fault> {
        let read = |names: &[&str]| metric.any(names).map(|field| field.number()).transpose();
        let p_value = read(&["pValue", "p_value"])?.filter(|p| *p > 0.0 && *p < 1.0);
        let half = |half: Option<f64>| half.map(f64::abs).filter(|half| *half > 0.0);
        if let Some(estimate) = read(&["absoluteChange", "absolute_change", "value"])? {
            let half = half(read(&["confidenceIntervalDelta", "confidence_interval_delta"])?);
            return Ok(Some(Self { estimate, is_lift: false, half, p_value }));
        }
        let Some(percent) = read(&["percentChange", "percent_change"])? else { return Ok(None) };
        let half = half(read(&["percentConfidenceIntervalDelta", "percent_confidence_interval_delta"])?);
        Ok(Some(Self {
            estimate: percent / 100.0,
            is_lift: true,
            half: half.map(|half| half / 100.0),
            p_value,
        }))
    }

    fn se(&self, confidence: f64) -> Option<f64> {
        self.half
            .filter(|_| confidence > 0.0 && confidence < 1.0)
            .map(|half| half / normal::critical(1.0 - confidence))
    }
}

/// Confidences that intervals are made with.
const USUAL: [f64; 7] = [0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.999];

/// Whether the deviations are standard errors of the means, and the effect's standard error. Its interval decides; where that
/// was widened for several looks or metrics, its p-value.
fn meaning(
    notes: &mut Notes,
    metric: &Field<'_>,
    [control, test]: [f64; 2],
    [nc, nt]: [u64; 2],
    effect: &Effect,
    confidence: Option<f64>,
) -> Result<(bool, Option<f64>), Fault> {
    let as_errors = control.hypot(test);
    let as_deviations = (control * control / nc as f64 + test * test / nt as f64).sqrt();
    let readings = [(true, as_errors), (false, as_deviations)];
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 0.01;
    let says = |is_error: bool| {
        if is_error { "the standard errors of the means" } else { "the deviations of a unit" }
    };
    if let Some(half) = effect.half.filter(|_| !effect.is_lift) {
        let levels = confidence.map_or(USUAL.to_vec(), |chosen| vec![chosen]);
        for (is_error, se) in readings {
            if let Some(level) = levels.iter().find(|level| near(half, normal::critical(1.0 - **level) * se))
            {
                let level = number::percent(*level);
                notes.understood(
                    &metric.path,
                    format!("the std members are {}, as the interval of {level} shows", says(is_error)),
                );
                return Ok((is_error, Some(se)));
            }
        }
    }
    if let Some(p) = effect.p_value.filter(|_| !effect.is_lift) {
        for (is_error, se) in readings {
            let z = effect.estimate.abs() / se;
            let [two_sided, one_sided] = [normal::two_sided(z), normal::two_sided(z) / 2.0];
            if near(p, two_sided) || near(p, one_sided) || near(p, 1.0 - one_sided) {
                notes.understood(
                    &metric.path,
                    format!("the std members are {}, as the p-value shows", says(is_error)),
                );
                notes.warn(
                    &metric.path,
                    "the interval is another than the std members make: it was widened, and is left aside",
                );
                return Ok((is_error, Some(se)));
            }
        }
    }
    Err(metric.fault(
        "the std members may be the deviations of a unit or the standard errors of the means, and neither the interval nor the \
         p-value says which: choose the `confidence` of the interval, or export without CUPED and corrections",
    ))
}

/// One arm; counts when mean and variance are those of zeros and ones.
fn side(n: u64, mean: Option<f64>, variance: Option<f64>) -> Side {
    let successes = mean.zip(variance).and_then(|(mean, variance)| {
        let successes = mean * n as f64;
        let is_count = (successes - successes.round()).abs() < 1e-6 * successes.max(1.0);
        (is_count && is_binomial(mean, variance)).then(|| successes.round() as u64)
    });
    Side { n, successes, mean, variance }
}

fn name_of(metric: &Field<'_>) -> String {
    let named =
        ["metricName", "metric_name", "metricID", "metric_id"].iter().find_map(|name| metric.text(name));
    named.unwrap_or_else(|| metric.path.clone())
}

/// The primary metric: the one chosen, or the only primary one.
fn metric<'a>(notes: &mut Notes, pulse: &Field<'a>, choices: &Choices) -> Result<Field<'a>, Fault> {
    let all: Vec<(bool, Field<'a>)> = LISTS
        .iter()
        .flat_map(|list| pulse.items(list).into_iter().map(|metric| (list.starts_with("primary"), metric)))
        .collect();
    let list = || all.iter().map(|(_, metric)| name_of(metric)).collect::<Vec<_>>().join(", ");
    let is = |metric: &Field<'_>, wanted: &str| {
        let names = ["metricID", "metric_id", "metricName", "metric_name"].map(|name| metric.text(name));
        names.iter().flatten().any(|name| name == wanted || name.split("::").next() == Some(wanted))
    };
    let primary: Vec<_> = all.iter().filter(|(primary, _)| *primary).collect();
    let chosen = match (&choices.metric, primary.as_slice(), all.as_slice()) {
        (Some(wanted), _, _) => all.iter().find(|(_, metric)| is(metric, wanted)).ok_or_else(|| {
            pulse.fault(format!("there is no metric `{wanted}`: choose `metric` among {}", list()))
        })?,
        (None, [only], _) => only,
        (None, [], [only]) => only,
        _ => {
            return Err(pulse.fault(format!(
                "several metrics could be the primary one: choose `metric` among {}",
                list()
            )));
        }
    };
    for (_, other) in all.iter().filter(|(_, other)| other.path != chosen.1.path) {
        notes.ignored(&other.path, format!("the metric {}", name_of(other)));
    }
    Ok(chosen.1.clone())
}

/// Which groups the results compare, and the share that was to be treated when it is not one half.
fn groups(
    notes: &mut Notes,
    experiment: Option<&Field<'_>>,
    choices: &Choices,
) -> Result<Option<f64>, Fault> {
    let Some(experiment) = experiment else { return Ok(None) };
    let groups = experiment.items("groups");
    let is = |group: &Field<'_>, wanted: &str| {
        ["name", "id"]
            .iter()
            .filter_map(|name| group.text(name))
            .any(|name| name.eq_ignore_ascii_case(wanted))
    };
    let name = |group: &Field<'_>| group.text("name").or_else(|| group.text("id")).unwrap_or_default();
    let list = || groups.iter().map(name).collect::<Vec<_>>().join(", ");
    let at = |wanted: &str| {
        groups
            .iter()
            .position(|group| is(group, wanted))
            .ok_or_else(|| experiment.fault(format!("there is no group `{wanted}`: choose among {}", list())))
    };
    let control = match (&choices.control, experiment.text("controlGroupID")) {
        (Some(chosen), _) => Some(at(chosen)?),
        (None, Some(id)) => at(&id).ok(),
        (None, None) => at("control").ok(),
    };
    let others: Vec<usize> = (0..groups.len()).filter(|group| Some(*group) != control).collect();
    let treatment = match (&choices.treatment, others.as_slice()) {
        (Some(chosen), _) => Some(at(chosen)?),
        (None, [only]) => Some(*only),
        _ => None,
    };
    if others.len() > 1 {
        let Some(treatment) = treatment else {
            return Err(experiment.fault(format!(
                "pulse results compare two groups, and the experiment has {}: choose `treatment` among {}",
                groups.len(),
                list()
            )));
        };
        let shown = name(&groups[treatment]);
        notes.picked(&experiment.path, &shown, others.len());
        notes.warn(
            &experiment.path,
            format!("check that the pulse results are {shown}'s: they do not say it"),
        );
    }
    let size = |group: Option<usize>| groups[group?].number_of("size").ok().flatten();
    let share =
        size(treatment).zip(size(control)).map(|(treatment, control)| treatment / (treatment + control));
    Ok(share.filter(|share| *share > 0.0 && *share < 1.0 && (share - 0.5).abs() > 1e-9))
}

fn about(
    notes: &mut Notes,
    pulse: Option<&Field<'_>>,
    experiment: Option<&Field<'_>>,
    direction: Option<Direction>,
) -> About {
    let last_day = pulse.and_then(|pulse| pulse.text("ds")).as_deref().and_then(date_of);
    let Some(experiment) = experiment else {
        return About { ended: last_day, direction, ..About::default() };
    };
    let hypothesis = notes.beliefs(experiment, &["description", "tags", "owner", "decisionReason"]);
    if experiment.text("healthCheckStatus").is_some_and(|status| status != "PASSED") {
        notes.warn(format!("{}.healthCheckStatus", experiment.path), "its health checks did not pass there");
    }
    let instant = |name: &str| {
        let milliseconds = experiment.number_of(name).ok().flatten()?;
        let at = jiff::Timestamp::from_millisecond(milliseconds as i64).ok()?;
        Some(jiff::tz::TimeZone::UTC.to_datetime(at).date())
    };
    let ended = instant("endTime").or_else(|| instant("decisionTime"));
    if let (None, Some(day)) = (ended, last_day) {
        notes.understood("pulse.ds", format!("the last day of data, {day}, for the end of the experiment"));
    }
    About {
        name: experiment.text("id").or_else(|| experiment.text("name")),
        title: experiment.text("name"),
        hypothesis,
        ended: ended.or(last_day),
        unit: experiment.text("idType"),
        direction,
    }
}
