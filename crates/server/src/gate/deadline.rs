use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use crate::refusal::Refusal;

const HEADER: &str = "grpc-timeout";

/// When nobody waits for the answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// From the client's `grpc-timeout`; none is no deadline.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let Some(value) = headers.get(HEADER) else { return Ok(Self(None)) };
        let timeout = value.to_str().ok().and_then(parse).ok_or_else(|| {
            let problem = "must be 1 to 8 digits and one of the units H, M, S, m, u, n";
            Refusal::field(HEADER, "BAD_TIMEOUT", problem)
        })?;
        // A timeout past the end of time is none.
        Ok(Self(Instant::now().checked_add(timeout)))
    }

    /// This deadline, or one `most` from now if that is earlier.
    pub(super) fn at_most(self, most: Duration) -> Self {
        let limit = Instant::now().checked_add(most);
        Self(match (self.0, limit) {
            (Some(own), Some(limit)) => Some(own.min(limit)),
            (own, limit) => own.or(limit),
        })
    }

    /// Resolves at the deadline.
    pub(crate) async fn passed(self) {
        match self.0 {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

/// The gRPC HTTP/2 mapping's `Timeout`: at most 8 digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_every_unit_and_nothing_else() {
        let cases = [("1H", 3_600_000), ("2M", 120_000), ("3S", 3000), ("250m", 250), ("5000u", 5)];
        for (text, millis) in cases {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for text in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", "123456789S", "1 S", "١S"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn the_earlier_of_two_counts() {
        let none = Deadline::of(&HeaderMap::new()).unwrap();
        assert_eq!(none, Deadline(None));
        let soon = none.at_most(Duration::from_secs(60));
        assert_eq!(soon.at_most(Duration::from_secs(3600)), soon);
        let sooner = soon.at_most(Duration::ZERO);
        assert!(sooner.0 < soon.0);
        sooner.passed().await;
    }

    #[test]
    fn a_timeout_that_is_none_is_refused_by_name() {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, "soon".parse().unwrap());
        assert_eq!(Deadline::of(&headers).unwrap_err().reason(), "BAD_TIMEOUT");
        headers.insert(HEADER, "2S".parse().unwrap());
        assert!(Deadline::of(&headers).unwrap().0.is_some());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,12}") {
            let _ = parse(&text);
        }
    }
}
