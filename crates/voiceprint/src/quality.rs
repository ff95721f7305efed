/// How good the audio behind a voiceprint was. Inputs of the calibration and of the quality gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Estimated signal-to-noise ratio of the speech, in dB.
    pub snr_db: f32,
    /// The part of all samples at full scale, 0 to 1.
    pub clipped_fraction: f32,
    /// Root-mean-square level of the speech, in dB relative to full scale (0 dBFS is a full-scale
    /// square wave).
    pub level_dbfs: f32,
    /// The upper edge of the band that holds energy, in Hz; about 3,400 on a telephone line.
    pub bandwidth_hz: f32,
}
