use crate::Encoding;

/// Watches a raw stream's bytes for signs of another encoding than the declared one.
#[derive(Debug)]
pub(super) struct EncodingWatch {
    declared: Encoding,
    channels: u16,
}

impl EncodingWatch {
    pub(super) fn new(declared: Encoding, channels: u16) -> Self {
        Self { declared, channels }
    }

    pub(super) fn observe(&mut self, _bytes: &[u8]) {}

    pub(super) fn likelier(&self) -> Option<Encoding> {
        let _ = (self.declared, self.channels);
        None
    }

    pub(super) fn surely(&self) -> Option<Encoding> {
        None
    }
}
