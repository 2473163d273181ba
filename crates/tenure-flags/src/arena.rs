//! Where a run keeps the texts and arrays that it makes itself.

use std::cell::{Cell, OnceCell};
use std::ops::Deref;

use bumpalo::Bump;

/// A spare bump that outgrew this is given back to the heap.
const SPARE_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    /// Runs on one thread take turns with one bump, so that a run which makes something does not allocate either.
    static SPARE: Cell<Option<Bump>> = const { Cell::new(None) };
}

/// A bump that is only fetched when something is made: most runs make nothing.
#[derive(Debug, Default)]
pub(crate) struct Arena(OnceCell<Bump>);

impl Deref for Arena {
    type Target = Bump;

    fn deref(&self) -> &Bump {
        self.0.get_or_init(|| SPARE.take().unwrap_or_default())
    }
}

impl Drop for Arena {
    #[inline]
    fn drop(&mut self) {
        if let Some(bump) = self.0.take() {
            put_back(bump);
        }
    }
}

#[cold]
fn put_back(mut bump: Bump) {
    if bump.allocated_bytes() <= SPARE_BYTES_MAX {
        bump.reset();
        SPARE.set(Some(bump));
    }
}
