use super::SpeechSegment;
use crate::{FrontEnd, VAD_CHUNK, VAD_RATE_HZ};

/// Where the next frame lies in time.
pub(super) struct FrameClock {
    frame: u64,
    shift: u64,
    length: u64,
    rate_hz: u64,
}

impl FrameClock {
    pub(super) fn new(front_end: &FrontEnd) -> Self {
        let fbank = &front_end.fbank;
        Self {
            frame: 0,
            shift: fbank.shift_samples() as u64,
            length: fbank.frame_samples() as u64,
            rate_hz: u64::from(fbank.sample_rate_hz),
        }
    }

    /// The chunk of voice activity that holds the frame's center.
    pub(super) fn chunk(&self) -> u64 {
        let twice_center = 2 * self.frame * self.shift + self.length;
        twice_center * u64::from(VAD_RATE_HZ) / (2 * self.rate_hz * VAD_CHUNK as u64)
    }

    /// Where it ends, in seconds.
    pub(super) fn end_s(&self) -> f64 {
        (self.frame * self.shift + self.length) as f64 / self.rate_hz as f64
    }

    pub(super) fn advance(&mut self) {
        self.frame += 1;
    }
}

/// Where speech begins and ends.
#[derive(Default)]
pub(super) struct Segments {
    chunks: u64,
    started: Option<u64>,
    all: Vec<SpeechSegment>,
}

impl Segments {
    pub(super) fn accept(&mut self, speech: bool) {
        if speech {
            self.started.get_or_insert(self.chunks);
        } else {
            self.finish();
        }
        self.chunks += 1;
    }

    pub(super) fn finish(&mut self) {
        let seconds = |chunk: u64| (chunk * VAD_CHUNK as u64) as f64 / f64::from(VAD_RATE_HZ);
        if let Some(start) = self.started.take()
            && self.all.len() < SpeechSegment::MAX
        {
            self.all.push(SpeechSegment { start_s: seconds(start), end_s: seconds(self.chunks) });
        }
    }

    pub(super) fn into_all(self) -> Vec<SpeechSegment> {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_runs_of_speech() {
        let mut segments = Segments::default();
        for speech in "--SSS-S--SS".chars().map(|c| c == 'S') {
            segments.accept(speech);
        }
        segments.finish();
        let chunks = |s: SpeechSegment| ((s.start_s / 0.032).round(), (s.end_s / 0.032).round());
        let found: Vec<_> = segments.into_all().into_iter().map(chunks).collect();
        assert_eq!(found, [(2.0, 5.0), (6.0, 7.0), (9.0, 11.0)]);
    }

    #[test]
    fn their_number_is_bounded() {
        let mut segments = Segments::default();
        for n in 0..3 * SpeechSegment::MAX {
            segments.accept(n % 2 == 0);
        }
        segments.finish();
        assert_eq!(segments.into_all().len(), SpeechSegment::MAX);
    }
}
