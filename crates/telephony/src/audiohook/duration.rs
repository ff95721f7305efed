use std::time::Duration;

/// Reads `PT<seconds>S`, the only ISO 8601 durations of the protocol: digits with at most one point.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let number = text.strip_prefix("PT")?.strip_suffix('S')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let seconds = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Finer than nanoseconds is cut.
    let nanos = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    (!number.is_empty()).then(|| Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_and_nothing_else() {
        for (text, nanos) in [
            ("PT0S", 0),
            ("PT1S", 1_000_000_000),
            ("PT10.5S", 10_500_000_000),
            ("PT.25S", 250_000_000),
            ("PT0.0000000019S", 1),
            ("PT3600.123456789S", 3_600_123_456_789),
        ] {
            assert_eq!(parse(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        for bad in
            ["", "PTS", "PT", "P1S", "PT1M", "PT-1S", "PT+1S", "PT1.S", "PT1e3S", "PT1,5S", "PT1SS", "1"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse("PT99999999999999999999999S"), None);
        assert!(parse(&format!("PT{}S", u64::MAX)).is_some());
    }
}
