//! What is asked of every system, and Tenure's own answers: shared by the comparison and by the footprint.

pub mod tenure;
pub mod workload;

/// Answers for a caller: how many flags are on.
pub type Subject = Box<dyn Fn(usize) -> usize>;
