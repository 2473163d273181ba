//! From rows of the log to the events of one share: what is about the query and known at the look is kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, MapArray, RecordBatch, StringViewArray,
    new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use tenure_events::{columns, hash_of, schema};

use crate::compiled::{Compiled, Outcomes, What};
use crate::gathered::{Gathered, One, UnitKind, cell_of};
use crate::reading::{Share, wanted_type};

/// For whom events are gathered.
#[derive(Clone)]
pub(crate) enum By {
    /// For their first unit: every event that carries a unit of the query's type has it there.
    First,
    /// For their first unit, with a note of whom they are to be counted for.
    FirstNoting,
    /// For the unit of the query's type, wherever it stands; with what is known to be repeats.
    Carried(Arc<HashSet<u128>>),
}

/// Columns that are read.
pub(crate) fn wanted(compiled: &Compiled, by: &By) -> Vec<&'static str> {
    let mut wanted = vec![
        columns::UNIT,
        columns::UNIT_TYPE,
        columns::ID,
        columns::KIND,
        columns::AT,
        columns::RECEIVED_AT,
        columns::FLAG,
        columns::VARIANT,
        columns::REVISION,
        columns::NAME,
        columns::VALUE,
    ];
    if compiled.reads_attributes() {
        wanted.push(columns::ATTRIBUTES);
    }
    if !matches!(by, By::First) {
        wanted.push(columns::UNITS);
    }
    wanted
}

/// Takes rows in.
pub(crate) struct Intake<'a> {
    compiled: &'a Compiled,
    share: Share,
    by: By,
    /// Earlier events are not looked at, in microseconds.
    since: i64,
    /// Types of units other than the query's, in the order in which they were met.
    kinds: HashMap<String, UnitKind>,
    pub gathered: Gathered,
}

impl<'a> Intake<'a> {
    pub fn new(compiled: &'a Compiled, share: Share, by: By, since: i64, gathered: Gathered) -> Self {
        Self { compiled, share, by, since, kinds: HashMap::new(), gathered }
    }

    /// Takes the rows of a batch that are the share's.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let columns = Columns::of(batch, self.compiled, &mut self.kinds)?;
        let carried = if matches!(self.by, By::First) { None } else { Some(map(batch, columns::UNITS)?) };
        let mut run: Option<(&str, UnitKind)> = None;
        let mut hashed: Option<(&str, u64)> = None;
        for row in 0..batch.num_rows() {
            let (at, received_at) = (columns.at[row], columns.received_at[row]);
            if at < self.since || at > self.compiled.as_of || received_at > self.compiled.as_of {
                continue;
            }
            let unit = columns.unit.value(row);
            let first = match hashed {
                Some((before, hash)) if before == unit => hash,
                _ => {
                    let hash = hash_of(unit);
                    hashed = Some((unit, hash));
                    hash
                }
            };
            if carried.is_none() && !self.share.holds(cell_of(first)) {
                continue;
            }
            let Some(what) = columns.what(row, self.compiled)? else { continue };
            let (kind, type_hash) = columns.unit_type.code(row).unwrap_or((UnitKind::MAX, 0));
            let mut event = One {
                at,
                received_at,
                value: columns.value.is_valid(row).then(|| columns.value.value(row)),
                what,
                id: columns.id.value(row),
                first_unit: None,
                is_repeat: false,
            };
            let mut whose = (unit, kind, first);
            if let Some(units) = &carried {
                let carried = entry(units, row, &self.compiled.query.unit_type);
                let counted_for = carried.map(|unit| (unit, 0, hash_of(unit)));
                match &self.by {
                    By::Carried(repeats) => {
                        whose = counted_for.unwrap_or(whose);
                        if !self.share.holds(cell_of(whose.2)) {
                            continue;
                        }
                        let identity = identity(first ^ type_hash, event.id.as_bytes());
                        event.first_unit = Some(identity as u64);
                        event.is_repeat =
                            repeats.contains(&told_apart(identity, at, received_at, hash(carried)));
                    }
                    _ if !self.share.holds(cell_of(first)) => continue,
                    _ => self.gathered.note(hash(carried), identity(first ^ type_hash, event.id.as_bytes())),
                }
            }
            if run != Some((whose.0, whose.1)) {
                self.gathered.start(whose.2, whose.0, whose.1);
                run = Some((whose.0, whose.1));
            }
            self.gathered.push(&event);
        }
        Ok(())
    }
}

/// Whether an event about the query carries a unit of its type behind another one.
pub(crate) fn is_misplaced(batch: &RecordBatch, compiled: &Compiled) -> Result<bool, ArrowError> {
    let columns = Columns::of(batch, compiled, &mut HashMap::new())?;
    let units = map(batch, columns::UNITS)?;
    for row in 0..batch.num_rows() {
        let known = columns.at[row] <= compiled.as_of && columns.received_at[row] <= compiled.as_of;
        if known
            && columns.unit_type.code(row).is_none_or(|(kind, _)| kind != 0)
            && columns.what(row, compiled)?.is_some()
            && entry(&units, row, &compiled.query.unit_type).is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An event's identity in the whole log.
pub(crate) fn identity(first_unit: u64, id: &[u8]) -> u128 {
    let mixed = |seed: u64| {
        let mix = |hash: u64, byte: &u8| {
            (hash.rotate_left(5) ^ u64::from(*byte)).wrapping_mul(0x517c_c1b7_2722_0a95)
        };
        id.iter().fold(first_unit ^ seed, mix)
    };
    u128::from(mixed(0x243f_6a88_85a3_08d3)) << 64 | u128::from(mixed(0x1319_8a2e_0370_7344))
}

/// Tells the copies of one event apart.
pub(crate) fn told_apart(identity: u128, at: i64, received_at: i64, whose: u64) -> u128 {
    [at as u64, received_at as u64, whose].into_iter().fold(identity, |hash, part| {
        (hash.rotate_left(25) ^ u128::from(part)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}

/// The hash of whom an event is counted for; 0 of nobody.
fn hash(unit: Option<&str>) -> u64 {
    unit.map_or(0, hash_of)
}

/// A batch in the forms that [`Columns`] reads, by name: what is not there is null, as in a file of another release.
pub(crate) fn prepared(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let own = schema();
    let columns = own.fields().iter().map(|field| Ok((field.name().clone(), column(batch, field.name())?)));
    RecordBatch::try_from_iter_with_nullable(
        columns
            .map(|column| column.map(|(name, array)| (name, array, true)))
            .collect::<Result<Vec<_>, ArrowError>>()?,
    )
}

/// The first and the last time of events in batches.
pub(crate) fn times(batches: &[RecordBatch]) -> Result<Option<(i64, i64)>, ArrowError> {
    let mut range: Option<(i64, i64)> = None;
    for batch in batches {
        let column = column(batch, columns::AT)?;
        for at in column.as_primitive::<TimestampMicrosecondType>().values() {
            let (first, last) = range.get_or_insert((*at, *at));
            (*first, *last) = ((*first).min(*at), (*last).max(*at));
        }
    }
    Ok(range)
}

fn column(batch: &RecordBatch, name: &str) -> Result<ArrayRef, ArrowError> {
    let own = schema();
    let field = own.field_with_name(name)?;
    let wanted = wanted_type(name).unwrap_or_else(|| field.data_type().clone());
    match batch.column_by_name(name) {
        None => Ok(new_null_array(&wanted, batch.num_rows())),
        Some(column) if *column.data_type() == wanted => Ok(Arc::clone(column)),
        Some(column) => cast(column, &wanted),
    }
}

/// The columns of a batch, typed.
struct Columns<'a> {
    unit: StringViewArray,
    /// With the hash of the word.
    unit_type: Codes<(UnitKind, u64)>,
    id: StringViewArray,
    is_exposure: Codes<bool>,
    at: Vec<i64>,
    received_at: Vec<i64>,
    is_flag: Codes<bool>,
    /// The arm, if it is one.
    variant: Codes<Option<u16>>,
    is_revision: Codes<bool>,
    outcomes: Codes<Option<&'a Outcomes>>,
    value: Float64Array,
    attributes: Option<MapArray>,
    any_revision: bool,
}

/// What each word of a column stands for.
struct Codes<T> {
    keys: Vec<i32>,
    valid: Option<BooleanArray>,
    meanings: Vec<T>,
}

impl<T: Copy> Codes<T> {
    fn of(batch: &RecordBatch, name: &str, mut meaning: impl FnMut(&str) -> T) -> Result<Self, ArrowError> {
        let column = column(batch, name)?;
        let words = column.as_dictionary::<Int32Type>();
        let values = words.values().as_string::<i32>();
        let meanings = (0..values.len())
            .map(|at| meaning(if values.is_valid(at) { values.value(at) } else { "" }))
            .collect();
        let valid = words.keys().nulls().map(|nulls| BooleanArray::new(nulls.inner().clone(), None));
        Ok(Self { keys: words.keys().values().to_vec(), valid, meanings })
    }

    fn code(&self, row: usize) -> Option<T> {
        let valid = self.valid.as_ref().is_none_or(|valid| valid.value(row));
        if valid { self.meanings.get(self.keys[row] as usize).copied() } else { None }
    }
}

impl<'a> Columns<'a> {
    fn of(
        batch: &RecordBatch,
        compiled: &'a Compiled,
        kinds: &mut HashMap<String, UnitKind>,
    ) -> Result<Self, ArrowError> {
        let query = &compiled.query;
        let view = |name| Ok::<_, ArrowError>(column(batch, name)?.as_string_view().clone());
        let times = |name| {
            let column = column(batch, name)?;
            Ok::<_, ArrowError>(column.as_primitive::<TimestampMicrosecondType>().values().to_vec())
        };
        let next_kind = |kinds: &mut HashMap<String, UnitKind>, unit_type: &str| {
            let next = (kinds.len() + 1).min(usize::from(UnitKind::MAX)) as UnitKind;
            *kinds.entry(unit_type.to_owned()).or_insert(next)
        };
        Ok(Self {
            unit: view(columns::UNIT)?,
            unit_type: Codes::of(batch, columns::UNIT_TYPE, |word| {
                (if word == query.unit_type { 0 } else { next_kind(kinds, word) }, hash_of(word))
            })?,
            id: view(columns::ID)?,
            is_exposure: Codes::of(batch, columns::KIND, |word| word == "exposure")?,
            at: times(columns::AT)?,
            received_at: times(columns::RECEIVED_AT)?,
            is_flag: Codes::of(batch, columns::FLAG, |word| word == query.flag)?,
            variant: Codes::of(batch, columns::VARIANT, |word| {
                query.arms.iter().position(|arm| arm == word).map(|arm| arm as u16)
            })?,
            is_revision: Codes::of(batch, columns::REVISION, |word| query.revision.as_deref() == Some(word))?,
            outcomes: Codes::of(batch, columns::NAME, |word| compiled.outcomes(word))?,
            value: column(batch, columns::VALUE)?.as_primitive::<Float64Type>().clone(),
            attributes: if compiled.reads_attributes() {
                Some(map(batch, columns::ATTRIBUTES)?)
            } else {
                None
            },
            any_revision: query.revision.is_none(),
        })
    }

    /// What the row is to the query, if it is about it.
    fn what(&self, row: usize, compiled: &Compiled) -> Result<Option<What>, ArrowError> {
        if self.is_exposure.code(row) == Some(true) {
            let is_revision = self.any_revision || self.is_revision.code(row) == Some(true);
            let about = self.is_flag.code(row) == Some(true) && is_revision;
            let arm = self.variant.code(row).flatten();
            return Ok(about.then(|| arm.map_or(What::Elsewhere, What::Exposure)));
        }
        let Some(outcomes) = self.outcomes.code(row).flatten() else { return Ok(None) };
        let value = self.value.is_valid(row).then(|| self.value.value(row));
        let attribute = |name: &str| self.attributes.as_ref().and_then(|map| entry(map, row, name));
        let too_many =
            || ArrowError::ComputeError("metrics filter in more ways than can be told apart".to_owned());
        compiled.what(outcomes, value, attribute).map(Some).ok_or_else(too_many)
    }
}

fn map(batch: &RecordBatch, name: &str) -> Result<MapArray, ArrowError> {
    Ok(column(batch, name)?.as_map().clone())
}

/// What a row's map says for a key.
fn entry<'a>(map: &'a MapArray, row: usize, key: &str) -> Option<&'a str> {
    if map.is_null(row) {
        return None;
    }
    let (keys, values) = (map.keys().as_string::<i32>(), map.values().as_string::<i32>());
    let offsets = map.value_offsets();
    let mut entries = offsets[row] as usize..offsets[row + 1] as usize;
    entries.find(|at| keys.value(*at) == key && values.is_valid(*at)).map(|at| values.value(at))
}
