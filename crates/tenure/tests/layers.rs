//! The crate rules of ARCHITECTURE.md, kept by a test: who may use whom, and where the heavy libraries may live.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Which crates of ours each crate may use. A crate that is not listed fails the test.
const MAY_USE: &[(&str, &[&str])] = &[
    ("tenure-stats", &[]),
    ("tenure-flags", &[]),
    ("tenure-core", &["tenure-stats", "tenure-flags"]),
    ("tenure-store", &[]),
    ("tenure-events", &[]),
    ("tenure-analysis", &["tenure-stats", "tenure-core", "tenure-events"]),
    (
        "tenure-server",
        &["tenure-stats", "tenure-flags", "tenure-core", "tenure-store", "tenure-events", "tenure-analysis"],
    ),
    (
        "tenure-sim",
        &[
            "tenure-stats",
            "tenure-flags",
            "tenure-core",
            "tenure-store",
            "tenure-events",
            "tenure-analysis",
            "tenure-server",
        ],
    ),
    (
        "tenure",
        &[
            "tenure-stats",
            "tenure-flags",
            "tenure-core",
            "tenure-store",
            "tenure-events",
            "tenure-analysis",
            "tenure-server",
            "tenure-sim",
        ],
    ),
];

/// The only crates that may name a library, by the start of its name.
const LIVES_IN: &[(&str, &[&str])] = &[
    ("axum", &["tenure-server"]),
    ("tower", &["tenure-server"]),
    ("utoipa", &["tenure-server"]),
    ("tonic", &["tenure-server"]),
    ("sqlx", &["tenure-store"]),
    // The simulator stands in for the store, and reads back what the event log wrote.
    ("parquet", &["tenure-events", "tenure-analysis", "tenure-sim"]),
    ("arrow", &["tenure-events", "tenure-analysis", "tenure-sim"]),
    ("object_store", &["tenure-events", "tenure-analysis", "tenure-sim"]),
    ("anyhow", &["tenure"]),
    ("clap", &["tenure"]),
];

/// Crates that are plain functions: nothing asynchronous in them.
const PURE: &[&str] = &["tenure-stats", "tenure-flags", "tenure-core"];

#[test]
fn every_crate_keeps_to_its_layer() {
    let broken = broken_rules(&dependencies());
    assert!(broken.is_empty(), "the crate rules are broken:\n{}", broken.join("\n"));
}

#[test]
fn a_broken_rule_is_found() {
    let check = |package: &str, dependency: &str, expect: &str| {
        let graph = BTreeMap::from([(package.to_owned(), BTreeSet::from([dependency.to_owned()]))]);
        assert_eq!(broken_rules(&graph), [expect]);
    };
    check("tenure-core", "tenure-store", "tenure-core may not use tenure-store");
    check("tenure-sim", "axum", "tenure-sim names axum, which lives in tenure-server");
    check("tenure-flags", "tokio", "tenure-flags is pure and may not name tokio");
    check("tenure-new", "serde", "tenure-new has no place in the layers yet: give it one");
}

/// Package → the names it depends on in its own code (not its tests').
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata runs in a workspace");
    metadata
        .packages
        .iter()
        .map(|package| {
            let names = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal)
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.to_string(), names)
        })
        .collect()
}

fn broken_rules(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut broken = Vec::new();
    for (package, names) in graph {
        let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| name == package) else {
            broken.push(format!("{package} has no place in the layers yet: give it one"));
            continue;
        };
        for name in names {
            if name.starts_with("tenure") && !may_use.contains(&name.as_str()) {
                broken.push(format!("{package} may not use {name}"));
            }
            if let Some((_, homes)) = LIVES_IN.iter().find(|(library, _)| name.starts_with(library))
                && !homes.contains(&package.as_str())
            {
                broken.push(format!("{package} names {name}, which lives in {}", homes.join(", ")));
            }
            if PURE.contains(&package.as_str())
                && (name == "tokio" || name == "futures" || name == "async-trait")
            {
                broken.push(format!("{package} is pure and may not name {name}"));
            }
        }
    }
    broken
}
