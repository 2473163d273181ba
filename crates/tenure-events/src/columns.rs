//! Events as columns: the one schema of segments, sealed files and views, and the way from events to
//! batches of it. Column names are constants here, so that a query cannot misspell one.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, Float64Builder, MapBuilder, MapFieldNames, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder, UInt8Builder,
};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::event::{Event, Kind};

/// Number of hash buckets that units fall into.
pub const BUCKETS: u8 = 64;

/// Hash bucket of the first unit, 0 to 63 ([`bucket_of`]). Unsigned 8 bits.
pub const BUCKET: &str = "bucket";
/// Id of the first unit. Text.
pub const UNIT: &str = "unit";
/// Type of the first unit: `user`, `tenant` … Text.
pub const UNIT_TYPE: &str = "unit_type";
/// All units, the first among them: a map of type to id.
pub const UNITS: &str = "units";
/// Identity of the event: with `unit` the key that an event counts once by. Text.
pub const ID: &str = "id";
/// `exposure` or `outcome`. Text.
pub const KIND: &str = "kind";
/// When it happened, by the sender. Microseconds since the epoch, UTC.
pub const AT: &str = "at";
/// When it was received, by the server. Microseconds since the epoch, UTC.
pub const RECEIVED_AT: &str = "received_at";
/// The flag's key, of an exposure. Text.
pub const FLAG: &str = "flag";
/// The variant served, of an exposure. Text.
pub const VARIANT: &str = "variant";
/// What the flag was compiled from, of an exposure. Text.
pub const REVISION: &str = "revision";
/// Why this variant, of an exposure. Text.
pub const REASON: &str = "reason";
/// What the unit did, of an outcome. Text.
pub const NAME: &str = "name";
/// How much of it, of an outcome. Double, finite.
pub const VALUE: &str = "value";
/// The way the event came in. Text.
pub const SOURCE: &str = "source";
/// What else was sent: a map of text to text, null when empty.
pub const ATTRIBUTES: &str = "attributes";

/// The schema of every batch and file of the log. All columns are nullable, though the first eight and the
/// source are never null: some engines fault on joins over columns that are declared not to be.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name| Field::new(name, DataType::Utf8, true);
        let time = |name| Field::new(name, timestamp_type(), true);
        let map = |name| Field::new(name, map_type(), true);
        Arc::new(Schema::new(vec![
            Field::new(BUCKET, DataType::UInt8, true),
            text(UNIT),
            text(UNIT_TYPE),
            map(UNITS),
            text(ID),
            text(KIND),
            time(AT),
            time(RECEIVED_AT),
            text(FLAG),
            text(VARIANT),
            text(REVISION),
            text(REASON),
            text(NAME),
            Field::new(VALUE, DataType::Float64, true),
            text(SOURCE),
            map(ATTRIBUTES),
        ]))
    });
    Arc::clone(&SCHEMA)
}

/// The bucket of a unit: the top six bits of its hash. It is written into files: it must never change.
pub fn bucket_of(unit: &str) -> u8 {
    (hash_of(unit) >> 58) as u8
}

/// A unit's hash: 64-bit FNV-1a, after the finaliser of MurmurHash3 (FNV alone leaves the high bits of short ids
/// uneven). Buckets are made of it: it must never change.
pub fn hash_of(unit: &str) -> u64 {
    let fnv = unit.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut mixed = fnv ^ (fnv >> 33);
    mixed = mixed.wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^= mixed >> 33;
    mixed = mixed.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

/// One batch of all the events, in their order.
pub fn batch_of<'a>(events: impl ExactSizeIterator<Item = &'a Event>) -> Result<RecordBatch, ArrowError> {
    let rows = events.len();
    let text = || StringBuilder::with_capacity(rows, rows * 12);
    let time = || TimestampMicrosecondBuilder::with_capacity(rows).with_timezone(UTC);
    let mut bucket = UInt8Builder::with_capacity(rows);
    let (mut unit, mut unit_type, mut id, mut kind, mut source) = (text(), text(), text(), text(), text());
    let (mut flag, mut variant, mut revision, mut reason, mut name) =
        (text(), text(), text(), text(), text());
    let (mut at, mut received_at) = (time(), time());
    let mut value = Float64Builder::with_capacity(rows);
    let (mut units, mut attributes) = (map_builder(), map_builder());

    for event in events {
        let first = event.unit();
        bucket.append_value(bucket_of(&first.id));
        unit.append_value(&first.id);
        unit_type.append_value(&first.unit_type);
        for each in event.units() {
            units.keys().append_value(&each.unit_type);
            units.values().append_value(&each.id);
        }
        units.append(true)?;
        id.append_value(event.id());
        kind.append_value(event.kind().as_str());
        at.append_value(event.at().as_microsecond());
        received_at.append_value(event.received_at().as_microsecond());
        source.append_value(event.source());
        for (key, text) in event.attributes() {
            attributes.keys().append_value(key);
            attributes.values().append_value(text);
        }
        attributes.append(!event.attributes().is_empty())?;
        match event.kind() {
            Kind::Exposure { flag: key, variant: served, revision: compiled_from, reason: why } => {
                flag.append_value(key);
                variant.append_value(served);
                revision.append_option(compiled_from.as_deref());
                reason.append_option(why.as_deref());
                name.append_null();
                value.append_null();
            }
            Kind::Outcome { name: what, value: how_much } => {
                flag.append_null();
                variant.append_null();
                revision.append_null();
                reason.append_null();
                name.append_value(what);
                value.append_option(*how_much);
            }
        }
    }

    let columns: Vec<ArrayRef> = vec![
        Arc::new(bucket.finish()),
        Arc::new(unit.finish()),
        Arc::new(unit_type.finish()),
        Arc::new(units.finish()),
        Arc::new(id.finish()),
        Arc::new(kind.finish()),
        Arc::new(at.finish()),
        Arc::new(received_at.finish()),
        Arc::new(flag.finish()),
        Arc::new(variant.finish()),
        Arc::new(revision.finish()),
        Arc::new(reason.finish()),
        Arc::new(name.finish()),
        Arc::new(value.finish()),
        Arc::new(source.finish()),
        Arc::new(attributes.finish()),
    ];
    RecordBatch::try_new(schema(), columns)
}

/// By offset and not by name: names need a time zone database in Arrow.
const UTC: &str = "+00:00";

fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// The names are those of the Parquet format, so that other engines read a map and not a list.
fn map_type() -> DataType {
    let entry = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, true),
    ]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry), false)), false)
}

fn map_builder() -> MapBuilder<StringBuilder, StringBuilder> {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bucket is in files that exist: these values, computed apart from this code, hold for good.
    #[test]
    fn buckets_never_change() {
        let check = |unit: &str, expected: u8| assert_eq!(bucket_of(unit), expected, "{unit}");
        check("", 59);
        check("u1", 24);
        check("u2", 32);
        check("customer-000001", 57);
    }

    #[test]
    fn buckets_are_even() {
        let mut counts = [0_u32; BUCKETS as usize];
        for unit in 0..64_000 {
            counts[usize::from(bucket_of(&format!("u{unit}")))] += 1;
        }
        // Chi-squared with 63 degrees of freedom: its 99.9 % point is 103.4.
        let chi_squared: f64 = counts.iter().map(|&count| (f64::from(count) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi_squared < 103.4, "{chi_squared}");
    }
}
