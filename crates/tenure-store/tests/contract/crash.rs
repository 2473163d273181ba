//! kill -9 at any moment loses no acknowledged entry.
//!
//! A child process appends without pause and prints each entry once the append has returned; it is killed at random
//! moments. Whatever it had printed is in the journal afterwards, and the chain is whole.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tenure_store::{Location, Store};

use crate::folder::picture;
use crate::place::{Place, contract, entries};

contract!(killed_at_any_moment_no_acknowledged_entry_is_lost);

const LOCATION: &str = "TENURE_TEST_APPEND_TO";
const ROUNDS: usize = 10;

async fn killed_at_any_moment_no_acknowledged_entry_is_lost(place: &Place) {
    let mut acknowledged: Vec<(i64, String)> = Vec::new();
    for round in 0..ROUNDS {
        let (mut child, mut lines) = start(place);
        // From the first acknowledgement on, a random moment within 40 milliseconds.
        let first = lines.next().expect("the child acknowledges an entry");
        std::thread::sleep(Duration::from_micros(u64::from(getrandom::u32().unwrap()) % 40_000));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.push(first);
        acknowledged.extend(lines);

        // As the kill left it: whole, and looking at it changes nothing.
        let folder = place.folder.as_ref().map(tempfile::TempDir::path);
        let left = folder.map(picture);
        let inspector = place.inspect().await;
        let whole = inspector.verify().await.unwrap();
        inspector.close().await;
        assert_eq!(folder.map(picture), left);

        let store = place.open().await;
        assert_eq!(store.verify().await.unwrap(), whole, "round {round}");
        for (seq, hash) in &acknowledged {
            let kept = store.read(seq - 1, 1).await.unwrap();
            assert_eq!(kept[0].hash.to_string(), *hash, "round {round}: entry {seq} was acknowledged");
        }
        store.close().await;
    }
    assert!(acknowledged.len() > ROUNDS, "the child was killed while it appended: {}", acknowledged.len());
}

fn start(place: &Place) -> (Child, impl Iterator<Item = (i64, String)>) {
    let location = match &place.location {
        Location::Folder(path) => path.display().to_string(),
        Location::Postgres(options) => format!(
            "postgres://postgres@{}/{}",
            options.get_socket().unwrap().display().to_string().replace('/', "%2F"),
            options.get_database().unwrap()
        ),
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::append_until_killed", "--ignored", "--nocapture"])
        .env(LOCATION, location)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = acknowledgements(child.stdout.take().unwrap());
    (child, lines)
}

/// The whole lines that the child printed about its appends; the last one may be torn.
fn acknowledgements(output: ChildStdout) -> impl Iterator<Item = (i64, String)> {
    BufReader::new(output).split(b'\n').map_while(Result::ok).filter_map(|line| {
        let line = String::from_utf8(line).ok()?;
        let (seq, hash) = line.strip_prefix("acknowledged ")?.strip_suffix('.')?.split_once(' ')?;
        Some((seq.parse().unwrap(), hash.to_owned()))
    })
}

#[tokio::test]
#[ignore = "the child of the test above: appends until it is killed"]
async fn append_until_killed() {
    let store = Store::open(&std::env::var(LOCATION).unwrap().parse().unwrap()).await.unwrap();
    let mut last = store.head().await.unwrap().seq;
    let mut output = std::io::stdout();
    loop {
        let size = 1 + i64::from(getrandom::u32().unwrap() % 5);
        for entry in store.append(last, &entries(last + 1..=last + size), None).await.unwrap() {
            writeln!(output, "acknowledged {} {}.", entry.seq, entry.hash).unwrap();
        }
        output.flush().unwrap();
        last += size;
    }
}
