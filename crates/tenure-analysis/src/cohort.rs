//! Closed cohorts, kept on disk: the units first exposed on a day, once all their windows have passed, as moments. A
//! look then reads what happened since, and of earlier days only who was exposed and in which arm.
//!
//! What is kept is a function of the data and the question. It is taken only where the sealed files of every day that
//! had a part in it are the same, by the digests of their bytes; anything that came late, was erased, compacted or
//! defined anew makes that day, and all after it, be counted again. So does whatever the days since contradict: a unit
//! of a closed cohort in another arm, or a repeat of an event of a closed day. Everything may be deleted at any time.
//!
//! ```text
//! cohorts/<digest of the question and of this code>/manifest.json      moments and counts by day, digests of files, parts
//!                                                  /<n>.part           members and ids, by day and cell
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tenure_events::SealedFile;
use tenure_stats::moments::Moments;

use crate::by_day::ByDay;
use crate::compiled::{Compiled, DAY_MICROSECONDS, Day, day_of, start_of};
use crate::fold::{Arm, Arms, Cohort, Member, Pair, Remembered, Seen, second_hash};
use crate::gathered::cell_of;
use crate::query::{Epoch, Query};
use crate::reading::Share;

/// The code that the moments come of: when it changes, so does the digest, and nothing older is taken.
const CODE: [&str; 8] = [
    include_str!("by_day.rs"),
    include_str!("cohort.rs"),
    include_str!("compiled.rs"),
    include_str!("fold.rs"),
    include_str!("gathered.rs"),
    include_str!("rows.rs"),
    include_str!("query.rs"),
    include_str!("tree.rs"),
];
/// How far before its own time an event may be received: a sender's clock that goes ahead.
const AHEAD_MAX_DAYS: Day = 1;
/// Ids are remembered of so many days more than a repeat may lie behind, so that days may be counted again.
const SPARE_DAYS: Day = 8;
const MANIFEST: &str = "manifest.json";
const MEMBER_LEN: usize = 18;
const ID_LEN: usize = 8;

/// Where cohorts are kept.
#[derive(Debug, Clone)]
pub(crate) struct Cohorts {
    pub folder: PathBuf,
    /// Of everything that is kept.
    pub bytes_max: u64,
}

/// The sealed files of each day, as one digest.
pub(crate) type Days = BTreeMap<Day, String>;

/// What is kept of the answers to one question.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    days: Days,
    epochs: Vec<Epoch>,
    cohorts: BTreeMap<Day, Kept>,
    parts: Vec<Part>,
}

/// A closed cohort.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    /// The last day whose files had a part in it.
    through: Day,
    /// The latest receipt of its day's events, in microseconds.
    received_max: i64,
    /// Whether the ids of its day's events are in the parts.
    has_ids: bool,
    seen: [u64; 8],
    freshest: [Option<i64>; 2],
    /// By the epoch's place, arm and metric.
    epochs: BTreeMap<u32, Vec<KeptArm>>,
}

/// Units, for each metric their number and the bits of mean and centred sum of squares, and the units and the bits of the
/// sums by day: numbers must come back as they went.
type KeptArm = (u64, Vec<(u64, u64, u64)>, (u64, Vec<u64>));

/// Members and ids of several days in a range of cells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    file: String,
    share: (u16, u16),
    days: Vec<Day>,
    /// Those of `days` that still count.
    valid: BTreeSet<Day>,
    /// Members, ids and checksum of each day and cell.
    blocks: Vec<(u32, u32, u32)>,
}

/// The closed cohorts that an answer may be built on: those of all days before `since`.
pub(crate) struct Closed {
    pub folder: PathBuf,
    /// The first day that is counted anew; none where everything is.
    pub since: Option<Day>,
    manifest: Manifest,
}

/// What became known of the days that a look counted.
pub(crate) struct Counted<'a> {
    pub days: &'a Days,
    pub files: &'a [Arc<SealedFile>],
    pub cohorts: &'a BTreeMap<Day, Cohort>,
    pub parts: Vec<Part>,
    /// The days of which everything is known.
    pub closing: Range<Day>,
    /// The first day with events that are not sealed, or later than the look.
    pub open_from: Day,
}

/// The digests of the files of each day.
pub(crate) fn days_of(files: &[Arc<SealedFile>]) -> Days {
    let mut digests: BTreeMap<Day, Sha256> = BTreeMap::new();
    for file in files {
        let digest = digests.entry(day_of(file.at_min.as_microsecond())).or_default();
        digest.update(file.path.as_bytes());
        digest.update(file.sha256.as_bytes());
    }
    digests.into_iter().map(|(day, digest)| (day, hex::encode(digest.finalize()))).collect()
}

/// Days that the windows of a day's units reach into, that day included; none where a metric has no window.
fn span(query: &Query) -> Option<Day> {
    let windows: Option<Vec<i64>> =
        query.metrics.iter().map(|metric| metric.window.map(crate::compiled::microseconds)).collect();
    let longest = windows?.into_iter().max()?.checked_add(DAY_MICROSECONDS)?;
    Day::try_from((longest - 1) / DAY_MICROSECONDS + 1).ok()
}

/// The days that can be closed at a look: nothing more can be counted for them of what is known.
pub(crate) fn closing(
    compiled: &Compiled,
    files: &[Arc<SealedFile>],
    recent: Option<Day>,
    since: Day,
) -> Option<(Range<Day>, Day)> {
    let span = span(&compiled.query)?;
    let later = files.iter().filter(|file| {
        file.at_max.as_microsecond() > compiled.as_of || file.received_max.as_microsecond() > compiled.as_of
    });
    let later = later.map(|file| day_of(file.at_min.as_microsecond()));
    let open_from = later.chain(recent).chain([day_of(compiled.as_of)]).min()?;
    let longest = i64::from(span - 1) * DAY_MICROSECONDS;
    let matured = day_of(compiled.as_of.saturating_sub(longest));
    let end = matured.min(open_from.saturating_sub(span) + 1);
    (end > since).then_some((since..end, open_from))
}

impl Cohorts {
    /// Looks up which cohorts still hold.
    pub fn closed(&self, compiled: &Compiled, days: &Days, recent: Option<Day>) -> Closed {
        let folder = self.folder.join(question(&compiled.query));
        let mut closed = Closed { since: None, manifest: read_manifest(&folder), folder };
        let changed = |day: &Day| closed.manifest.days.get(day) != days.get(day);
        let changed = closed.manifest.days.keys().chain(days.keys()).copied().filter(changed);
        let changed = changed.chain(recent).min().unwrap_or(Day::MAX);
        let same_epochs = |day: Day| {
            let before = |epoch: &&Epoch| epoch.starts_at.as_microsecond() < start_of(day + 1);
            let known = closed.manifest.epochs.iter().filter(before);
            known.eq(compiled.query.epochs.iter().filter(before))
        };
        let holds = |day: &Day| {
            let kept = closed.manifest.cohorts.get(day);
            kept.is_some_and(|kept| kept.through < changed) && same_epochs(*day)
        };
        let open = days.keys().copied().find(|day| !holds(day)).unwrap_or(Day::MAX);
        let since = open.min(changed).min(day_of(compiled.as_of));
        closed.limit(since);
        closed
    }

    /// Keeps what has become known.
    pub fn keep(&self, compiled: &Compiled, closed: Closed, counted: Counted<'_>) -> io::Result<()> {
        let Some(span) = span(&compiled.query) else { return Ok(()) };
        let Closed { folder, since, mut manifest } = closed;
        let since = since.unwrap_or(Day::MIN);
        manifest.cohorts.retain(|day, _| *day < since);
        for (day, cohort) in counted.cohorts.range(counted.closing.clone()) {
            let through = cohort.seen.through.max(day.saturating_add(span) - 1);
            if through < counted.open_from {
                let received =
                    counted.files.iter().filter(|file| day_of(file.at_min.as_microsecond()) == *day);
                let received_max = received.map(|file| file.received_max.as_microsecond()).max();
                let ids = ids_closing(&counted.closing).contains(day);
                if let Some(kept) = Kept::of(cohort, through, received_max.unwrap_or(i64::MAX), ids) {
                    manifest.cohorts.insert(*day, kept);
                }
            }
        }
        // Days on which nothing about the query happened are known as well.
        for day in counted.days.range(counted.closing.clone()).map(|(day, _)| *day) {
            if !counted.cohorts.contains_key(&day) {
                let nothing = Kept::of(&Cohort::default(), day.saturating_add(span) - 1, i64::MIN, true);
                manifest.cohorts.extend(nothing.map(|kept| (day, kept)));
            }
        }
        for part in &mut manifest.parts {
            part.valid.retain(|day| *day < since);
        }
        manifest.parts.retain(|part| !part.valid.is_empty());
        manifest.parts.extend(counted.parts);
        manifest.days = counted.days.clone();
        manifest.epochs = compiled.query.epochs.clone();
        write_whole(&folder, MANIFEST, &serde_json::to_vec(&manifest)?)?;
        remove_unnamed(&folder, &manifest)?;
        self.bound(&folder)
    }

    /// Removes everything.
    pub fn forget(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Keeps within the bound: what other questions left goes first, the oldest of it before the rest.
    fn bound(&self, own: &Path) -> io::Result<()> {
        let mut others = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path != own {
                let changed = fs::metadata(path.join(MANIFEST)).and_then(|file| file.modified()).ok();
                others.push((changed, path));
            }
        }
        others.sort();
        let mut oldest = others.into_iter().map(|(_, path)| path).chain([own.to_owned()]);
        while size_of_folder(&self.folder)? > self.bytes_max {
            let Some(path) = oldest.next() else { break };
            fs::remove_dir_all(path)?;
        }
        Ok(())
    }
}

/// The days whose ids are remembered.
pub(crate) fn ids_closing(closing: &Range<Day>) -> Range<Day> {
    closing.start.max(closing.end - repeat_days() - SPARE_DAYS)..closing.end
}

/// Days that a repeat may lie behind what it repeats.
fn repeat_days() -> Day {
    (crate::compiled::microseconds(tenure_events::REPEAT_HORIZON) / DAY_MICROSECONDS) as Day + AHEAD_MAX_DAYS
}

impl Closed {
    /// Nothing is kept.
    pub fn nothing() -> Self {
        Self { folder: PathBuf::new(), since: None, manifest: Manifest::default() }
    }

    /// Counts everything from a day on anew.
    pub fn limit(&mut self, day: Day) {
        let mut since = day;
        // What could still be repeated must be found again.
        while let Some((first, _)) = self.manifest.cohorts.range(..since).find(|(_, kept)| {
            !kept.has_ids && kept.received_max >= start_of(since.saturating_sub(repeat_days()))
        }) {
            since = *first;
        }
        let any = self.manifest.cohorts.range(..since).next().is_some();
        self.since = any.then_some(since);
    }

    /// The closed cohorts.
    pub fn cohorts(&self) -> BTreeMap<Day, Cohort> {
        let Some(since) = self.since else { return BTreeMap::new() };
        self.manifest.cohorts.range(..since).map(|(day, kept)| (*day, kept.cohort())).collect()
    }

    /// The closed cohorts of units, which come in the order of their hashes.
    ///
    /// # Errors
    /// The first day that cannot be read.
    pub fn find(&self, share: Share, units: &[(u64, &[u8])]) -> Result<Vec<Option<(Day, u16)>>, Day> {
        let hashes: Vec<u64> = units.iter().map(|(hash, _)| *hash).collect();
        let mut found = vec![None; units.len()];
        self.each(
            share,
            |_| true,
            |cell, day, block| {
                let (mut next, end) = within(&hashes, cell);
                for bytes in block.members.chunks_exact(MEMBER_LEN) {
                    let hash = number(bytes);
                    while next < end && hashes[next] < hash {
                        next += 1;
                    }
                    let same = (next..end).take_while(|place| hashes[*place] == hash);
                    for place in same {
                        let member = member_of(bytes);
                        if second_hash(units[place].1) == member.second {
                            found[place] = Some((day, member.arm));
                        }
                    }
                }
            },
        )?;
        Ok(found)
    }

    /// The first closed day with an event that one of these may be a repeat of; the keys come in order.
    ///
    /// # Errors
    /// The first day that cannot be read.
    pub fn repeated(&self, share: Share, keys: &[u64]) -> Result<Option<Day>, Day> {
        let Some(since) = self.since else { return Ok(None) };
        let reached = start_of(since.saturating_sub(repeat_days()));
        let near =
            |day: Day| self.manifest.cohorts.get(&day).is_some_and(|kept| kept.received_max >= reached);
        let mut first: Option<Day> = None;
        self.each(share, near, |cell, day, block| {
            let (mut next, end) = within(keys, cell);
            for id in block.ids.chunks_exact(ID_LEN).map(number) {
                while next < end && keys[next] < id {
                    next += 1;
                }
                if next < end && keys[next] == id {
                    first = Some(first.map_or(day, |other| other.min(day)));
                    break;
                }
            }
        })?;
        Ok(first)
    }

    /// Shows what is kept of some closed days for the cells of a share: cell by cell, so that what is looked for in one is at
    /// hand for all its days.
    ///
    /// # Errors
    /// The first day that cannot be read.
    fn each(
        &self,
        share: Share,
        of: impl Fn(Day) -> bool,
        mut show: impl FnMut(u16, Day, &Block<'_>),
    ) -> Result<(), Day> {
        let since = self.since.unwrap_or(Day::MIN);
        let mut bytes = Vec::new();
        for part in &self.manifest.parts {
            let cells = share.first.max(part.share.0)..share.end.min(part.share.1);
            let days = part.days.iter().enumerate();
            let days: Vec<_> = days
                .filter(|(_, day)| **day < since && part.valid.contains(day) && of(**day))
                .map(|(place, day)| (place, *day))
                .collect();
            let Some((_, first)) = days.first().filter(|_| !cells.is_empty()) else { continue };
            let file = File::open(self.folder.join(&part.file)).map_err(|_| *first)?;
            bytes.clear();
            let mut blocks = Vec::with_capacity(days.len());
            for (place, day) in &days {
                let block = part.read(&file, *place, &cells, &mut bytes);
                blocks.push((*day, block.map_err(|_| *day)?));
            }
            for (place, cell) in cells.enumerate() {
                for (day, of_day) in &blocks {
                    let (members, ids) = of_day[place].clone();
                    show(cell, *day, &Block { members: &bytes[members], ids: &bytes[ids] });
                }
            }
        }
        Ok(())
    }
}

/// Where hashes in order are those of a cell.
fn within(hashes: &[u64], cell: u16) -> (usize, usize) {
    let start = hashes.partition_point(|hash| cell_of(*hash) < cell);
    (start, start + hashes[start..].partition_point(|hash| cell_of(*hash) == cell))
}

/// Members and ids of one day and cell, in the order of their hashes.
struct Block<'a> {
    members: &'a [u8],
    ids: &'a [u8],
}

impl Part {
    /// Reads some cells of a day behind what is in `bytes`. Where of each the members are, and the ids.
    fn read(
        &self,
        file: &File,
        day: usize,
        cells: &Range<u16>,
        bytes: &mut Vec<u8>,
    ) -> io::Result<Vec<(Range<usize>, Range<usize>)>> {
        let place =
            |cell: u16| day * usize::from(self.share.1 - self.share.0) + usize::from(cell - self.share.0);
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "blocks are missing");
        let len = |block: &(u32, u32, u32)| block.0 as usize * MEMBER_LEN + block.1 as usize * ID_LEN;
        let before =
            self.blocks.get(..place(cells.start)).ok_or_else(damaged)?.iter().map(len).sum::<usize>();
        let blocks = self.blocks.get(place(cells.start)..place(cells.end)).ok_or_else(damaged)?;
        let mut start = bytes.len();
        bytes.resize(start + blocks.iter().map(len).sum::<usize>(), 0);
        file.read_exact_at(&mut bytes[start..], before as u64)?;
        let ranges = blocks.iter().map(|block| {
            let (members, end) = (start + block.0 as usize * MEMBER_LEN, start + len(block));
            let ranges = (start..members, members..end);
            let is_whole = crc32fast::hash(&bytes[start..end]) == block.2;
            start = end;
            if is_whole { Ok(ranges) } else { Err(damaged()) }
        });
        ranges.collect()
    }

    /// Puts members and ids of a share into a file of its own.
    pub fn write(
        folder: &Path,
        share: Share,
        closing: &Range<Day>,
        remembered: &Remembered,
    ) -> io::Result<Self> {
        let days = remembered.members.keys().chain(remembered.ids.keys()).copied();
        let days: BTreeSet<Day> = days.filter(|day| closing.contains(day)).collect();
        let (mut bytes, mut blocks) = (Vec::new(), Vec::new());
        let nobody = Vec::new();
        for day in &days {
            let members = remembered.members.get(day).unwrap_or(&nobody);
            let no_ids = Vec::new();
            let ids = remembered.ids.get(day).unwrap_or(&no_ids);
            for cell in share.first..share.end {
                let start = bytes.len();
                let members = of_cell(members, cell, |member| member.hash);
                for member in members {
                    bytes.extend_from_slice(&member.hash.to_le_bytes());
                    bytes.extend_from_slice(&member.second.to_le_bytes());
                    bytes.extend_from_slice(&member.arm.to_le_bytes());
                }
                let ids = of_cell(ids, cell, |id| *id);
                ids.iter().for_each(|id| bytes.extend_from_slice(&id.to_le_bytes()));
                blocks.push((members.len() as u32, ids.len() as u32, crc32fast::hash(&bytes[start..])));
            }
        }
        fs::create_dir_all(folder)?;
        let file = format!("{}.part", hex::encode(&Sha256::digest(&bytes)[..12]));
        write_whole(folder, &file, &bytes)?;
        Ok(Self {
            file,
            share: (share.first, share.end),
            days: days.iter().copied().collect(),
            valid: days,
            blocks,
        })
    }
}

impl Kept {
    /// None of what cannot be written down: moments of values that are not finite.
    fn of(cohort: &Cohort, through: Day, received_max: i64, has_ids: bool) -> Option<Self> {
        let seen = &cohort.seen;
        let arm = |arm: &Arm| {
            let metrics = arm.metrics.iter().map(|pair| {
                let moments = &pair.mature;
                let finite = moments.mean().is_finite() && moments.m2().is_finite() && pair.immature.n() == 0;
                finite.then(|| (moments.n(), moments.mean().to_bits(), moments.m2().to_bits()))
            });
            let ByDay { units, sums } = &arm.by_day;
            let by_day = sums.iter().map(|sum| sum.is_finite().then_some(sum.to_bits()));
            let by_day = (*units, by_day.collect::<Option<Vec<_>>>()?);
            Some((arm.units, metrics.collect::<Option<Vec<_>>>()?, by_day))
        };
        let arms =
            |(epoch, arms): (&u32, &Arms)| Some((*epoch, arms.iter().map(arm).collect::<Option<Vec<_>>>()?));
        Some(Self {
            through,
            received_max,
            has_ids,
            seen: [
                seen.exposures,
                seen.other_exposures,
                seen.outcomes,
                seen.duplicates,
                seen.late,
                seen.without_unit,
                seen.units_in_two_arms,
                seen.units_before_epochs,
            ],
            freshest: [seen.freshest_at, seen.freshest_received_at],
            epochs: cohort.epochs.iter().map(arms).collect::<Option<_>>()?,
        })
    }

    fn cohort(&self) -> Cohort {
        let moments = |(n, mean, m2): &(u64, u64, u64)| {
            let moments = Moments::from_centred(*n, f64::from_bits(*mean), f64::from_bits(*m2));
            Pair { mature: moments.unwrap_or_default(), immature: Moments::EMPTY }
        };
        let arm = |(units, metrics, (by_day, sums)): &KeptArm| Arm {
            units: *units,
            metrics: metrics.iter().map(moments).collect(),
            by_day: ByDay { units: *by_day, sums: sums.iter().map(|bits| f64::from_bits(*bits)).collect() },
        };
        let epochs = self.epochs.iter().map(|(epoch, arms)| (*epoch, arms.iter().map(arm).collect()));
        let [exposures, other_exposures, outcomes, duplicates, late, without_unit, two_arms, before_epochs] =
            self.seen;
        let seen = Seen {
            exposures,
            other_exposures,
            outcomes,
            duplicates,
            late,
            without_unit,
            units_in_two_arms: two_arms,
            units_before_epochs: before_epochs,
            freshest_at: self.freshest[0],
            freshest_received_at: self.freshest[1],
            through: self.through,
        };
        Cohort { epochs: epochs.collect(), seen }
    }
}

/// A digest of all that a question asks but for the instant and the epochs, and of the code that answers it.
fn question(query: &Query) -> String {
    let asked = Query { as_of: jiff::Timestamp::UNIX_EPOCH, epochs: Vec::new(), ..query.clone() };
    let mut digest = Sha256::new();
    for text in CODE {
        digest.update(text);
    }
    digest.update(serde_json::to_vec(&asked).unwrap_or_default());
    hex::encode(&digest.finalize()[..16])
}

/// What is kept; nothing where it cannot be read.
fn read_manifest(folder: &Path) -> Manifest {
    let bytes = fs::read(folder.join(MANIFEST)).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Of things in the order of their hashes those of one cell.
fn of_cell<T>(things: &[T], cell: u16, hash: impl Fn(&T) -> u64) -> &[T] {
    let start = things.partition_point(|thing| cell_of(hash(thing)) < cell);
    let end = things.partition_point(|thing| cell_of(hash(thing)) <= cell);
    &things[start..end]
}

fn member_of(bytes: &[u8]) -> Member {
    let arm = bytes[16..].iter().rev().fold(0, |arm, byte| arm << 8 | u16::from(*byte));
    Member { hash: number(&bytes[..8]), second: number(&bytes[8..16]), arm }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Writes a file whole or not at all. Not synced: what a crash takes away is counted again.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let unfinished = folder.join(format!("{name}.{}.new", NEXT.fetch_add(1, Ordering::Relaxed)));
    File::create(&unfinished)?.write_all(bytes)?;
    fs::rename(&unfinished, folder.join(name))
}

fn remove_unnamed(folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let named: BTreeSet<&str> =
        manifest.parts.iter().map(|part| part.file.as_str()).chain([MANIFEST]).collect();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(|name| named.contains(name)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn size_of_folder(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() {
            size_of_folder(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(bytes)
}
