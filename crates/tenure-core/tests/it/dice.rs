//! Random commands by random people, biased towards what a case waits for, so that runs go deep.

use serde_json::{Value as Json, json};
use tenure_core::id::CaseId;
use tenure_core::{Actor, Command, RefusalCode, Stage, decide};

use crate::town::Town;

/// Everybody who may try something; some of them may not do anything.
pub const PEOPLE: [&str; 17] = [
    "development-lead",
    "product-manager",
    "design-lead",
    "lead-developer",
    "developer",
    "designer",
    "boards-owner",
    "boards-web-owner",
    "identity-owner",
    "identity-core-owner",
    "three-hats",
    "admin",
    "falcon-lead",
    "stranger",
    "system",
    "guest:INV-0",
    "guest:INV-1",
];
const TEAMS: [&str; 2] = ["boards", "identity"];
const CODEBASES: [(&str, [&str; 2]); 2] =
    [("boards-web", ["qa_demo", "pr_review"]), ("identity-core", ["pr_review", "security_review"])];

/// A stream of small choices; at its end it begins again.
pub struct Dice<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl Dice<'_> {
    pub fn roll(&mut self, sides: usize) -> usize {
        let byte = self.bytes[self.at % self.bytes.len()];
        self.at += 1;
        usize::from(byte) % sides
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }

    /// True so many times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    pub fn has_more(&self) -> bool {
        self.at < self.bytes.len()
    }
}

/// Arguments for a command of a case, mostly sensible.
pub fn arguments(dice: &mut Dice<'_>, town: &Town, name: &str) -> Json {
    let state = &town.world.state;
    let (codebase, items) = dice.pick(&CODEBASES);
    let days = i64::try_from(state.seq).unwrap_or(0);
    let later = format!("20{}-06-15", 28 + days % 3);
    let after = |days: i64| town.day.checked_add(jiff::Span::new().days(days)).unwrap();
    match name {
        "register_platform_change" => {
            json!({"platform_change": format!("CH-{}", dice.roll(9)), "tags": [dice.pick(&["cheap", "other"])]})
        }
        "delegate_prep" => json!({"to": dice.pick(&["lead-developer", "designer"])}),
        "request_consultation" | "request_buy_in" | "agree_warranty" => json!({"team": dice.pick(&TEAMS)}),
        "answer_consultation" => match dice.roll(3) {
            0 => json!({"team": "identity", "codebases": ["identity-core"]}),
            1 => json!({"team": "boards", "codebases": ["boards-web", "identity-core"]}),
            _ => json!({"team": "boards", "codebases": ["boards-web"]}),
        },
        "submit_estimate" => {
            let high = dice.pick(&[3, 3, 30]);
            json!({"codebase": codebase, "days": [1, 2, high], "maintenance_days_per_year": 1})
        }
        "set_cost_benefit" => {
            json!({"benefit_per_year": 900, "one_off_cost": 100, "maintenance_per_year": 10})
        }
        "decide" => match dice.roll(8) {
            0 => json!({"kind": "park", "reason": "dear", "unblock": ["cheap"]}),
            1 => json!({"kind": "rerun", "reason": "dear", "goals": ["simpler"]}),
            2 => json!({"kind": dice.pick(&["park", "rerun"]), "reason": "dear"}),
            _ => json!({"kind": "proceed", "reason": "pays"}),
        },
        "withdraw_case" | "retire_case" => json!({"reason": dice.pick(&["over", "over", ""])}),
        "reopen_case" => json!({"override": dice.chance(80)}),
        "snooze_suggestion" => json!({"platform_change": "CH-0", "until": after(7)}),
        "review_parked" => json!({"review_on": after(60)}),
        "answer_buy_in" => match dice.roll(10) {
            0 => json!({"team": dice.pick(&TEAMS), "answer": "refuse"}),
            1 => json!({"team": dice.pick(&TEAMS), "answer": "changes_requested"}),
            2 => {
                json!({"team": dice.pick(&TEAMS), "answer": "approve_with_conditions", "conditions": ["dark"]})
            }
            _ => json!({"team": dice.pick(&TEAMS), "answer": "approve"}),
        },
        "invite_sign_off" => {
            let invitation = dice.pick(&["INV-0", "INV-1", "INV-2", "INV-3"]);
            json!({"team": dice.pick(&TEAMS), "invitation": invitation, "person": "Grace", "until": after(5)})
        }
        "revoke_invitation" => json!({"invitation": dice.pick(&["INV-0", "INV-1"])}),
        "ask_question" => json!({"team": dice.pick(&TEAMS), "question": dice.pick(&["why", "when"])}),
        "answer_question" => json!({"team": dice.pick(&TEAMS), "reply": "so"}),
        "satisfy_condition" => json!({"team": dice.pick(&TEAMS), "condition": "dark"}),
        "log_deviation" => {
            let kind = dice.pick(&["parity", "parity", "polish", "polish", "adjustment", "redesign"]);
            json!({"kind": kind, "description": "x"})
        }
        "rule_deviation" => json!({"number": 1, "kind": dice.pick(&["parity", "adjustment"])}),
        "add_follow_up" | "start_follow_up" => json!({"follow_up": dice.pick(&["FU-1", "FU-2"])}),
        "reserve_backlog" => json!({"days": 5}),
        "assign_builder" => json!({"developer": "developer"}),
        "checklist" => json!({
            "codebase": codebase, "item": dice.pick(&items), "reason": dice.pick(&["seen", "seen", ""]),
            "result": dice.pick(&["passed", "passed", "passed", "waived", "failed", "blocked"]),
        }),
        "attach_evidence" => json!({"codebase": codebase, "item": dice.pick(&items), "evidence": "pull/7"}),
        "propose_warranty" | "extend_warranty" => json!({"months": 1 + dice.roll(6)}),
        "set_rollout_plan" => plan(dice),
        "guardrail_breach" => json!({"name": "errors"}),
        "record_measurement" => {
            let (control, treatment) = ([30_000, 3_600], dice.pick(&[3_900, 3_900, 3_610, 3_300]));
            let planned = dice.pick(&[0, 0, 0, 0, 90_000]);
            json!({"measurement": {"control": control, "treatment": [30_000, treatment], "planned_n": planned}})
        }
        "decide_outcome" => {
            let kind = dice.pick(&["keep", "keep", "keep", "keep_justified", "iterate", "iterate", "remove"]);
            let pays = dice.pick(&["boards", "boards", ""]);
            let justification =
                json!({"why": "w", "maintenance_days": 1, "who_pays": pays, "review_on": later});
            let acknowledges = dice.pick(&["boards-owner", "boards-owner", "stranger"]);
            json!({"kind": kind, "justification": justification, "product_owner_acknowledges": acknowledges})
        }
        "review_keep" => json!({"kind": dice.pick(&["affirm", "remove"]), "review_on": later}),
        "confirm_removed" => json!({"codebase": codebase}),
        "report_bug" | "fix_bug" => json!({"bug": dice.pick(&["BUG-1", "BUG-2"])}),
        "dispute_bug" => {
            let bug = dice.pick(&["BUG-1", "BUG-2"]);
            match dice.roll(3) {
                0 => json!({"bug": bug, "reason": "mail", "reported_on": after(-60)}),
                1 => json!({"bug": bug, "reason": "mail", "reported_on": after(-20)}),
                _ => json!({"bug": bug, "reason": "theirs", "belongs_to": dice.pick(&["PC-1", "PC-B"])}),
            }
        }
        "settle_dispute" => {
            let upheld = dice.chance(60);
            json!({"bug": dice.pick(&["BUG-1", "BUG-2"]), "upheld": upheld, "reason": "seen"})
        }
        "acknowledge_hand_over" => json!({"team": dice.pick(&TEAMS)}),
        "create_flag" => json!({"key": format!("flag-{}", dice.roll(200))}),
        "offer_onus" => json!({"team": "boards"}),
        "dismiss_suggestion" => json!({"platform_change": "CH-0"}),
        "open_case" => json!({"experiment": dice.pick(&["EXP-1", "EXP-B", "EXP-LOST", "EXP-OLD"])}),
        "give_notice" => json!({"name": "late", "sentence": "it is late"}),
        _ => about_the_world(dice, name, [town.day.to_string(), after(30).to_string()]),
    }
}

/// Arguments for commands that set Tenure up.
fn about_the_world(dice: &mut Dice<'_>, name: &str, [day, after]: [String; 2]) -> Json {
    let teams = ["kestrel", "boards", "identity", "falcon"];
    match name {
        "define_team" => json!({"team": dice.pick(&teams), "name": dice.pick(&["Falcon", "Kestrel"])}),
        "dissolve_team" => {
            json!({"team": dice.pick(&teams), "successor": dice.pick(&teams), "reason": "reorganised"})
        }
        "accept_succession" => json!({"team": dice.pick(&teams)}),
        "define_codebase" => match dice.roll(2) {
            0 => json!({"codebase": "boards-web", "items": ["qa_demo", "pr_review"], "team": "boards"}),
            _ => {
                json!({"codebase": "identity-core", "items": ["pr_review", {"name": "security_review", "within_days": 3}]})
            }
        },
        "grant_role" | "revoke_role" => {
            let account = dice.pick(&["stranger", "designer"]);
            json!({"account": account, "role": dice.pick(&["observer", "developer", "codebase_owner:boards-web"])})
        }
        "plan_run" => {
            let experiment = format!("RUN-{}", dice.roll(4));
            json!({
                "experiment": experiment, "team": "kestrel", "flag": experiment, "metric": "primary",
                "level": 0.15, "smallest_lift": dice.pick(&[0.1, 0.1, 2.0]), "max_days": 30,
            })
        }
        "start_run" | "stop_run" => json!({"experiment": format!("RUN-{}", dice.roll(4)), "reason": "r"}),
        "record_run" => {
            let seen = |arm: &str, done: u64| json!({"arm": arm, "primary": [20_000, done]});
            let done = dice.pick(&[3_010, 3_600, 2_400]);
            json!({
                "experiment": format!("RUN-{}", dice.roll(4)),
                "look": {"arms": [seen("control", 3_000), seen("treatment", done)]},
            })
        }
        "set_policy" => json!({"policy": {"deviation_budget": dice.pick(&[4, 5, 6])}}),
        "define_metric" => json!({"metric": dice.pick(&["primary", "errors"])}),
        "set_flag" => {
            json!({"key": "hand", "environment": dice.pick(&["production", "staging"]), "definition": {
                "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": dice.pick(&["on", "off"]),
            }})
        }
        "archive_flag" => json!({"key": "hand", "environment": dice.pick(&["production", "staging"])}),
        "describe_flag" => {
            json!({"key": "hand", "lifetime": {"until": after}, "tags": [dice.pick(&["ui", "api"])]})
        }
        "set_segment" => {
            json!({"segment": dice.pick(&["beta", "staff"]), "holds": {"members": [dice.pick(&["ann", "bob"])]}})
        }
        "archive_segment" => json!({"segment": dice.pick(&["beta", "staff"])}),
        "set_environment" => {
            json!({"environment": dice.pick(&["production", "staging"]), "approvals": dice.roll(3)})
        }
        "archive_environment" => json!({"environment": dice.pick(&["staging", "attic"])}),
        "propose_change" | "edit_change" => json!({
            "request": dice.pick(&["CR-0", "CR-1", "CR-2"]), "environment": dice.pick(&["production", "staging"]), "reason": "r",
            "changes": [{"do": "set_flag", "with": {"key": "hand", "definition": {
                "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": dice.pick(&["on", "off"]),
            }}}],
        }),
        "approve_change" => {
            json!({"request": dice.pick(&["CR-0", "CR-1"]), "revision": dice.pick(&[1, 1, 2])})
        }
        "reject_change" | "withdraw_change" | "apply_change" => {
            json!({"request": dice.pick(&["CR-0", "CR-1"]), "reason": "r"})
        }
        "record_references" => {
            json!({"codebase": dice.pick(&["boards-web", "identity-core"]), "files": 9, "counts": {"hand": dice.roll(2)}})
        }
        "name_deputy" => {
            let (account, deputy) =
                (dice.pick(&["boards-owner", "design-lead"]), dice.pick(&["designer", "stranger"]));
            json!({"account": account, "deputy": deputy, "from": day, "until": after})
        }
        "revoke_deputy" => json!({"account": "boards-owner", "deputy": "designer"}),
        "set_calendar" => {
            json!({"team": dice.pick(&teams), "time_zone": dice.pick(&["UTC", "Pacific/Auckland"])})
        }
        "change_case_policy" => {
            json!({"policy": {"deviation_budget": dice.pick(&[4, 5, 6])}, "reason": "agreed"})
        }
        _ => json!({}),
    }
}

fn plan(dice: &mut Dice<'_>) -> Json {
    let waves = match dice.roll(8) {
        0 => json!([[5, "safety"]]),
        1 => json!([[100, "measure"]]),
        2 => return json!({"waves": [[60, "measure"]], "treatment_share": 0.5}),
        3 | 4 => json!([[5, "safety"], [50, "measure"]]),
        _ => json!([[50, "measure"]]),
    };
    match dice.roll(3) {
        0 => json!({"waves": waves, "holdback": {"percent": dice.pick(&[5, 5, 60]), "days": 20}}),
        _ => json!({ "waves": waves }),
    }
}

/// Commands that people give without being waited on, or before it is time; more than once what there is seldom cause for.
const UNASKED: [&str; 64] = [
    "plan_run",
    "start_run",
    "record_run",
    "stop_run",
    "log_deviation",
    "rule_deviation",
    "add_follow_up",
    "start_follow_up",
    "stop_exposure",
    "guardrail_breach",
    "release_hold",
    "end_holdback",
    "end_holdback",
    "end_holdback",
    "report_bug",
    "fix_bug",
    "dispute_bug",
    "dispute_bug",
    "dispute_bug",
    "settle_dispute",
    "withdraw_case",
    "retire_case",
    "delegate_prep",
    "accept_delegation",
    "revoke_delegation",
    "acknowledge_keep",
    "extend_warranty",
    "request_consultation",
    "assign_builder",
    "attach_evidence",
    "invite_sign_off",
    "revoke_invitation",
    "ask_question",
    "answer_question",
    "answer_buy_in",
    "satisfy_condition",
    "register_platform_change",
    "dismiss_suggestion",
    "dismiss_suggestion",
    "dismiss_suggestion",
    "dismiss_suggestion",
    "dismiss_suggestion",
    "dismiss_suggestion",
    "snooze_suggestion",
    "snooze_suggestion",
    "snooze_suggestion",
    "snooze_suggestion",
    "snooze_suggestion",
    "snooze_suggestion",
    "snooze_suggestion",
    "review_parked",
    "dissolve_team",
    "decide_outcome",
    "prepare_hand_over",
    "acknowledge_hand_over",
    "set_cost_benefit",
    "finish_building",
    "start_wave",
    "record_measurement",
    "review_keep",
    "close_case",
    "name_deputy",
    "revoke_deputy",
    "give_notice",
];

/// One step: what is waited for by somebody who may, the end of a stage before its time, an answer by invitation, an unasked
/// command, or anything by anybody. None when what came out is no command.
pub fn step(dice: &mut Dice<'_>, town: &Town) -> Option<(Actor, Command)> {
    let cases: Vec<CaseId> = town.world.state.cases.keys().cloned().collect();
    let case = cases[dice.roll(cases.len())].clone();
    let kind = dice.roll(100);
    match kind {
        0..54 => return waited_for(dice, town, &case),
        54..60 => return hurried(dice, town, &case),
        60..62 => return invited(dice, town, &case),
        _ => {}
    }
    let mut drawn = unasked(dice, town, &case, kind < 85);
    for _ in 0..3 {
        if kind >= 95 || drawn.as_ref().is_some_and(|(by, command)| tells(town, by, command)) {
            break;
        }
        drawn = unasked(dice, town, &case, kind < 85);
    }
    drawn
}

/// What ends the stage of a case, whether or not its time has come.
fn hurried(dice: &mut Dice<'_>, town: &Town, case: &CaseId) -> Option<(Actor, Command)> {
    let name = match town.world.state.cases[case].stage {
        Stage::Preparation => "decide",
        Stage::Parked => "reopen_case",
        Stage::BuyIn => "answer_buy_in",
        Stage::Building => "finish_building",
        Stage::Ready | Stage::RollingOut => "start_wave",
        Stage::Outcome => "decide_outcome",
        Stage::Productionised => "close_case",
        Stage::Removing => "confirm_removed",
        Stage::Rerunning | Stage::Closed | Stage::Removed | Stage::Retired => return None,
    };
    tried(dice, town, case, name)
}

/// A person without an account answers or asks, whatever has become of the invitation.
fn invited(dice: &mut Dice<'_>, town: &Town, case: &CaseId) -> Option<(Actor, Command)> {
    let invitations = &town.world.state.cases[case].invitations;
    let (id, invitation) = invitations.iter().nth(dice.roll(invitations.len().max(1)))?;
    let name = dice.pick(&["answer_buy_in", "answer_buy_in", "ask_question"]);
    let command = filled(dice, town, case, name, &json!({"team": invitation.team}))?;
    Some((Actor::Guest(id.clone()), command))
}

/// Whether an answer says more than that it is the wrong person, time or name.
fn tells(town: &Town, by: &Actor, command: &Command) -> bool {
    use RefusalCode::{AlreadyExists, Forbidden, InvalidArgument, NotFound, WrongState};
    match decide(&town.world.state, by, town.now(), command) {
        Ok(events) => !events.is_empty(),
        Err(refusal) => {
            ![AlreadyExists, Forbidden, InvalidArgument, NotFound, WrongState].contains(&refusal.code)
        }
    }
}

fn waited_for(dice: &mut Dice<'_>, town: &Town, case: &CaseId) -> Option<(Actor, Command)> {
    let waits = town.world.state.waits(&town.world.state.cases[case], town.now());
    let wait = waits.get(dice.roll(waits.len().max(1)))?;
    let holders: Vec<_> = wait.who.iter().flat_map(|who| &who.accounts).collect();
    let by = holders.get(dice.roll(holders.len().max(1)));
    let by = by.map_or(Actor::System, |by| Actor::of((*by).clone()));
    Some((by, filled(dice, town, case, wait.command, &Json::Object(wait.with.clone()))?))
}

/// A command that nobody is waited on for.
fn unasked(dice: &mut Dice<'_>, town: &Town, case: &CaseId, likely: bool) -> Option<(Actor, Command)> {
    let any = dice.roll(Command::ALL.len());
    let name = if likely { dice.pick(&UNASKED) } else { Command::ALL[any].0 };
    tried(dice, town, case, name)
}

/// Somebody tries a command; mostly, when they may not, somebody who may tries it instead.
fn tried(dice: &mut Dice<'_>, town: &Town, case: &CaseId, name: &'static str) -> Option<(Actor, Command)> {
    let command = filled(dice, town, case, name, &json!({}))?;
    let by = Actor::of(dice.pick(&PEOPLE).parse().ok()?);
    let refusal = decide(&town.world.state, &by, town.now(), &command).err();
    let may: Vec<_> =
        refusal.iter().flat_map(|refusal| &refusal.who_may).flat_map(|who| &who.accounts).collect();
    if may.is_empty() || dice.chance(25) {
        return Some((by, command));
    }
    Some((Actor::of(may[dice.roll(may.len())].clone()), command))
}

/// A command with arguments: those that are known, and mostly what is there.
fn filled(
    dice: &mut Dice<'_>,
    town: &Town,
    case: &CaseId,
    name: &'static str,
    known: &Json,
) -> Option<Command> {
    let mut with = match name {
        "register_experiment" => child(dice, town, case),
        _ => arguments(dice, town, name),
    };
    let about = &town.world.state.cases[case];
    let there = match name {
        "fix_bug" | "dispute_bug" | "settle_dispute" => {
            let bugs = about.bugs.len().max(1);
            about.bugs.keys().nth(dice.roll(bugs)).map(|bug| ("bug", bug.to_string()))
        }
        "dismiss_suggestion" | "snooze_suggestion" => {
            about.suggestions.first().map(|change| ("platform_change", change.to_string()))
        }
        "revert_flag" => {
            let versions = town.world.state.flags.get("hand").and_then(|flag| flag.versions.values().next());
            with = json!({"key": "hand", "entry": 1, "reason": "r"});
            versions.and_then(|versions| versions.first()).map(|first| ("entry", first.entry.to_string()))
        }
        "revoke_invitation" => about.invitations.keys().next().map(|id| ("invitation", id.to_string())),
        _ => None,
    };
    if let Some((key, name)) = there.filter(|_| dice.chance(70)) {
        with[key] = name.parse::<u64>().map_or_else(|_| json!(name), |entry| json!(entry));
    }
    for (key, value) in known.as_object().into_iter().flatten() {
        with[key] = value.clone();
    }
    if name == "open_case" {
        with["case"] = json!(format!("PC-{}", town.world.state.seq));
    } else if with.get("case").is_none() {
        with["case"] = json!(case);
    }
    // Arguments that do not fit a command are no step at all.
    Command::parse(name, with).ok()
}

pub fn child(dice: &mut Dice<'_>, town: &Town, case: &CaseId) -> Json {
    let treatment = dice.pick(&[4_958, 4_958, 4_510]);
    json!({
        "experiment": format!("EXP-{}", town.world.state.seq), "team": "kestrel", "ended": town.day,
        "parent": town.world.state.cases[case].experiment,
        "measurement": {"control": [30_000, 4_500], "treatment": [30_050, treatment], "planned_n": 0},
    })
}
