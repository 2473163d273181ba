//! From moments to a verdict. Knows nothing about flags, people, storage or time.
