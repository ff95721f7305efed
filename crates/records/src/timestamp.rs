/// A moment, in milliseconds since 1970-01-01 00:00 UTC. Always given by the caller: nothing in
/// this crate reads a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From Unix milliseconds.
    #[must_use]
    pub fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// As Unix milliseconds.
    #[must_use]
    pub fn unix_millis(self) -> i64 {
        self.0
    }
}
