//! Evaluates flags: `batch FLAGS.json < QUESTIONS.ndjson`, one `{"flag", "context", "type"?}` a line. The same answers as
//! `tenure evaluate`, without the rest of the product.

#![expect(clippy::print_stdout, reason = "a filter writes to standard output")]
#![expect(clippy::disallowed_methods, reason = "the outermost layer asks for the time")]

use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, io};

use tenure_flags::{FlagSet, Snapshot, batch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = env::args_os().nth(1).ok_or("name a file of flags")?;
    let snapshot = Snapshot::compile(&FlagSet::from_text(&fs::read_to_string(path)?)?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().try_into()?;
    for line in io::stdin().lines() {
        println!("{}", serde_json::to_string(&batch::answer(&snapshot, &line?, now))?);
    }
    Ok(())
}
