//! The memory that queries may hold together, in two parts: one for sorts, which spill when theirs is full, and
//! one for what cannot spill. In one pool sorts would fill everything, and the merge of what they spilled would
//! find nothing.

use std::fmt;

use datafusion::common::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// One part in this many is kept for what cannot spill. The merge of a sort holds the keys of every batch it
/// merges: of the order of a third of what the sort itself was charged, measured.
const HELD_SHARE: usize = 2;

/// A bounded pool in two parts.
#[derive(Debug)]
pub(crate) struct Memory {
    bytes_max: usize,
    spilling: FairSpillPool,
    held: GreedyMemoryPool,
}

impl Memory {
    pub fn new(bytes_max: usize) -> Self {
        let held = bytes_max / HELD_SHARE;
        Self { bytes_max, spilling: FairSpillPool::new(bytes_max - held), held: GreedyMemoryPool::new(held) }
    }

    fn part(&self, consumer: &MemoryConsumer) -> &dyn MemoryPool {
        if consumer.can_spill() { &self.spilling } else { &self.held }
    }
}

impl MemoryPool for Memory {
    fn name(&self) -> &str {
        "sorts apart"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.part(consumer).register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.part(consumer).unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.part(reservation.consumer()).grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.part(reservation.consumer()).shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.part(reservation.consumer()).try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.spilling.reserved() + self.held.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes_max)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes held", self.reserved(), self.bytes_max)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn sorts_leave_room_for_the_rest() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Memory::new(200));
        let sort = MemoryConsumer::new("sort").with_can_spill(true).register(&pool);
        let merge = MemoryConsumer::new("merge").register(&pool);
        assert!(sort.try_grow(101).is_err());
        assert!(sort.try_grow(100).is_ok());
        assert!(merge.try_grow(100).is_ok());
        assert!(merge.try_grow(1).is_err());
        assert_eq!(pool.reserved(), 200);
        drop(sort);
        assert_eq!(pool.reserved(), 100);
    }
}
