//! Reading the log for a query: which files, row groups and pages a share needs, and from their rows to [`Gathered`].
//! Of a page everything is decoded once; only what the query is about is kept.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector};
use parquet::arrow::async_reader::{
    AsyncFileReader, ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use tenure_events::{SealedFile, columns};

use crate::gathered::CELLS;

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 8_192;
/// Files whose ends are read at the same time.
const OPENING_MAX: usize = 8;

/// A share of the units: a contiguous range of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub first: u16,
    /// Not included.
    pub end: u16,
}

/// A sealed file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}; restore the file, or remove it from the log with the days that it holds")]
pub(crate) struct Unreadable {
    pub path: String,
    pub source: ParquetError,
}

/// A sealed file of which the end has been read.
pub(crate) struct Opened {
    pub file: Arc<SealedFile>,
    store: Arc<dyn ObjectStore>,
    metadata: ArrowReaderMetadata,
    groups: Vec<Group>,
}

/// A row group, as far as its rows can be found in it.
struct Group {
    rows: usize,
    buckets: (u8, u8),
    /// Where its pages begin, and the buckets of each; nothing where the file does not tell.
    pages: Vec<(usize, (u8, u8))>,
    /// Its only type of unit, if it has one only.
    unit_type: Option<String>,
}

impl Share {
    /// Even shares, at most one for each cell.
    pub fn all(shares_max: u64) -> Vec<Self> {
        let shares = shares_max.clamp(1, u64::from(CELLS));
        let edge = |share: u64| (share * u64::from(CELLS) / shares) as u16;
        (0..shares).map(|share| Self { first: edge(share), end: edge(share + 1) }).collect()
    }

    /// Its halves; none of a single cell.
    pub fn halves(self) -> Option<[Self; 2]> {
        let middle = self.first.midpoint(self.end);
        (middle > self.first).then_some([Self { end: middle, ..self }, Self { first: middle, ..self }])
    }

    pub fn holds(self, cell: u16) -> bool {
        (self.first..self.end).contains(&cell)
    }

    fn buckets(self) -> (u8, u8) {
        let cells = CELLS / u16::from(columns::BUCKETS);
        ((self.first / cells) as u8, ((self.end - 1) / cells) as u8)
    }
}

/// Reads the ends of files.
pub(crate) async fn open(
    store: &Arc<dyn ObjectStore>,
    files: impl IntoIterator<Item = Arc<SealedFile>>,
) -> Result<Vec<Opened>, Unreadable> {
    let one = |file| Opened::open(Arc::clone(store), file);
    futures::stream::iter(files.into_iter().map(one)).buffered(OPENING_MAX).try_collect().await
}

impl Opened {
    async fn open(store: Arc<dyn ObjectStore>, file: Arc<SealedFile>) -> Result<Self, Unreadable> {
        let unreadable = |source| Unreadable { path: file.path.clone(), source };
        let mut reader = reader_of(&store, &file);
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let found =
            ArrowReaderMetadata::load_async(&mut reader, options.clone()).await.map_err(unreadable)?;
        let groups = groups(&found);
        let schema = hinted(found.schema());
        // What pages hold of each column has served; it would take more memory than everything else.
        let metadata = Arc::unwrap_or_clone(Arc::clone(found.metadata()));
        drop(found);
        let metadata = metadata.into_builder().set_column_index(None).build();
        let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), options.with_schema(schema))
            .map_err(unreadable)?;
        Ok(Self { file, store, metadata, groups })
    }

    pub fn unreadable(&self, source: ParquetError) -> Unreadable {
        Unreadable { path: self.file.path.clone(), source }
    }

    /// Bytes that a row's own texts take, about.
    pub fn text_bytes(&self) -> u64 {
        let metadata = self.metadata.metadata();
        let of_ids = |column: &&ColumnChunkMetaData| {
            matches!(column.column_path().string().as_str(), columns::ID | columns::UNIT)
        };
        let chunks = metadata.row_groups().iter().flat_map(|group| group.columns());
        chunks.filter(of_ids).map(|column| column.uncompressed_size().max(0) as u64).sum()
    }

    /// Whether every row's first unit is of this type.
    pub fn is_all(&self, unit_type: &str) -> bool {
        self.groups.iter().all(|group| group.unit_type.as_deref() == Some(unit_type))
    }

    /// The rows of the buckets that a share lies in, and some beside them; everything without a share.
    pub fn rows(
        &self,
        share: Option<Share>,
        wanted: &[&str],
    ) -> Result<Option<ParquetRecordBatchStream<Bits>>, Unreadable> {
        let (mut places, mut selectors) = (Vec::new(), Vec::new());
        for (place, group) in self.groups.iter().enumerate() {
            let selected = group.select(share.map(Share::buckets));
            if selected.iter().any(|selector| !selector.skip) {
                places.push(place);
                selectors.extend(selected);
            }
        }
        if places.is_empty() {
            return Ok(None);
        }
        let schema = self.metadata.schema();
        let roots = wanted.iter().filter_map(|name| schema.index_of(name).ok());
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots);
        let reader = reader_of(&self.store, &self.file);
        ParquetRecordBatchStreamBuilder::new_with_metadata(reader, self.metadata.clone())
            .with_batch_size(BATCH_ROWS)
            .with_row_groups(places)
            .with_row_selection(RowSelection::from(selectors))
            .with_projection(mask)
            .build()
            .map(Some)
            .map_err(|source| self.unreadable(source))
    }
}

impl Group {
    /// The pages that hold rows of the buckets.
    fn select(&self, buckets: Option<(u8, u8)>) -> Vec<RowSelector> {
        let touches = |of: (u8, u8)| buckets.is_none_or(|(first, last)| of.0 <= last && of.1 >= first);
        if !touches(self.buckets) {
            return Vec::new();
        }
        if self.pages.is_empty() {
            return vec![RowSelector::select(self.rows)];
        }
        let ends = self.pages.iter().skip(1).map(|page| page.0).chain([self.rows]);
        self.pages
            .iter()
            .zip(ends)
            .map(|((start, buckets), end)| {
                if touches(*buckets) {
                    RowSelector::select(end - start)
                } else {
                    RowSelector::skip(end - start)
                }
            })
            .collect()
    }
}

/// A file's bytes, as the reader asks for them.
pub(crate) struct Bits {
    store: Arc<dyn ObjectStore>,
    path: Path,
    len: u64,
}

fn reader_of(store: &Arc<dyn ObjectStore>, file: &SealedFile) -> Bits {
    Bits { store: Arc::clone(store), path: Path::from(file.path.as_str()), len: file.bytes }
}

impl AsyncFileReader for Bits {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.store.get_range(&self.path, range).map_err(from_store).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(from_store) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let len = self.len;
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            reader.load_and_finish(self, len).await.map(Arc::new)
        }
        .boxed()
    }
}

fn from_store(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// What the end of a file tells of its row groups.
fn groups(found: &ArrowReaderMetadata) -> Vec<Group> {
    let metadata = found.metadata();
    let leaf = |name: &str| {
        let mut leaves = found.parquet_schema().columns().iter();
        leaves.position(|column| column.path().string() == name)
    };
    let (bucket, unit_type) = (leaf(columns::BUCKET), leaf(columns::UNIT_TYPE));
    let everything = (0, columns::BUCKETS - 1);
    metadata
        .row_groups()
        .iter()
        .enumerate()
        .map(|(place, group)| {
            let statistics = |leaf: Option<usize>| group.column(leaf?).statistics();
            let buckets = match statistics(bucket) {
                Some(Statistics::Int32(of)) => {
                    of.min_opt().zip(of.max_opt()).map(|(min, max)| (*min as u8, *max as u8))
                }
                _ => None,
            };
            let only_type = match statistics(unit_type) {
                Some(Statistics::ByteArray(of)) if of.null_count_opt() == Some(0) => {
                    let (min, max) = (of.min_opt(), of.max_opt());
                    let exact = of.min_is_exact() && of.max_is_exact() && min == max;
                    min.filter(|_| exact).and_then(|only| only.as_utf8().ok().map(str::to_owned))
                }
                _ => None,
            };
            Group {
                rows: group.num_rows() as usize,
                buckets: buckets.unwrap_or(everything),
                pages: bucket.and_then(|leaf| pages(metadata, place, leaf)).unwrap_or_default(),
                unit_type: only_type,
            }
        })
        .collect()
}

fn pages(metadata: &ParquetMetaData, group: usize, bucket: usize) -> Option<Vec<(usize, (u8, u8))>> {
    let ColumnIndexMetaData::INT32(index) = metadata.column_index()?.get(group)?.get(bucket)? else {
        return None;
    };
    let starts = metadata.offset_index()?.get(group)?.get(bucket)?.page_locations();
    let buckets = index.min_values_iter().zip(index.max_values_iter());
    starts
        .iter()
        .zip(buckets)
        .map(|(page, (min, max))| Some((page.first_row_index as usize, (*min? as u8, *max? as u8))))
        .collect()
}

/// The file's schema with texts in the form in which they are read quickest: words that come again and again as places
/// in a list of them, ids as views.
fn hinted(schema: &Schema) -> Arc<Schema> {
    let fields = schema.fields().iter().map(|field| {
        let wanted = wanted_type(field.name()).filter(|_| *field.data_type() == DataType::Utf8);
        wanted.map_or_else(
            || Arc::clone(field),
            |wanted| Arc::new(field.as_ref().clone().with_data_type(wanted)),
        )
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The form of a column of text.
pub(crate) fn wanted_type(column: &str) -> Option<DataType> {
    match column {
        columns::UNIT | columns::ID => Some(DataType::Utf8View),
        columns::UNIT_TYPE
        | columns::KIND
        | columns::FLAG
        | columns::VARIANT
        | columns::REVISION
        | columns::NAME => Some(DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_every_cell_once() {
        for shares_max in [0, 1, 2, 3, 7, 64, 255, 256, 1_000] {
            let mut next = 0;
            for share in Share::all(shares_max) {
                assert_eq!(share.first, next);
                assert!(share.end > share.first);
                next = share.end;
            }
            assert_eq!(next, CELLS);
        }
    }

    #[test]
    fn a_share_halves_down_to_single_cells() {
        let mut shares = Share::all(1);
        let mut single = 0;
        while let Some(share) = shares.pop() {
            match share.halves() {
                Some(halves) => shares.extend(halves),
                None => single += share.end - share.first,
            }
        }
        assert_eq!(single, CELLS);
    }
}
