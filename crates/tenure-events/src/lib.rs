//! The event log. Knows nothing about metrics or rollouts.
