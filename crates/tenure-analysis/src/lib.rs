//! From a metric to moments. Knows nothing about HTTP or people.
