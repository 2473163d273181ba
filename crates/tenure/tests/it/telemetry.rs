//! Real telemetry: the official OpenTelemetry hooks and exporters in JavaScript and Python, against the running server.

use std::process::Command;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tenure_analysis::{Aggregation, Answer, Epoch, Metric, Query};
use tenure_server::wall_now;

use crate::growth_team::{GrowthTeam, node, programs, python};

const FLAG: &str = "rolled-out";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_and_exporters_tell_of_the_right_arm_and_revision() {
    let (Some(_), Some(_)) = (node(), python()) else { return };
    // Exporters stamp what they send by the machine's clock.
    let team = GrowthTeam::start_at(wall_now(), |_| {}).await;
    start_rollout(&team).await;
    let mut total = Told::default();
    for (program, protocol) in [
        ("telemetry.mjs", "http/protobuf"),
        ("telemetry.mjs", "http/json"),
        ("telemetry.mjs", "grpc"),
        ("telemetry.py", "http/protobuf"),
        ("telemetry.py", "grpc"),
    ] {
        let told = run(&team, program, protocol).await;
        assert!(told.treatment > 0 && told.control > 0, "{program} over {protocol} saw {told:?}");
        total.add(&told);
        let answer = settled(&team, 2 * (total.control + total.treatment)).await;
        let units = |arm: usize| answer.epochs[0].arms[arm].units;
        let seen = format!("after {program} over {protocol}: {total:?}, measured {answer:#?}");
        assert_eq!([units(0), units(1)], [total.control, total.treatment], "{seen}");
        // Each unit was exposed twice: by the server, which evaluated, and by telemetry. In one arm and revision both times.
        assert_eq!(answer.health.exposures, 2 * (total.control + total.treatment), "{seen}");
        assert_eq!(answer.health.units_in_two_arms, 0, "{seen}");
        assert_eq!(answer.health.outcomes, total.outcomes, "{seen}");
    }
    team.server.stop().await.unwrap();
}

/// What a program says it told of.
#[derive(Debug, Default)]
struct Told {
    control: u64,
    treatment: u64,
    outcomes: u64,
}

impl Told {
    fn add(&mut self, other: &Self) {
        self.control += other.control;
        self.treatment += other.treatment;
        self.outcomes += other.outcomes;
    }
}

/// A case whose flag most units meet.
async fn start_rollout(team: &GrowthTeam) {
    let ended = (wall_now() - SignedDuration::from_hours(20 * 24)).strftime("%Y-%m-%d").to_string();
    let experiment = json!({
        "experiment": "EXP-1", "team": "growth", "ended": ended, "metric": {"name": "visit"},
        "measurement": {"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0},
    });
    team.give("product-manager", "register_experiment", experiment).await;
    team.prepare_and_build("PC-1", "EXP-1", FLAG).await;
    let plan = json!({"case": "PC-1", "waves": [[40, "measure"]], "metric": "visit"});
    team.give("development-lead", "set_rollout_plan", plan).await;
    team.give("development-lead", "start_wave", json!({"case": "PC-1"})).await;
}

/// Run a program to its end, over one of OTLP's protocols.
async fn run(team: &GrowthTeam, program: &str, protocol: &str) -> Told {
    let mut command: Command = if program.ends_with(".py") { python() } else { node() }.unwrap();
    let token = team.application_token("evaluate").await;
    let ingest = team.application_token("ingest").await;
    command
        .arg(programs().join(program))
        .env("TENURE_URL", team.server.url())
        .env("TENURE_TOKEN", token)
        .env("TENURE_ROLLOUT_FLAG", FLAG)
        .env("UNIT_PREFIX", format!("{program}-{protocol}"))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", team.server.url())
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization=Bearer%20{ingest}"))
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (said, faults) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{program}:\n{said}{faults}");
    let told: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let seen = |variant: &str| told["seen"][variant].as_u64().unwrap_or(0);
    Told {
        control: seen("control"),
        treatment: seen("treatment"),
        outcomes: told["outcomes"].as_u64().unwrap(),
    }
}

/// What the engine sees once so many exposures are durable: the server does not wait for its own.
async fn settled(team: &GrowthTeam, exposures: u64) -> Answer {
    let started = Instant::now();
    loop {
        let answer = measured(team).await;
        if answer.health.exposures >= exposures || started.elapsed() > Duration::from_secs(10) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What the engine sees of the case's revision.
async fn measured(team: &GrowthTeam) -> Answer {
    let query = Query {
        flag: FLAG.to_owned(),
        revision: Some("PC-1/1".to_owned()),
        unit_type: "user".to_owned(),
        arms: vec!["control".to_owned(), "treatment".to_owned()],
        epochs: vec![Epoch { index: 1, starts_at: Timestamp::UNIX_EPOCH }],
        as_of: wall_now() + SignedDuration::from_hours(1),
        lateness: SignedDuration::from_hours(24),
        days: 0,
        metrics: vec![Metric {
            name: "visit".to_owned(),
            event: "visit".to_owned(),
            filter: Vec::new(),
            aggregation: Aggregation::Any,
            window: None,
            cap: None,
        }],
    };
    team.server.live().engine.measure(&query).await.unwrap()
}
