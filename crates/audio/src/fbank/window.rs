use std::f64::consts::TAU;

use super::{FbankOptions, WindowShape};

/// Takes the mean off, pre-emphasises and shapes one frame, in Kaldi's order.
#[derive(Clone, Debug)]
pub(super) struct Window {
    shape: Vec<f32>,
    preemphasis: f32,
    remove_dc_offset: bool,
}

impl Window {
    pub(super) fn new(options: &FbankOptions) -> Self {
        Self {
            shape: shape(options.window, options.frame_samples()),
            preemphasis: options.preemphasis,
            remove_dc_offset: options.remove_dc_offset,
        }
    }

    /// `frame` and `shaped` are both one frame long.
    pub(super) fn apply(&self, frame: &[f32], shaped: &mut [f32]) {
        let mean = if self.remove_dc_offset { mean(frame) } else { 0.0 };
        let Some(first) = frame.first() else { return };
        // Kaldi takes the first sample as its own predecessor.
        shaped[0] = ((first - mean) - self.preemphasis * (first - mean)) * self.shape[0];
        let pairs = frame.iter().zip(&frame[1..]).zip(&self.shape[1..]);
        for (out, ((before, now), weight)) in shaped[1..].iter_mut().zip(pairs) {
            *out = ((now - mean) - self.preemphasis * (before - mean)) * weight;
        }
    }
}

/// Eight running sums: independent of each other, so they fill a vector register.
fn mean(frame: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (chunks, rest) = frame.as_chunks::<8>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    (sums.iter().sum::<f32>() + rest.iter().sum::<f32>()) / frame.len() as f32
}

fn shape(kind: WindowShape, len: usize) -> Vec<f32> {
    let step = TAU / (len as f64 - 1.0);
    let value = |n: usize| {
        let cosine = (step * n as f64).cos();
        match kind {
            WindowShape::Povey => (0.5 - 0.5 * cosine).max(0.0).powf(0.85),
            WindowShape::Hamming => 0.54 - 0.46 * cosine,
            WindowShape::Hanning => 0.5 - 0.5 * cosine,
            WindowShape::Rectangular => 1.0,
        }
    };
    (0..len).map(|n| value(n) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_frame_vanishes() {
        let window = Window::new(&FbankOptions::default());
        let mut shaped = vec![1.0; 400];
        window.apply(&[0.75; 400], &mut shaped);
        assert!(shaped.iter().all(|v| v.abs() < 1e-6));
    }

    #[test]
    fn shapes_are_symmetric_with_their_known_ends() {
        for (kind, end) in [
            (WindowShape::Povey, 0.0),
            (WindowShape::Hamming, 0.08),
            (WindowShape::Hanning, 0.0),
            (WindowShape::Rectangular, 1.0),
        ] {
            let shape = shape(kind, 401);
            assert!((shape[0] - end).abs() < 1e-6 && (shape[200] - 1.0).abs() < 1e-6, "{kind:?}");
            assert!(shape.iter().zip(shape.iter().rev()).all(|(a, b)| (a - b).abs() < 1e-6));
        }
    }
}
