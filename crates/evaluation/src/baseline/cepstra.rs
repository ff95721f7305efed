/// Cepstral coefficients kept: c1 to c19. c0 is the level, which is the line's and not the voice's.
pub const MFCC_DIMENSION: usize = 19;

/// A discrete cosine transform (type II, orthonormal) of log-mel frames (Davis and Mermelstein
/// 1980), as a table made once.
pub(super) struct Cepstra {
    mels: usize,
    table: Vec<f64>,
}

impl Cepstra {
    pub(super) fn new(mels: usize) -> Self {
        let scale = (2.0 / mels.max(1) as f64).sqrt();
        let angle = std::f64::consts::PI / mels.max(1) as f64;
        let entry = |i: usize| {
            let (order, mel) = (i / mels.max(1) + 1, i % mels.max(1));
            scale * (angle * order as f64 * (mel as f64 + 0.5)).cos()
        };
        Self { mels, table: (0..MFCC_DIMENSION * mels).map(entry).collect() }
    }

    /// The cepstra of one frame of log-mel energies.
    pub(super) fn of(&self, frame: &[f32]) -> [f64; MFCC_DIMENSION] {
        let mut out = [0.0; MFCC_DIMENSION];
        for (value, row) in out.iter_mut().zip(self.table.chunks_exact(self.mels.max(1))) {
            *value = row.iter().zip(frame).map(|(c, x)| c * f64::from(*x)).sum();
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_frame_has_none_and_a_cosine_has_one() {
        let cepstra = Cepstra::new(40);
        assert!(cepstra.of(&[-3.0; 40]).iter().all(|c| c.abs() < 1e-9));
        let wave = |i: usize| (std::f64::consts::PI * 3.0 * (i as f64 + 0.5) / 40.0).cos() as f32;
        let frame: Vec<f32> = (0..40).map(wave).collect();
        let found = cepstra.of(&frame);
        for (i, value) in found.iter().enumerate() {
            let expect = if i + 1 == 3 { 20f64.sqrt() } else { 0.0 };
            assert!((value - expect).abs() < 1e-5, "c{}: {value}", i + 1);
        }
    }
}
