use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Bytes that can be read from any place: a file, or bytes in memory.
pub trait Source: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> Source for T {}

/// A part of a source as if it were a whole file, with bytes of ours before it: the audio of a file
/// behind a header that says what the file's own should have said.
pub(super) struct Section {
    prefix: Vec<u8>,
    source: Box<dyn Source>,
    start: u64,
    len: u64,
    position: u64,
    seekable: bool,
}

impl Section {
    /// `len` bytes from `start` on.
    pub(super) fn new(source: Box<dyn Source>, start: u64, len: u64) -> io::Result<Self> {
        let mut section = Self { prefix: Vec::new(), source, start, len, position: 0, seekable: true };
        section.seek(SeekFrom::Start(0))?;
        Ok(section)
    }

    /// With these bytes before it.
    pub(super) fn behind(mut self, prefix: Vec<u8>) -> Self {
        self.prefix = prefix;
        self
    }

    /// Tells the demuxer that there is only forward, so that it guesses nothing from the length.
    pub(super) fn forward_only(mut self) -> Self {
        self.seekable = false;
        self
    }

    fn total(&self) -> u64 {
        self.prefix.len() as u64 + self.len
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let prefix_len = self.prefix.len() as u64;
        let read = if self.position < prefix_len {
            (&self.prefix[self.position as usize..]).read(buffer)?
        } else {
            let left = self.total().saturating_sub(self.position);
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.source.read(&mut buffer[..most])?
        };
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.total().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let position = position.ok_or(io::ErrorKind::InvalidInput)?;
        let inside = position.saturating_sub(self.prefix.len() as u64).min(self.len);
        self.source.seek(SeekFrom::Start(self.start + inside))?;
        self.position = position;
        Ok(position)
    }
}

impl MediaSource for Section {
    fn is_seekable(&self) -> bool {
        self.seekable
    }

    fn byte_len(&self) -> Option<u64> {
        self.seekable.then(|| self.total())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn reads_as_one_file_from_any_place() {
        let source = Box::new(Cursor::new(b"xxabcdefyy".to_vec()));
        let mut section = Section::new(source, 2, 6).unwrap().behind(b"HEAD".to_vec());
        let mut all = Vec::new();
        section.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"HEADabcdef");
        for start in 0..=all.len() {
            section.seek(SeekFrom::Start(start as u64)).unwrap();
            let mut rest = Vec::new();
            section.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, all[start..]);
        }
        assert_eq!(section.seek(SeekFrom::End(-1)).unwrap(), 9);
        assert_eq!(section.seek(SeekFrom::Current(-2)).unwrap(), 7);
        assert!(section.seek(SeekFrom::Current(-8)).is_err());
    }

    #[test]
    fn a_place_past_the_end_reads_nothing() {
        let mut section = Section::new(Box::new(Cursor::new(b"abc".to_vec())), 0, 2).unwrap();
        section.seek(SeekFrom::Start(50)).unwrap();
        assert_eq!(section.read(&mut [0; 8]).unwrap(), 0);
    }
}
