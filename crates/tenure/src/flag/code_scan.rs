//! Where flags' keys stand in a checkout: its files as the checkout's own ignore rules leave them, line by line.
//!
//! A key stands where its text does, and neither what is before it nor what is behind it is a letter, a digit, `_` or `-`:
//! `checkout` does not stand in `checkout-v2`. Of keys that begin alike the longest counts.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use ignore::{WalkBuilder, WalkState};
use serde::Serialize;

/// So many places of each key are kept; all are counted.
pub const PLACES_MAX: usize = 1_000;

/// What a scan found.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// How many files were read.
    pub files: u64,
    /// Files that could not be read, with why.
    pub unread: Vec<String>,
    /// Every key that was looked for.
    pub keys: BTreeMap<String, Standing>,
}

/// How often a key stands in the code, and where.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// How often.
    pub count: u64,
    /// Where: the first 1,000 places, by path and line.
    pub places: Vec<Place>,
}

/// A place in the code.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, below the checkout.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// The character of the line, from 1.
    pub column: usize,
}

/// Look for keys in every file below a folder, or in one file.
///
/// # Errors
/// There is nothing to look for, or nowhere.
pub fn scan(root: &Path, keys: &[String]) -> anyhow::Result<Found> {
    anyhow::ensure!(root.exists(), "{} is not there", root.display());
    let sought = keys.iter().map(|key| (key.clone(), Standing::default())).collect();
    let found = Found { keys: sought, ..Found::default() };
    if keys.is_empty() {
        return Ok(found);
    }
    let matcher = RegexMatcherBuilder::new().build_literals(keys).context("the keys cannot be looked for")?;
    let index = KeyIndex::new(keys);
    let found = Mutex::new(found);
    let walk = WalkBuilder::new(root)
        // A workflow or a setting in a hidden file refers to a flag as well as any other.
        .hidden(false)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build_parallel();
    walk.run(|| {
        let mut searcher =
            SearcherBuilder::new().binary_detection(BinaryDetection::quit(0)).line_number(true).build();
        let (matcher, index, found) = (&matcher, &index, &found);
        Box::new(move |entry| {
            let path = match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => entry.into_path(),
                Ok(_) => return WalkState::Continue,
                Err(error) => {
                    lock(found).unread.push(error.to_string());
                    return WalkState::Continue;
                }
            };
            let seen = read(&mut searcher, matcher, index, &path);
            let below = path.strip_prefix(root).ok().filter(|path| !path.as_os_str().is_empty());
            lock(found).add(below.unwrap_or(&path), seen);
            WalkState::Continue
        })
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    for standing in found.keys.values_mut() {
        standing.places.sort();
        standing.places.truncate(PLACES_MAX);
    }
    found.unread.sort();
    Ok(found)
}

fn lock(found: &Mutex<Found>) -> std::sync::MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A key that stands on a line.
struct Hit {
    key: String,
    line: u64,
    column: usize,
}

fn read(
    searcher: &mut Searcher,
    matcher: &RegexMatcher,
    index: &KeyIndex,
    path: &Path,
) -> io::Result<Vec<Hit>> {
    let mut hits = Hits { index, found: Vec::new() };
    searcher.search_path(matcher, path, &mut hits)?;
    Ok(hits.found)
}

impl Found {
    fn add(&mut self, path: &Path, seen: io::Result<Vec<Hit>>) {
        match seen {
            Ok(hits) => {
                self.files += 1;
                for Hit { key, line, column } in hits {
                    let standing = self.keys.entry(key).or_default();
                    standing.count += 1;
                    // Sorted and cut at the end: twice as many are kept until then, so that those that stay are the first.
                    standing.places.push(Place { path: path.to_owned(), line, column });
                    if standing.places.len() >= 2 * PLACES_MAX {
                        standing.places.sort();
                        standing.places.truncate(PLACES_MAX);
                    }
                }
            }
            Err(error) => self.unread.push(format!("{}: {error}", path.display())),
        }
    }
}

/// Takes the lines that hold the text of some key, and finds out which.
struct Hits<'i> {
    index: &'i KeyIndex,
    found: Vec<Hit>,
}

impl Sink for Hits<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, matched: &SinkMatch<'_>) -> Result<bool, io::Error> {
        let first = matched.line_number().unwrap_or(1);
        for (line, bytes) in (first..).zip(matched.lines()) {
            let hits = self.index.hits(bytes);
            self.found.extend(hits.into_iter().map(|(key, at)| Hit {
                key: key.to_owned(),
                line,
                column: String::from_utf8_lossy(&bytes[..at]).chars().count() + 1,
            }));
        }
        Ok(true)
    }
}

/// Keys by their first byte, longest first.
struct KeyIndex(BTreeMap<u8, Vec<String>>);

impl KeyIndex {
    fn new(keys: &[String]) -> Self {
        let mut index: BTreeMap<u8, Vec<String>> = BTreeMap::new();
        for key in keys {
            if let Some(first) = key.bytes().next() {
                index.entry(first).or_default().push(key.clone());
            }
        }
        for keys in index.values_mut() {
            keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
        }
        Self(index)
    }

    /// The keys that stand on a line, and at which byte.
    fn hits(&self, line: &[u8]) -> Vec<(&str, usize)> {
        let (mut hits, mut at) = (Vec::new(), 0);
        while at < line.len() {
            let begins = at == 0 || !is_part_of_a_name(line[at - 1]);
            let key = self.0.get(&line[at]).filter(|_| begins).and_then(|keys| {
                let stands = |key: &&String| {
                    let end = at + key.len();
                    line[at..].starts_with(key.as_bytes())
                        && line.get(end).is_none_or(|next| !is_part_of_a_name(*next))
                };
                keys.iter().find(stands)
            });
            match key {
                Some(key) => {
                    hits.push((key.as_str(), at));
                    at += key.len();
                }
                None => at += 1,
            }
        }
        hits
    }
}

/// Letters of other alphabets are parts of names, too: every byte of theirs is above 127.
fn is_part_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn a_key_stands_where_nothing_goes_on() {
        let index = KeyIndex::new(&keys(&["checkout", "checkout-v2", "new ui", "a.b"]));
        let check = |line: &str, expect: &[&str]| {
            let found: Vec<&str> = index.hits(line.as_bytes()).into_iter().map(|(key, _)| key).collect();
            assert_eq!(found, expect, "{line}");
        };
        check("if (on('checkout')) {", &["checkout"]);
        check("flags.checkout.enabled", &["checkout"]);
        check("checkout,checkout checkout", &["checkout", "checkout", "checkout"]);
        check("checkout-v2", &["checkout-v2"]);
        check("checkout-v3 checkoutPage my_checkout übercheckout", &[]);
        check("\"new ui\" a.b a.bc", &["new ui", "a.b"]);
    }

    #[test]
    fn files_are_read_as_the_checkout_leaves_them() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write(".gitignore", b"built/\n");
        write("src/a.ts", "first\n  ü(\"checkout\")\nx = checkout + checkout\n".as_bytes());
        write(".github/flow.yml", b"flag: checkout\n");
        write("built/a.js", b"checkout\n");
        write(".git/config", b"checkout\n");
        write("picture.bin", b"\0\0checkout\n");
        let found = scan(folder.path(), &keys(&["checkout", "gone"])).unwrap();
        assert_eq!(found.unread, [""; 0]);
        let standing = &found.keys["checkout"];
        let places: Vec<String> = standing
            .places
            .iter()
            .map(|place| format!("{}:{}:{}", place.path.display(), place.line, place.column))
            .collect();
        assert_eq!(places, [".github/flow.yml:1:7", "src/a.ts:2:6", "src/a.ts:3:5", "src/a.ts:3:16"]);
        assert_eq!((standing.count, found.keys["gone"].count), (4, 0));
        assert!(scan(&folder.path().join("nowhere"), &keys(&["x"])).is_err());
    }
}
