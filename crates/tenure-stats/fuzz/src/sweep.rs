//! The fuzzed function without libFuzzer, for machines that have a stable toolchain only: seeded mutations of the
//! inputs in a folder, for some seconds. What fails is written beside them and ends the run.
//!
//! `sweep SECONDS CORPUS [SEED]`

#[path = "../../tests/it/total.rs"]
mod total;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Inputs kept in memory.
const CORPUS_MAX: usize = 4096;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(seconds), Some(folder)) = (arguments.first().and_then(|text| text.parse().ok()), arguments.get(1))
    else {
        eprintln!("usage: sweep SECONDS CORPUS [SEED]");
        return ExitCode::from(2);
    };
    let folder = Path::new(folder);
    let mut chance = Chance(arguments.get(2).and_then(|text| text.parse().ok()).unwrap_or(1));
    let mut corpus = read(folder);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0u64;
    while Instant::now() < until {
        let input = chance.mutated(&corpus);
        runs += 1;
        if std::panic::catch_unwind(|| total::check(&input)).is_err() {
            let path = folder.join(format!("failed-{:016x}", chance.0));
            let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, &input));
            eprintln!("failed after {runs} runs on {} ({written:?})", path.display());
            eprintln!("{}", input.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
            return ExitCode::FAILURE;
        }
        // Without coverage nothing says which input is new: now and then one joins the corpus.
        if runs % 64 == 0 {
            let at = chance.below(CORPUS_MAX);
            if at < corpus.len() { corpus[at] = input } else { corpus.push(input) }
        }
    }
    println!("{runs} runs in {seconds} s, none failed");
    ExitCode::SUCCESS
}

fn read(folder: &Path) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut corpus: Vec<Vec<u8>> = files.filter_map(|file| std::fs::read(file.path()).ok()).collect();
    corpus.sort();
    corpus.truncate(CORPUS_MAX);
    corpus.push(Vec::new());
    corpus
}

/// SplitMix64 [Steele, Lea, Flood 2014].
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// One of the corpus, with some bytes replaced, and some more at the end.
    fn mutated(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..self.below(8) {
            let at = self.below(input.len());
            if let Some(byte) = input.get_mut(at) {
                *byte = self.next() as u8;
            }
        }
        for _ in 0..self.below(200) {
            input.push(self.next() as u8);
        }
        input.truncate(600);
        input
    }
}
