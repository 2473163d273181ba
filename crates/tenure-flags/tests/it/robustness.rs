//! Whatever the definition and the context are: an answer or an error, in bounded time, and never a panic.

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use tenure_flags::{Context, ErrorCode, FlagSet, Snapshot, batch};

const OPERATORS: [&str; 41] = [
    "var",
    "missing",
    "missing_some",
    "if",
    "?:",
    "and",
    "or",
    "!",
    "!!",
    "==",
    "===",
    "!=",
    "!==",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "min",
    "max",
    "map",
    "filter",
    "reduce",
    "all",
    "none",
    "some",
    "merge",
    "in",
    "cat",
    "substr",
    "log",
    "starts_with",
    "ends_with",
    "sem_ver",
    "fractional",
    "$ref",
    "nonsense",
];

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        (-3..4_i64).prop_map(Json::from),
        prop::collection::vec(any::<char>(), 0..4)
            .prop_map(|text| text.into_iter().collect::<String>().into()),
        "[a-c.$0-2]{0,4}".prop_map(Json::from),
        prop::sample::select(vec![
            "",
            "a",
            "a.b",
            "$flagd.flagKey",
            "targetingKey",
            "current",
            "accumulator",
            "1.0.0",
            "^"
        ])
        .prop_map(Json::from),
    ]
}

fn json() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map("[a-c]{0,2}|targetingKey", inner, 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn rule() -> impl Strategy<Value = Json> {
    let operation = |operands: Json, operator: &str| json!({operator: operands});
    scalar().prop_recursive(5, 60, 4, move |inner| {
        let operands = prop_oneof![
            6 => prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            1 => inner.clone(),
        ];
        prop_oneof![
            6 => (operands, prop::sample::select(&OPERATORS[..]))
                .prop_map(move |(operands, operator)| operation(operands, operator)),
            1 => prop::collection::vec(inner, 0..4).prop_map(Json::from),
        ]
    })
}

fn document(targeting: &Json) -> Json {
    json!({
        "$evaluators": {"a": {"var": "a"}, "b": {"!": [{"$ref": "b"}]}},
        "flags": {"f": {
            "state": "ENABLED", "variants": {"a": 1, "true": 2}, "defaultVariant": "a", "targeting": targeting
        }}
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_rule_over_any_context_answers(targeting in rule(), context in json(), now in any::<i64>()) {
        let set = FlagSet::from_json(document(&targeting)).unwrap();
        let snapshot = Snapshot::compile(&set);
        let Ok(context) = Context::from_json(&context) else { return Ok(()) };
        let first = snapshot.evaluate("f", &context, now);
        prop_assert_eq!(&first, &snapshot.evaluate("f", &context, now), "the same question has the same answer");
        let (explained, _) = snapshot.explain("f", &context, now);
        prop_assert_eq!(&first, &explained, "explaining does not change the answer");
    }

    #[test]
    fn any_document_is_read_or_refused(document in json(), flags in json()) {
        let with_flags = json!({"flags": flags, "metadata": document, "$evaluators": flags});
        for document in [document, with_flags] {
            if let Ok(set) = FlagSet::from_json(document) {
                prop_assert_eq!(&FlagSet::from_json(set.to_json()).unwrap(), &set);
                let snapshot = Snapshot::compile(&set);
                prop_assert_eq!(snapshot.evaluate_all(&Context::empty(), 0).count(), set.flags.len());
            }
        }
    }

    #[test]
    fn any_line_is_answered(line in "[ -~]{0,20}", flag in json(), context in json(), kind in json()) {
        let snapshot = Snapshot::compile(&FlagSet::from_json(document(&json!({"var": "a"}))).unwrap());
        for line in [line, json!({"flag": flag, "context": context, "type": kind}).to_string()] {
            let answer = serde_json::to_value(batch::answer(&snapshot, &line, 0)).unwrap();
            prop_assert!(answer.get("reason").is_some() != answer.get("error").is_some());
        }
    }
}

fn evaluate(targeting: &Json, context: &Json) -> Result<(), ErrorCode> {
    let snapshot = Snapshot::compile(&FlagSet::from_json(document(targeting)).unwrap());
    assert_eq!(snapshot.faults().next(), None);
    let result = snapshot.evaluate("f", &Context::from_json(context).unwrap(), 0);
    result.map(|_| ()).map_err(|error| error.code)
}

#[test]
fn work_is_bounded() {
    let many: Vec<u32> = (0..2000).collect();
    let context = json!({"l": many, "s": "x".repeat(100_000)});
    let list = json!({"var": "l"});

    let quadratic =
        json!({"if": [{"none": [list, {"some": [[many], {"in": [1, {"var": "0"}]}]}]}, "a", "a"]});
    assert_eq!(evaluate(&quadratic, &context), Ok(()), "an honest amount of work is done");

    let over = |body: Json| json!({"map": [list, body]});
    let cubic = over(json!({"map": [many, {"map": [many, {"var": ""}]}]}));
    let doubling = json!({"reduce": [list, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "x"]});
    let merging = json!({"reduce": [list, {"merge": [{"var": "accumulator"}, {"var": "accumulator"}]}, [1]]});
    let texts = json!({"reduce": [list, {"cat": [{"var": "accumulator"}, "0123456789".repeat(100)]}, ""]});
    for greedy in [cubic, doubling, merging, texts] {
        assert_eq!(evaluate(&greedy, &context), Err(ErrorCode::General), "{:.60}", greedy.to_string());
    }
}

#[test]
fn the_deepest_rule_runs_on_a_small_stack() {
    let rule = (0..95).fold(json!({"var": "absent"}), |rule, _| json!({"!": rule}));
    let branching = (0..45).fold(json!("a"), |rule, _| json!({"if": [{"==": [{"var": "x"}, 1]}, "a", rule]}));
    let mapping = (0..45).fold(json!([1]), |rule, _| json!({"map": [[1], rule]}));
    let rules = [json!({"if": [rule, "a", "a"]}), branching, json!({"if": [mapping, "a"]})];
    let thread = std::thread::Builder::new().stack_size(1024 * 1024);
    let results = thread.spawn(move || rules.map(|rule| evaluate(&rule, &json!({"x": 2}))));
    assert_eq!(results.unwrap().join().unwrap(), [Ok(()); 3]);
}

#[test]
fn a_context_nested_deeper_than_json_text_can_be_has_no_bucket() {
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let context = |depth| Json::Object(Map::from_iter([("o".to_owned(), json!({"deep": nested(depth)}))]));
    let split = json!({"fractional": [{"var": "o"}, ["a"]]});
    let reason = |depth| {
        let snapshot = Snapshot::compile(&FlagSet::from_json(document(&split)).unwrap());
        let context = context(depth);
        let answer = snapshot.evaluate("f", &Context::from_json(&context).unwrap(), 0).unwrap();
        answer.reason.as_str()
    };
    assert_eq!(reason(100), "TARGETING_MATCH");
    assert_eq!(reason(1000), "DEFAULT");
    assert_eq!(evaluate(&json!({"if": [{"==": [{"var": "o.deep"}, ""]}, "a"]}), &context(1000)), Ok(()));
}
