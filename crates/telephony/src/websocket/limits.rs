use std::time::Duration;

use crate::{Frame, ProtocolError};

/// The largest text frame. Real ones are some hundred bytes; AudioHook's protocol has the same limit.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

/// The largest binary frame: 4 s of two channels of 16 kHz linear PCM.
pub const MAX_AUDIO_BYTES: usize = 256 << 10;

/// The longest query of a URL that carries a call's data.
pub const MAX_QUERY_BYTES: usize = 8 << 10;

/// The longest silence a far end may claim in one step; a longer one counts as this much.
///
/// Silence is no evidence, so what is cut loses nothing but the position of later speech. Without a
/// bound one forged timestamp would have the engine listen to days of silence.
pub const MAX_GAP: Duration = Duration::from_secs(10);

/// Refuses frames that no honest far end sends.
pub(crate) fn check(frame: &Frame) -> Result<(), ProtocolError> {
    let (what, bytes, most) = match frame {
        Frame::Text(text) => ("a text frame in bytes", text.len(), MAX_TEXT_BYTES),
        Frame::Binary(bytes) => ("a binary frame in bytes", bytes.len(), MAX_AUDIO_BYTES),
    };
    if bytes > most { Err(ProtocolError::LimitReached { what, most }) } else { Ok(()) }
}

/// The gap to report for one that is claimed; none for nothing.
pub(crate) fn capped_gap(claimed: Duration) -> Option<Duration> {
    (!claimed.is_zero()).then(|| claimed.min(MAX_GAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_over_their_limit_are_refused_and_those_at_it_are_not() {
        check(&Frame::Text("x".repeat(MAX_TEXT_BYTES))).unwrap();
        check(&Frame::Binary(vec![0; MAX_AUDIO_BYTES].into())).unwrap();
        let text = check(&Frame::Text("x".repeat(MAX_TEXT_BYTES + 1)));
        assert!(matches!(text, Err(ProtocolError::LimitReached { most: MAX_TEXT_BYTES, .. })));
        let binary = check(&Frame::Binary(vec![0; MAX_AUDIO_BYTES + 1].into()));
        assert!(matches!(binary, Err(ProtocolError::LimitReached { most: MAX_AUDIO_BYTES, .. })));
    }

    #[test]
    fn gaps_are_capped_and_nothing_is_no_gap() {
        assert_eq!(capped_gap(Duration::ZERO), None);
        assert_eq!(capped_gap(Duration::from_millis(20)), Some(Duration::from_millis(20)));
        assert_eq!(capped_gap(Duration::MAX), Some(MAX_GAP));
    }
}
