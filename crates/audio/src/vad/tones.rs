use std::f64::consts::TAU;
use std::sync::LazyLock;

use super::{VAD_CHUNK, VAD_RATE_HZ};

/// Keys: one tone of the low group with one of the high (ITU-T Q.23).
const KEYS_LOW_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const KEYS_HIGH_HZ: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

/// Ringback, busy, dial and special information tones of the world's networks (ITU-T E.180
/// supplement 2), answer tones of fax and modems (ITU-T V.25).
const PROGRESS_HZ: [f64; 13] =
    [330.0, 350.0, 400.0, 425.0, 440.0, 450.0, 480.0, 620.0, 950.0, 1100.0, 1400.0, 1800.0, 2100.0];

/// Those that sound together: North American ringback, dial and busy tone, British ringback.
const PROGRESS_PAIRS_HZ: [[f64; 2]; 4] = [[440.0, 480.0], [350.0, 440.0], [480.0, 620.0], [400.0, 450.0]];

/// A tone holds at least this part of the chunk's energy. A pure one holds nearly all, also after
/// GSM and AMR at 20 dB SNR; a vowel spreads over its harmonics.
const LEAST_SHARE: f64 = 0.65;

/// In fewer chunks on end a vowel's harmonic may lie on a tone's frequency; voices move on.
const LEAST_CHUNKS: u32 = 4;
/// Two harmonics hardly ever lie on a key's two frequencies.
const LEAST_CHUNKS_OF_A_KEY: u32 = 3;

/// Where the pairs and where the keys begin in [`TONES`].
const FIRST_PAIR: usize = PROGRESS_HZ.len();
const FIRST_KEY: usize = FIRST_PAIR + PROGRESS_PAIRS_HZ.len();

/// Tells the telephone network's own tones from voices, which voice activity detection alone takes
/// them for now and then.
#[derive(Clone, Debug, Default)]
pub(super) struct ToneDetector {
    /// Place in [`TONES`].
    last: Option<usize>,
    chunks: u32,
}

impl ToneDetector {
    /// Whether this chunk goes on with a tone that has lasted for some 100 ms.
    pub(super) fn accept(&mut self, chunk: &[f32; VAD_CHUNK]) -> bool {
        let tone = tone(chunk);
        let goes_on = tone.zip(self.last).is_some_and(|(now, before)| goes_on(now, before));
        self.chunks = if goes_on { self.chunks.saturating_add(1) } else { u32::from(tone.is_some()) };
        self.last = tone;
        self.chunks
            >= if tone.is_some_and(|at| at >= FIRST_KEY) { LEAST_CHUNKS_OF_A_KEY } else { LEAST_CHUNKS }
    }
}

/// Whether one tone can be the other a moment later: two that sound together beat, and at the beats'
/// loudest look like one between them.
fn goes_on(now: usize, before: usize) -> bool {
    let (single, pair) = (now.min(before), now.max(before));
    if single >= FIRST_PAIR || !(FIRST_PAIR..FIRST_KEY).contains(&pair) {
        return now == before;
    }
    let [low, high] = PROGRESS_PAIRS_HZ[pair - FIRST_PAIR];
    (low..=high).contains(&PROGRESS_HZ[single])
}

/// The first tone that holds the chunk's energy: single ones come first, so that one alone is not
/// taken for a part of a pair.
fn tone(chunk: &[f32; VAD_CHUNK]) -> Option<usize> {
    let mean = chunk.iter().map(|s| f64::from(*s)).sum::<f64>() / VAD_CHUNK as f64;
    let windowed: Vec<f64> = chunk.iter().zip(&*WINDOW).map(|(s, w)| (f64::from(*s) - mean) * w).collect();
    let energy: f64 = windowed.iter().map(|s| s * s).sum();
    if energy <= 1e-9 {
        return None;
    }
    for group in &*TONES {
        let shares = group.tones.iter().map(|tone| tone.energy(&windowed) / energy).enumerate();
        if let Some((at, share)) = shares.max_by(|a, b| a.1.total_cmp(&b.1))
            && share >= LEAST_SHARE
        {
            return Some(group.first + at);
        }
    }
    None
}

/// Tones of so many frequencies each, numbered from `first` on.
struct Group {
    first: usize,
    tones: Vec<Tone>,
}

/// The space of all amplitudes and phases of one or two sines under the window: an orthonormal basis,
/// so that the squared products with it are the energy that lies in it, however near the two are.
struct Tone {
    basis: Vec<Vec<f64>>,
}

impl Tone {
    fn new(hz: &[f64]) -> Self {
        let turn = |hz: f64, n: usize| TAU * hz * n as f64 / f64::from(VAD_RATE_HZ);
        let wave = |hz: f64, f: fn(f64) -> f64| -> Vec<f64> {
            WINDOW.iter().enumerate().map(|(n, w)| w * f(turn(hz, n))).collect()
        };
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for mut next in hz.iter().flat_map(|hz| [wave(*hz, f64::cos), wave(*hz, f64::sin)]) {
            for known in &basis {
                let part = dot(&next, known);
                next.iter_mut().zip(known).for_each(|(v, k)| *v -= part * k);
            }
            let norm = dot(&next, &next).sqrt();
            next.iter_mut().for_each(|v| *v /= norm);
            basis.push(next);
        }
        Self { basis }
    }

    fn energy(&self, windowed: &[f64]) -> f64 {
        self.basis.iter().map(|wave| dot(windowed, wave).powi(2)).sum()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Hann: its lobes fall fast, so that a strong tone does not hide in its neighbors' share.
static WINDOW: LazyLock<Vec<f64>> = LazyLock::new(|| {
    (0..VAD_CHUNK).map(|n| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / VAD_CHUNK as f64).cos()).collect()
});

static TONES: LazyLock<[Group; 2]> = LazyLock::new(|| {
    let single: Vec<Tone> = PROGRESS_HZ.iter().map(|hz| Tone::new(&[*hz])).collect();
    let keys = KEYS_LOW_HZ.iter().flat_map(|low| KEYS_HIGH_HZ.map(|high| [*low, high]));
    let pairs = PROGRESS_PAIRS_HZ.into_iter().chain(keys).map(|pair| Tone::new(&pair)).collect();
    let first = single.len();
    [Group { first: 0, tones: single }, Group { first, tones: pairs }]
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
