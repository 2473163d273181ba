//! The journal and what stands beside it. Knows nothing about what entries mean.
