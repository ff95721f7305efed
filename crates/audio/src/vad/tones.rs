use std::f64::consts::TAU;
use std::sync::LazyLock;

use super::{VAD_CHUNK, VAD_RATE_HZ};

/// Keys: one tone of the low group with one of the high (ITU-T Q.23).
const KEYS_LOW_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const KEYS_HIGH_HZ: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

/// Ringback, busy, dial and special information tones of the world's networks (ITU-T E.180
/// supplement 2), answer tones of fax and modems (ITU-T V.25): one alone or two together.
const PROGRESS_HZ: [f64; 13] =
    [330.0, 350.0, 400.0, 425.0, 440.0, 450.0, 480.0, 620.0, 950.0, 1100.0, 1400.0, 1800.0, 2100.0];

/// A tone holds at least this part of the chunk's energy. A pure one holds nearly all, also after
/// GSM and AMR at 20 dB SNR; a vowel spreads over its harmonics.
const LEAST_SHARE: f64 = 0.65;

/// In fewer chunks on end a vowel's harmonic may lie on a tone's frequency; voices move on.
const LEAST_CHUNKS: u32 = 3;

/// Tells the telephone network's own tones from voices, which voice activity detection alone takes
/// them for now and then.
#[derive(Clone, Debug, Default)]
pub(super) struct ToneDetector {
    last: Option<Tone>,
    chunks: u32,
}

/// Places in [`Probes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Key(usize, usize),
    Progress(usize),
}

impl Tone {
    fn goes_on(self, before: Self) -> bool {
        match (self, before) {
            // Two tones that beat, such as the British 400 and 450 Hz, lead in turn.
            (Self::Progress(a), Self::Progress(b)) => (PROGRESS_HZ[a] - PROGRESS_HZ[b]).abs() <= 50.0,
            _ => self == before,
        }
    }
}

impl ToneDetector {
    /// Whether this chunk goes on with a tone that has lasted for some 100 ms.
    pub(super) fn accept(&mut self, chunk: &[f32; VAD_CHUNK]) -> bool {
        let tone = tone(chunk);
        let goes_on = tone.zip(self.last).is_some_and(|(now, before)| now.goes_on(before));
        self.chunks = if goes_on { self.chunks.saturating_add(1) } else { u32::from(tone.is_some()) };
        self.last = tone;
        self.chunks >= LEAST_CHUNKS
    }
}

fn tone(chunk: &[f32; VAD_CHUNK]) -> Option<Tone> {
    let mean = chunk.iter().map(|s| f64::from(*s)).sum::<f64>() / VAD_CHUNK as f64;
    let windowed: Vec<f64> =
        chunk.iter().zip(&PROBES.window).map(|(s, w)| (f64::from(*s) - mean) * w).collect();
    let energy: f64 = windowed.iter().map(|s| s * s).sum();
    if energy <= 1e-9 {
        return None;
    }
    let share = |frequency: &Frequency| frequency.energy(&windowed) / energy;
    let best = |group: &[Frequency]| {
        let shares = group.iter().map(share).enumerate();
        shares.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
    };
    let ((low, low_share), (high, high_share)) = (best(&PROBES.low), best(&PROBES.high));
    // The two tones of a key differ by 8 dB at most (ITU-T Q.24).
    if low_share + high_share >= LEAST_SHARE && low_share.min(high_share) >= 0.08 {
        return Some(Tone::Key(low, high));
    }
    let (first, alone) = best(&PROBES.progress);
    // Two progress tones lie far enough apart that their lobes, two bins wide, hardly meet.
    let apart = |other: &Frequency| (other.hz - PROBES.progress[first].hz).abs() > 35.0;
    let second = PROBES.progress.iter().filter(|f| apart(f)).map(share).fold(0.0, f64::max);
    let together = if second > 0.15 { alone + second } else { alone };
    (together >= LEAST_SHARE).then_some(Tone::Progress(first))
}

/// One frequency's part of a windowed chunk, by correlation.
struct Frequency {
    hz: f64,
    cosine: Vec<f64>,
    sine: Vec<f64>,
    /// Energy of a sine of amplitude 1 over its squared correlation.
    scale: f64,
}

impl Frequency {
    fn new(hz: f64, window: &[f64]) -> Self {
        let turn = |n: usize| TAU * hz * n as f64 / f64::from(VAD_RATE_HZ);
        let wave = |f: fn(f64) -> f64| (0..VAD_CHUNK).map(|n| f(turn(n))).collect::<Vec<_>>();
        let (cosine, sine) = (wave(f64::cos), wave(f64::sin));
        let sum: f64 = window.iter().sum();
        let power: f64 = window.iter().map(|w| w * w).sum();
        Self { hz, cosine, sine, scale: 2.0 * power / (sum * sum) }
    }

    fn energy(&self, windowed: &[f64]) -> f64 {
        let dot = |wave: &[f64]| windowed.iter().zip(wave).map(|(s, w)| s * w).sum::<f64>();
        let (c, s) = (dot(&self.cosine), dot(&self.sine));
        (c * c + s * s) * self.scale
    }
}

struct Probes {
    /// Hann: its lobes fall fast, so that a strong tone does not hide in its neighbors' share.
    window: Vec<f64>,
    low: Vec<Frequency>,
    high: Vec<Frequency>,
    progress: Vec<Frequency>,
}

static PROBES: LazyLock<Probes> = LazyLock::new(|| {
    let window: Vec<f64> =
        (0..VAD_CHUNK).map(|n| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / VAD_CHUNK as f64).cos()).collect();
    let all = |group: &[f64]| group.iter().map(|hz| Frequency::new(*hz, &window)).collect();
    let (low, high, progress) = (all(&KEYS_LOW_HZ), all(&KEYS_HIGH_HZ), all(&PROGRESS_HZ));
    Probes { window, low, high, progress }
});

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of one second's chunks that are a tone.
    fn part(signal: impl Fn(f64) -> f64) -> f64 {
        let mut detector = ToneDetector::default();
        let count = VAD_RATE_HZ as usize / VAD_CHUNK;
        let tones = (0..count).filter(|chunk| {
            let at = |n: usize| (chunk * VAD_CHUNK + n) as f64 / f64::from(VAD_RATE_HZ);
            detector.accept(&std::array::from_fn(|n| signal(at(n)) as f32))
        });
        tones.count() as f64 / count as f64
    }

    fn sine(hz: f64) -> impl Fn(f64) -> f64 {
        move |t| 0.1 * (TAU * hz * t).sin()
    }

    /// A voice: harmonics with a falling spectrum, its pitch moving like an intonation.
    fn voice(t: f64) -> f64 {
        let phase = TAU * (150.0 * t - 20.0 * (TAU * 2.0 * t).cos() / (TAU * 2.0));
        (1..20).map(|k| (f64::from(k) * phase).sin() / f64::from(k)).sum::<f64>() * 0.05
    }

    #[test]
    fn network_tones_are_tones() {
        for hz in PROGRESS_HZ {
            assert!(part(sine(hz)) > 0.9, "{hz}");
        }
        for (low, high) in [(440.0, 480.0), (350.0, 440.0), (480.0, 620.0), (400.0, 450.0)] {
            let part = part(|t| sine(low)(t) + sine(high)(t));
            assert!(part > 0.8, "{low} {high} {part}");
        }
        for low in KEYS_LOW_HZ {
            for high in KEYS_HIGH_HZ {
                assert!(part(|t| sine(low)(t) + 0.6 * sine(high)(t)) > 0.9, "{low} {high}");
            }
        }
    }

    #[test]
    fn a_voice_noise_and_silence_are_none() {
        assert_eq!(part(voice), 0.0);
        assert_eq!(part(|_| 0.0), 0.0);
        assert_eq!(part(|_| 0.5), 0.0);
        let noise = |t: f64| ((t * 12_345.678).sin() * 43_758.545).fract() * 0.1;
        assert_eq!(part(noise), 0.0);
        // A steady whistle beside all tones, and one that glides over them.
        assert_eq!(part(sine(2600.0)), 0.0);
        assert_eq!(part(|t| 0.1 * (TAU * (300.0 * t + 400.0 * t * t)).sin()), 0.0);
    }

    #[test]
    fn a_tone_under_a_voice_is_no_tone() {
        assert_eq!(part(|t| voice(t) + 0.2 * sine(450.0)(t)), 0.0);
    }
}
