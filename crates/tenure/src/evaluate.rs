//! `tenure evaluate`: flags of a flagd definition file, evaluated without a server.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use tenure_flags::{FlagSet, Snapshot, batch};

/// Evaluate flags of a definition file: one JSON answer for each line of input.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A flagd definition file (JSON)
    #[arg(long, value_name = "FILE")]
    flags: PathBuf,
    /// Lines of `{"flag": …, "context": …, "type"?: …}`; `-` reads standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    batch: PathBuf,
    /// The time that rules see as `$flagd.timestamp`, in seconds since 1970; now, if left out
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
}

/// Answer every line; a flag's failure is an answer, not a failure of the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(&args.flags)
        .with_context(|| format!("the definitions {} cannot be read", args.flags.display()))?;
    let set = FlagSet::from_text(&text)
        .with_context(|| format!("{} is no flagd definition", args.flags.display()))?;
    let snapshot = Snapshot::compile(&set);
    let now = args.at.unwrap_or_else(|| tenure_server::wall_now().as_second());
    let mut out = BufWriter::new(io::stdout().lock());
    for line in lines(&args.batch)? {
        let line = line.with_context(|| format!("{} cannot be read", args.batch.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        serde_json::to_writer(&mut out, &batch::answer(&snapshot, &line, now))?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn lines(path: &Path) -> anyhow::Result<Box<dyn Iterator<Item = io::Result<String>>>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lines()));
    }
    let file = File::open(path).with_context(|| format!("the batch {} cannot be read", path.display()))?;
    Ok(Box::new(BufReader::new(file).lines()))
}
