//! flagd's own cases through real OpenFeature clients against the running server: client × mode × cases passed.
//!
//! The cases are those of `conformance/testbed.json`. A case that does not apply to a client is named with the reason;
//! every other one passes. The table stands in `docs/reference/conformance.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tenure_server::listener::{Credential, FlagListener};
use tenure_server::tls::Tls;

use crate::growth_team::{GrowthTeam, node, programs, python, rust};

/// A client in one of its modes, and what of the testbed it cannot do.
struct Client {
    name: &'static str,
    mode: &'static str,
    /// A file beside the other programs, or [`RUST`].
    program: &'static str,
    /// The version of `fractional` that the evaluating side hashes by.
    fractional: u8,
    /// Cases that fail for a reason of the client's own, by a part of their names.
    own_faults: &'static [(&'static str, &'static str)],
    /// What of an answer it does not pass on; the rest of such a case is compared.
    loses: &'static [&'static str],
}

const VALUELESS: &str =
    "it takes an answer without a value for a malformed one: the code default is served, with reason ERROR";

const ABSENT: &str = "it says of a disabled flag that there is none";
const STRICT: &str = "its `sem_ver` takes whole versions only";
const NEVER_NULL: &str = "its `starts_with` and `ends_with` answer false where they should answer null";

/// The program that the Rust clients are compiled into.
const RUST: &str = "rust";

const CLIENTS: [Client; 10] = [
    Client {
        name: "npm `@openfeature/ofrep-provider` 0.1.3",
        mode: "ofrep",
        program: "provider.mjs",
        fractional: 3,
        own_faults: &[
            ("Resolves flag with no default variant correctly", VALUELESS),
            ("Evaluating a disabled flag returns reason DISABLED and code default", VALUELESS),
            ("Flag disabled in one flag set, enabled in another, 6", VALUELESS),
            ("Resolve disabled flag returns reason DISABLED with the default value", VALUELESS),
            ("Resolve flag with no default variant", VALUELESS),
        ],
        loses: &[],
    },
    Client {
        name: "npm `@openfeature/flagd-provider` 0.16.1",
        mode: "rpc",
        program: "provider.mjs",
        fractional: 3,
        own_faults: &[],
        loses: &[],
    },
    Client {
        name: "npm `@openfeature/flagd-provider` 0.16.1",
        mode: "in-process",
        program: "provider.mjs",
        fractional: 2,
        own_faults: &[],
        loses: &[],
    },
    Client {
        name: "npm `@openfeature/ofrep-web-provider` 0.4.3 in Chromium",
        mode: "ofrep",
        program: "web.mjs",
        fractional: 3,
        own_faults: &[],
        loses: &[],
    },
    Client {
        name: "PyPI `openfeature-provider-ofrep` 0.3.0",
        mode: "ofrep",
        program: "provider.py",
        fractional: 3,
        own_faults: &[],
        loses: &[],
    },
    Client {
        name: "PyPI `openfeature-provider-flagd` 0.6.1",
        mode: "rpc",
        program: "provider.py",
        fractional: 3,
        own_faults: &[],
        loses: &["metadata"],
    },
    Client {
        name: "PyPI `openfeature-provider-flagd` 0.6.1",
        mode: "in-process",
        program: "provider.py",
        fractional: 3,
        own_faults: &[],
        loses: &[],
    },
    Client {
        name: "crates.io `open-feature-ofrep` 0.1.2",
        mode: "ofrep",
        program: RUST,
        fractional: 3,
        own_faults: &[
            ("Evaluating a disabled flag returns reason DISABLED and code default", VALUELESS),
            ("Resolves flag with no default variant correctly", VALUELESS),
            ("Resolve disabled flag returns reason DISABLED with the default value", VALUELESS),
            ("Resolve flag with no default variant", VALUELESS),
            ("Flag disabled in one flag set, enabled in another, 6", VALUELESS),
        ],
        loses: &["errorCode", "metadata", "reason"],
    },
    Client {
        name: "crates.io `open-feature-flagd` 0.3.0",
        mode: "rpc",
        program: RUST,
        fractional: 3,
        own_faults: &[
            ("Evaluating a disabled flag returns reason DISABLED and code default", VALUELESS),
            ("Resolves flag with no default variant correctly", VALUELESS),
            ("Resolve disabled flag returns reason DISABLED with the default value", VALUELESS),
            ("Resolve flag with no default variant", VALUELESS),
        ],
        loses: &["errorCode"],
    },
    Client {
        name: "crates.io `open-feature-flagd` 0.3.0",
        mode: "in-process",
        program: RUST,
        fractional: 3,
        own_faults: &[
            ("Evaluating a disabled flag", ABSENT),
            ("Flag disabled in one flag set", ABSENT),
            ("Resolve disabled flag", ABSENT),
            ("build metadata ignored", STRICT),
            ("numeric context value coercion", STRICT),
            ("partial version string handling", STRICT),
            ("v-prefix handling", STRICT),
            ("starts_with and ends_with return null", NEVER_NULL),
        ],
        loses: &[],
    },
];

impl Client {
    /// Whether it reads only documents in which every flag has a default variant.
    fn wants_defaults(&self) -> bool {
        self.program == RUST && self.mode == "in-process"
    }
}

/// The testbed's flag documents: each is an environment here.
const ENVIRONMENTS: [(&str, &str); 4] = [
    ("all", "all"),
    ("evaluator", "evaluator"),
    ("selector", "selector-flags.json"),
    ("metadata", "selector-flag-combined-metadata.json"),
];

#[derive(Deserialize)]
struct Testbed {
    source: String,
    documents: BTreeMap<String, Value>,
    /// Attributes that stand in every context.
    enrichment: BTreeMap<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    scenario: String,
    /// Which example of the scenario.
    number: u32,
    tags: Vec<String>,
    document: String,
    flag: String,
    #[serde(rename = "type")]
    expected_type: String,
    default: Value,
    context: Map<String, Value>,
    expect: Map<String, Value>,
    /// Why no evaluator of the third version of `fractional` is asked.
    inapplicable: Option<String>,
}

/// How the testbed says that a case is for another version of `fractional` than ours.
const OTHER_VERSION: &str = "another version of fractional";

impl Case {
    fn name(&self) -> String {
        let file = self.file.trim_start_matches("gherkin/").replace("/gherkin/", "/");
        format!("{file}: {}, {}", self.scenario, self.number)
    }

    /// Why the case does not apply to a client; none when it does.
    fn inapplicable(
        &self,
        client: &Client,
        refused: &BTreeSet<String>,
        without_default: &BTreeSet<String>,
    ) -> Option<String> {
        match &self.inapplicable {
            Some(why) if !why.starts_with(OTHER_VERSION) => return Some(why.clone()),
            _ => {}
        }
        for version in 1..=3 {
            if version != client.fractional && self.tags.contains(&format!("@fractional-v{version}")) {
                return Some(format!("for version {version} of `fractional`"));
            }
        }
        if refused.contains(&self.flag) {
            return Some("the server takes no definition with such a fault".to_owned());
        }
        if client.wants_defaults() && without_default.contains(&self.flag) {
            return Some("it reads no document in which a flag has no default variant".to_owned());
        }
        if client.mode == "ofrep" && self.context.get("targetingKey").is_some_and(|key| !key.is_string()) {
            return Some(
                "OFREP's targeting key is a text: another is refused with INVALID_CONTEXT".to_owned(),
            );
        }
        if client.program == RUST && !self.context.values().all(is_scalar) {
            return Some("its context takes no object or array".to_owned());
        }
        let name = self.name();
        let own = client.own_faults.iter().find(|(part, _)| name.contains(part));
        own.map(|(_, why)| (*why).to_owned())
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Array(_) | Value::Object(_))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_clients_pass_flagds_cases() {
    if node().is_none() || python().is_none() || rust().is_none() {
        return;
    }
    let Some(chromium) = chromium() else { return };
    let path = programs().join("../testbed.json");
    let testbed: Testbed = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let listener = |(environment, _): (&str, &str)| FlagListener {
        listen: "127.0.0.1:0".parse().unwrap(),
        credential: Credential::None,
        environment: environment.to_owned(),
        tls: Tls::default(),
    };
    let enrichment = testbed.enrichment.clone();
    let team = GrowthTeam::start_with(|config| {
        config.flag_listeners = ENVIRONMENTS.into_iter().map(listener).collect();
        config.flag_context = enrichment;
        config.cors_origins = vec!["*".to_owned()];
    })
    .await;
    let mut refused = BTreeSet::new();
    for (environment, document) in ENVIRONMENTS {
        refused.extend(load(&team, environment, &testbed.documents[document]).await);
    }

    let without_default: BTreeSet<String> = ENVIRONMENTS
        .into_iter()
        .flat_map(|(_, document)| testbed.documents[document]["flags"].as_object().unwrap())
        .filter(|(_, definition)| !definition["defaultVariant"].is_string())
        .map(|(key, _)| key.clone())
        .collect();

    let mut failures = String::new();
    let mut page = Page::new(&testbed.source);
    for client in &CLIENTS {
        let (mut applicable, mut failed) = (0, 0);
        if client.wants_defaults() {
            // It is the last one to be asked.
            for key in without_default.difference(&refused) {
                team.give("developer", "archive_flag", json!({"key": key})).await;
            }
        }
        for (index, (environment, document)) in ENVIRONMENTS.into_iter().enumerate() {
            let cases: Vec<&Case> = testbed
                .cases
                .iter()
                .filter(|case| {
                    case.document == document
                        && case.inapplicable(client, &refused, &without_default).is_none()
                })
                .collect();
            applicable += cases.len();
            for (name, problems) in run(&team, client, environment, index, &cases, &chromium).await {
                failed += 1;
                writeln!(failures, "{} {}: {name}: {problems:?}", client.name, client.mode).unwrap();
            }
        }
        page.row(client, applicable, failed, testbed.cases.len() - applicable);
        for case in &testbed.cases {
            if let Some(why) = case.inapplicable(client, &refused, &without_default) {
                page.not_applicable(client, case, &why);
            }
        }
    }
    team.server.stop().await.unwrap();
    assert!(failures.is_empty(), "{failures}");
    page.compare();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_learns_of_a_change_by_its_event_stream() {
    let (Some(mut node), Some(chromium)) = (node(), chromium()) else { return };
    let team = GrowthTeam::start_with(|config| config.cors_origins = vec!["*".to_owned()]).await;
    let flag = |value: &str| json!({"state": "ENABLED", "variants": {"v": value}, "defaultVariant": "v"});
    let path = "/api/v1/flags/headline";
    team.ok(Method::PUT, path, team.token_of("developer"), &flag("old")).await;
    let change = json!({
        "url": format!("{}{path}", team.server.url()), "token": team.token_of("developer"), "definition": flag("new"),
        "flag": "headline", "value": "new",
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.json");
    fs::write(&file, json!({"cases": []}).to_string()).unwrap();
    node.arg(programs().join("web.mjs"))
        .env("CASES", &file)
        .env("URL", team.server.url())
        .env("TOKEN", team.application_token("evaluate").await)
        .env("CHROMIUM", chromium)
        .env("CHANGE", change.to_string());
    let done = tokio::task::spawn_blocking(move || node.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let told: Told = serde_json::from_str(&said)
        .unwrap_or_else(|error| panic!("{error}: {said}{}", String::from_utf8_lossy(&done.stderr)));
    assert_eq!((told.name.as_str(), told.problems), ("change", Vec::new()));
    team.server.stop().await.unwrap();
}

/// The browser; a test without one says that it is skipped, or fails where clients are required.
fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let usual =
        ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    let found = named.into_iter().chain(usual).find(|path| path.is_file());
    let required = std::env::var("TENURE_REQUIRE_CLIENTS").is_ok_and(|required| required == "1");
    assert!(found.is_some() || !required, "there is no Chromium; run `make clients`");
    if found.is_none() {
        eprintln!("SKIPPED: there is no Chromium; `make clients` installs it");
    }
    found
}

/// Set every flag of a document; those that the server refuses.
async fn load(team: &GrowthTeam, environment: &str, document: &Value) -> BTreeSet<String> {
    let mut refused = BTreeSet::new();
    for (key, definition) in document["flags"].as_object().unwrap() {
        let mut definition = definition.clone();
        inline(&mut definition, &document["$evaluators"]);
        let mut metadata = document["metadata"].as_object().cloned().unwrap_or_default();
        metadata.extend(definition["metadata"].as_object().cloned().unwrap_or_default());
        if !metadata.is_empty() {
            definition["metadata"] = metadata.into();
        }
        let path = format!("/api/v1/flags/{key}?environment={environment}");
        let (status, answer) = team.send(Method::PUT, &path, team.token_of("developer"), &definition).await;
        if !status.is_success() {
            assert!(
                answer["detail"].as_str().is_some_and(|detail| detail.contains("targeting")),
                "{key}: {answer}"
            );
            refused.insert(key.clone());
        }
    }
    refused
}

/// Put the shared rules in the places that refer to them: flags are set one by one here.
fn inline(rule: &mut Value, evaluators: &Value) {
    if let Some(shared) = rule.get("$ref").and_then(Value::as_str).and_then(|name| evaluators.get(name)) {
        *rule = shared.clone();
    }
    match rule {
        Value::Array(items) => items.iter_mut().for_each(|item| inline(item, evaluators)),
        Value::Object(members) => members.values_mut().for_each(|member| inline(member, evaluators)),
        _ => {}
    }
}

/// Run a client's program over the cases of an environment; those that failed, and how.
async fn run(
    team: &GrowthTeam,
    client: &Client,
    environment: &str,
    listener: usize,
    cases: &[&Case],
    chromium: &Path,
) -> BTreeMap<String, Vec<String>> {
    let list: Vec<Value> = cases
        .iter()
        .map(|case| {
            let mut expect = case.expect.clone();
            expect.retain(|field, _| !client.loses.contains(&field.as_str()));
            json!({
                "name": case.name(), "flag": case.flag, "type": case.expected_type, "default": case.default,
                "context": case.context, "expect": expect,
            })
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.json");
    fs::write(&file, json!({"cases": list}).to_string()).unwrap();
    let token = json!({"name": "conformance", "scopes": ["evaluate"], "environment": environment});
    let token = team.ok(Method::POST, "/api/v1/tokens", &team.admin, &token).await;
    let mut command = command(client);
    command
        .env("CASES", &file)
        .env("CHROMIUM", chromium)
        .env("MODE", client.mode)
        .env("URL", team.server.url())
        .env("TOKEN", token["token"].as_str().unwrap())
        .env("HOST_PORT", team.server.flag_addrs()[listener].to_string());
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{} {}:\n{said}{complained}", client.name, client.mode);
    let told: Vec<Told> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        told.len(),
        cases.len(),
        "{} {}: a line for each case\n{complained}",
        client.name,
        client.mode
    );
    told.into_iter().filter(|told| !told.problems.is_empty()).map(|told| (told.name, told.problems)).collect()
}

fn command(client: &Client) -> Command {
    if client.program == RUST {
        return rust().unwrap();
    }
    let mut command = if client.program.ends_with(".py") { python().unwrap() } else { node().unwrap() };
    command.arg(programs().join(client.program));
    command
}

/// What a program says of a case.
#[derive(Deserialize)]
struct Told {
    name: String,
    problems: Vec<String>,
}

/// The page of the table.
struct Page {
    source: String,
    rows: String,
    /// Cases by reason, and by the clients they do not apply to.
    not: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Page {
    fn new(source: &str) -> Self {
        Self { source: source.to_owned(), rows: String::new(), not: BTreeMap::new() }
    }

    fn row(&mut self, client: &Client, applicable: usize, failed: usize, not: usize) {
        let Client { name, mode, loses, .. } = client;
        let (passed, lost) = (applicable - failed, loses.join(", "));
        writeln!(self.rows, "| {name} | {mode} | {passed} of {applicable} | {not} | {lost} |").unwrap();
    }

    fn not_applicable(&mut self, client: &Client, case: &Case, why: &str) {
        let clients = self.not.entry(why.to_owned()).or_default();
        clients.entry(case.name()).or_default().insert(format!("{} ({})", client.name, client.mode));
    }

    fn text(&self) -> String {
        let mut text = format!(
            "# Conformance\n\nThe cases of {}, evaluated by real OpenFeature clients against the running server. \
             `make test` runs them; `TENURE_WRITE_GENERATED=1 cargo test --package tenure --test it conformance` writes this page.\n\n\
             Not compared is what a client does not pass on to its caller.\n\n\
             | client | mode | cases passed | not applicable | not compared |\n|---|---|---|---|---|\n",
            self.source
        );
        text.push_str(&self.rows);
        text.push_str("\n## Not applicable\n");
        for (why, cases) in &self.not {
            let clients: BTreeSet<&String> = cases.values().flatten().collect();
            let all = clients.len() == CLIENTS.len();
            let clients: Vec<&str> = clients.into_iter().map(String::as_str).collect();
            let whom = if all { "every client".to_owned() } else { clients.join(", ") };
            writeln!(text, "\n**{why}** (for {whom}):\n").unwrap();
            for name in cases.keys() {
                writeln!(text, "- {name}").unwrap();
            }
        }
        text
    }

    fn compare(&self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/conformance.md");
        let text = self.text();
        if std::env::var("TENURE_WRITE_GENERATED").is_ok_and(|write| write == "1") {
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&path).unwrap_or_default(),
            text,
            "{} is not up to date",
            path.display()
        );
    }
}
