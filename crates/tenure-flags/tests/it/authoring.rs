//! What people write compiles to flagd definitions that do what the words say.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tenure_flags::authoring::{FlagType, Lists, NoLists, Segment, Source, difference};
use tenure_flags::{Context, FlagSet, Snapshot};

fn authored(json: Json) -> Source {
    serde_json::from_value(json!({ "authored": json })).unwrap()
}

fn segment(json: Json) -> Segment {
    serde_json::from_value(json).unwrap()
}

/// What a flag with these rules over `on`/`off` answers.
fn answer(rules: &Json, context: &Json) -> String {
    answer_of(&authored(boolean(rules)), &[], &NoLists, context)
}

fn boolean(rules: &Json) -> Json {
    json!({"type": "boolean", "variants": {"on": true, "off": false}, "default": "off", "rules": rules})
}

fn answer_of(source: &Source, segments: &[(&str, Segment)], lists: &dyn Lists, context: &Json) -> String {
    let mut set = FlagSet::default();
    set.flags.insert("flag".to_owned(), source.definition("flag", lists).unwrap().into());
    for (name, segment) in segments {
        set.evaluators.insert((*name).to_owned(), segment.rule(lists).unwrap());
    }
    // What is served is what is exported and read again.
    let set = FlagSet::from_json(set.to_json()).unwrap();
    let snapshot = Snapshot::compile(&set);
    assert_eq!(
        snapshot.faults().map(|(_, fault)| fault.to_string()).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    let answer = snapshot.evaluate("flag", &Context::from_json(context).unwrap(), 1_000).unwrap();
    format!("{} {}", answer.variant.unwrap_or("-"), answer.reason.as_str())
}

#[test]
fn every_operator_means_what_it_says() {
    let check = |condition: Json, meets: Json, does_not: Json| {
        let rules = json!([{"when": [condition], "serve": "on"}]);
        assert_eq!(answer(&rules, &json!({"a": meets})), "on TARGETING_MATCH", "{condition} of {meets}");
        assert_eq!(answer(&rules, &json!({"a": does_not})), "off DEFAULT", "{condition} of {does_not}");
        let turned = |context: &Json| {
            let mut turned = condition.clone();
            turned["not"] = json!(true);
            answer(&json!([{"when": [turned], "serve": "on"}]), context)
        };
        assert_eq!(turned(&json!({"a": does_not})), "on TARGETING_MATCH", "not {condition}");
        assert_eq!(turned(&json!({"a": meets})), "off DEFAULT", "not {condition}");
        let missing = condition["is"] == "missing";
        assert_eq!(answer(&rules, &json!({})) == "on TARGETING_MATCH", missing, "{condition} of nothing");
    };
    let is = |operator: &str, values: Json| json!({"attribute": "a", "is": operator, "values": values});
    check(json!({"attribute": "a", "values": ["x", "y"]}), json!("y"), json!("z"));
    check(is("one_of", json!([1, true])), json!(1), json!("1"));
    check(is("starts_with", json!(["a", "b"])), json!("bob"), json!("cab"));
    check(is("ends_with", json!(["@a.org"])), json!("x@a.org"), json!("x@b.org"));
    check(is("contains", json!(["mid", "end"])), json!("a mid b"), json!("a b"));
    check(is("contains", json!(["tag"])), json!(["tag", "x"]), json!(["x"]));
    check(is("less", json!([5])), json!(4.5), json!(5));
    check(is("at_most", json!([5])), json!(5), json!(5.1));
    check(is("greater", json!([-5])), json!(-4), json!(-5));
    check(is("at_least", json!([-5])), json!(-5), json!(-6));
    check(is("version_is", json!(["1.2.3"])), json!("1.2.3"), json!("1.2.4"));
    check(is("version_before", json!(["2.0.0"])), json!("1.9.9"), json!("2.0.0"));
    check(is("version_from", json!(["2.0.0"])), json!("2.0.0"), json!("2.0.0-rc.1"));
    check(is("version_same_major", json!(["2.1.0"])), json!("2.9.0"), json!("3.0.0"));
    check(is("version_same_minor", json!(["2.1.0"])), json!("2.1.9"), json!("2.2.0"));
    let present = json!({"attribute": "a", "is": "present"});
    assert_eq!(answer(&json!([{"when": [present], "serve": "on"}]), &json!({"a": 0})), "on TARGETING_MATCH");
    assert_eq!(answer(&json!([{"when": [present], "serve": "on"}]), &json!({})), "off DEFAULT");
    let missing = json!({"attribute": "a.b", "is": "missing"});
    assert_eq!(
        answer(&json!([{"when": [missing], "serve": "on"}]), &json!({"a": {"c": 1}})),
        "on TARGETING_MATCH"
    );
}

#[test]
fn the_first_rule_whose_conditions_all_hold_decides() {
    let rules = json!([
        {"when": [{"attribute": "plan", "values": ["team"]}, {"attribute": "age", "is": "at_least", "values": [30]}], "serve": "on"},
        {"when": [{"attribute": "plan", "values": ["team"]}], "serve": "off"},
        {"serve": "on"},
    ]);
    for (context, expected) in [
        (json!({"plan": "team", "age": 31}), "on"),
        (json!({"plan": "team", "age": 3}), "off"),
        (json!({"plan": "free"}), "on"),
    ] {
        assert_eq!(answer(&rules, &context), format!("{expected} TARGETING_MATCH"), "{context}");
    }
    assert_eq!(answer(&json!([]), &json!({})), "off STATIC");
}

#[test]
fn a_split_keeps_its_parts_and_needs_a_unit() {
    let split = |percent: f64| json!([{"serve": {"split": [{"variant": "on", "percent": percent}, {"variant": "off", "percent": 100.0 - percent}]}}]);
    let on = |percent: f64, unit: usize| {
        answer(&split(percent), &json!({"targetingKey": format!("u{unit}")})).starts_with("on")
    };
    let admitted: Vec<usize> = (0..2_000).filter(|unit| on(30.0, *unit)).collect();
    // 600 expected; four standard errors are 82.
    assert!((518..=682).contains(&admitted.len()), "{}", admitted.len());
    assert!(admitted.iter().all(|unit| on(60.0, *unit)), "a larger part holds the smaller one");
    assert_eq!(answer(&split(100.0), &json!({})), "off DEFAULT");
}

#[test]
fn flags_that_share_a_salt_split_alike() {
    let of = |key: &str, salt: Option<&str>, unit: usize| {
        let mut serve = json!({"split": [{"variant": "on", "percent": 50}, {"variant": "off", "percent": 50}], "by": "account.id"});
        if let Some(salt) = salt {
            serve["salt"] = json!(salt);
        }
        let definition = authored(boolean(&json!([{"serve": serve}]))).definition(key, &NoLists).unwrap();
        let mut set = FlagSet::default();
        set.flags.insert(key.to_owned(), definition.into());
        let snapshot = Snapshot::compile(&set);
        let context = json!({"account": {"id": format!("a{unit}")}});
        snapshot.evaluate(key, &Context::from_json(&context).unwrap(), 0).unwrap().variant.unwrap().to_owned()
    };
    assert!((0..300).all(|unit| of("web", Some("checkout"), unit) == of("app", Some("checkout"), unit)));
    assert!((0..300).any(|unit| of("web", None, unit) != of("app", None, unit)));
}

struct Book;

impl Lists for Book {
    fn keys(&self, list: &str) -> Option<Arc<[String]>> {
        (list == "kept").then(|| Arc::from(["ann".to_owned()]))
    }
}

#[test]
fn targets_come_before_rules_and_may_be_kept_elsewhere() {
    let mut flag = boolean(&json!([{"serve": "off"}]));
    flag["targets"] =
        json!([{"variant": "on", "keys": {"list": "kept", "count": 1}}, {"variant": "on", "keys": ["bob"]}]);
    let source = authored(flag);
    for (unit, expected) in [("ann", "on"), ("bob", "on"), ("cid", "off")] {
        let context = json!({"targetingKey": unit});
        assert_eq!(answer_of(&source, &[], &Book, &context), format!("{expected} TARGETING_MATCH"));
    }
    let erased = answer_of(&source, &[], &NoLists, &json!({"targetingKey": "ann"}));
    assert_eq!(erased, "off TARGETING_MATCH", "a list that is gone holds nobody");
    assert_eq!(source.kept_lists().collect::<Vec<_>>(), ["kept"]);
}

#[test]
fn a_segment_is_a_list_and_rules_without_those_excluded() {
    let beta = segment(json!({
        "members": ["ann"], "excluded": ["bob"],
        "rules": [[{"attribute": "country", "values": ["DE"]}, {"attribute": "age", "is": "greater", "values": [17]}]],
    }));
    let source = authored(boolean(&json!([{"when": [{"segment": "beta"}], "serve": "on"}])));
    let check = |context: Json, expected: &str| {
        let got = answer_of(&source, &[("beta", beta.clone())], &NoLists, &context);
        assert!(got.starts_with(expected), "{context}: {got}");
    };
    check(json!({"targetingKey": "ann"}), "on");
    check(json!({"targetingKey": "cid", "country": "DE", "age": 18}), "on");
    check(json!({"targetingKey": "cid", "country": "DE"}), "off");
    check(json!({"targetingKey": "bob", "country": "DE", "age": 18}), "off");
    assert_eq!(
        answer_of(&source, &[("beta", Segment::default())], &NoLists, &json!({"targetingKey": "ann"})),
        "off DEFAULT"
    );
    assert_eq!(source.segments().into_iter().collect::<Vec<_>>(), ["beta"]);
    assert_eq!(source.check("flag", [("beta", &beta)]), Ok(FlagType::Boolean));
    let fault = source.check("flag", []).unwrap_err().to_string();
    assert!(fault.contains("beta"), "a segment that is not there: {fault}");
}

#[test]
fn a_flagd_definition_stays_as_it_is() {
    let raw = json!({"state": "ENABLED", "variants": {"a": "x", "b": "y"}, "defaultVariant": "a", "targeting": {"if": [{"$ref": "beta"}, "b"]}, "note": 1});
    let source: Source = serde_json::from_value(json!({ "definition": raw })).unwrap();
    assert_eq!(source.definition("flag", &NoLists).unwrap().to_json(), raw);
    assert_eq!(source.segments().into_iter().collect::<Vec<_>>(), ["beta"]);
    assert_eq!(source.check("flag", [("beta", &segment(json!({"members": ["ann"]})))]), Ok(FlagType::String));
}

#[test]
fn a_fault_names_its_place() {
    let check = |change: fn(&mut Json), place: &str, says: &str| {
        let mut flag = boolean(&json!([{"when": [{"attribute": "a", "values": ["x"]}], "serve": "on"}]));
        change(&mut flag);
        let fault = authored(flag).definition("flag", &NoLists).unwrap_err();
        assert_eq!(fault.path, place, "{fault}");
        assert!(fault.message.contains(says), "{fault}");
    };
    check(|flag| flag["variants"]["on"] = json!("yes"), "$.variants.on", "boolean");
    check(|flag| flag["variants"] = json!({}), "$.variants", "at least one");
    check(|flag| flag["default"] = json!("blue"), "$.default", "off, on");
    check(|flag| flag["rules"][0]["serve"] = json!("blue"), "$.rules[0].serve", "`blue`");
    check(
        |flag| flag["rules"][0]["when"][0]["values"] = json!([]),
        "$.rules[0].when[0].values",
        "at least one",
    );
    check(
        |flag| flag["rules"][0]["when"][0]["is"] = json!("less"),
        "$.rules[0].when[0].values[0]",
        "a number",
    );
    check(
        |flag| flag["rules"][0]["when"][0]["is"] = json!("present"),
        "$.rules[0].when[0].values",
        "left out",
    );
    check(|flag| flag["rules"][0]["when"][0]["segment"] = json!("s"), "$.rules[0].when[0]", "either");
    check(
        |flag| flag["rules"][0]["when"][0] = json!({"attribute": "v", "is": "version_is", "values": ["one"]}),
        "$.rules[0].when[0].values[0]",
        "a version",
    );
    check(
        |flag| flag["rules"][0]["serve"] = json!({"split": [{"variant": "on", "percent": 90}]}),
        "$.rules[0].serve.split",
        "not 90",
    );
    check(|flag| flag["rules"] = json!([{"serve": "on"}, {"serve": "off"}]), "$.rules[1]", "never reached");
    check(
        |flag| flag["targets"] = json!([{"variant": "on", "keys": ["a", "a"]}]),
        "$.targets[0].keys[1]",
        "already",
    );
    check(
        |flag| flag["targets"] = json!([{"variant": "on", "keys": {"list": "x", "count": 100_001}}]),
        "$.targets[0].keys",
        "100000",
    );
    check(|flag| flag["unit"] = json!(""), "$.unit", "empty");
    let nested = segment(json!({"rules": [[{"segment": "other"}]]})).rule(&NoLists).unwrap_err();
    assert_eq!(nested.path, "$.rules[0][0]");
    let everybody = segment(json!({"rules": [[]]})).rule(&NoLists).unwrap_err();
    assert!(everybody.message.contains("everybody"), "{everybody}");
    let mixed: Source =
        serde_json::from_value(json!({"definition": {"state": "ENABLED", "variants": {"a": 1, "b": "x"}}}))
            .unwrap();
    assert!(mixed.check("flag", []).unwrap_err().message.contains("one type"));
}

#[test]
fn a_difference_is_told_rule_by_rule() {
    let base = boolean(&json!([
        {"name": "Staff", "when": [{"attribute": "email", "is": "ends_with", "values": ["@us.org"]}], "serve": "on"},
        {"when": [{"attribute": "country", "values": ["DE", "AT"]}], "serve": "on"},
        {"name": "Beta", "when": [{"segment": "beta"}], "serve": {"split": [{"variant": "on", "percent": 10}, {"variant": "off", "percent": 90}]}},
    ]));
    let told = |change: fn(&mut Json)| {
        let mut after = base.clone();
        change(&mut after);
        difference(Some(&authored(base.clone())), Some(&authored(after))).sentences
    };
    assert_eq!(told(|_| {}), Vec::<String>::new());
    assert_eq!(told(|flag| flag["enabled"] = json!(false)), ["the flag is switched off"]);
    assert_eq!(told(|flag| flag["default"] = json!("on")), ["on is served by default instead of off"]);
    assert_eq!(
        told(|flag| flag["rules"][2]["serve"]["split"] =
            json!([{"variant": "on", "percent": 25.5}, {"variant": "off", "percent": 74.5}])),
        ["rule 3 (Beta) serves 25.5 % on, 74.5 % off instead of 10 % on, 90 % off"]
    );
    assert_eq!(
        told(|flag| {
            flag["rules"].as_array_mut().unwrap().remove(1);
        }),
        ["rule 2 is removed: when country is DE or AT, serve on"]
    );
    assert_eq!(
        told(|flag| flag["rules"].as_array_mut().unwrap().swap(0, 2)),
        ["rule 1 (Beta) stood at place 3 before", "rule 3 (Staff) stood at place 1 before"]
    );
    assert_eq!(
        told(|flag| flag["rules"][1]["when"][0]["values"] = json!(["DE"])),
        ["rule 2 holds when country is DE instead of when country is DE or AT"]
    );
    assert_eq!(
        told(|flag| flag["rules"]
            .as_array_mut()
            .unwrap()
            .insert(0, json!({"when": [{"attribute": "a", "is": "present"}], "serve": "off"}))),
        ["rule 1 is added: when a is there, serve off"]
    );
    assert_eq!(
        told(|flag| flag["targets"] = json!([{"variant": "on", "keys": ["ann", "bob"]}])),
        ["2 individual targets get on instead of 0"]
    );
    assert_eq!(
        told(|flag| flag["variants"] = json!({"on": true, "off": false, "none": false})),
        ["variant none is added: false"]
    );
}

#[test]
fn a_difference_is_a_json_patch_too() {
    let (before, after) = (boolean(&json!([{"serve": "on"}])), boolean(&json!([{"serve": "off"}])));
    let difference = difference(Some(&authored(before.clone())), Some(&authored(after.clone())));
    assert_eq!(difference.patch, [json!({"op": "replace", "path": "/rules/0/serve", "value": "off"})]);
    let mut patched = before;
    let patch: json_patch::Patch = serde_json::from_value(json!(difference.patch)).unwrap();
    json_patch::patch(&mut patched, &patch).unwrap();
    assert_eq!(patched, after);
}

#[test]
fn the_steps_say_which_rule_decided() {
    let source = authored(json!({
        "type": "boolean", "variants": {"on": true, "off": false}, "default": "off",
        "targets": [{"variant": "on", "keys": ["ann"]}, {"variant": "off", "keys": ["bob"]}],
        "rules": [
            {"name": "germans", "when": [{"attribute": "country", "values": ["DE"]}, {"attribute": "age", "is": "at_least", "values": [18]}], "serve": "on"},
            {"when": [{"segment": "beta"}], "serve": {"split": [{"variant": "on", "percent": 50}, {"variant": "off", "percent": 50}]}},
            {"name": "the rest", "serve": "off"},
        ],
    }));
    let Source::Authored(flag) = &source else { unreachable!() };
    let check = |flag: &tenure_flags::authoring::Authored, context: Json, expect: &str| {
        let mut set = FlagSet::default();
        let source = Source::Authored(Box::new(flag.clone()));
        set.flags.insert("flag".to_owned(), source.definition("flag", &NoLists).unwrap().into());
        let beta = segment(json!({"members": ["cid"]})).rule(&NoLists).unwrap();
        set.evaluators.insert("beta".to_owned(), beta);
        let snapshot = Snapshot::compile(&set);
        let (answer, steps) = snapshot.explain("flag", &Context::from_json(&context).unwrap(), 0);
        answer.unwrap();
        assert_eq!(flag.decision(&steps).to_string(), expect, "{context}");
    };
    check(flag, json!({"targetingKey": "ann", "country": "DE"}), "individual target 1");
    check(flag, json!({"targetingKey": "bob"}), "individual target 2");
    check(flag, json!({"targetingKey": "x", "country": "DE", "age": 20}), "rule 1 (germans)");
    check(flag, json!({"targetingKey": "x", "country": "DE", "age": 2}), "rule 3 (the rest)");
    check(flag, json!({"targetingKey": "cid"}), "rule 2");
    let mut open = flag.as_ref().clone();
    open.rules.pop();
    check(&open, json!({"targetingKey": "x"}), "no rule; the default is served");
    open.enabled = false;
    check(&open, json!({"targetingKey": "ann"}), "no rule; the default is served");
}

#[test]
fn what_is_different_in_a_segment_is_said() {
    let check = |before: Option<Json>, after: Option<Json>, expect: &[&str]| {
        let (before, after) = (before.map(segment), after.map(segment));
        let difference = tenure_flags::authoring::segment_difference(before.as_ref(), after.as_ref());
        assert_eq!(difference.sentences, expect);
        assert_eq!(difference.patch.is_empty(), before == after);
    };
    let ann = json!({"members": ["ann"], "rules": [[{"attribute": "plan", "values": ["team"]}]]});
    check(Some(ann.clone()), Some(ann.clone()), &[]);
    check(
        None,
        Some(ann.clone()),
        &["the segment is new", "1 unit is in by list instead of 0", "in are those with plan is team"],
    );
    check(
        Some(ann.clone()),
        Some(json!({"members": ["bob"], "excluded": ["eve"]})),
        &[
            "1 unit is in by list, not the same as before",
            "1 unit is out by list instead of 0",
            "no longer in are those with plan is team",
        ],
    );
    check(Some(ann), None, &["the segment is taken away"]);
}
