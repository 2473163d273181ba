//! Opening after whatever happened: which segments still hold events, how much of each is whole, and what was cut.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;

use crate::disk::Disk;
use crate::error::{Cut, OpenError};
use crate::segment;
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
}

/// Brings the segments into order: those sealed already go, a torn tail is cut. Returns what remains, closed, and the
/// number of the next segment.
pub fn recover(
    disk: &dyn Disk,
    sealed_through: u64,
) -> Result<(Recovery, BTreeMap<u64, Segment>, u64), OpenError> {
    let names = disk.list().map_err(|source| OpenError::Segment { name: "list".into(), source })?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    let next = numbers.last().copied().unwrap_or(0).max(sealed_through) + 1;
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
    let size = file.size()?;
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(&mut bytes, 0)?;
    let whole = segment::whole(&bytes);
    let len = whole.len as u64;
    if len < size {
        let kept_as = if whole.damaged { Some(keep_copy(disk, &name, &bytes)?) } else { None };
        file.truncate(len)?;
        recovery.cuts.push(Cut { segment: number, bytes: size - len, kept_as });
    }
    // A crash may have left whole messages that were never synced: from here on they are relied upon.
    file.sync_data()?;
    bytes.truncate(whole.len);
    let batches = segment::read(&bytes).map_err(io::Error::other)?;
    let events: u64 = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    if events == 0 {
        return Ok(None);
    }
    let segment = Segment { file, bytes: len, events, opened_at: Timestamp::MIN, closed: true };
    Ok(Some(segment))
}

/// Keeps a damaged segment as it was found, for a person to look at.
fn keep_copy(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<String> {
    let kept_as = format!("{name}.damaged");
    let copy = disk.create(&kept_as)?;
    copy.write_all_at(bytes, 0)?;
    copy.sync_data()?;
    Ok(kept_as)
}
