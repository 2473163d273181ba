//! What is found in a document, and at which line and column.

use std::fs;

use tenure_flags::{Severity, lint};

/// Findings as people read them.
fn told(text: &str) -> String {
    let lines = lint(text).into_iter().map(|found| {
        let severity = if found.severity == Severity::Error { "error" } else { "warning" };
        format!("{}:{} {severity} {} {}\n", found.line, found.column, found.pointer, found.message)
    });
    lines.collect()
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(told(text), expected);
}

#[test]
fn a_sound_document_has_no_findings() {
    check(
        r#"{"flags": {"f": {
            "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "targeting": {"if": [{"$ref": "beta"}, {"fractional": [{"var": "id"}, ["on", 10], ["off", {"var": "w"}]]}, null]}
        }}, "$evaluators": {"beta": {"in": ["beta", {"var": "tags"}]}}}"#,
        "",
    );
}

#[test]
fn text_that_is_no_json_is_told_with_its_place() {
    check("{\n  \"flags\": {é}\n}", "2:13 error  must be JSON: key must be a string\n");
    check("", "1:1 error  must be JSON: EOF while parsing a value\n");
    check("[]", "1:1 error  must be an object with a member `flags`\n");
    let deep = "[".repeat(200) + &"]".repeat(200);
    check(&deep, "1:128 error  must be JSON: recursion limit exceeded\n");
}

#[test]
fn every_mistake_is_told_in_the_order_of_the_text() {
    insta::assert_snapshot!(told(
        r#"{
  "metadata": {"flagSetId": "shop"},
  "flags": {
    "bad/key": {"state": "on", "variants": {}, "metadata": {"a": []}},
    "typo": {
      "state": "ENABLED",
      "state": "ENABLED",
      "variants": {"on": true, "off": "no"},
      "defaultVariant": "of",
      "targeting": {"if": [
        {"startswith": [{"var": "mail"}, "a"]}, "on",
        {"sem_ver": [{"var": "version"}, "=>", "1.x"]}, "onn",
        {"fractional": [["on", 0.5], ["half", 1]]}
      ]}
    },
    "shared": {
      "state": "ENABLED", "variants": {"a": 1, "b": 2},
      "targeting": {"$ref": "pick"}
    },
    "splits": {
      "state": "DISABLED", "variants": {"a": 1, "true": 2},
      "targeting": {"if": [
        {"fractional": []}, true,
        {"fractional": [["x", 0], ["y", -1]]}, ["a"],
        {"fractional": [["x", 2147483647], ["y"]]}, {"fractional": [["a", 1], ["false", 1, 1]]},
        {"ends_with": [{"var": "mail"}]}, false
      ]}
    }
  },
  "$evaluators": {
    "pick": {"if": [{"$ref": "loop"}, "a", "c"]},
    "loop": {"!": {"$ref": "loop"}},
    "idle": {"==": [1, 1]}
  }
}"#
    ));
}

#[test]
fn flags_in_an_array_are_named_by_their_index() {
    check(
        "{\"flags\": [\n  {\"key\": \"a\", \"state\": \"ENABLED\", \"variants\": {\"on\": 1}},\n  {\"key\": \"b\", \"variants\": {\"on\": 1}}]}",
        "3:3 error /flags/1/state must be \"ENABLED\" or \"DISABLED\"\n",
    );
}

#[test]
fn the_testbed_has_no_errors_but_those_it_means() {
    let Some(folder) = crate::conformance::folder() else { return };
    let text = fs::read_to_string(folder.join("testbed-allFlags.json")).unwrap();
    let errors: Vec<_> =
        lint(&text).into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    insta::assert_debug_snapshot!(
        errors.iter().map(|error| (&error.pointer, &error.message)).collect::<Vec<_>>()
    );
}
