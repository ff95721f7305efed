//! Hold music where none is given: chords and a tune of plucked and blown tones.

use crate::RATE_HZ;
use crate::draw::Draw;
use crate::plan::Span;

/// The triads of the progression I, V, vi, IV in semitones over the key.
const CHORDS: [[i32; 3]; 4] = [[0, 4, 7], [7, 11, 14], [9, 12, 16], [5, 9, 12]];
/// A major pentatonic scale for the tune.
const TUNE: [i32; 6] = [0, 2, 4, 7, 9, 12];

/// So many samples.
pub(crate) fn chords(samples: usize, draw: &mut Draw) -> Vec<f32> {
    let key = draw.log_between(Span::new(130.0, 260.0));
    let beat = (RATE_HZ as f64 * 60.0 / draw.between(Span::new(70.0, 130.0))) as usize;
    // How fast the tones die away: plucked to blown, in seconds.
    let decay = draw.log_between(Span::new(0.3, 3.0));
    let first = draw.below(CHORDS.len());
    let mut sound = vec![0.0; samples];
    for (index, start) in (0..samples).step_by(beat).enumerate() {
        let chord = CHORDS[(first + index / 4) % CHORDS.len()];
        if index % 2 == 0 {
            for step in chord {
                note(&mut sound[start..], semitones(key, step), 2 * beat, decay, 0.3);
            }
        }
        if draw.chance(0.8) {
            let step = 12 + draw.pick(&TUNE).copied().unwrap_or(0);
            note(&mut sound[start..], semitones(key, step), beat, decay, 0.5);
        }
    }
    sound
}

fn semitones(key_hz: f64, steps: i32) -> f64 {
    key_hz * 2f64.powf(f64::from(steps) / 12.0)
}

/// Adds a tone with harmonics that fall by 9 dB an octave.
fn note(sound: &mut [f32], hz: f64, length: usize, decay_s: f64, gain: f64) {
    let rate = RATE_HZ as f64;
    for harmonic in 1..=6 {
        let tone = hz * f64::from(harmonic);
        if tone > 3_600.0 {
            return;
        }
        let gain = gain / f64::from(harmonic).powf(1.5);
        for (i, sample) in sound.iter_mut().take(length).enumerate() {
            let t = i as f64 / rate;
            // 10 ms in, 20 ms out: no clicks.
            let edge = (t / 0.01).min(1.0) * ((length - i) as f64 / rate / 0.02).min(1.0);
            let wave = (std::f64::consts::TAU * tone * t).sin() * (-t * f64::from(harmonic) / decay_s).exp();
            *sample += (gain * edge * wave) as f32;
        }
    }
}
