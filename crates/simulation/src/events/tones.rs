//! Call-progress tones (ITU-T E.180, supplement 2) and DTMF (ITU-T Q.23).

use crate::RATE_HZ;
use crate::draw::Draw;
use crate::signal::fade_ends;

/// Whose ringback tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Country {
    /// 450 Hz, 1 s on, 4 s off.
    China,
    /// 440 and 480 Hz, 2 s on, 4 s off.
    NorthAmerica,
    /// 425 Hz, 1 s on, 4 s off.
    Europe,
}

impl Country {
    pub(crate) const ALL: [Self; 3] = [Self::China, Self::NorthAmerica, Self::Europe];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::China => "china",
            Self::NorthAmerica => "north america",
            Self::Europe => "europe",
        }
    }

    /// The frequencies in Hz, the seconds on and those off.
    fn cadence(self) -> (&'static [f64], f64, f64) {
        match self {
            Self::China => (&[450.0], 1.0, 4.0),
            Self::NorthAmerica => (&[440.0, 480.0], 2.0, 4.0),
            Self::Europe => (&[425.0], 1.0, 4.0),
        }
    }
}

/// Ringback for so many samples, begun at a random point of its cycle.
pub(crate) fn ringback(country: Country, samples: usize, draw: &mut Draw) -> Vec<f32> {
    let (tones, on, off) = country.cadence();
    let rate = RATE_HZ as f64;
    let (on, cycle) = ((on * rate) as usize, ((on + off) * rate) as usize);
    // Not in the silence, so that short ones are heard.
    let offset = draw.below(on);
    (0..samples)
        .map(|i| if (i + offset) % cycle < on { sum(tones, (i + offset) as f64 / rate) } else { 0.0 })
        .collect()
}

/// The low and high frequencies of the keys, in Hz (Q.23, table 1).
const LOW_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HZ: [f64; 3] = [1209.0, 1336.0, 1477.0];
const KEYS: [&str; 4] = ["123", "456", "789", "*0#"];
/// How long a key sounds and how long the pause after it is, in samples: 60 to 160 ms, 60 to 300 ms.
const KEY_SAMPLES: [usize; 2] = [RATE_HZ * 60 / 1000, RATE_HZ * 160 / 1000];
const PAUSE_SAMPLES: [usize; 2] = [RATE_HZ * 60 / 1000, RATE_HZ * 300 / 1000];

/// So many random keys, and which.
pub(crate) fn digits(count: usize, draw: &mut Draw) -> (Vec<f32>, String) {
    let (mut samples, mut pressed) = (Vec::new(), String::new());
    for _ in 0..count {
        let (row, column) = (draw.below(LOW_HZ.len()), draw.below(HIGH_HZ.len()));
        pressed.extend(KEYS[row].chars().nth(column));
        let length = within(KEY_SAMPLES, draw);
        let tones = [LOW_HZ[row], HIGH_HZ[column]];
        let mut key: Vec<f32> = (0..length).map(|i| sum(&tones, i as f64 / RATE_HZ as f64)).collect();
        fade_ends(&mut key, RATE_HZ / 500);
        samples.extend(key);
        samples.resize(samples.len() + within(PAUSE_SAMPLES, draw), 0.0);
    }
    (samples, pressed)
}

fn within([lowest, highest]: [usize; 2], draw: &mut Draw) -> usize {
    lowest + draw.below(highest - lowest + 1)
}

fn sum(tones: &[f64], at_s: f64) -> f32 {
    tones.iter().map(|hz| (std::f64::consts::TAU * hz * at_s).sin()).sum::<f64>() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone's share of a signal's power (Goertzel).
    fn share(samples: &[f32], hz: f64) -> f64 {
        let step = std::f64::consts::TAU * hz / RATE_HZ as f64;
        let (re, im) = samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, &s)| {
            let (sin, cos) = (step * i as f64).sin_cos();
            (re + f64::from(s) * cos, im + f64::from(s) * sin)
        });
        2.0 * (re * re + im * im)
            / samples.len() as f64
            / (crate::signal::power(samples) * samples.len() as f64)
    }

    #[test]
    fn ringback_has_the_frequencies_and_cadence_of_its_country() {
        for (country, tones, on, cycle) in [
            (Country::China, &[450.0][..], 1.0, 5.0),
            (Country::NorthAmerica, &[440.0, 480.0][..], 2.0, 6.0),
            (Country::Europe, &[425.0][..], 1.0, 5.0),
        ] {
            let tone = ringback(country, (RATE_HZ as f64 * cycle) as usize * 4, &mut Draw::of(1, &["ring"]));
            let loud = tone.chunks(80).filter(|frame| crate::signal::power(frame) > 0.01).count();
            assert!((loud as f64 / 100.0 / 4.0 - on).abs() < 0.03, "{country:?}");
            let first: Vec<f32> = tone.iter().copied().take_while(|_| true).take(1600).collect();
            let found: f64 = tones.iter().map(|hz| share(&first, *hz)).sum();
            assert!(found > 0.8, "{country:?}: {found}");
        }
    }

    #[test]
    fn keys_are_dtmf() {
        let (sound, keys) = digits(6, &mut Draw::of(5, &["keys"]));
        assert_eq!(keys.len(), 6);
        let first = &sound[..KEY_SAMPLES[0]];
        let row = KEYS.iter().position(|row| row.contains(&keys[..1])).unwrap();
        let column = KEYS[row].find(&keys[..1]).unwrap();
        assert!(share(first, LOW_HZ[row]) > 0.4 && share(first, HIGH_HZ[column]) > 0.4, "{keys}");
        assert!(digits(0, &mut Draw::of(5, &["keys"])).0.is_empty());
    }
}
