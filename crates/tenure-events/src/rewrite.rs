//! Changing sealed files by replacing them: compaction, retention, erasure. As in sealing, new files are
//! put first, then the catalogue commits, then old files go.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::error::ArrowError;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::arrange::{column, sort_once};
use crate::catalogue::{Catalogue, SealedFile};
use crate::columns::{self, schema};
use crate::error::SealError;
use crate::event::Unit;
use crate::log::{EventLog, blocking};
use crate::sealed_file;

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Files merged.
    pub files: u64,
    /// Files they became.
    pub into: u64,
    /// Repeats dropped.
    pub duplicates: u64,
}

/// What retention or erasure removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Events removed.
    pub events: u64,
    /// Files removed or rewritten.
    pub files: u64,
    /// Old files that stay until the views that read them are done; the next change of the log removes them.
    pub files_in_use: usize,
}

impl EventLog {
    /// Merges the small files of days that have many, which drops repeats among them.
    pub async fn compact(&self) -> Result<Compacted, SealError> {
        let mut maintenance = self.maintenance.lock().await;
        self.settle_catalogue(&mut maintenance).await?;
        let mut compacted = Compacted::default();
        let days = crowded_days(&self.catalogue(), self.config.day_files_max, self.config.compact_bytes_max);
        for (date, merged) in days {
            let catalogue = self.catalogue();
            let mut contents = Vec::with_capacity(merged.len());
            for file in &merged {
                contents.push((file.path.clone(), self.get(file).await?));
            }
            let (generation, row_group_events) = (catalogue.generation + 1, self.config.row_group_events);
            let (file, bytes, duplicates) =
                blocking(move || merge(date, generation, contents, row_group_events)).await?;
            let file = self.put(file, bytes).await?;
            let retired: Vec<Weak<SealedFile>> = merged.iter().map(Arc::downgrade).collect();
            compacted.files += merged.len() as u64;
            compacted.into += 1;
            compacted.duplicates += duplicates;
            let mut files = catalogue.files.clone();
            files.retain(|old| !merged.iter().any(|gone| gone.path == old.path));
            files.push(file);
            self.commit(&mut maintenance, &catalogue, catalogue.sealed_through, files).await?;
            self.state.lock().counters.duplicates_dropped += duplicates;
            drop((catalogue, merged));
            self.sweep(&mut maintenance, retired).await?;
        }
        Ok(compacted)
    }

    /// Removes the events of all UTC days, by the events' own time, that end at `before` or earlier. What
    /// is not sealed is looked at once it is.
    pub async fn expire(&self, before: Timestamp) -> Result<Removed, SealError> {
        let first_kept = before.to_zoned(TimeZone::UTC).date();
        let mut maintenance = self.maintenance.lock().await;
        self.settle_catalogue(&mut maintenance).await?;
        let catalogue = self.catalogue();
        let (kept, gone): (Vec<_>, Vec<_>) =
            catalogue.files.iter().cloned().partition(|file| file.date >= first_kept);
        if gone.is_empty() {
            return Ok(Removed::default());
        }
        let mut removed = Removed {
            events: gone.iter().map(|file| file.rows).sum(),
            files: gone.len() as u64,
            files_in_use: 0,
        };
        self.commit(&mut maintenance, &catalogue, catalogue.sealed_through, kept).await?;
        let retired: Vec<_> = gone.iter().map(Arc::downgrade).collect();
        drop((catalogue, gone));
        removed.files_in_use = self.sweep(&mut maintenance, retired).await?;
        Ok(removed)
    }

    /// Removes every event that carries the unit, as the first of its units or not, of those acknowledged
    /// before the call. Copies of damaged segments ([`crate::Cut::kept_as`]) are not looked into.
    pub async fn erase_unit(&self, unit: &Unit) -> Result<Removed, SealError> {
        self.seal_all().await?;
        let mut maintenance = self.maintenance.lock().await;
        self.settle_catalogue(&mut maintenance).await?;
        let catalogue = self.catalogue();
        let (mut removed, mut files, mut retired) = (Removed::default(), Vec::new(), Vec::new());
        for file in &catalogue.files {
            let bytes = self.get(file).await?;
            let (old, unit) = (Arc::clone(file), unit.clone());
            let (generation, row_group_events) = (catalogue.generation + 1, self.config.row_group_events);
            match blocking(move || without(&old, bytes, &unit, generation, row_group_events)).await? {
                Without::Untouched => files.push(Arc::clone(file)),
                Without::Nothing => {
                    removed.events += file.rows;
                    retired.push(Arc::downgrade(file));
                }
                Without::Rest(rest, bytes) => {
                    removed.events += file.rows - rest.rows;
                    retired.push(Arc::downgrade(file));
                    files.push(self.put(rest, bytes).await?);
                }
            }
        }
        if retired.is_empty() {
            return Ok(removed);
        }
        removed.files = retired.len() as u64;
        self.commit(&mut maintenance, &catalogue, catalogue.sealed_through, files).await?;
        drop(catalogue);
        removed.files_in_use = self.sweep(&mut maintenance, retired).await?;
        Ok(removed)
    }

    async fn get(&self, file: &SealedFile) -> Result<Bytes, SealError> {
        Ok(self.store.get(&Path::from(file.path.as_str())).await?.bytes().await?)
    }
}

/// Days with more files than allowed, each with its smallest files that fit into memory together.
fn crowded_days(
    catalogue: &Catalogue,
    day_files_max: usize,
    bytes_max: u64,
) -> Vec<(Date, Vec<Arc<SealedFile>>)> {
    let mut days: BTreeMap<Date, Vec<Arc<SealedFile>>> = BTreeMap::new();
    for file in &catalogue.files {
        days.entry(file.date).or_default().push(Arc::clone(file));
    }
    days.retain(|_, files| {
        if files.len() <= day_files_max {
            return false;
        }
        files.sort_by(|a, b| (a.bytes, &a.path).cmp(&(b.bytes, &b.path)));
        let mut bytes = 0;
        let fitting = files.iter().take_while(|file| {
            bytes += file.bytes;
            bytes <= bytes_max
        });
        let fitting = fitting.count();
        files.truncate(fitting);
        fitting > 1
    });
    days.into_iter().collect()
}

fn merge(
    date: Date,
    generation: u64,
    contents: Vec<(String, Bytes)>,
    row_group_events: usize,
) -> Result<(SealedFile, Bytes, u64), SealError> {
    let mut batches = Vec::new();
    for (path, bytes) in contents {
        batches.extend(sealed_file::read(&path, bytes)?);
    }
    let (sorted, duplicates) = sort_once(batches)?;
    let (file, bytes) = sealed_file::write(date, generation, &sorted, row_group_events)?;
    Ok((file, bytes, duplicates))
}

/// A file without one unit's events.
enum Without {
    Untouched,
    Nothing,
    Rest(SealedFile, Bytes),
}

fn without(
    file: &SealedFile,
    bytes: Bytes,
    unit: &Unit,
    generation: u64,
    row_group_events: usize,
) -> Result<Without, SealError> {
    let mut kept = Vec::new();
    let mut rows = 0;
    for batch in sealed_file::read(&file.path, bytes)? {
        let others = filter_record_batch(&batch, &does_not_carry(&batch, unit)?)?;
        rows += others.num_rows() as u64;
        kept.push(others);
    }
    if rows == file.rows {
        return Ok(Without::Untouched);
    }
    if rows == 0 {
        return Ok(Without::Nothing);
    }
    let rest = concat_batches(&schema(), &kept)?;
    let (file, bytes) = sealed_file::write(file.date, generation, &rest, row_group_events)?;
    Ok(Without::Rest(file, bytes))
}

fn does_not_carry(batch: &RecordBatch, unit: &Unit) -> Result<BooleanArray, ArrowError> {
    let mistyped = || ArrowError::SchemaError(format!("column {} is not a map of text", columns::UNITS));
    let units = column(batch, columns::UNITS)?.as_map_opt().ok_or_else(mistyped)?;
    let types = units.keys().as_string_opt::<i32>().ok_or_else(mistyped)?;
    let ids = units.values().as_string_opt::<i32>().ok_or_else(mistyped)?;
    let offsets = units.value_offsets();
    let carries = |row: usize| {
        let mut entries = offsets[row] as usize..offsets[row + 1] as usize;
        entries.any(|entry| types.value(entry) == unit.unit_type && ids.value(entry) == unit.id)
    };
    Ok((0..units.len()).map(|row| Some(!carries(row))).collect())
}
