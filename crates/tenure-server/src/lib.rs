//! The live system. Knows nothing about the command line.
