use std::fs::File;
use std::path::Path;

use earmark_audio::{AudioError, ChannelChoice, ChannelPicker, Evidence, Extractor, Limits, RecordingReader};

use super::{Heard, Mode};

/// Listens to one recording.
pub(super) fn hear(
    extractor: &Extractor,
    path: &Path,
    channel: ChannelChoice,
    mode: Mode,
) -> Result<Vec<Heard>, AudioError> {
    let source = File::open(path)?;
    match mode {
        Mode::Whole => {
            let whole = extractor.recording(source, channel, &Limits::default())?;
            Ok(vec![Heard::of(whole.voiceprint().cloned(), whole.net_speech, Some(whole.quality))])
        }
        Mode::Live { until_s } => live(extractor, source, channel, until_s),
    }
}

/// All evidence that a live call with this audio gives, up to so much speech.
fn live(
    extractor: &Extractor,
    source: File,
    channel: ChannelChoice,
    until_s: f32,
) -> Result<Vec<Heard>, AudioError> {
    let mut reader = RecordingReader::new(source, &Limits::default())?;
    let picker = ChannelPicker::new(channel, reader.info().channels)?;
    let mut stream = extractor.live_samples(reader.info().sample_rate_hz)?;
    let (mut samples, mut all) = (Vec::new(), Vec::new());
    while let Some(block) = reader.next_block()? {
        samples.clear();
        picker.pick_planar(block.channels(), &mut samples);
        stream.accept(&samples)?;
        while let Some(evidence) = stream.evidence() {
            // Speech is counted in whole frames of 10 ms.
            if evidence.net_speech.seconds() > until_s + 0.01 {
                return Ok(all);
            }
            all.push(heard(evidence));
        }
    }
    Ok(all)
}

fn heard(evidence: Evidence) -> Heard {
    Heard::of(Some(evidence.voiceprint), evidence.net_speech, Some(evidence.quality))
}
