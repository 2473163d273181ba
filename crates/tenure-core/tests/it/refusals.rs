//! Refusals: every code is met, and each explains itself.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value as Json, json};
use tenure_core::scenario::refusals;
use tenure_core::{Command, RefusalCode};

use crate::town::Town;

fn files() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let json = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    json.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn steps() -> Vec<Json> {
    let mut steps = Vec::new();
    for text in files() {
        let file: Json = serde_json::from_str(&text).unwrap();
        for scenario in file["scenarios"].as_array().unwrap() {
            steps.extend(scenario["steps"].as_array().unwrap().iter().cloned());
        }
    }
    steps
}

#[test]
fn every_code_is_met_in_a_scenario() {
    let met: BTreeSet<String> = steps()
        .iter()
        .filter_map(|step| step["expect"].as_str()?.strip_prefix("refused:").map(str::to_owned))
        .collect();
    let all: BTreeSet<String> = RefusalCode::ALL.iter().map(|code| code.code().to_owned()).collect();
    assert_eq!(all.difference(&met).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(met.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// What a refusal of a code always says: who may, what is missing, since when. What is left out does not exist for it.
fn says(code: RefusalCode) -> &'static [&'static str] {
    use RefusalCode as Code;
    match code {
        // Of a thing that is not there, or an argument that is wrong, there is no more to say than the sentence does.
        Code::NotFound | Code::InvalidArgument => &[],
        Code::AlreadyExists => &["since"],
        Code::Forbidden => &["who"],
        // In a terminal stage nothing is missing and nobody can do it.
        Code::WrongState => &["since"],
        Code::ReasonMissing
        | Code::UnblockConditionMissing
        | Code::VariationGoalsMissing
        | Code::JustificationIncomplete
        | Code::NoMeasuredWave
        | Code::FullRolloutNeedsVerdict
        | Code::NoControlCohort => &["missing"],
        Code::NotLeadDeveloper | Code::TooBigMakeFollowUp | Code::InvitationVoid => &["who", "missing"],
        // Time alone clears it.
        Code::WarrantyRunning => &["missing", "since"],
        // Of an orphan the original is at its end: nobody can do anything.
        Code::OriginalNotProductionised => &["since"],
        _ => &["who", "missing", "since"],
    }
}

#[test]
fn every_refusal_says_what_there_is_to_say() {
    let mut met = BTreeSet::new();
    let mut silent = Vec::new();
    for text in files() {
        for (command, refusal) in refusals(&text).unwrap() {
            // A team is in no stage that began at some time.
            let of_team = command == "accept_succession" && refusal.code == RefusalCode::WrongState;
            let wanted = if of_team { &[] } else { says(refusal.code) };
            met.insert(refusal.code);
            let who = refusal.who_may.iter().any(|who| !who.seat.is_empty());
            for (part, there) in
                [("who", who), ("missing", !refusal.missing.is_empty()), ("since", refusal.since.is_some())]
            {
                if wanted.contains(&part) && !there {
                    silent.push(format!("{command}: {refusal}: {part}"));
                }
            }
            if !refusal.who_may.is_empty() && refusal.code != RefusalCode::Forbidden {
                assert!(refusal.who_may.iter().all(|who| !who.seat.is_empty()), "{refusal:?}");
            }
        }
    }
    silent.sort();
    silent.dedup();
    assert_eq!(silent, Vec::<String>::new());
    assert_eq!(met, RefusalCode::ALL.iter().copied().collect::<BTreeSet<_>>());
}

/// In a stage that is not the last one, a refusal for the state names what comes first and who does it.
#[test]
fn a_wrong_state_says_what_comes_first() {
    let mut town = Town::before("answer_consultation");
    let refusal = town.refuses("product-manager", "decide_outcome", json!({"kind": "keep"}), "wrong_state");
    assert_eq!(refusal.missing, ["answer_consultation: answer the consultation for boards"]);
    assert_eq!(
        refusal.who_may[0].accounts.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        ["boards-owner"]
    );
    assert!(refusal.since.is_some());
}

#[test]
fn every_command_of_a_case_is_carried_out_and_forbidden_in_a_scenario() {
    // Setting up, notices, and what anybody may do.
    let set_up = [
        "define_team",
        "define_codebase",
        "grant_role",
        "revoke_role",
        "set_policy",
        "set_calendar",
        "define_metric",
    ];
    let elsewhere = ["set_flag", "archive_flag", "give_notice"];
    let anybody = ["report_bug", "fix_bug"];
    let steps = steps();
    let seen =
        |name: &str, expect: &str| steps.iter().any(|step| step["do"] == name && step["expect"] == expect);
    let (mut idle, mut open) = (Vec::new(), Vec::new());
    for (name, _) in
        Command::ALL.iter().filter(|(name, _)| !set_up.contains(name) && !elsewhere.contains(name))
    {
        if !seen(name, "ok") {
            idle.push(*name);
        }
        if !seen(name, "refused:forbidden") && !anybody.contains(name) {
            open.push(*name);
        }
    }
    assert_eq!((idle, open), (Vec::new(), Vec::new()));
}

#[test]
fn a_refusal_says_who_may_and_what_is_missing_and_since_when() {
    let mut town = Town::before("answer_consultation");
    let refusal = town.refuses("designer", "answer_consultation", json!({"team": "boards"}), "forbidden");
    insta::assert_json_snapshot!("forbidden", refusal);
    let weighing = json!({"benefit_per_year": 1, "one_off_cost": 1, "maintenance_per_year": 1});
    let refusal = town.refuses("product-manager", "set_cost_benefit", weighing, "consultation_open");
    insta::assert_json_snapshot!("consultation_open", refusal);
}

#[test]
fn the_reference_page_has_a_row_for_every_code() {
    let page = tenure_core::refusal::reference_page();
    for code in RefusalCode::ALL {
        assert!(page.contains(&format!("| `{code}` | {} | {} |", code.meaning(), code.remedy())));
        assert_eq!(serde_json::to_value(code).unwrap(), json!(code.code()));
    }
}

#[test]
fn a_malformed_command_names_its_fault() {
    let check = |name: &str, with: Json, says: &str| {
        let fault = Command::parse(name, with).unwrap_err().to_string();
        assert!(fault.contains(says), "{fault}");
    };
    check("dance", json!({}), "no command `dance`");
    check("open_case", json!({"case": "PC-1"}), "missing field `experiment`");
    check("open_case", json!({"case": " ", "experiment": "E"}), "is empty");
    check("create_flag", json!({"case": "PC-1", "key": "a/b"}), "`/`");
    check("record_measurement", json!({"case": "PC-1", "measurement": {"control": [1, 1]}}), "treatment");
    check("decide", json!({"case": "PC-1", "kind": "ship"}), "unknown variant `ship`");
    check("grant_role", json!({"account": "a", "role": "king"}), "role `king` is unknown");
    check("set_policy", json!({"policy": {"alhpa": 0.1}}), "alhpa");
}

#[test]
fn a_second_click_records_nothing() {
    let mut town = Town::before("decide");
    town.does("product-manager", "decide", json!({"kind": "proceed", "reason": "pays"}));
    town.does("development-lead", "confirm_decision", json!({}));
    let entries = town.world.journal.len();
    town.does("development-lead", "confirm_decision", json!({}));
    assert_eq!(town.world.journal.len(), entries);
}

#[test]
fn setting_up_is_for_administrators() {
    let mut town = Town::before("decide");
    let role = json!({"account": "somebody", "role": "admin"});
    town.refuses("product-manager", "grant_role", role.clone(), "forbidden");
    town.does("system", "grant_role", role);
    town.does("somebody", "grant_role", json!({"account": "other", "role": "observer"}));
    town.refuses(
        "somebody",
        "grant_role",
        json!({"account": "system", "role": "observer"}),
        "invalid_argument",
    );
    town.refuses("somebody", "decide", json!({"kind": "proceed", "reason": "x"}), "forbidden");
    town.refuses("somebody", "set_policy", json!({"policy": {"alpha": 2.0}}), "invalid_argument");
    town.does("somebody", "set_policy", json!({"policy": {"deviation_budget": 1}}));
    assert_eq!(town.world.state.policy_of(town.case()).deviation_budget, 5, "a case keeps its policy");
    town.does("somebody", "revoke_role", json!({"account": "other", "role": "observer"}));
    town.refuses("somebody", "revoke_role", json!({"account": "nobody", "role": "observer"}), "not_found");
}
