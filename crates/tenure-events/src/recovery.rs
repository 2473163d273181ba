//! Opening after whatever happened: which segments still hold events, how much of each is whole, and what
//! was cut.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;

use crate::disk::{Disk, DiskFile};
use crate::error::{Cut, OpenError};
use crate::segment::{self, Encoder};
use crate::state::Segment;
use crate::writer::{segment_name, segment_number};

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Segments with events that were not sealed.
    pub segments: usize,
    /// Their events.
    pub events: u64,
    /// What was cut from them.
    pub cuts: Vec<Cut>,
    /// Why the store of sealed files could not be asked: what is sealed is as it was remembered, until it is back.
    pub store_away: Option<String>,
}

/// Brings the segments into order: those sealed already go, a torn tail is cut. Returns what remains,
/// closed, and the number of the next segment.
pub fn recover(
    disk: &dyn Disk,
    sealed_through: u64,
) -> Result<(Recovery, BTreeMap<u64, Segment>, u64), OpenError> {
    let names = disk.list().map_err(|source| OpenError::Segment { name: "list".into(), source })?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    // The number of a copy is taken too: a new segment must not be mistaken for the one it was kept of.
    let copies = names.iter().filter_map(|name| segment_number(name.strip_suffix(COPY_SUFFIX)?));
    let next = numbers.iter().copied().chain(copies).max().unwrap_or(0).max(sealed_through) + 1;
    let mut recovery = Recovery::default();
    let mut segments = BTreeMap::new();
    for number in numbers {
        let name = segment_name(number);
        let failed = |source| OpenError::Segment { name: name.clone(), source };
        let remaining = if number <= sealed_through {
            None
        } else {
            mend(disk, number, &mut recovery).map_err(failed)?
        };
        match remaining {
            Some(segment) => {
                recovery.segments += 1;
                recovery.events += segment.events;
                segments.insert(number, segment);
            }
            None => disk.remove(&name).map_err(failed)?,
        }
    }
    disk.sync().map_err(|source| OpenError::Segment { name: "folder".into(), source })?;
    Ok((recovery, segments, next))
}

/// Cuts what is not whole; `None` if nothing is left.
fn mend(disk: &dyn Disk, number: u64, recovery: &mut Recovery) -> io::Result<Option<Segment>> {
    let name = segment_name(number);
    let file = disk.open(&name)?;
    let found = as_found(disk, &name, &*file)?;
    let whole = segment::whole(&found);
    let mut bytes = found[..whole.len].to_vec();
    let kept_as = if whole.stranded.is_empty() {
        file.truncate(whole.len as u64)?;
        None
    } else {
        let kept_as = keep_copy(disk, &name, &found)?;
        if bytes.is_empty() {
            Encoder::new().map_err(io::Error::other)?.schema(&mut bytes);
        }
        whole.stranded.iter().for_each(|message| bytes.extend_from_slice(&found[message.clone()]));
        file.truncate(0)?;
        file.write_all_at(&bytes, 0)?;
        Some(kept_as)
    };
    // Also when nothing was cut: a crash may have left whole messages that were never synced, and from here
    // on they are relied upon.
    file.sync_data()?;
    if bytes.len() < found.len() {
        recovery.cuts.push(Cut { segment: number, bytes: (found.len() - bytes.len()) as u64, kept_as });
    }
    let batches = segment::read(&bytes).map_err(io::Error::other)?;
    let events: u64 = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    if events == 0 {
        return Ok(None);
    }
    let segment =
        Segment { file, bytes: bytes.len() as u64, events, opened_at: Timestamp::MIN, closed: true };
    Ok(Some(segment))
}

/// A segment as the last crash left it. Mending a damaged one may itself have been interrupted; then the copy
/// that was kept is longer than what stands in its place.
fn as_found(disk: &dyn Disk, name: &str, file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let found = read_all(file)?;
    match disk.open(&copy_name(name)) {
        Ok(copy) => {
            let copy = read_all(&*copy)?;
            Ok(if copy.len() > found.len() { copy } else { found })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(found),
        Err(error) => Err(error),
    }
}

/// Keeps a damaged segment as it was found, for a person to look at.
fn keep_copy(disk: &dyn Disk, name: &str, found: &[u8]) -> io::Result<String> {
    let copy_name = copy_name(name);
    let copy = match disk.open(&copy_name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(&copy_name)?,
        opened => opened?,
    };
    copy.write_all_at(found, 0)?;
    copy.sync_data()?;
    disk.sync()?;
    Ok(copy_name)
}

const COPY_SUFFIX: &str = ".damaged";

fn copy_name(name: &str) -> String {
    format!("{name}{COPY_SUFFIX}")
}

fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; file.size()? as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
