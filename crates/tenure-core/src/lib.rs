//! Every rule of the process. Knows nothing about SQL, HTTP, async or clocks.
