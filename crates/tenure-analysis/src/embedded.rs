//! The engine inside the product: DataFusion over the event log's sealed files and what is not sealed yet.
//!
//! The work is shared out by the log's hash buckets. Each share is a plan of one partition that runs by itself, so
//! that rows reach its sums in a fixed order; as many shares as there are threads run side by side, each with its
//! part of the memory, in which sorts spill to disk. Threads are the engine's own: a look does not slow down those that serve flags.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{RecordBatch, UInt64Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::catalog::MemTable;
use datafusion::common::Result as DataFusionResult;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use object_store::ObjectStore;
use tenure_events::columns::BUCKETS;
use tenure_events::{EventLog, View, schema};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::engine::{Engine, EngineError};
use crate::fold::{self, Fold};
use crate::memory::Memory;
use crate::plan::{Share, misplaced, per_unit};
use crate::query::Query;

/// The name under which plans find the log's object store.
const STORE: &str = "tenure-events://log";
/// Rows that are worked on at once: a sort needs memory for several such batches at the least.
const BATCH_ROWS: u64 = 4_096;

/// Bounds of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Memory that all queries at work may hold together, in bytes; what does not fit is spilled to disk.
    /// With less than about 8 MiB a thread little can be sorted at all.
    pub memory_bytes_max: usize,
    /// Threads, and shares that run side by side.
    pub threads: usize,
    /// Events that one share should hold, about.
    pub share_events: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { memory_bytes_max: 256 << 20, threads, share_events: 1_000_000 }
    }
}

/// DataFusion over one event log.
pub struct Embedded {
    log: Arc<EventLog>,
    settings: Settings,
    /// Plans that may be at work, over all queries.
    turns: Arc<Semaphore>,
    threads: Threads,
}

impl Embedded {
    /// An engine over a log. It starts its threads and touches nothing else.
    pub fn new(log: Arc<EventLog>, settings: Settings) -> Result<Self, EngineError> {
        let settings = Settings { threads: settings.threads.max(1), ..settings };
        let threads =
            Threads::start(settings.threads).map_err(|error| EngineError::Engine(error.to_string()))?;
        Ok(Self { log, turns: Arc::new(Semaphore::new(settings.threads)), settings, threads })
    }

    fn fault(&self, error: DataFusionError) -> EngineError {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(detail) => {
                EngineError::Memory { bytes_max: self.settings.memory_bytes_max, detail: detail.clone() }
            }
            DataFusionError::ObjectStore(_)
            | DataFusionError::IoError(_)
            | DataFusionError::ParquetError(_) => EngineError::Log(error.to_string()),
            _ => EngineError::Engine(error.to_string()),
        }
    }
}

#[async_trait]
impl Engine for Embedded {
    async fn measure(&self, query: &Query) -> Result<Answer, EngineError> {
        query.check()?;
        let view = self.log.view().await.map_err(|error| EngineError::Log(error.to_string()))?;
        let work = Work {
            query: Arc::new(query.clone()),
            store: self.log.store(),
            turns: Arc::clone(&self.turns),
            memory_bytes_max: self.settings.memory_bytes_max / self.settings.threads,
        };
        // Dropping the set ends the work: whoever stops waiting stops the query.
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work.answer(view, self.settings.share_events), &self.threads.handle);
        match tasks.join_next().await {
            Some(Ok(answer)) => answer.map_err(|error| self.fault(error)),
            Some(Err(error)) => Err(EngineError::Engine(error.to_string())),
            None => Err(EngineError::Engine("the query's task is gone".to_owned())),
        }
    }
}

/// One query at work.
#[derive(Clone)]
struct Work {
    query: Arc<Query>,
    store: Arc<dyn ObjectStore>,
    turns: Arc<Semaphore>,
    /// For each plan.
    memory_bytes_max: usize,
}

impl Work {
    async fn answer(self, view: View, share_events: u64) -> DataFusionResult<Answer> {
        let shares_max = view.events().div_ceil(share_events.max(1));
        // As long as something names a file of the view, no compaction removes it.
        let files = view.files.clone();
        let events = scan(view)?;
        let shares = if self.any_row(misplaced(events.clone(), &self.query)?).await? {
            vec![Share::Whole]
        } else {
            by_buckets(shares_max)
        };
        let mut tasks = JoinSet::new();
        for (place, share) in shares.iter().enumerate() {
            let plan = per_unit(events.clone(), &self.query, share)?;
            let work = self.clone();
            tasks.spawn(async move { work.fold(plan).await.map(|fold| (place, fold)) });
        }
        let mut folds = Vec::with_capacity(shares.len());
        while let Some(done) = tasks.join_next().await {
            folds.push(done.map_err(|error| DataFusionError::External(Box::new(error)))??);
        }
        drop(files);
        folds.sort_by_key(|(place, _)| *place);
        Ok(fold::finish(&self.query, folds.iter().map(|(_, fold)| fold)))
    }

    async fn fold(&self, plan: LogicalPlan) -> DataFusionResult<Fold> {
        let _turn = self.turns.acquire().await;
        let mut rows = self.session()?.execute_logical_plan(plan).await?.execute_stream().await?;
        let mut fold = Fold::new(Arc::clone(&self.query));
        while let Some(batch) = rows.next().await {
            fold.add(&batch?)?;
        }
        Ok(fold)
    }

    async fn any_row(&self, plan: LogicalPlan) -> DataFusionResult<bool> {
        let _turn = self.turns.acquire().await;
        let batches = self.session()?.execute_logical_plan(plan).await?.collect().await?;
        Ok(batches.iter().any(|batch| batch.num_rows() > 0))
    }

    /// A session for one plan, with its own memory.
    fn session(&self) -> DataFusionResult<SessionContext> {
        let memory = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(Memory::new(self.memory_bytes_max)))
            .build_arc()?;
        let config = SessionConfig::new()
            .with_target_partitions(1)
            .with_batch_size(BATCH_ROWS as usize)
            // One sort over everything: sorts side by side would want a merge that cannot spill.
            .with_repartition_sorts(false)
            // What may be merged is bounded by the pool, which leaves every merge its share.
            .with_sort_spill_reservation_bytes(0);
        let session = SessionContext::new_with_config_rt(config, memory);
        session.register_object_store(ObjectStoreUrl::parse(STORE)?.as_ref(), Arc::clone(&self.store));
        Ok(session)
    }
}

/// All events of the view, sealed or not.
fn scan(view: View) -> DataFusionResult<LogicalPlan> {
    let recent = view.recent.into_iter().map(own_batches).collect::<DataFusionResult<Vec<_>>>()?.concat();
    let recent = MemTable::try_new(schema(), vec![recent])?;
    let recent = LogicalPlanBuilder::scan("events", provider_as_source(Arc::new(recent)), None)?;
    if view.files.is_empty() {
        return recent.build();
    }
    let paths = view
        .files
        .iter()
        .map(|file| ListingTableUrl::parse(format!("{STORE}/{}", file.path)))
        .collect::<DataFusionResult<Vec<_>>>()?;
    let sealed = ListingTableConfig::new_with_multi_paths(paths)
        .with_listing_options(ListingOptions::new(Arc::new(ParquetFormat::default())))
        .with_schema(schema());
    let sealed = provider_as_source(Arc::new(ListingTable::try_new(sealed)?));
    LogicalPlanBuilder::scan("events", sealed, None)?.union(recent.build()?)?.build()
}

/// The rows in batches that own their memory. Batches read from a segment share its bytes, and a sort that holds
/// one of them would be charged for all.
fn own_batches(shared: RecordBatch) -> DataFusionResult<Vec<RecordBatch>> {
    let rows = shared.num_rows() as u64;
    let own = |from: u64| {
        let places = UInt64Array::from_iter_values(from..rows.min(from + BATCH_ROWS));
        Ok(take_record_batch(&shared, &places)?)
    };
    (0..rows).step_by(BATCH_ROWS as usize).map(own).collect()
}

/// Contiguous ranges of buckets, at most one for each bucket.
fn by_buckets(shares_max: u64) -> Vec<Share> {
    let buckets = u64::from(BUCKETS);
    let shares = shares_max.clamp(1, buckets);
    let edge = |share: u64| (share * buckets / shares) as u8;
    (0..shares).map(|share| Share::Buckets(edge(share)..=edge(share + 1) - 1)).collect()
}

/// Threads that end in the background: a runtime may not be dropped where others wait on it.
struct Threads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Threads {
    fn start(threads: usize) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("analysis")
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_every_bucket_once() {
        for shares_max in [0, 1, 2, 3, 7, 63, 64, 1_000] {
            let mut next = 0;
            for share in by_buckets(shares_max) {
                let Share::Buckets(range) = share else { panic!("not by buckets") };
                assert_eq!(*range.start(), next);
                assert!(range.end() >= range.start());
                next = range.end() + 1;
            }
            assert_eq!(next, BUCKETS);
        }
    }
}
