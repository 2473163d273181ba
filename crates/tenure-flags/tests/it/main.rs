//! Flags as their users meet them: through the public API, over documents and contexts.

mod conformance;
