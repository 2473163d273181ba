//! The system's own look at a run: every arm against control, the arms that are closed for doing harm, and the result that is
//! registered when the last arm is judged.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_stats::joint::Joint;
use tenure_stats::novelty::Novelty;
use tenure_stats::replication::Corrected;
use tenure_stats::verdict::{self, Judged, Monitor, Verdict};

use super::{Run, RunArm, RunEnded, RunStatus};
use crate::comparison::{self, Compared, Comparison, TWO_ARMS_SHARE_MAX};
use crate::decide::Ask;
use crate::event::Event;
use crate::experiment::{ExperimentRegistered, RunResult};
use crate::health::{self, DataFinding, DataSeen};
use crate::id::{ExperimentId, MetricId};
use crate::look::{DaysSeen, EpochArms, GuardrailArms, GuardrailLook};
use crate::measurement::{Arm, Level, Outside, Point, engine};
use crate::metric::Direction;
use crate::person::{Actor, Seat};
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::{Stamp, days_later};

/// What the query engine returned of one arm: its matured units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArmSeen {
    /// The arm.
    pub arm: String,
    /// Its primary metric.
    pub primary: Arm,
    /// Its guardrails.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guardrails: BTreeMap<MetricId, Arm>,
    /// Values of its primary metric by day since first exposure, one variable a day from day 1 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_day: Option<Joint>,
}

/// What the query engine returned of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunLook {
    /// Every arm.
    pub arms: Vec<ArmSeen>,
    /// Units whose window has not passed.
    #[serde(default)]
    pub provisional_units: u64,
    /// Units that were seen in more than one arm, and count in none.
    #[serde(default)]
    pub units_in_two_arms: u64,
    /// A failed check of the data, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The engine that returned it, with its version.
    #[serde(default)]
    pub engine: String,
    /// A digest of what it read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// What was seen of the event log beside the moments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<DataSeen>,
}

/// Records a look of Tenure's own at a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordRun {
    /// At which.
    pub experiment: ExperimentId,
    /// What was seen.
    pub look: RunLook,
}

/// One arm at a look, and everything that was concluded from it then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArmMeasured {
    /// The arm.
    pub arm: String,
    /// The control's level.
    pub control: Level,
    /// The arm's level.
    pub treatment: Level,
    /// What the statistics said.
    pub judged: Judged,
    /// What the guardrails said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<GuardrailLook>,
    /// The effect by day since first exposure, and whether it wears off; shown, and decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_day: Option<Novelty>,
    /// What it was judged by, as the engine returned it.
    pub moments: EpochArms,
    /// The same of the guardrails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrail_moments: Vec<GuardrailArms>,
    /// Why the arm is closed from now on; none when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
}

/// A look at a run, and everything that was concluded from it then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunMeasured {
    /// 1 for the first of the run.
    pub number: u32,
    /// The date.
    pub on: Date,
    /// The engine that made it, with its version.
    pub engine: String,
    /// A digest of what the engine answered: the same data give the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// Every arm that was open.
    pub arms: Vec<ArmMeasured>,
    /// Units whose window has not passed.
    #[serde(default)]
    pub provisional_units: u64,
    /// Units seen in more than one arm.
    #[serde(default)]
    pub units_in_two_arms: u64,
    /// Checks of the data, the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<DataFinding>,
}

/// A run was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunLooked {
    /// Which.
    pub experiment: ExperimentId,
    /// What was measured and concluded.
    #[serde(flatten)]
    pub measured: Box<RunMeasured>,
    /// What the next look has to know of each arm.
    pub monitors: BTreeMap<String, Monitor>,
}

impl RecordRun {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let run = ask.run(&self.experiment)?;
        ask.seated(&[Seat::System], Some(run.place()), "record a look of Tenure's own")?;
        if run.status() != RunStatus::Running {
            return Err(run.not(RunStatus::Running));
        }
        let (measured, monitors) = Looking { ask, run, look: &self.look }.measured()?;
        let mut events = vec![
            RunLooked { experiment: self.experiment.clone(), measured: Box::new(measured.clone()), monitors }
                .into(),
        ];
        let looks = measured.number;
        // Arms that were closed before stand with their last look.
        let before = run.arms.values().filter_map(|arm| arm.latest.as_ref());
        let before = before.filter(|before| measured.arms.iter().all(|now| now.arm != before.arm));
        let arms: Vec<&ArmMeasured> = measured.arms.iter().chain(before).collect();
        let over = run.has_lasted(ask, run.plan.max_days);
        let unbelieved = measured.arms.iter().find_map(|arm| arm.judged.fault.clone());
        match (unbelieved, best(&arms, run.plan.metric.direction)) {
            (Some(fault), _) if over => {
                let reason = format!("its data are not to be believed at its end: {fault}");
                events.extend(run.end(ask, None, looks, Some(reason))?);
            }
            (None, best) if arms.iter().all(|arm| arm.is_settled()) => {
                let reason = best.is_none().then(|| "every arm was closed for harm".to_owned());
                events.extend(run.end(ask, best, looks, reason)?);
            }
            _ => {}
        }
        Ok(events)
    }
}

/// The arm that a result is of: the best of those that are judged, a positive before all others. An arm that was closed for
/// harm to a guardrail is none.
pub(super) fn best<'a>(arms: &[&'a ArmMeasured], direction: Direction) -> Option<&'a ArmMeasured> {
    let rank = |arm: &ArmMeasured| {
        let gain = arm.judged.estimate.map_or(f64::NEG_INFINITY, |estimate| direction.gain(estimate));
        (arm.judged.verdict == Verdict::Positive, gain)
    };
    let judged = arms.iter().copied().filter(|arm| {
        let unharmed = arm.closed.is_none() || arm.judged.verdict == Verdict::Negative;
        arm.judged.verdict.is_judged() && unharmed
    });
    judged.max_by(|a, b| {
        let ((won, gain), (other_won, other_gain)) = (rank(a), rank(b));
        won.cmp(&other_won).then(gain.total_cmp(&other_gain))
    })
}

impl ArmMeasured {
    /// Whether there is nothing more to wait for.
    fn is_settled(&self) -> bool {
        self.closed.is_some() || self.judged.verdict.is_judged()
    }
}

/// One look being taken.
struct Looking<'a> {
    ask: &'a Ask<'a>,
    run: &'a Run,
    look: &'a RunLook,
}

impl Looking<'_> {
    fn measured(&self) -> Result<(RunMeasured, BTreeMap<String, Monitor>), Refusal> {
        let (run, look) = (self.run, self.look);
        let Some((control, others)) = run.control_and_others() else {
            return Err(Refusal::wrong_state("this experiment has no arms"));
        };
        let units = look.arms.iter().map(|arm| arm.primary.n()).fold(0, u64::saturating_add);
        let fault = comparison::fault(look.fault.as_ref(), units, look.units_in_two_arms);
        let control = (control, self.seen(&control.name)?);
        let (mut arms, mut monitors) = (Vec::new(), BTreeMap::new());
        for arm in others.iter().filter(|arm| !run.is_closed(&arm.name)) {
            let (measured, monitor) = self.against(control, arm, fault.clone())?;
            monitors.insert(arm.name.clone(), monitor);
            arms.push(measured);
        }
        let measured = RunMeasured {
            number: run.looks + 1,
            on: run.today(self.ask),
            engine: if look.engine.is_empty() { engine() } else { look.engine.clone() },
            inputs: look.inputs.clone(),
            arms,
            provisional_units: look.provisional_units,
            units_in_two_arms: look.units_in_two_arms,
            health: self.health(),
        };
        Ok((measured, monitors))
    }

    fn seen(&self, name: &str) -> Result<&ArmSeen, Refusal> {
        let seen = self.look.arms.iter().find(|seen| seen.arm == name);
        seen.ok_or_else(|| Refusal::argument(format!("look: arm {name} is missing")))
    }

    /// One arm against control.
    fn against(
        &self,
        (control, control_seen): (&RunArm, &ArmSeen),
        arm: &RunArm,
        fault: Option<String>,
    ) -> Result<(ArmMeasured, Monitor), Refusal> {
        let (run, plan) = (self.run, &self.run.plan);
        let known = run.arms.get(&arm.name);
        let Some((known, looks)) = known.and_then(|known| Some((known, known.plan.as_ref()?))) else {
            return Err(Refusal::wrong_state(format!("arm {} has no plan to look by", arm.name)));
        };
        let seen = self.seen(&arm.name)?;
        let moments = EpochArms { epoch: 0, control: control_seen.primary, treatment: seen.primary };
        let guardrail_moments: Vec<GuardrailArms> = seen
            .guardrails
            .iter()
            .filter_map(|(metric, treatment)| {
                let control = *control_seen.guardrails.get(metric)?;
                let epochs = vec![EpochArms { epoch: 0, control, treatment: *treatment }];
                Some(GuardrailArms { metric: metric.clone(), epochs })
            })
            .collect();
        let days = control_seen.by_day.as_ref().zip(seen.by_day.as_ref());
        let by_day = days.map(|(control, treatment)| DaysSeen {
            days: (1..).take(control.variables()).collect(),
            control: control.clone(),
            treatment: treatment.clone(),
        });
        let (weight, of_control) = (f64::from(arm.weight), f64::from(control.weight));
        let compared = Comparison {
            state: self.ask.state,
            plan: looks,
            planned_n: plan.planned_n,
            monitor: &known.monitor,
            original: plan.effect.map(|estimate| Corrected { estimate, se: looks.se_plan }),
            treatment_share: weight / (weight + of_control),
            guardrails: &plan.guardrails,
            guardrail_tests: plan.guardrails.len() * run.arms_compared(),
            frozen: &known.guardrails,
            wave: verdict::Wave::Measured,
            minimum_duration_passed: run.has_lasted(self.ask, plan.min_days),
            largest_duration_reached: run.has_lasted(self.ask, plan.max_days),
            fault,
        }
        .look(std::slice::from_ref(&moments), &guardrail_moments, by_day.as_ref())?;
        let harmed = compared.harmed();
        let Compared { monitor, judged, control, treatment, guardrails, by_day } = compared;
        let closed = match (harmed, judged.verdict) {
            (Some(metric), _) => Some(format!("the guardrail {metric} is harmed")),
            (None, Verdict::Negative) => Some(judged.sentence.clone()),
            _ => None,
        };
        let arm = arm.name.clone();
        let measured = ArmMeasured {
            arm,
            control,
            treatment,
            judged,
            guardrails,
            by_day,
            moments,
            guardrail_moments,
            closed,
        };
        Ok((measured, monitor))
    }

    fn health(&self) -> Vec<DataFinding> {
        let run = self.run;
        let total: f64 = run.open_arms().map(|arm| f64::from(arm.weight)).sum();
        let share = |arm: &RunArm| if run.is_closed(&arm.name) { 0.0 } else { f64::from(arm.weight) / total };
        let shares: Vec<f64> = run.plan.arms.iter().map(share).collect();
        let context = health::Context {
            now: self.ask.now.at,
            shares: &shares,
            srm_p: self.ask.state.policy_for(&run.plan.team).srm_p,
            units_in_two_arms: self.look.units_in_two_arms,
            two_arms_share_max: TWO_ARMS_SHARE_MAX,
            drift: None,
            unit: &run.plan.metric.unit,
            what: "experiment",
        };
        self.look.seen.as_ref().map(|seen| seen.findings(&context)).unwrap_or_default()
    }
}

impl Run {
    fn today(&self, ask: &Ask<'_>) -> Date {
        ask.state.calendar(&self.plan.team).date(ask.now.at)
    }

    fn has_lasted(&self, ask: &Ask<'_>, days: u32) -> bool {
        self.started_on.is_some_and(|since| self.today(ask) >= days_later(since, i64::from(days)))
    }

    /// What the end of the run records: with a result, the experiment that it becomes.
    pub(super) fn end(
        &self,
        ask: &Ask<'_>,
        result: Option<&ArmMeasured>,
        looks: u32,
        reason: Option<String>,
    ) -> Result<Vec<Event>, Refusal> {
        let arm = result.map(|result| result.arm.clone());
        let mut events = vec![RunEnded { experiment: self.experiment.clone(), arm, reason }.into()];
        if let Some(result) = result {
            // What follows of a result follows in the name of whoever planned the run.
            let planner = Actor::of(self.planned.by.clone());
            events.extend(self.registered(ask, result, looks).events(ask, &planner));
        }
        Ok(events)
    }

    fn registered(&self, ask: &Ask<'_>, result: &ArmMeasured, looks: u32) -> ExperimentRegistered {
        let plan = &self.plan;
        let weight = |name: &str| {
            plan.arms.iter().find(|arm| arm.name == name).map_or(0.0, |arm| f64::from(arm.weight))
        };
        let of_control = plan.arms.first().map_or(0.0, |arm| f64::from(arm.weight));
        let of_arm = weight(&result.arm);
        ExperimentRegistered {
            experiment: self.experiment.clone(),
            team: plan.team.clone(),
            title: plan.title.clone(),
            hypothesis: plan.hypothesis.clone(),
            metric: plan.metric.clone(),
            ended: self.today(ask),
            measurement: Outside {
                control: result.moments.control,
                treatment: result.moments.treatment,
                planned_n: plan.planned_n,
                split: Some(of_arm / (of_arm + of_control)),
                source: None,
            },
            judged: Box::new(result.judged.clone()),
            parent: plan.parent.clone(),
            baseline: plan.baseline.clone(),
            surface: plan.surface.clone(),
            prior: None,
            run: Some(RunResult {
                arm: result.arm.clone(),
                arms: u32::try_from(self.arms_compared()).unwrap_or(u32::MAX),
                looks,
                information_fraction: result.judged.information_fraction,
            }),
        }
    }
}

impl RunLooked {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let Some(run) = state.runs.get_mut(&self.experiment) else { return };
        run.looks = self.measured.number;
        run.looked = Some(stamp.at);
        for measured in &self.measured.arms {
            let arm = run.arms.entry(measured.arm.clone()).or_default();
            if let Some(monitor) = self.monitors.get(&measured.arm) {
                arm.monitor = monitor.clone();
            }
            for look in &measured.guardrails {
                if let Some(design) = look.design {
                    arm.guardrails.insert(look.metric.clone(), design);
                }
            }
            let judged = &measured.judged;
            if let (Some(estimate), Some(interval)) = (judged.estimate, judged.interval) {
                let units = measured.control.n + measured.treatment.n;
                let point =
                    Point { at: stamp.at, units, estimate, interval, bounds: judged.bounds, own: true };
                point.put_on(&mut arm.track);
            }
            arm.latest = Some(measured.clone());
        }
        run.latest = Some(RunMeasured::clone(&self.measured));
    }
}
