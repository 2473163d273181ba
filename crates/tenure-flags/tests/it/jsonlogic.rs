//! What rules give, as jsonlogic.com has it. Expected values are those of npm `json-logic-js` 2.0.5, except where said.

use serde_json::{Value as Json, json};
use tenure_flags::{Context, FlagSet, Snapshot};

/// The value of a rule: what the `if` around it gave, whether or not that names a variant.
fn value(rule: Json, data: &Json) -> Json {
    let set = FlagSet::from_json(json!({"flags": {"rule": {
        "state": "ENABLED", "variants": {"any": true}, "targeting": {"if": [true, rule]}
    }}}));
    let snapshot = Snapshot::compile(&set.unwrap());
    assert_eq!(snapshot.faults().next(), None);
    let (_, steps) = snapshot.explain("rule", &Context::from_json(data).unwrap(), 1_700_000_000);
    steps[0].value.clone()
}

#[track_caller]
fn check(rule: Json, expected: Json) {
    check_over(
        json!({"a": 1, "b": "two", "n": null, "e": "", "l": [1, "2", [3]], "d": {"e": {"f": 5}}}),
        rule,
        expected,
    );
}

#[track_caller]
fn check_over(data: Json, rule: Json, expected: Json) {
    assert_eq!(value(rule.clone(), &data), expected, "{rule} over {data}");
}

#[test]
fn variables() {
    check(json!({"var": "a"}), json!(1));
    check(json!({"var": ["a"]}), json!(1));
    check(json!({"var": "d.e.f"}), json!(5));
    check(json!({"var": "absent"}), json!(null));
    check(json!({"var": ["absent", 7]}), json!(7));
    check(json!({"var": ["d.x.f", {"var": "a"}]}), json!(1));
    check(json!({"var": ["n", 7]}), json!(null));
    check(json!({"var": ["n.x", 7]}), json!(7));
    check(json!({"var": {"cat": ["d", ".e.f"]}}), json!(5));
    check(json!({"var": {"if": [true, "a", "b"]}}), json!(1));
    check(json!({"var": "l.0"}), json!(1));
    check(json!({"var": "l.2.0"}), json!(3));
    check(json!({"var": "l.00"}), json!(null));
    check(json!({"var": "l.length"}), json!(3));
    check(json!({"var": "b.1"}), json!("w"));
    check(json!({"var": "a.b"}), json!(null));
    check_over(
        json!([10, 20]).as_array().map(|l| json!({"0": l[0], "1": l[1]})).unwrap(),
        json!({"var": 1}),
        json!(20),
    );
    check_over(json!({"a": 1}), json!({"var": ""}), json!({"a": 1}));
    check_over(json!({"a": 1}), json!({"var": []}), json!({"a": 1}));
}

#[test]
fn what_flagd_adds_to_the_context() {
    check(json!({"var": "$flagd.flagKey"}), json!("rule"));
    check(json!({"var": "$flagd.timestamp"}), json!(1_700_000_000));
    check(json!({"var": "$flagd"}), json!({"flagKey": "rule", "timestamp": 1_700_000_000}));
    check(json!({"var": {"cat": ["$flagd", ".flagKey"]}}), json!("rule"));
    check(json!({"missing": ["$flagd.flagKey", "$flagd.other"]}), json!(["$flagd.other"]));
    check(json!({"map": [[1], {"var": "$flagd.flagKey"}]}), json!([null]));
    // The caller cannot stand in for it.
    check_over(json!({"$flagd": {"flagKey": "other"}}), json!({"var": "$flagd.flagKey"}), json!("rule"));
}

#[test]
fn missing_keys() {
    check(json!({"missing": ["a", "b"]}), json!([]));
    check(json!({"missing": ["a", "absent", "n", "e"]}), json!(["absent", "n", "e"]));
    check(json!({"missing": "absent"}), json!(["absent"]));
    check(json!({"missing": {"merge": ["a", ["absent"]]}}), json!(["absent"]));
    check(json!({"missing": []}), json!([]));
    check(json!({"missing_some": [1, ["a", "absent"]]}), json!([]));
    check(json!({"missing_some": [2, ["a", "absent"]]}), json!(["absent"]));
    check(json!({"missing_some": ["1", ["x", "y"]]}), json!(["x", "y"]));
}

#[test]
fn choices() {
    check(json!({"if": [true, 1, 2]}), json!(1));
    check(json!({"if": [false, 1, 2]}), json!(2));
    check(json!({"if": [false, 1]}), json!(null));
    check(json!({"if": [7]}), json!(7));
    check(json!({"if": []}), json!(null));
    check(json!({"if": [false, 1, "", 2, [], 3, 0, 4, 5]}), json!(5));
    check(json!({"if": [false, 1, "0", 2, 3]}), json!(2));
    check(json!({"?:": [[0], 1, 2]}), json!(1));
    check(json!({"if": [{}, 1, 2]}), json!(1));
}

#[test]
fn logic() {
    check(json!({"and": [1, "", 3]}), json!(""));
    check(json!({"and": [1, 2, 3]}), json!(3));
    check(json!({"and": []}), json!(null));
    check(json!({"or": [0, "", 3, 4]}), json!(3));
    check(json!({"or": [0, ""]}), json!(""));
    check(json!({"!": [true]}), json!(false));
    check(json!({"!": 0}), json!(true));
    check(json!({"!": [[]]}), json!(true));
    check(json!({"!": []}), json!(true));
    check(json!({"!!": ["0"]}), json!(true));
    check(json!({"!!": "x"}), json!(true));
}

#[test]
fn comparisons() {
    check(json!({"==": [1, "1"]}), json!(true));
    check(json!({"==": [0, ""]}), json!(true));
    check(json!({"==": [null, 0]}), json!(false));
    check(json!({"==": [{"var": "l"}, {"var": "l"}]}), json!(true));
    check(json!({"==": [[1], [1]]}), json!(false));
    check(json!({"===": [1, "1"]}), json!(false));
    check(json!({"===": [1, 1.0]}), json!(true));
    check(json!({"!=": [1, "1"]}), json!(false));
    check(json!({"!==": [1, "1"]}), json!(true));
    check(json!({"<": [1, "2"]}), json!(true));
    check(json!({"<": ["10", "9"]}), json!(true));
    check(json!({"<": ["10", 9]}), json!(false));
    check(json!({">=": [null, 0]}), json!(true));
    check(json!({"<": ["x", 1]}), json!(false));
    check(json!({">=": ["x", 1]}), json!(false));
    check(json!({"<": [1]}), json!(false));
    check(json!({"<": [1, 2, 3]}), json!(true));
    check(json!({"<": [1, 3, 3]}), json!(false));
    check(json!({"<=": [1, 3, 3]}), json!(true));
    check(json!({">": [3, 2]}), json!(true));
    // Beyond 2^53 doubles would call these equal.
    check(json!({"==": [9_007_199_254_740_993_i64, 9_007_199_254_740_992_i64]}), json!(false));
    check(json!({"<": [9_223_372_036_854_775_807_i64, 18_446_744_073_709_551_615_u64]}), json!(true));
}

#[test]
fn arithmetic() {
    check(json!({"+": [1, 2, 3]}), json!(6));
    check(json!({"+": "2.75"}), json!(2.75));
    check(json!({"+": ["3px", " 4"]}), json!(7));
    check(json!({"+": []}), json!(0));
    check(json!({"+": [null, 1]}), json!(null));
    check(json!({"-": [5, "2"]}), json!(3));
    check(json!({"-": "3"}), json!(-3));
    check(json!({"*": [2, "3", 4]}), json!(24));
    check(json!({"*": "x"}), json!("x"));
    check(json!({"/": [1, 4]}), json!(0.25));
    check(json!({"/": [1, 0]}), json!(null));
    check(json!({"%": [-7, 3]}), json!(-1));
    check(json!({"max": [1, "3", 2]}), json!(3));
    check(json!({"min": [1, null, 2]}), json!(0));
    check(json!({"max": [1, "x"]}), json!(null));
    check(json!({"max": []}), json!(null));
    check(json!({"<": [{"max": []}, {"min": []}]}), json!(true));
}

#[test]
fn arrays() {
    let even = json!({"==": [{"%": [{"var": ""}, 2]}, 0]});
    check(json!({"map": [[1, 2], {"*": [{"var": ""}, 2]}]}), json!([2, 4]));
    check(json!({"map": [{"var": "absent"}, 1]}), json!([]));
    check(json!({"filter": [[1, 2, 3, 4], even]}), json!([2, 4]));
    check(json!({"all": [[2, 4], even]}), json!(true));
    check(json!({"all": [[2, 3], even]}), json!(false));
    check(json!({"all": [[], even]}), json!(false));
    check(json!({"none": [[], even]}), json!(true));
    check(json!({"none": [[1, 2], even]}), json!(false));
    check(json!({"some": [[1, 2], even]}), json!(true));
    check(json!({"some": [[], even]}), json!(false));
    let sum = json!({"+": [{"var": "current"}, {"var": "accumulator"}]});
    check(json!({"reduce": [[1, 2, 3], sum, 10]}), json!(16));
    check(json!({"reduce": [{"var": "absent"}, sum, {"var": "a"}]}), json!(1));
    check(json!({"merge": [1, [2, [3]], []]}), json!([1, 2, [3]]));
    check(json!({"in": ["2", {"var": "l"}]}), json!(true));
    check(json!({"in": [2, {"var": "l"}]}), json!(false));
    check(json!({"in": ["o n", "to n"]}), json!(true));
    check(json!({"in": [1, "21"]}), json!(true));
    check(json!({"in": ["", ""]}), json!(false));
    check(json!({"in": ["a", null]}), json!(false));
    check(json!([{"var": "a"}, "x", {"var": "b"}]), json!([1, "x", "two"]));
    check(json!({"map": [{"var": "l"}, {"map": [[1, 2], {"var": ""}]}]}), json!([[1, 2], [1, 2], [1, 2]]));
}

#[test]
fn long_lists_of_texts_are_searched_like_short_ones() {
    for length in [1, 7, 8, 9, 1000] {
        let texts: Vec<String> = (0..length).map(|number| format!("key-{number}")).collect();
        check(json!({"in": [format!("key-{}", length - 1), texts]}), json!(true));
        check(json!({"in": [format!("key-{length}"), texts]}), json!(false));
        check(json!({"in": [7, texts]}), json!(false));
    }
    let mixed = json!(["1", "2", "3", "4", "5", "6", "7", "8", 9]);
    check(json!({"in": ["9", mixed]}), json!(false));
    check(json!({"in": [9, mixed]}), json!(true));
}

#[test]
fn texts() {
    check(
        json!({"cat": ["I love ", 3, " ", null, true, [1, [null, 2]], {}]}),
        json!("I love 3 true1,,2[object Object]"),
    );
    check(json!({"cat": []}), json!(""));
    check(json!({"substr": ["jsonlogic", 4]}), json!("logic"));
    check(json!({"substr": ["jsonlogic", -5]}), json!("logic"));
    check(json!({"substr": ["jsonlogic", 1, 3]}), json!("son"));
    check(json!({"substr": ["jsonlogic", 4, -2]}), json!("log"));
    check(json!({"substr": ["jsonlogic", -50, 2]}), json!("js"));
    check(json!({"substr": ["jsonlogic", 50]}), json!(""));
    check(json!({"substr": [12345, "1", "2"]}), json!("23"));
    // Counted in characters; JavaScript counts UTF-16 units and would cut the face in two.
    check(json!({"substr": ["a😀é", 1, 1]}), json!("😀"));
    check(json!({"log": {"var": "b"}}), json!("two"));
}

#[test]
fn what_is_not_an_operation_is_data() {
    check(json!({"a": 1, "b": {"var": "a"}}), json!({"a": 1, "b": {"var": "a"}}));
    check(json!({}), json!({}));
    check(json!("text"), json!("text"));
}

#[test]
fn flagds_own_operations() {
    check(json!({"starts_with": [{"var": "b"}, "tw"]}), json!(true));
    check(json!({"ends_with": [{"var": "b"}, "tw"]}), json!(false));
    check(json!({"starts_with": [{"var": "a"}, "1"]}), json!(null));
    check(json!({"starts_with": ["abc"]}), json!(null));
    check(json!({"starts_with": ["abc", "a", "b"]}), json!(null));
    check(json!({"sem_ver": ["1.2.0", "^", "1.0"]}), json!(true));
    check(json!({"sem_ver": ["1.2.0", "~", "1.0"]}), json!(false));
    check(json!({"sem_ver": ["1.2.0", "^"]}), json!(null));
    check(json!({"sem_ver": ["1.2.0", 3, "1.0.0"]}), json!(null));
    check(json!({"sem_ver": [{"var": "n"}, "=", "1.0.0"]}), json!(null));
}
