//! What the crate promises to its callers, on files that nobody here wrote and on random event logs.

mod bad_files;
mod contract;
mod published_files;
mod reference;
mod small_files;
