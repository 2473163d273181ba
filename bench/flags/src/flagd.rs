//! crates.io `flagd-evaluation-engine`, asked as its in-process provider asks: the rule as text, for every evaluation.

use flagd_evaluation_engine::{FlagParser, Operator};
use open_feature::EvaluationContext;
use serde_json::Value as Json;

use crate::workload::{OTHERS, Workload, age, country, id, key, plan};
use crate::{Subject, tenure};

pub fn subject(workload: Workload, callers: usize) -> Subject {
    let parsed = FlagParser::parse_string(&tenure::document(workload).to_string()).expect("a flagd document");
    let operator = Operator::new();
    let contexts: Vec<EvaluationContext> = (0..callers).map(context).collect();
    let keys: Vec<String> = (0..workload.flags().len()).map(key).collect();
    Box::new(move |caller| {
        let is_on = |key: &String| {
            let flag = &parsed.flags[key];
            let picked = match &flag.targeting {
                Some(_) => operator.apply(key, &flag.get_targeting(), &contexts[caller]).expect("an answer"),
                None => None,
            };
            let variant = picked.as_deref().unwrap_or(&flag.default_variant);
            usize::from(flag.variants.get(variant) == Some(&Json::Bool(true)))
        };
        keys.iter().map(is_on).sum()
    })
}

fn context(caller: usize) -> EvaluationContext {
    let context = EvaluationContext::default()
        .with_targeting_key(id(caller))
        .with_custom_field("country", country(caller))
        .with_custom_field("plan", plan(caller))
        .with_custom_field("age", age(caller) as i64);
    OTHERS.into_iter().fold(context, |context, (name, value)| context.with_custom_field(name, value))
}
