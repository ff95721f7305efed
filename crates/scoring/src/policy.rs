use earmark_voiceprint::{NetSpeech, Quality};

use crate::{Reason, ScoringError};

/// What an operator sets about decisions. [`Policy::new`] checks it.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyOptions {
    /// The caller is the customer (一致) from this posterior on. 0.5 to 1, not 1 itself.
    pub match_posterior: f64,
    /// The caller is not the customer (不一致) up to this posterior. 0 to 0.5, not 0 itself.
    pub mismatch_posterior: f64,
    /// The share of calls by people who are not on the proxy list that may be tagged 疑似代理 all the
    /// same, over the whole list and over all looks of a call. 0 to 1, neither included.
    pub false_tag_budget: f64,
    /// No tag below this LLR, in nats, however short the list: a list of one would otherwise be
    /// tagged on evidence that convinces nobody.
    pub min_tag_llr: f64,
    /// Less speech than this gives 语音不足.
    pub min_net_speech: NetSpeech,
    /// A noisier call gets no firm verdict, only 存疑. In dB, as the audio crate estimates it.
    pub min_snr_db: f32,
    /// A call with a larger part of its samples at full scale gets only 存疑. 0 to 1.
    pub max_clipped_fraction: f32,
    /// A call with a narrower band gets only 存疑. In Hz.
    pub min_bandwidth_hz: f32,
    /// If the second listed hit is within so many nats of the first, which of them it is stays open;
    /// and a listed hit that is more than so many nats behind the claimed customer is no tag.
    pub narrow_margin: f64,
    /// On a live call a verdict once given stands until the evidence is so many nats on the wrong
    /// side of its threshold.
    pub hysteresis: f64,
    /// On a live call a new look needs this much more speech than the last.
    pub min_new_speech: NetSpeech,
}

impl Default for PolicyOptions {
    fn default() -> Self {
        Self {
            // 3.5 nats over the priors: less would call one stranger in fifty the customer.
            match_posterior: 0.99,
            mismatch_posterior: 0.05,
            // One caller in a hundred, the rate at which the accuracy notes compare systems; a tag
            // asks the agent to verify, it refuses nobody. The bank's claim to beat names no rate.
            false_tag_budget: 0.01,
            // Thirty to one, about "moderate support" in the ENFSI scale of forensic reports.
            min_tag_llr: 3.4,
            min_net_speech: NetSpeech::from_seconds(3.0),
            // The calibration's calls have 8 to 25 dB at the handset; below 3 dB nothing was tried.
            min_snr_db: 3.0,
            max_clipped_fraction: 0.05,
            // A telephone line carries 300 to 3,400 Hz; half of that is a fault.
            min_bandwidth_hz: 1700.0,
            narrow_margin: 2.0,
            hysteresis: 1.0,
            min_new_speech: NetSpeech::from_seconds(0.5),
        }
    }
}

/// Checked [`PolicyOptions`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Policy(PolicyOptions);

impl Policy {
    /// Checks the options.
    ///
    /// # Errors
    /// [`ScoringError::BadSetting`] names the option and what it may be.
    pub fn new(options: PolicyOptions) -> Result<Self, ScoringError> {
        let o = &options;
        let checks = [
            (o.match_posterior >= 0.5 && o.match_posterior < 1.0, "match_posterior must be 0.5 to below 1"),
            (
                o.mismatch_posterior > 0.0 && o.mismatch_posterior <= 0.5,
                "mismatch_posterior must be above 0, up to 0.5",
            ),
            (
                o.false_tag_budget > 0.0 && o.false_tag_budget < 1.0,
                "false_tag_budget must be above 0 and below 1",
            ),
            (o.min_tag_llr >= 0.0 && o.min_tag_llr.is_finite(), "min_tag_llr must be 0 nats or more"),
            (!o.min_snr_db.is_nan(), "min_snr_db must be a number of dB"),
            ((0.0..=1.0).contains(&o.max_clipped_fraction), "max_clipped_fraction must be 0 to 1"),
            (o.min_bandwidth_hz >= 0.0, "min_bandwidth_hz must be 0 Hz or more"),
            (o.narrow_margin >= 0.0 && o.narrow_margin.is_finite(), "narrow_margin must be 0 nats or more"),
            (o.hysteresis >= 0.0 && o.hysteresis.is_finite(), "hysteresis must be 0 nats or more"),
        ];
        match checks.iter().find(|(good, _)| !good) {
            Some((_, text)) => Err(ScoringError::BadSetting((*text).to_owned())),
            None => Ok(Self(options)),
        }
    }

    /// The options it was made from.
    #[must_use]
    pub fn options(&self) -> &PolicyOptions {
        &self.0
    }

    /// What is too bad about the audio for a firm verdict. A value that is not a number is too bad.
    pub(crate) fn quality_reasons(&self, quality: Option<Quality>) -> Vec<Reason> {
        let Some(q) = quality else { return Vec::new() };
        let o = &self.0;
        let checks = [
            (q.snr_db >= o.min_snr_db, Reason::LowSnr),
            (q.clipped_fraction <= o.max_clipped_fraction, Reason::Clipped),
            (q.bandwidth_hz >= o.min_bandwidth_hz, Reason::NarrowBand),
        ];
        checks.into_iter().filter(|(good, _)| !good).map(|(_, reason)| reason).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_allowed() {
        assert_eq!(Policy::new(PolicyOptions::default()).unwrap(), Policy::default());
    }

    #[test]
    fn refuses_by_name() {
        let refuse = |name: &str, change: &dyn Fn(&mut PolicyOptions)| {
            let mut options = PolicyOptions::default();
            change(&mut options);
            let error = Policy::new(options).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        };
        refuse("match_posterior", &|o| o.match_posterior = 1.0);
        refuse("mismatch_posterior", &|o| o.mismatch_posterior = f64::NAN);
        refuse("false_tag_budget", &|o| o.false_tag_budget = 0.0);
        refuse("min_tag_llr", &|o| o.min_tag_llr = f64::INFINITY);
        refuse("min_snr_db", &|o| o.min_snr_db = f32::NAN);
        refuse("max_clipped_fraction", &|o| o.max_clipped_fraction = 1.1);
        refuse("hysteresis", &|o| o.hysteresis = -1.0);
    }

    #[test]
    fn names_what_is_wrong_with_the_audio() {
        let quality = |snr_db, clipped_fraction, bandwidth_hz| {
            Some(Quality { snr_db, clipped_fraction, level_dbfs: -20.0, bandwidth_hz })
        };
        let reasons = |q| Policy::default().quality_reasons(q);
        assert!(reasons(None).is_empty());
        assert!(reasons(quality(20.0, 0.0, 3400.0)).is_empty());
        assert_eq!(reasons(quality(-2.0, 0.5, 900.0)), [Reason::LowSnr, Reason::Clipped, Reason::NarrowBand]);
        assert_eq!(reasons(quality(f32::NAN, 0.0, 3400.0)), [Reason::LowSnr]);
    }
}
