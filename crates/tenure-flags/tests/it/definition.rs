//! Documents: what is read, what is refused and where, and that reading and writing lose nothing.

use serde_json::{Value as Json, json};
use tenure_flags::{Entry, FlagSet, Snapshot, State};

/// The fault of the flag `f` when it is defined so.
fn fault_of(flag: Json) -> Option<(String, String)> {
    fault_in(json!({"flags": {"f": flag, "sound": {"state": "ENABLED", "variants": {"on": true}}}}))
}

fn fault_in(document: Json) -> Option<(String, String)> {
    let snapshot = Snapshot::compile(&FlagSet::from_json(document).unwrap());
    let faults: Vec<_> = snapshot.faults().collect();
    assert!(faults.len() <= 1, "{faults:?}");
    faults.first().map(|(key, fault)| {
        assert_eq!(*key, "f");
        (fault.path.clone(), fault.message.clone())
    })
}

#[track_caller]
fn check(flag: Json, path: &str, message: &str) {
    let (got_path, got_message) = fault_of(flag.clone()).unwrap_or_else(|| panic!("{flag} has no fault"));
    assert_eq!(got_path, path, "{flag}");
    assert!(got_message.contains(message), "{got_message:?} should say {message:?}");
}

/// A sound flag with this targeting.
fn with_targeting(targeting: Json) -> Json {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting})
}

#[test]
fn faults_name_their_place() {
    check(json!(3), "$.flags.f", "object");
    check(json!({"variants": {"on": 1}}), "$.flags.f.state", "ENABLED");
    check(json!({"state": "enabled", "variants": {"on": 1}}), "$.flags.f.state", "ENABLED");
    check(json!({"state": "ENABLED"}), "$.flags.f.variants", "object");
    check(json!({"state": "ENABLED", "variants": {}}), "$.flags.f.variants", "at least one");
    check(json!({"state": "ENABLED", "variants": {"": 1}}), "$.flags.f.variants", "empty");
    check(json!({"state": "ENABLED", "variants": {"a b": null}}), "$.flags.f.variants[\"a b\"]", "boolean");
    check(
        json!({"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": 1}),
        "$.flags.f.defaultVariant",
        "name",
    );
    check(json!({"state": "ENABLED", "variants": {"a": 1}, "metadata": []}), "$.flags.f.metadata", "object");
    check(
        json!({"state": "ENABLED", "variants": {"a": 1}, "metadata": {"x": {}}}),
        "$.flags.f.metadata.x",
        "number",
    );
    check(with_targeting(json!("on")), "$.flags.f.targeting", "object");
    check(with_targeting(json!({"if": [], "var": ""})), "$.flags.f.targeting", "one member");
    check(
        with_targeting(json!({"if": [{"==": [{"vra": "a"}, 1]}, "on"]})),
        "$.flags.f.targeting.if[0][\"==\"][0].vra",
        "`vra` is not an operation",
    );
    check(
        with_targeting(json!({"if": [{"$ref": "absent"}, "on"]})),
        "$.flags.f.targeting.if[0]",
        "$evaluators",
    );
    check(with_targeting(json!({"if": [{"$ref": 7}, "on"]})), "$.flags.f.targeting.if[0]", "refers to 7");
    check(with_targeting(json!({"var": [[1, 2]]})), "$.flags.f.targeting.var", "path");
}

#[test]
fn keys_that_no_client_can_ask_for_are_faults() {
    for (key, message) in [("a/b", "must not contain `/`"), ("", "must not be empty")] {
        let flag = json!({"state": "ENABLED", "variants": {"on": true}});
        let set = FlagSet::from_json(json!({"flags": {key: flag}})).unwrap();
        let snapshot = Snapshot::compile(&set);
        let (_, fault) = snapshot.faults().next().unwrap();
        assert!(fault.message.contains(message), "{fault}");
    }
}

#[test]
fn a_bad_document_is_refused_whole() {
    #[track_caller]
    fn check(text: &str, path: &str, message: &str) {
        let fault = FlagSet::from_text(text).unwrap_err();
        assert_eq!(fault.path, path);
        assert!(fault.message.contains(message), "{fault}");
    }
    check("{\"flags\": {", "$", "line 1 column");
    check("[]", "$", "`flags`");
    check("{}", "$", "`flags`");
    check("{\"flags\": 1}", "$.flags", "object");
    check("{\"flags\": {}, \"$evaluators\": []}", "$.$evaluators", "object");
    check("{\"flags\": {}, \"metadata\": {\"a\": null}}", "$.metadata.a", "boolean");
    check("{\"flags\": [{\"state\": \"ENABLED\"}]}", "$.flags[0]", "`key`");
    let twice =
        "{\"flags\": [{\"key\": \"f\", \"state\": \"ENABLED\", \"variants\": {\"a\": 1}}, {\"key\": \"f\"}]}";
    check(twice, "$.flags[1].key", "earlier");
}

#[test]
fn flags_may_be_listed() {
    let flag = json!({"key": "f", "state": "DISABLED", "variants": {"on": true}});
    let set = FlagSet::from_json(json!({"flags": [flag]})).unwrap();
    let Some(Entry::Sound(definition)) = set.flags.get("f") else { panic!("{set:?}") };
    assert_eq!(definition.state, State::Disabled);
}

#[test]
fn reading_and_writing_loses_nothing() {
    let document = json!({
        "$schema": "https://flagd.dev/schema/v0/flags.json",
        "metadata": {"flagSetId": "shop", "version": "7"},
        "$evaluators": {"german": {"==": [{"var": "country"}, "DE"]}},
        "flags": {
            "full": {
                "state": "ENABLED",
                "variants": {"on": {"a": [1, 2.5]}, "off": {}},
                "defaultVariant": "off",
                "targeting": {"if": [{"$ref": "german"}, "on"]},
                "metadata": {"owner": "growth"},
                "description": "kept although flagd does not know it"
            },
            "small": {"state": "DISABLED", "variants": {"a": 1}},
            "faulty": {"state": "?", "anything": [1, null]},
            "not even an object": 3
        }
    });
    let set = FlagSet::from_json(document.clone()).unwrap();
    assert_eq!(set.to_json(), document);
    assert_eq!(FlagSet::from_json(set.to_json()).unwrap(), set);
}

#[test]
fn named_rules_may_name_others_but_not_themselves() {
    let flag = |name: &str| with_targeting(json!({"if": [{"$ref": name}, "on"]}));
    let document = |evaluators: Json| json!({"flags": {"f": flag("a")}, "$evaluators": evaluators});

    let nested = json!({"a": {"and": [{"$ref": "b"}, {"$ref": "b"}]}, "b": {"!!": [{"$ref": "c"}]}, "c": {"var": "x"}});
    assert_eq!(fault_in(document(nested)), None);

    let own = fault_in(document(json!({"a": {"!": [{"$ref": "a"}]}}))).unwrap();
    assert_eq!(own.0, "$.$evaluators.a[\"!\"][0]");
    assert!(own.1.contains("itself"), "{own:?}");
    let circle = json!({"a": {"!": [{"$ref": "b"}]}, "b": {"!": [{"$ref": "a"}]}});
    assert!(fault_in(document(circle)).unwrap().1.contains("itself"));

    // A bad rule nobody refers to harms nobody; one that is referred to harms only those who do.
    assert_eq!(fault_in(document(json!({"a": {"var": "x"}, "bad": {"nonsense": []}}))), None);
    let bad = fault_in(document(json!({"a": {"nonsense": []}}))).unwrap();
    assert_eq!(bad.0, "$.$evaluators.a.nonsense");
}

#[test]
fn nesting_is_bounded_also_through_names() {
    let nest = |inner: Json, depth: usize| (0..depth).fold(inner, |rule, _| json!({"!": rule}));
    assert_eq!(fault_of(with_targeting(nest(json!({"var": "x"}), 90))), None);
    check(
        with_targeting(nest(json!({"var": "x"}), 120)),
        &format!("$.flags.f.targeting{}", "[\"!\"]".repeat(100)),
        "100",
    );

    let names = |count: usize| {
        let link = |n: usize| (format!("r{n}"), nest(json!({"$ref": format!("r{}", n + 1)}), 9));
        let mut rules: serde_json::Map<String, Json> = (0..count).map(link).collect();
        rules.insert(format!("r{count}"), json!({"var": "x"}));
        json!({"flags": {"f": with_targeting(json!({"$ref": "r0"}))}, "$evaluators": rules})
    };
    assert_eq!(fault_in(names(9)), None);
    assert!(fault_in(names(12)).unwrap().1.contains("nests more than 100"));
}

#[test]
fn how_deep_a_named_rule_may_nest_does_not_depend_on_who_came_first() {
    let nest = |inner: Json, depth: usize| (0..depth).fold(inner, |rule, _| json!({"!": rule}));
    let document = json!({
        "$evaluators": {"deep": nest(json!({"var": "x"}), 60)},
        "flags": {
            "f": with_targeting(nest(json!({"$ref": "deep"}), 60)),
            "sound": with_targeting(nest(json!({"$ref": "deep"}), 20)),
        }
    });
    assert!(fault_in(document).unwrap().1.contains("nests more than 100"));
}
