//! The two stored forms of an instant: a fixed text in the journal, microseconds since 1970 beside it.

use jiff::{Timestamp, ToSpan as _};

use crate::database::StoreError;

/// Cut to whole microseconds, towards the past, so that what is returned is what will be read back.
pub(crate) fn to_microsecond(at: Timestamp) -> Timestamp {
    let beyond = i64::from(at.subsec_nanosecond()).rem_euclid(1_000);
    at.saturating_sub(beyond.nanoseconds()).unwrap_or(at)
}

/// The journal's form, of one length and in the order of time: `2026-11-23T03:16:00.000000Z`.
pub(crate) fn text(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// The form beside the journal.
pub(crate) fn micros(at: Timestamp) -> i64 {
    to_microsecond(at).as_microsecond()
}

/// Reads the form beside the journal.
pub(crate) fn from_micros(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros)
        .map_err(|error| StoreError::Damaged { what: "instant", why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, stored: &str) {
        let at = to_microsecond(given.parse().unwrap());
        assert_eq!(text(at), stored);
        assert_eq!(stored.parse::<Timestamp>().unwrap(), at);
        assert_eq!(from_micros(micros(at)).unwrap(), at);
    }

    #[test]
    fn an_instant_is_cut_to_the_microsecond_and_read_back() {
        check("2026-11-23T03:16:00Z", "2026-11-23T03:16:00.000000Z");
        check("2026-11-23T05:16:00.1234567+02:00", "2026-11-23T03:16:00.123456Z");
        check("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z");
        check("1969-12-31T23:59:58.0000001Z", "1969-12-31T23:59:58.000000Z");
    }
}
