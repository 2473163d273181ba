//! The events of one share of the work, in memory and unit by unit. Sealed files are sorted by unit, so that a unit's
//! events come in runs, one for each file; sorting the runs, not the events, puts a unit's events together.

use std::cmp::Ordering;
use std::ops::Range;

use crate::compiled::What;

/// Parts of the hash space, each folded by itself: what is finer than a share and coarser than a unit. How the work
/// is shared out then leaves no trace in a sum. Four to a bucket of the log.
pub(crate) const CELLS: u16 = 256;

/// The cell of a unit, by its hash.
pub(crate) fn cell_of(hash: u64) -> u16 {
    (hash >> 56) as u16
}

/// What an event takes beside its texts and its unit's.
pub(crate) const EVENT_BYTES: usize = size_of::<(i64, i64, f64, What, u32)>();

/// Events, by columns. Text lies in one piece, each event's after that of the one before.
#[derive(Default)]
pub(crate) struct Gathered {
    pub at: Vec<i64>,
    pub received_at: Vec<i64>,
    /// Not a number where there is none.
    pub value: Vec<f64>,
    pub what: Vec<What>,
    id_ends: Vec<u32>,
    ids: Vec<u8>,
    runs: Vec<Run>,
    units: Vec<u8>,
    /// For each event the hash of the unit that it is to be counted for, and its identity; empty unless asked for.
    pub noted: Vec<(u64, u128)>,
    /// Events that are known to be repeats, in order.
    repeats: Vec<u32>,
    /// Whether the hash of an event's first unit follows its id; for all events or for none.
    has_first_units: bool,
}

const FIRST_UNIT_LEN: usize = size_of::<u64>();

/// Events of one unit that came one after the other.
struct Run {
    hash: u64,
    unit_end: u32,
    /// Where its events begin; they end where those of the next run begin.
    first: u32,
    kind: u16,
}

/// A unit's type, as far as it matters: the query's is 0, others count up.
pub(crate) type UnitKind = u16;

/// One event.
pub(crate) struct One<'a> {
    pub at: i64,
    pub received_at: i64,
    pub value: Option<f64>,
    pub what: What,
    pub id: &'a str,
    /// Who it was first of, where it is counted for somebody else: part of its identity.
    pub first_unit: Option<u64>,
    pub is_repeat: bool,
}

/// A unit and where its events are.
pub(crate) struct Unit<'a> {
    pub hash: u64,
    pub id: &'a [u8],
    /// Whether it is of the query's type.
    pub is_known: bool,
    runs: &'a [(u64, u32)],
}

impl Gathered {
    /// With room for so many events, with texts of so many bytes.
    pub fn with_capacity(events: usize, ids: usize) -> Self {
        Self {
            at: Vec::with_capacity(events),
            received_at: Vec::with_capacity(events),
            value: Vec::with_capacity(events),
            what: Vec::with_capacity(events),
            id_ends: Vec::with_capacity(events),
            ids: Vec::with_capacity(ids),
            ..Self::default()
        }
    }

    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Starts a run of the unit's events.
    pub fn start(&mut self, hash: u64, unit: &str, kind: UnitKind) {
        self.units.extend_from_slice(unit.as_bytes());
        let (unit_end, first) = (self.units.len() as u32, self.len() as u32);
        self.runs.push(Run { hash, unit_end, first, kind });
    }

    /// Notes of the next event whom it is to be counted for, and what it is in the whole log.
    pub fn note(&mut self, whose: u64, identity: u128) {
        self.noted.push((whose, identity));
    }

    /// Adds an event to the run that was started last.
    pub fn push(&mut self, event: &One<'_>) {
        if event.is_repeat {
            self.repeats.push(self.len() as u32);
        }
        self.at.push(event.at);
        self.received_at.push(event.received_at);
        self.value.push(event.value.unwrap_or(f64::NAN));
        self.what.push(event.what);
        self.ids.extend_from_slice(event.id.as_bytes());
        if let Some(unit) = event.first_unit {
            self.has_first_units = true;
            self.ids.extend_from_slice(&unit.to_le_bytes());
        }
        self.id_ends.push(self.ids.len() as u32);
    }

    /// About how much memory it takes, the order of the units included.
    pub fn bytes(&self) -> usize {
        let run = size_of::<Run>() + size_of::<(u64, u32)>();
        self.len() * EVENT_BYTES
            + self.noted.len() * size_of::<(u64, u128)>()
            + self.runs.len() * run
            + self.ids.len()
            + self.units.len()
    }

    /// An event's identity among those of its unit.
    pub fn key(&self, event: u32) -> &[u8] {
        &self.ids[span(&self.id_ends, event as usize)]
    }

    /// The id that its sender gave it.
    pub fn id(&self, event: u32) -> &[u8] {
        let key = self.key(event);
        if self.has_first_units { &key[..key.len() - FIRST_UNIT_LEN] } else { key }
    }

    pub fn is_repeat(&self, event: u32) -> bool {
        !self.repeats.is_empty() && self.repeats.binary_search(&event).is_ok()
    }

    /// The runs in the order of their units' hashes: what [`Gathered::units`] walks along.
    pub fn order(&self) -> Vec<(u64, u32)> {
        let mut order: Vec<(u64, u32)> =
            self.runs.iter().enumerate().map(|(place, run)| (run.hash, place as u32)).collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.compare(a.1, b.1)));
        order
    }

    /// Of two runs of one hash.
    fn compare(&self, a: u32, b: u32) -> Ordering {
        let kind = |run: u32| self.runs[run as usize].kind;
        kind(a).cmp(&kind(b)).then_with(|| self.unit(a).cmp(self.unit(b))).then(a.cmp(&b))
    }

    fn unit(&self, run: u32) -> &[u8] {
        let end = |run: usize| self.runs[run].unit_end as usize;
        let run = run as usize;
        &self.units[run.checked_sub(1).map_or(0, end)..end(run)]
    }

    /// Unit after unit.
    pub fn units<'a>(&'a self, order: &'a [(u64, u32)]) -> impl Iterator<Item = Unit<'a>> {
        let same = |a: &(u64, u32), b: &(u64, u32)| {
            let kind = |run: &(u64, u32)| self.runs[run.1 as usize].kind;
            a.0 == b.0 && kind(a) == kind(b) && self.unit(a.1) == self.unit(b.1)
        };
        order.chunk_by(same).map(|runs| {
            let run = runs[0].1;
            Unit { hash: runs[0].0, id: self.unit(run), is_known: self.runs[run as usize].kind == 0, runs }
        })
    }

    /// Puts a unit's events into `events`.
    pub fn events_of(&self, unit: &Unit<'_>, events: &mut Vec<u32>) {
        events.clear();
        for (_, run) in unit.runs {
            let place = *run as usize;
            let end = self.runs.get(place + 1).map_or(self.len() as u32, |next| next.first);
            events.extend(self.runs[place].first..end);
        }
    }
}

fn span(ends: &[u32], place: usize) -> Range<usize> {
    let start = place.checked_sub(1).map_or(0, |before| ends[before] as usize);
    start..ends[place] as usize
}
