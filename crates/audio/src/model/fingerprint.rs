use sha2::{Digest, Sha256};

use super::file::hex;
use super::{FrontEnd, MeanNormalization};

/// How many hex digits of the hash stand in a model's id: 64 bits, for files nobody forges.
const DIGITS: usize = 16;

/// A hash over the weights and every setting that changes what comes out of them. The settings are
/// written out field by field, so that a new one can't be forgotten silently.
pub(super) fn fingerprint(
    weights_sha256: &str,
    front_end: &FrontEnd,
    l2_normalize: bool,
    gate_sha256: Option<&str>,
) -> String {
    let FrontEnd { band_rate_hz, amplitude, fbank, mean_normalization } = front_end;
    let crate::FbankOptions {
        sample_rate_hz,
        frame_length_ms,
        frame_shift_ms,
        window,
        preemphasis,
        remove_dc_offset,
        mel_bins,
        low_hz,
        high_hz: _,
        use_power,
        log_floor,
    } = fbank;
    let upper_hz = fbank.upper_hz();
    let mean = match mean_normalization {
        MeanNormalization::None => "none",
        MeanNormalization::Segment => "segment",
    };
    let text = format!(
        "weights={weights_sha256} band={band_rate_hz} amplitude={amplitude} rate={sample_rate_hz} \
         frame={frame_length_ms} shift={frame_shift_ms} window={window:?} preemphasis={preemphasis} \
         dc={remove_dc_offset} mels={mel_bins} low={low_hz} high={upper_hz} power={use_power} \
         floor={log_floor} mean={mean} l2={l2_normalize}"
    );
    // Nothing for none, so that models from before gates keep their ids.
    let gate = gate_sha256.map(|sha256| format!(" gate={sha256}")).unwrap_or_default();
    let text = text + &gate;
    hex(&Sha256::digest(text.as_bytes()))[..DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FbankOptions, WindowShape};

    #[test]
    fn every_setting_changes_the_id_and_equal_ones_do_not() {
        let base = FrontEnd {
            band_rate_hz: 8_000,
            amplitude: 1.0,
            fbank: FbankOptions::default(),
            mean_normalization: MeanNormalization::Segment,
        };
        let fbank = |change: fn(&mut FbankOptions)| {
            let mut front_end = base.clone();
            change(&mut front_end.fbank);
            fingerprint("w", &front_end, true, None)
        };
        let mut seen = vec![
            fingerprint("w", &base, true, None),
            fingerprint("other", &base, true, None),
            fingerprint("w", &base, true, Some("g")),
            fingerprint("w", &base, true, Some("h")),
            fingerprint("w", &base, false, None),
            fingerprint("w", &FrontEnd { band_rate_hz: 0, ..base.clone() }, true, None),
            fingerprint("w", &FrontEnd { amplitude: 32_768.0, ..base.clone() }, true, None),
            fingerprint(
                "w",
                &FrontEnd { mean_normalization: MeanNormalization::None, ..base.clone() },
                true,
                None,
            ),
            fbank(|f| f.sample_rate_hz = 8_000),
            fbank(|f| f.frame_length_ms = 20.0),
            fbank(|f| f.frame_shift_ms = 12.5),
            fbank(|f| f.window = WindowShape::Hamming),
            fbank(|f| f.preemphasis = 0.0),
            fbank(|f| f.remove_dc_offset = false),
            fbank(|f| f.mel_bins = 40),
            fbank(|f| f.low_hz = 0.0),
            fbank(|f| f.high_hz = -400.0),
            fbank(|f| f.use_power = false),
            fbank(|f| f.log_floor = 1e-10),
        ];
        // The same edge written in two ways is the same setting.
        assert_eq!(fbank(|f| f.high_hz = 8_000.0), seen[0]);
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
