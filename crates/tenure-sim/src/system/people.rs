//! The people of a simulated rollout: they bring a winner to its first wave, stop exposure now and then, and try to keep
//! whatever comes out. What they must not be able to do, they try too.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use tenure_core::hold::Cause;
use tenure_core::id::AccountId;
use tenure_core::measurement::Verdict;
use tenure_core::{Actor, Case, Stage};

use super::customers::WINDOW;
use super::process::{Process, case};
use crate::chance::Chance;

/// The simulated case.
pub const CASE: &str = "PC-1";
/// Its flag.
pub const FLAG: &str = "invite-prompt";

/// Who is in the company, with which roles.
const PEOPLE: &[(&str, &[&str])] = &[
    ("lead", &["development_lead"]),
    ("manager", &["product_manager"]),
    ("designer", &["design_lead", "developer"]),
    ("owner", &["product_owner:boards", "codebase_owner:boards-web"]),
];

/// Who gives which command, from an empty company to the day of the first wave.
fn history(plan: Json) -> Vec<(&'static str, &'static str, Json)> {
    let metric = |name: &str, direction: &str| json!({"metric": name, "kind": "proportion", "event": name, "direction": direction, "window_hours": WINDOW.as_hours()});
    let grants = PEOPLE.iter().flat_map(|(account, roles)| {
        roles.iter().map(move |role| ("system", "grant_role", json!({"account": account, "role": role})))
    });
    let of = |with: Json| match with {
        Json::Object(mut with) => {
            with.insert("case".to_owned(), json!(CASE));
            Json::Object(with)
        }
        other => other,
    };
    let passed = |item: &str| of(json!({"codebase": "boards-web", "item": item, "result": "passed"}));
    let steps = vec![
        ("system", "define_team", json!({"team": "growth"})),
        ("system", "define_team", json!({"team": "boards"})),
        ("system", "define_codebase", json!({"codebase": "boards-web", "items": ["qa_demo", "pr_review"]})),
        ("system", "define_metric", metric("visit", "increase")),
        ("system", "define_metric", metric("error", "decrease")),
        (
            "manager",
            "register_experiment",
            json!({
                "experiment": "EXP-1", "team": "growth", "ended": "2026-02-13", "metric": {"name": "visit"},
                "measurement": {"control": [20140, 2417], "treatment": [20065, 2729]},
            }),
        ),
        ("lead", "open_case", of(json!({"experiment": "EXP-1"}))),
        ("lead", "request_consultation", of(json!({"team": "boards"}))),
        ("owner", "answer_consultation", of(json!({"team": "boards", "codebases": ["boards-web"]}))),
        (
            "lead",
            "submit_estimate",
            of(json!({"codebase": "boards-web", "days": [9, 14, 22], "maintenance_days_per_year": 4})),
        ),
        (
            "manager",
            "set_cost_benefit",
            of(json!({"benefit_per_year": 51840, "one_off_cost": 12350, "maintenance_per_year": 2600})),
        ),
        ("manager", "decide", of(json!({"kind": "proceed", "reason": "it pays"}))),
        ("lead", "confirm_decision", of(json!({}))),
        ("designer", "confirm_decision", of(json!({}))),
        ("manager", "request_buy_in", of(json!({"team": "boards"}))),
        ("owner", "answer_buy_in", of(json!({"team": "boards", "answer": "approve"}))),
        ("lead", "reserve_backlog", of(json!({"days": 14}))),
        ("designer", "create_flag", of(json!({"key": FLAG}))),
        ("owner", "checklist", passed("qa_demo")),
        ("owner", "checklist", passed("pr_review")),
        ("designer", "finish_building", of(json!({}))),
        ("lead", "propose_warranty", of(json!({"months": 6}))),
        ("owner", "agree_warranty", of(json!({"team": "boards"}))),
        ("lead", "set_rollout_plan", of(plan)),
    ];
    grants.chain(steps).collect()
}

/// Somebody of the company.
fn actor(name: &str) -> Result<Actor, String> {
    Ok(Actor::of(name.parse::<AccountId>().map_err(|fault| fault.to_string())?))
}

/// Brings the case to the day before its first wave.
pub async fn prepare(process: &mut impl Process, now: Timestamp, plan: Json) -> Result<(), String> {
    for (by, name, with) in history(plan) {
        must(process, by, now, name, with).await?;
    }
    Ok(())
}

/// A command that has to be carried out.
pub async fn must(
    process: &mut impl Process,
    by: &str,
    now: Timestamp,
    name: &str,
    with: Json,
) -> Result<(), String> {
    let answer = process.submit(&actor(by)?, now, name, with).await?;
    answer.map_err(|refused| format!("{name} by {by} is refused ({}): {}", refused.code, refused.sentence))
}

/// A command that must be refused in this way.
async fn must_not(
    process: &mut impl Process,
    by: &str,
    now: Timestamp,
    name: &str,
    with: Json,
    code: &str,
) -> Result<(), String> {
    match process.submit(&actor(by)?, now, name, with).await? {
        Err(refused) if refused.code == code => Ok(()),
        Err(refused) => {
            Err(format!("{name} by {by} is refused as {} and not {code}: {}", refused.code, refused.sentence))
        }
        Ok(()) => Err(format!("{name} by {by} was carried out, and should be {code}")),
    }
}

/// How a rollout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ended {
    /// Positive, and kept.
    Kept,
    /// Positive with a guardrail that is worse: not kept without a justification, so it was removed.
    Justifiable,
    /// Not significant, and removed.
    NotSignificant,
    /// Negative: exposure was 0 at once, nobody could keep it, and it was removed.
    Negative,
    /// Held because of harm, and removed.
    Held,
}

/// What people do about the case now; how it ended, if this ends it.
pub async fn act(
    process: &mut impl Process,
    now: Timestamp,
    chance: &mut Chance,
) -> Result<Option<Ended>, String> {
    let runs = process
        .read(|state| case(state).map(|case| case.stage == Stage::RollingOut && case.hold.is_none()))?;
    if runs && !chance.happens(0.003) {
        return Ok(None);
    }
    let case = process.read(|state| case(state).cloned())?;
    let with = |more: Json| match more {
        Json::Object(mut with) => {
            with.insert("case".to_owned(), json!(CASE));
            Json::Object(with)
        }
        other => other,
    };
    match (case.stage, &case.hold) {
        (Stage::RollingOut, None) => {
            must(process, "owner", now, "stop_exposure", with(json!({"reason": "the button jumps"}))).await?;
            must_not(process, "lead", now, "start_wave", with(json!({})), "held").await?;
            Ok(None)
        }
        (Stage::RollingOut, Some(hold)) => match hold.cause {
            Cause::Stopped(_) => {
                if now.duration_since(hold.since.at) >= SignedDuration::from_hours(18) {
                    must(process, "lead", now, "release_hold", with(json!({"reason": "it does not"})))
                        .await?;
                }
                Ok(None)
            }
            Cause::Harm(_) | Cause::Guardrail(_) => {
                must_not(process, "lead", now, "start_wave", with(json!({})), "held").await?;
                must(process, "manager", now, "decide_outcome", with(json!({"kind": "remove"}))).await?;
                Ok(Some(Ended::Held))
            }
        },
        (Stage::Outcome, _) => decide(process, &case, now).await,
        _ => Ok(None),
    }
}

/// A positive waits for somebody to decide, two days here; nothing else can be kept.
async fn decide(process: &mut impl Process, case: &Case, now: Timestamp) -> Result<Option<Ended>, String> {
    let outcome = |kind: &str| json!({"case": CASE, "kind": kind});
    let judged =
        case.measurements.judged_in(case.iteration).ok_or("an outcome without a judged measurement")?;
    let ended = match judged.verdict {
        Verdict::Positive if now.duration_since(case.stage_since) < SignedDuration::from_hours(48) => {
            if case.exposure_percent() <= 0.0 {
                return Err("a positive waits at no exposure".to_owned());
            }
            return Ok(None);
        }
        Verdict::Positive if !judged.needs_justification => {
            must(process, "manager", now, "decide_outcome", outcome("keep")).await?;
            return Ok(Some(Ended::Kept));
        }
        Verdict::Positive => {
            must_not(process, "manager", now, "decide_outcome", outcome("keep"), "not_allowed").await?;
            Ended::Justifiable
        }
        Verdict::NotSignificant => {
            must_not(process, "manager", now, "decide_outcome", outcome("keep"), "not_allowed").await?;
            Ended::NotSignificant
        }
        Verdict::Negative => {
            if case.exposure_percent() != 0.0 {
                return Err(format!("{} % meet a negative", case.exposure_percent()));
            }
            for kind in ["keep", "keep_justified"] {
                must_not(process, "manager", now, "decide_outcome", outcome(kind), "negative_cannot_be_kept")
                    .await?;
            }
            Ended::Negative
        }
        Verdict::Immature | Verdict::Invalid => return Err("an outcome that is no judgement".to_owned()),
    };
    must(process, "manager", now, "decide_outcome", outcome("remove")).await?;
    Ok(Some(ended))
}
