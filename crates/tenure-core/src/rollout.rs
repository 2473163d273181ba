//! Rollouts: the plan by which a case's flag is raised, its waves, and the append-only allocation log.
//!
//! What is exposed is a pure function of plan and state: nothing else can raise it.

pub mod exclusion;
pub(crate) mod gate;
pub mod holdback;

use std::collections::BTreeSet;

use exclusion::{Range, RangeAsked};
use holdback::Holdback;
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::codebase::stated;
use crate::decide::Ask;
use crate::design::Design;
use crate::event::Event;
use crate::id::{CaseId, EnvironmentId, MetricId};
use crate::measurement::Verdict;
use crate::person::{Role, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::time::Stamp;

/// The longest salt.
const SALT_BYTES_MAX: usize = 100;

/// What a wave is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaveKind {
    /// Looks for harm; has no verdict.
    Safety,
    /// Measures.
    #[serde(alias = "measured")]
    Measure,
}

/// One step of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "WaveForm")]
pub struct Wave {
    /// The share of all units that meet the feature, in percent.
    pub percent: f64,
    /// What it is for.
    pub kind: WaveKind,
    /// Hours it lasts before the next may start by itself; the policy's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_hours: Option<u32>,
    /// Units an arm that it needs before the next may start by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_units: Option<u64>,
    /// Whether a person starts it even in an automatic rollout.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approval: bool,
}

/// The two ways of writing a wave: `[5, "safety"]` or an object.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a wave is [percent, \"safety\" or \"measure\"] or {percent, kind, …}")]
enum WaveForm {
    Short(f64, WaveKind),
    Long {
        percent: f64,
        kind: WaveKind,
        #[serde(default)]
        min_hours: Option<u32>,
        #[serde(default)]
        min_units: Option<u64>,
        #[serde(default)]
        approval: bool,
    },
}

impl From<WaveForm> for Wave {
    fn from(form: WaveForm) -> Self {
        match form {
            WaveForm::Short(percent, kind) => {
                Self { percent, kind, min_hours: None, min_units: None, approval: false }
            }
            WaveForm::Long { percent, kind, min_hours, min_units, approval } => {
                Self { percent, kind, min_hours, min_units, approval }
            }
        }
    }
}

/// A metric that must not get worse by more than its margin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Guardrail {
    /// The metric.
    pub metric: MetricId,
    /// How much worse is borne, relative to the control's level: 0.02 is two percent.
    #[serde(default = "one_percent")]
    pub margin: f64,
}

fn one_percent() -> f64 {
    0.01
}

/// The plan by which a flag is raised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The waves, in order.
    pub waves: Vec<Wave>,
    /// The context attribute that carries the unit.
    pub unit: String,
    /// The primary metric; the experiment's own when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricId>,
    /// How another metric or unit than the experiment's follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// Hours after first exposure in which a unit's outcomes count; the metric's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_hours: Option<u32>,
    /// Units an arm at the planned end; from the corrected experiment when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_n: Option<u64>,
    /// Days of measured waves before a positive verdict.
    pub min_days: u32,
    /// Days of rollout after which an open verdict is "not significant, underpowered".
    pub max_days: u32,
    /// The share of admitted units that get the treatment.
    pub treatment_share: f64,
    /// Whether Tenure starts the waves and takes the looks.
    pub automatic: bool,
    /// The environment it is raised in.
    pub environment: EnvironmentId,
    /// Metrics that must not get worse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<Guardrail>,
    /// What units are drawn by: rollouts that share a salt, and are in the same iteration, put a unit into the same arm. The
    /// case's own when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// The units it may admit, among rollouts that must not meet in one unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusion: Option<Range>,
    /// Who goes on without the feature for a while after a keep; nobody when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdback: Option<Holdback>,
}

/// What a case's flag showed to whom from an instant on; the log of these is append-only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Allocation {
    /// From when.
    pub at: Timestamp,
    /// Counts changes of coverage over the whole case, from 0.
    pub epoch: u32,
    /// In which iteration.
    pub iteration: u32,
    /// In which wave of the plan, counted from 0; none when the case is kept or pulled.
    pub wave: Option<usize>,
    /// The share of all units that meet the feature, in percent.
    pub exposure_percent: f64,
    /// The share of all units that are admitted to either arm, in percent.
    pub admitted_percent: f64,
}

/// The wave that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Running {
    /// Its place in the plan, counted from 0.
    pub wave: usize,
    /// Since when.
    pub since: Timestamp,
    /// When the first wave of this iteration started.
    pub started: Timestamp,
    /// The date the first measured wave of this iteration started.
    pub measured_since: Option<Date>,
    /// The date the first wave of this iteration started.
    pub started_on: Date,
}

impl Case {
    /// The wave that runs or was stopped last in this iteration.
    pub fn wave(&self) -> Option<&Wave> {
        let running = self.running.as_ref()?;
        self.plan.as_ref()?.waves.get(running.wave)
    }

    /// The share of all units that meet the feature now, in percent.
    pub fn exposure_percent(&self) -> f64 {
        if self.hold.is_some() {
            return 0.0;
        }
        let wave = || self.wave().map_or(0.0, |wave| wave.percent);
        match self.stage {
            Stage::RollingOut => wave(),
            Stage::Outcome if self.verdict() == Some(Verdict::Negative) => 0.0,
            Stage::Outcome => wave(),
            Stage::Productionised => 100.0 - self.held_back().map_or(0.0, |held_back| held_back.percent),
            Stage::Closed => 100.0,
            _ => 0.0,
        }
    }

    /// The share of all units that are admitted to either arm now, in percent.
    pub fn admitted_percent(&self) -> f64 {
        let exposed = self.exposure_percent();
        match (self.stage, &self.plan) {
            (Stage::RollingOut | Stage::Outcome, Some(plan)) => (exposed / plan.treatment_share).min(100.0),
            (Stage::Productionised, _) if exposed > 0.0 => 100.0,
            _ => exposed,
        }
    }

    /// Opens an epoch when coverage changed.
    pub(crate) fn log_allocation(&mut self, at: Timestamp) {
        let exposure_percent = self.exposure_percent();
        let wave = match self.stage {
            Stage::RollingOut | Stage::Outcome if exposure_percent > 0.0 => {
                self.running.as_ref().map(|running| running.wave)
            }
            _ => None,
        };
        let unchanged = match self.allocations.last() {
            None => exposure_percent == 0.0,
            Some(last) => {
                last.exposure_percent == exposure_percent
                    && last.wave == wave
                    && (last.iteration == self.iteration || exposure_percent == 0.0)
            }
        };
        if unchanged {
            return;
        }
        let epoch = self.allocations.last().map_or(0, |last| last.epoch + 1);
        self.allocations.push(Allocation {
            at,
            epoch,
            iteration: self.iteration,
            wave,
            exposure_percent,
            admitted_percent: self.admitted_percent(),
        });
    }

    /// The epochs of the present iteration in which both arms were served, oldest first.
    pub fn epochs(&self) -> impl Iterator<Item = &Allocation> {
        self.allocations
            .iter()
            .filter(|allocation| allocation.iteration == self.iteration && allocation.wave.is_some())
    }
}

/// Sets the plan by which the flag is raised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetRolloutPlan {
    /// Of which case.
    pub case: CaseId,
    /// The waves, in order: `[percent, "safety" | "measure"]` or objects.
    #[serde(default)]
    pub waves: Vec<Wave>,
    /// The context attribute that carries the unit; the experiment's unit when left out.
    #[serde(default)]
    pub unit: Option<String>,
    /// The primary metric; the experiment's own when left out.
    #[serde(default)]
    pub metric: Option<MetricId>,
    /// How another metric or unit than the experiment's follows from it.
    #[serde(default)]
    pub mapping: Option<String>,
    /// Hours after first exposure in which outcomes count.
    #[serde(default)]
    pub window_hours: Option<u32>,
    /// Units an arm at the planned end.
    #[serde(default)]
    pub planned_n: Option<u64>,
    /// Days of measured waves before a positive verdict; 7 when left out.
    #[serde(default)]
    pub min_days: Option<u32>,
    /// Days of rollout after which an open verdict is closed; 90 when left out.
    #[serde(default)]
    pub max_days: Option<u32>,
    /// The share of admitted units that get the treatment; one half, or what the largest wave needs, when left out.
    #[serde(default)]
    pub treatment_share: Option<f64>,
    /// Whether Tenure starts the waves and takes the looks.
    #[serde(default)]
    pub automatic: bool,
    /// The environment; the flag's when left out.
    #[serde(default)]
    pub environment: Option<EnvironmentId>,
    /// Metrics that must not get worse.
    #[serde(default)]
    pub guardrails: Vec<Guardrail>,
    /// A word that linked rollouts share, so that a unit is in the same arm of each; the case's own when left out.
    #[serde(default)]
    pub salt: Option<String>,
    /// A group of rollouts that must not meet in one unit, and a range of units in it.
    #[serde(default)]
    pub exclusion: Option<RangeAsked>,
    /// Who goes on without the feature for a while after a keep: a share of all units, for so many days.
    #[serde(default)]
    pub holdback: Option<Holdback>,
}

/// Starts the next wave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartWave {
    /// Of which case.
    pub case: CaseId,
}

/// The plan was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutPlanSet {
    /// Of which case.
    pub case: CaseId,
    /// The plan.
    pub plan: Plan,
}

/// A wave started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaveStarted {
    /// Of which case.
    pub case: CaseId,
    /// Its place in the plan, counted from 0.
    pub wave: usize,
    /// The share of all units that meet the feature, in percent.
    pub percent: f64,
    /// What it is for.
    pub kind: WaveKind,
    /// The date it started.
    pub on: Date,
    /// What the looks of this iteration go by; frozen with its first wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<Design>,
    /// What is to be known about other rollouts, when the first wave of an iteration starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl SetRolloutPlan {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        for metric in self.metric.iter().chain(self.guardrails.iter().map(|guardrail| &guardrail.metric)) {
            let Some(defined) = ask.state.metrics.get(metric) else {
                return Err(Refusal::not_found("metric", metric));
            };
            if self.automatic
                && let Some(refusal) = defined.not_live(metric)
            {
                return Err(refusal);
            }
        }
        ask.may(case, &[Role::DevelopmentLead, Role::ProductManager].map(Seat::Role), "plan the rollout")?;
        ask.stage(case, &[Stage::Ready])?;
        let largest = self.waves.iter().map(|wave| wave.percent).fold(0.0, f64::max);
        // Half of the admitted, or as much as the largest wave needs: the rest is the control cohort.
        let needed = if largest < 100.0 { (largest / 100.0).max(0.5) } else { 0.5 };
        let share = self.treatment_share.unwrap_or(needed);
        if !(share > 0.0 && share < 1.0) {
            return Err(Refusal::argument(format!(
                "treatment_share is {share}: give a share between 0 and 1"
            )));
        }
        check_waves(&self.waves, share)?;
        self.holdback.as_ref().map_or(Ok(()), |holdback| holdback.check(share))?;
        let plan = self.plan(ask, case, share)?;
        if case.plan.as_ref() == Some(&plan) {
            return Ok(Vec::new());
        }
        Ok(vec![RolloutPlanSet { case: self.case.clone(), plan }.into()])
    }

    fn plan(&self, ask: &Ask<'_>, case: &Case, treatment_share: f64) -> Result<Plan, Refusal> {
        let (min_days, max_days) = (self.min_days.unwrap_or(7), self.max_days.unwrap_or(90));
        if max_days == 0 || min_days > max_days {
            return Err(Refusal::argument(format!(
                "min_days is {min_days} and max_days {max_days}: give a largest duration that holds the smallest"
            )));
        }
        let margins = self.guardrails.iter().map(|guardrail| guardrail.margin);
        if let Some(margin) = margins.into_iter().find(|margin| !(*margin > 0.0 && *margin < 1.0)) {
            return Err(Refusal::argument(format!("margin is {margin}: give a share above 0 and below 1")));
        }
        let measured = ask.state.experiments.get(&case.experiment).map(|experiment| &experiment.metric);
        let own = measured.and_then(|metric| MetricId::new(metric.name.clone()).ok());
        let metric = self.metric.clone().or(own.filter(|metric| ask.state.metrics.contains_key(metric)));
        if self.automatic && metric.is_none() {
            return Err(Refusal::argument(
                "metric is missing: an automatic rollout counts the events of a metric, so define one and name it",
            )
            .missing(["define_metric", "metric"]));
        }
        let unit = self
            .unit
            .clone()
            .or_else(|| measured.map(|metric| metric.unit.clone()))
            .unwrap_or_else(|| "targetingKey".to_owned());
        guarded_once(metric.as_ref(), &self.guardrails)?;
        let mapping = stated(self.mapping.as_deref()).map(str::to_owned);
        let differs = measured.is_some_and(|metric| {
            metric.unit != unit || self.metric.as_ref().is_some_and(|own| own.as_str() != metric.name)
        });
        if differs && mapping.is_none() {
            return Err(Refusal::argument(
                "metric or unit is not the experiment's: say in mapping how the one follows from the other",
            )
            .missing(["mapping"]));
        }
        let home = case.flag.as_ref().map_or_else(crate::flag::production, |flag| flag.environment.clone());
        if let Some(other) = self.environment.as_ref().filter(|environment| **environment != home) {
            return Err(Refusal::argument(format!(
                "environment is {other}, and the flag of this case is raised in {home}: leave it out"
            )));
        }
        let salt = stated(self.salt.as_deref()).map(str::to_owned);
        if salt.as_ref().is_some_and(|salt| salt.len() > SALT_BYTES_MAX) {
            return Err(Refusal::argument(format!("salt: at most {SALT_BYTES_MAX} bytes")));
        }
        let range = |asked| exclusion::place(ask, case, asked, &unit, &self.waves, treatment_share);
        let exclusion = self.exclusion.as_ref().map(range).transpose()?;
        Ok(Plan {
            waves: self.waves.clone(),
            unit,
            metric,
            mapping,
            window_hours: self.window_hours,
            planned_n: self.planned_n,
            min_days,
            max_days,
            treatment_share,
            automatic: self.automatic,
            environment: home,
            guardrails: self.guardrails.clone(),
            salt,
            exclusion,
            holdback: self.holdback.clone(),
        })
    }
}

fn check_waves(waves: &[Wave], share: f64) -> Result<(), Refusal> {
    if let Some(wave) = waves.iter().find(|wave| !(wave.percent > 0.0 && wave.percent <= 100.0)) {
        return Err(Refusal::argument(format!(
            "a wave exposes {} %: give above 0 and up to 100",
            wave.percent
        )));
    }
    if !waves.iter().any(|wave| wave.kind == WaveKind::Measure) {
        return Err(Refusal::new(RefusalCode::NoMeasuredWave, "no wave of the plan is measured")
            .missing(["a wave of kind measure"]));
    }
    if waves.iter().any(|wave| wave.percent == 100.0) {
        return Err(Refusal::new(
            RefusalCode::FullRolloutNeedsVerdict,
            "a wave of 100 % would leave nobody to compare with: everyone sees it when it is kept",
        ));
    }
    // Half a millionth of slack: 70 % at a share of 0.7 is 100.00000000000001 % admitted in binary.
    if let Some(wave) = waves.iter().find(|wave| wave.percent / share > 100.0 + 5e-7) {
        return Err(Refusal::new(
            RefusalCode::NoControlCohort,
            format!(
                "a wave of {} % with a treatment share of {share} would admit {:.0} % of the units; {:.0} % is the most",
                wave.percent,
                wave.percent / share,
                share * 100.0
            ),
        ));
    }
    if waves.windows(2).any(|pair| pair[0].percent > pair[1].percent) {
        return Err(Refusal::argument("waves go down: a rollout raises its coverage, a hold lowers it"));
    }
    Ok(())
}

impl StartWave {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let mut seats = [Role::DevelopmentLead, Role::ProductManager].map(Seat::Role).to_vec();
        if case.plan.as_ref().is_some_and(|plan| plan.automatic) {
            seats.push(Seat::System);
        }
        ask.may(case, &seats, "start a wave")?;
        ask.stage(case, &[Stage::Ready, Stage::RollingOut])?;
        exposable(case)?;
        let Some(plan) = &case.plan else {
            return Err(Refusal::wrong_state(format!("case {} has no rollout plan", case.id))
                .missing(["set_rollout_plan by the development lead or the product manager"]));
        };
        let next = case.running.as_ref().map_or(0, |running| running.wave + 1);
        if next == 0 {
            exclusion::still_free(ask.state, case, plan)?;
        }
        let Some(wave) = plan.waves.get(next) else {
            return Err(Refusal::wrong_state(format!(
                "the last wave of {} is running: its verdict comes next",
                case.id
            )));
        };
        let design = match (&case.running, ask.state.experiments.get(&case.experiment)) {
            (None, Some(experiment)) => {
                Design::new(experiment, plan, ask.state.policy_of(case), case.iteration).ok()
            }
            _ => None,
        };
        Ok(vec![
            WaveStarted {
                case: self.case.clone(),
                wave: next,
                percent: wave.percent,
                kind: wave.kind,
                on: ask.owner_date(case),
                design,
                warning: if next == 0 { ask.state.overlap_warning(case) } else { None },
            }
            .into(),
        ])
    }
}

/// A metric is judged once in a plan.
pub(crate) fn guarded_once(primary: Option<&MetricId>, guardrails: &[Guardrail]) -> Result<(), Refusal> {
    let mut seen: BTreeSet<&MetricId> = primary.into_iter().collect();
    match guardrails.iter().find(|guardrail| !seen.insert(&guardrail.metric)) {
        Some(Guardrail { metric, .. }) => Err(Refusal::argument(format!(
            "guardrails: metric {metric} is named twice, or is what is measured anyway: name it once"
        ))),
        None => Ok(()),
    }
}

/// What stands between a case and its customers.
fn exposable(case: &Case) -> Result<(), Refusal> {
    let without = case.teams_without_warranty();
    if case.warranty.is_none() || !without.is_empty() {
        return Err(Refusal::new(
            RefusalCode::WarrantyNotAgreed,
            "the warranty is not agreed by every product team",
        )
        .missing(without.iter().map(|team| format!("agree_warranty by the product owner of {team}"))));
    }
    let not_signed_off = case.teams_not_signed_off();
    if !not_signed_off.is_empty() {
        return Err(Refusal::new(
            RefusalCode::BuyInNotCurrent,
            not_signed_off
                .iter()
                .map(|team| format!("the sign-off of {team} is {}", case.sign_off_status(team).name()))
                .collect::<Vec<_>>()
                .join(", "),
        )
        .missing(not_signed_off.iter().map(|team| format!("answer_buy_in by the product owner of {team}"))));
    }
    let conditions = case.open_conditions();
    if !conditions.is_empty() {
        return Err(Refusal::new(
            RefusalCode::ConditionOpen,
            format!("a condition of a sign-off is open: {}", conditions.join(", ")),
        )
        .missing(conditions));
    }
    if let Some(hold) = &case.hold {
        return Err(Refusal::new(RefusalCode::Held, format!("exposure is held: {}", hold.cause.sentence()))
            .since(hold.since.at));
    }
    Ok(())
}

impl RolloutPlanSet {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        case.plan = Some(self.plan.clone());
    }
}

impl WaveStarted {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let before = case.running.take();
        let measured = (self.kind == WaveKind::Measure).then_some(self.on);
        case.running = Some(Running {
            wave: self.wave,
            since: stamp.at,
            started: before.as_ref().map_or(stamp.at, |running| running.started),
            started_on: before.as_ref().map_or(self.on, |running| running.started_on),
            measured_since: before.and_then(|running| running.measured_since).or(measured),
        });
        if let Some(design) = &self.design {
            case.measurements.design = Some(design.clone());
        }
        case.warnings.extend(self.warning.clone());
        case.first_exposed.get_or_insert(stamp.at);
        case.first_exposed_on.get_or_insert(self.on);
        if case.stage != Stage::RollingOut {
            case.enter(Stage::RollingOut, stamp);
        }
    }
}
