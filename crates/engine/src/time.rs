use std::time::{SystemTime, UNIX_EPOCH};

use earmark_records::Timestamp;

/// The moment it is now. The only place below the server that reads the clock of the wall.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
