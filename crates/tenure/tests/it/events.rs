//! `tenure import events` and `tenure events …` as a person gives them.

use std::path::Path;
use std::process::{Command, Output};

use crate::growth_team::GrowthTeam;

async fn tenure(team: &GrowthTeam, token: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenure"));
    command.args(arguments).args(["--url", &team.server.url(), "--token", token]);
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

async fn import(team: &GrowthTeam, token: &str, file: &Path, more: &[&str]) -> (Option<i32>, String) {
    let file = file.to_str().unwrap();
    tenure(team, token, &[&["import", "events", file], more].concat()).await
}

/// Events that count: repeats go when they are sealed.
async fn counted(team: &GrowthTeam) -> u64 {
    let events = &team.server.live().events;
    events.seal_all().await.unwrap();
    events.view().await.unwrap().events()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_imported_once_however_often_it_is_sent() {
    let team = GrowthTeam::start().await;
    let token = team.application_token("ingest").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("visits.csv");
    let mut rows = String::from("unit,event,id,value,at\n");
    for number in 0..2_500 {
        rows.push_str(&format!("u{number},visit,v{number},1.5,2026-03-01T12:00:00Z\n"));
    }
    rows.push_str("u1,visit,bad,much,\nu2,visit,old,1,1971-01-01T00:00:00Z\n");
    std::fs::write(&file, rows).unwrap();
    let (code, said) = import(&team, &token, &file, &[]).await;
    assert_eq!(code, Some(1), "two rows were refused: {said}");
    assert!(said.contains("2,500 events accepted, 2 refused"), "{said}");
    assert!(said.contains("row 2501: value: a text, not a number"), "{said}");
    assert!(said.contains("row 2502: at: "), "{said}");
    let (code, said) = import(&team, &token, &file, &["--from-row", "2001"]).await;
    assert_eq!((code, said.contains("500 events accepted, 2 refused")), (Some(1), true), "{said}");
    assert_eq!(counted(&team).await, 2_500);

    let (code, said) = tenure(&team, &team.admin, &["events", "erase", "--unit", "u7"]).await;
    assert_eq!((code, said.as_str()), (Some(0), "1 event erased\n"), "{said}");
    assert_eq!(counted(&team).await, 2_499);
    team.server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_read_is_told_and_sends_nothing() {
    let team = GrowthTeam::start().await;
    let token = team.application_token("ingest").await;
    let folder = tempfile::tempdir().unwrap();
    for (name, content, expected) in [
        ("events.parquet", "PAR1 and nothing more", "damaged or not Parquet"),
        ("events.csv", "unit,event,colour\nu1,visit,red\n", "attributes.colour"),
        ("events.txt", "", "neither .csv"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let (code, said) = import(&team, &token, &file, &[]).await;
        assert_eq!((code, said.contains(expected)), (Some(1), true), "{said}");
    }
    let file = folder.path().join("events.ndjson");
    std::fs::write(&file, "{\"type\": \"outcome\", \"unit\": \"u1\", \"event\": \"purchse\"}\n").unwrap();
    let (code, said) = import(&team, &token, &file, &[]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("event purchse: no metric measures this event"), "{said}");
    assert_eq!(counted(&team).await, 1);
    team.server.stop().await.unwrap();
}
