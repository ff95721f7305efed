use earmark_audio::Encoding;

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// Audio.
    Audio(Encoding),
    /// Comfort noise in place of silence (RFC 3389): no voice is in it.
    ComfortNoise,
    /// Keys and tones (RFC 4733).
    TelephoneEvent,
    /// Nothing that was agreed on.
    Unknown,
}

/// The payload types of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadMap([PayloadKind; 128]);

impl PayloadMap {
    /// Gives a dynamic type a meaning by its `a=rtpmap` encoding name and clock; a static one keeps
    /// its own (RFC 3551, section 6).
    pub fn map(&mut self, payload_type: u8, name: &str, clock_hz: u32) {
        let kind = match name.to_ascii_uppercase().as_str() {
            "PCMU" if clock_hz == super::G711_CLOCK_HZ => PayloadKind::Audio(Encoding::MuLaw),
            "PCMA" if clock_hz == super::G711_CLOCK_HZ => PayloadKind::Audio(Encoding::ALaw),
            "CN" => PayloadKind::ComfortNoise,
            "TELEPHONE-EVENT" => PayloadKind::TelephoneEvent,
            _ => PayloadKind::Unknown,
        };
        if let Some(place) = self.0.get_mut(usize::from(payload_type))
            && payload_type >= 96
        {
            *place = kind;
        }
    }

    /// What a type stands for.
    #[must_use]
    pub fn kind(&self, payload_type: u8) -> PayloadKind {
        self.0.get(usize::from(payload_type)).copied().unwrap_or(PayloadKind::Unknown)
    }
}

/// The static types: PCMU, PCMA, comfort noise (also under the number it once had).
impl Default for PayloadMap {
    fn default() -> Self {
        let mut kinds = [PayloadKind::Unknown; 128];
        kinds[0] = PayloadKind::Audio(Encoding::MuLaw);
        kinds[8] = PayloadKind::Audio(Encoding::ALaw);
        kinds[13] = PayloadKind::ComfortNoise;
        kinds[19] = PayloadKind::ComfortNoise;
        Self(kinds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_types_stand_and_dynamic_ones_are_given() {
        let mut map = PayloadMap::default();
        map.map(101, "telephone-event", 8_000);
        map.map(97, "pcma", 8_000);
        map.map(98, "PCMU", 16_000);
        map.map(0, "PCMA", 8_000);
        map.map(200, "PCMA", 8_000);
        assert_eq!(map.kind(0), PayloadKind::Audio(Encoding::MuLaw));
        assert_eq!(map.kind(97), PayloadKind::Audio(Encoding::ALaw));
        assert_eq!((map.kind(101), map.kind(13)), (PayloadKind::TelephoneEvent, PayloadKind::ComfortNoise));
        assert_eq!(
            (map.kind(98), map.kind(3), map.kind(200)),
            (PayloadKind::Unknown, PayloadKind::Unknown, PayloadKind::Unknown)
        );
    }
}
