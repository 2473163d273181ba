//! The memory of one plan at work, in two parts: one for sorts, which spill when theirs is full, and one for what
//! cannot spill. In each part nobody gets more than an equal share: a sort that fills everything, or a merge that
//! takes all it can get, would leave nothing to the next step of its own plan.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// A bounded pool in two parts of one size. The merge of a sort holds the keys of every batch that it merges: about
/// a quarter of what the sort was charged for them, measured, and merges are some of the few that cannot spill.
#[derive(Debug)]
pub(crate) struct Memory {
    spilling: Part,
    held: Part,
}

#[derive(Debug)]
struct Part {
    bytes_max: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    bytes: usize,
    consumers: usize,
}

impl Memory {
    pub fn new(bytes_max: usize) -> Self {
        let part = || Part { bytes_max: bytes_max / 2, used: Mutex::default() };
        Self { spilling: part(), held: part() }
    }

    fn part(&self, consumer: &MemoryConsumer) -> &Part {
        if consumer.can_spill() { &self.spilling } else { &self.held }
    }
}

impl Part {
    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut used = self.used();
        let share = self.bytes_max / used.consumers.max(1);
        let wanted = reservation.size() + additional;
        if wanted > share || used.bytes + additional > self.bytes_max {
            let who = reservation.consumer().name();
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{who} wants {wanted} bytes of {share}"
            )));
        }
        used.bytes += additional;
        Ok(())
    }
}

impl MemoryPool for Memory {
    fn name(&self) -> &str {
        "two parts"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.part(consumer).used().consumers += 1;
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.part(consumer).used().consumers -= 1;
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.part(reservation.consumer()).used().bytes += additional;
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.part(reservation.consumer()).used().bytes -= shrink;
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.part(reservation.consumer()).try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.spilling.used().bytes + self.held.used().bytes
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.spilling.bytes_max + self.held.bytes_max)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes held", self.reserved())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn nobody_takes_more_than_an_equal_share_of_a_part() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Memory::new(200));
        let sort = || MemoryConsumer::new("sort").with_can_spill(true).register(&pool);
        let (first, second) = (sort(), sort());
        let merge = MemoryConsumer::new("merge").register(&pool);
        assert!(first.try_grow(51).is_err());
        assert!(first.try_grow(50).is_ok());
        assert!(second.try_grow(50).is_ok());
        assert!(merge.try_grow(100).is_ok());
        assert!(merge.try_grow(1).is_err());
        assert_eq!(pool.reserved(), 200);
        drop(first);
        assert_eq!(pool.reserved(), 150);
        assert!(second.try_grow(50).is_ok());
    }
}
