//! Another process that has the store open: this test binary again, running the ignored test below.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child as Process, ChildStdout, Command, Stdio};

use tenure_store::{Location, Store};

use crate::place::{Place, entries};

const LOCATION: &str = "TENURE_TEST_APPEND_TO";
const SIZES: &str = "TENURE_TEST_APPEND_SIZES";
const TOLD: &str = "told";
const RANDOM: &str = "random";

/// A process that has the store open. Killed, as by `kill -9`, when this is dropped.
pub struct Child {
    process: Process,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts a process that appends batch after batch, without pause.
    pub fn that_appends_without_end(place: &Place) -> Child {
        Child::start(place, RANDOM, Stdio::null())
    }

    /// Starts a process that appends when it is told to.
    pub fn that_appends_when_told(place: &Place) -> Child {
        Child::start(place, TOLD, Stdio::piped())
    }

    /// Tells it to append a batch of so many entries, and waits until it has.
    pub fn append(&mut self, size: usize) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{size}").unwrap();
        for _ in 0..size {
            self.next_acknowledged().unwrap();
        }
    }

    /// The seq and hash of the next entry that it was acknowledged; none when it has ended.
    pub fn next_acknowledged(&mut self) -> Option<(i64, String)> {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            // The last line may be torn, and the test harness prints lines of its own.
            let whole = line.strip_prefix("acknowledged ").and_then(|line| line.strip_suffix(".\n"));
            if let Some((seq, hash)) = whole.and_then(|line| line.split_once(' ')) {
                return Some((seq.parse().unwrap(), hash.to_owned()));
            }
            line.clear();
        }
        None
    }

    /// Kills it, as by `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn start(place: &Place, sizes: &str, input: Stdio) -> Child {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::appends", "--ignored", "--nocapture"])
            .env(LOCATION, address(&place.location))
            .env(SIZES, sizes)
            .stdin(input)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Child { process, output }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn address(location: &Location) -> String {
    match location {
        Location::Folder(path) => path.display().to_string(),
        Location::Postgres(options) => format!(
            "postgres://postgres@{}/{}",
            options.get_socket().unwrap().display().to_string().replace('/', "%2F"),
            options.get_database().unwrap()
        ),
    }
}

#[tokio::test]
#[ignore = "this is what the child processes of other tests run"]
async fn appends() {
    let Ok(location) = std::env::var(LOCATION) else { return };
    let sizes: Box<dyn Iterator<Item = i64>> = match std::env::var(SIZES).unwrap().as_str() {
        TOLD => Box::new(std::io::stdin().lines().map(|line| line.unwrap().parse().unwrap())),
        RANDOM => Box::new(std::iter::repeat_with(|| 1 + i64::from(getrandom::u32().unwrap() % 5))),
        sizes => panic!("{SIZES}={sizes}"),
    };
    let store = Store::open(&location.parse().unwrap()).await.unwrap();
    let mut last = store.head().await.unwrap().seq;
    let mut output = std::io::stdout();
    for size in sizes {
        for entry in store.append(last, &entries(last + 1..=last + size), None).await.unwrap() {
            writeln!(output, "acknowledged {} {}.", entry.seq, entry.hash).unwrap();
        }
        output.flush().unwrap();
        last += size;
    }
}
