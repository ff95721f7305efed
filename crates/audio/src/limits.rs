use std::time::Duration;

use crate::error::seconds;
use crate::{AudioError, LimitKind};

/// The most that a recording or stream from outside may ask of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest recording; 2 hours by default, longer than any call worth screening whole.
    pub max_duration: Duration,
    /// The largest file, in bytes; 1 GiB by default: 2 hours of stereo 48 kHz 16 bit are 1.3 GiB,
    /// of stereo telephone audio 220 MiB.
    pub max_bytes: u64,
    /// The most channels; 8 by default.
    pub max_channels: u16,
    /// The lowest sample rate, in Hz; 4,000 by default.
    pub min_sample_rate_hz: u32,
    /// The highest sample rate, in Hz; 192,000 by default.
    pub max_sample_rate_hz: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_duration: Duration::from_secs(2 * 60 * 60),
            max_bytes: 1 << 30,
            max_channels: 8,
            min_sample_rate_hz: 4_000,
            max_sample_rate_hz: 192_000,
        }
    }
}

impl Limits {
    pub(crate) fn check_bytes(&self, bytes: u64) -> Result<(), AudioError> {
        at_most(LimitKind::Bytes, bytes, self.max_bytes, "bytes")
    }

    pub(crate) fn check_channels(&self, channels: u16) -> Result<(), AudioError> {
        at_most(LimitKind::Channels, channels, self.max_channels, "channels")
    }

    pub(crate) fn check_rate(&self, rate_hz: u32) -> Result<(), AudioError> {
        at_most(LimitKind::HighestSampleRate, rate_hz, self.max_sample_rate_hz, "Hz at most")?;
        if rate_hz < self.min_sample_rate_hz {
            return Err(AudioError::LimitReached {
                limit: LimitKind::LowestSampleRate,
                found: format!("{rate_hz} Hz"),
                allowed: format!("{} Hz at least", self.min_sample_rate_hz),
            });
        }
        Ok(())
    }

    pub(crate) fn check_frames(&self, frames: u64, rate_hz: u32) -> Result<(), AudioError> {
        let nanos = u128::from(frames) * 1_000_000_000 / u128::from(rate_hz.max(1));
        if nanos <= self.max_duration.as_nanos() {
            return Ok(());
        }
        Err(AudioError::LimitReached {
            limit: LimitKind::Duration,
            found: format!("at least {:.1} s", frames as f64 / f64::from(rate_hz.max(1))),
            allowed: seconds(self.max_duration),
        })
    }
}

fn at_most<T: PartialOrd + std::fmt::Display>(
    limit: LimitKind,
    found: T,
    allowed: T,
    unit: &str,
) -> Result<(), AudioError> {
    if found <= allowed {
        return Ok(());
    }
    let plain_unit = unit.split(' ').next().unwrap_or(unit);
    Err(AudioError::LimitReached {
        limit,
        found: format!("{found} {plain_unit}"),
        allowed: format!("{allowed} {unit}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_limit_and_both_numbers() {
        let limits = Limits::default();
        let text = limits.check_rate(384_000).unwrap_err().to_string();
        assert!(text.contains("max_sample_rate_hz") && text.contains("384000 Hz"), "{text}");
        let text = limits.check_frames(8000 * 7201, 8000).unwrap_err().to_string();
        assert!(
            text.contains("max_duration") && text.contains("7201.0 s") && text.contains("7200.0 s"),
            "{text}"
        );
        let text = limits.check_bytes((1 << 30) + 1).unwrap_err().to_string();
        assert!(text.contains("max_bytes") && text.contains("1073741824 bytes"), "{text}");
    }

    #[test]
    fn the_edges_are_inside() {
        let limits = Limits::default();
        limits.check_rate(4_000).unwrap();
        limits.check_rate(192_000).unwrap();
        limits.check_bytes(1 << 30).unwrap();
        limits.check_channels(8).unwrap();
        limits.check_frames(8000 * 7200, 8000).unwrap();
    }
}
