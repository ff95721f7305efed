use earmark_voiceprint::ModelId;

use crate::{FalseMatches, Input, Llr, RawScore, ScoringError, Side};

/// The exponent that forms the slope may not leave this range: e^±20 is no fit but an accident,
/// and the bound keeps every LLR finite.
const MAX_EXPONENT: f64 = 20.0;

/// The most conditions a calibration may depend on.
const MAX_TERMS: usize = 64;

/// How one condition moves the slope and the offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// Which condition.
    pub input: Input,
    /// The smallest value seen in training; smaller ones count as this.
    pub low: f64,
    /// The largest value seen in training; larger ones count as this.
    pub high: f64,
    /// Subtracted from the value; also stands in for a value that is not known.
    pub center: f64,
    /// Divides the centered value.
    pub scale: f64,
    /// Weight in the exponent of the slope.
    pub slope: f64,
    /// Weight in the offset.
    pub offset: f64,
}

/// What a fit gives: with z = (clamped value - center) / scale for each condition,
/// LLR = exp(slope + Σ term.slope z) · score + offset + Σ term.offset z, clamped to the limits.
///
/// Condition-aware logistic regression (Brümmer & du Preez 2006 for the objective; quality
/// measures as in Ferrer et al. 2005); the exponential keeps the LLR rising with the score.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibrationFit {
    /// Natural logarithm of the slope in usual conditions.
    pub slope: f64,
    /// The offset in usual conditions.
    pub offset: f64,
    /// The conditions it depends on.
    pub terms: Vec<Term>,
    /// No LLR is below this: about -ln of the number of target trials behind the fit.
    pub llr_min: f64,
    /// No LLR is above this: about ln of the number of non-target trials behind the fit.
    pub llr_max: f64,
    /// How often two different people reach an LLR at one look, as measured.
    pub false_matches: FalseMatches,
    /// How often two different people reach an LLR at any look of a live call, as measured.
    pub live_false_matches: FalseMatches,
}

/// Turns a score and the conditions of both sides into an LLR. Bound to one space: scores of
/// other models or back ends mean something else.
#[derive(Clone, Debug)]
pub struct Calibration {
    space: ModelId,
    id: String,
    fit: CalibrationFit,
}

impl Calibration {
    /// A calibration for scores between voiceprints of `space`; `id` names the fit in an evidence
    /// pack (the sha256 of the manifest it came from).
    ///
    /// # Errors
    /// [`ScoringError::BadFit`] for numbers no fit can give.
    pub fn new(space: ModelId, id: &str, fit: CalibrationFit) -> Result<Self, ScoringError> {
        check(&fit).map_err(ScoringError::BadFit)?;
        Ok(Self { space, id: id.to_owned(), fit })
    }

    /// The space whose scores it takes.
    #[must_use]
    pub fn space(&self) -> &ModelId {
        &self.space
    }

    /// Names this fit.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The smallest and the largest LLR it gives, in nats.
    #[must_use]
    pub fn limits(&self) -> (f64, f64) {
        (self.fit.llr_min, self.fit.llr_max)
    }

    /// How often two different people reach an LLR at one look.
    #[must_use]
    pub fn false_matches(&self) -> &FalseMatches {
        &self.fit.false_matches
    }

    /// How often two different people reach an LLR at any look of a live call.
    #[must_use]
    pub fn live_false_matches(&self) -> &FalseMatches {
        &self.fit.live_false_matches
    }

    /// The LLR of the score of two voiceprints of [`Calibration::space`]: that they are of this
    /// space and scored as the fit's trials were is the caller's word ([`crate::Matcher`] keeps it).
    #[must_use]
    pub fn llr(&self, score: impl Into<RawScore>, probe: &Side, enrolled: &Side) -> Llr {
        let fit = &self.fit;
        let (mut exponent, mut offset) = (fit.slope, fit.offset);
        for term in &fit.terms {
            let z = term.z(probe, enrolled);
            exponent += term.slope * z;
            offset += term.offset * z;
        }
        let slope = exponent.clamp(-MAX_EXPONENT, MAX_EXPONENT).exp();
        let llr = slope * score.into().value() + offset;
        Llr::new(llr.clamp(fit.llr_min, fit.llr_max))
    }

    /// The numbers of the fit.
    #[must_use]
    pub fn fit(&self) -> &CalibrationFit {
        &self.fit
    }
}

impl Term {
    fn z(&self, probe: &Side, enrolled: &Side) -> f64 {
        let value = self.input.value(probe, enrolled).unwrap_or(self.center);
        (value.clamp(self.low, self.high) - self.center) / self.scale
    }

    fn check(&self) -> Result<(), String> {
        let numbers = [self.low, self.high, self.center, self.scale, self.slope, self.offset];
        let name = self.input.name();
        // The largest offset any condition can bring must stay a number after all are summed.
        if numbers.iter().any(|v| !v.is_finite() || v.abs() > 1e6) {
            return Err(format!("{name} holds a number that is not finite or beyond a million"));
        }
        if self.low > self.high || self.center < self.low || self.center > self.high {
            return Err(format!("{name} needs low <= center <= high"));
        }
        if self.scale < 1e-6 { Err(format!("the scale of {name} must be positive")) } else { Ok(()) }
    }
}

fn check(fit: &CalibrationFit) -> Result<(), String> {
    if [fit.slope, fit.offset].iter().any(|v| !v.is_finite() || v.abs() > 1e6) {
        return Err("slope or offset is not finite or beyond a million".into());
    }
    if !(fit.llr_min.is_finite() && fit.llr_max.is_finite() && fit.llr_min < 0.0 && fit.llr_max > 0.0) {
        return Err("the limits of the llr must be finite, one below and one above zero".into());
    }
    if fit.terms.len() > MAX_TERMS {
        return Err(format!("{} conditions; at most {MAX_TERMS} are allowed", fit.terms.len()));
    }
    for (i, term) in fit.terms.iter().enumerate() {
        term.check()?;
        if fit.terms[..i].iter().any(|t| t.input == term.input) {
            return Err(format!("{} is given twice", term.input.name()));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use earmark_voiceprint::{Cosine, NetSpeech, Quality};
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn toy_fit() -> CalibrationFit {
        let speech = Term {
            input: Input::ProbeLogSpeech,
            low: 3.0f64.ln(),
            high: 20.0f64.ln(),
            center: 10.0f64.ln(),
            scale: 1.0,
            slope: 0.25,
            offset: -2.0,
        };
        let snr = Term {
            input: Input::ProbeSnr,
            low: 5.0,
            high: 30.0,
            center: 15.0,
            scale: 5.0,
            slope: 0.0,
            offset: -1.0,
        };
        CalibrationFit {
            slope: 20.0f64.ln(),
            offset: -8.0,
            terms: vec![speech, snr],
            llr_min: -9.0,
            llr_max: 11.0,
            false_matches: FalseMatches::new(&[(0.0, 0.01), (5.0, 1e-4)]).unwrap(),
            live_false_matches: FalseMatches::new(&[(0.0, 0.02), (5.0, 2e-4)]).unwrap(),
        }
    }

    fn space() -> ModelId {
        ModelId::new("toy", "0").with_back_end("b")
    }

    fn toy() -> Calibration {
        Calibration::new(space(), "toy", toy_fit()).unwrap()
    }

    fn side(seconds: f32, snr_db: f32) -> Side {
        let quality = Quality { snr_db, clipped_fraction: 0.0, level_dbfs: -20.0, bandwidth_hz: 3400.0 };
        Side::single(NetSpeech::from_seconds(seconds), Some(quality))
    }

    fn llr(cosine: f32, probe: &Side) -> f64 {
        toy().llr(Cosine::from_dot(cosine), probe, &side(24.0, 15.0)).nats()
    }

    #[test]
    fn hand_worked() {
        // Usual conditions: 20 * 0.6 - 8 = 4.
        assert!((llr(0.6, &side(10.0, 15.0)) - 4.0).abs() < 1e-6);
        // SNR 25 dB is two scales above the center: two nats less.
        assert!((llr(0.6, &side(10.0, 25.0)) - 2.0).abs() < 1e-6);
        // 20 s: z = ln 2; slope 20 * 2^0.25, offset -8 - 2 ln 2.
        let expect = 20.0 * 2f64.powf(0.25) * 0.6 - 8.0 - 2.0 * 2f64.ln();
        assert!((llr(0.6, &side(20.0, 15.0)) - expect).abs() < 1e-5);
    }

    #[test]
    fn clamps_inputs_to_the_trained_range_and_outputs_to_the_limits() {
        assert_eq!(llr(0.6, &side(20.0, 15.0)), llr(0.6, &side(500.0, 15.0)));
        assert_eq!(llr(0.6, &side(10.0, 30.0)), llr(0.6, &side(10.0, f32::INFINITY)));
        assert_eq!(llr(1.0, &side(10.0, 15.0)), 11.0);
        assert_eq!(llr(-1.0, &side(10.0, 15.0)), -9.0);
    }

    #[test]
    fn unknown_quality_is_usual_quality() {
        let unknown = Side::single(NetSpeech::from_seconds(10.0), None);
        assert_eq!(llr(0.6, &unknown), llr(0.6, &side(10.0, 15.0)));
        assert_eq!(llr(0.6, &side(10.0, f32::NAN)), llr(0.6, &side(10.0, 15.0)));
    }

    #[test]
    fn refuses_what_no_fit_gives() {
        let refuse = |change: &dyn Fn(&mut CalibrationFit)| {
            let mut fit = toy_fit();
            change(&mut fit);
            assert!(matches!(Calibration::new(space(), "", fit), Err(ScoringError::BadFit(_))));
        };
        refuse(&|f| f.slope = f64::NAN);
        refuse(&|f| f.llr_max = f64::INFINITY);
        refuse(&|f| f.llr_min = 1.0);
        refuse(&|f| f.terms[0].scale = 0.0);
        refuse(&|f| f.terms[0].low = 9.0);
        refuse(&|f| f.terms[1].input = Input::ProbeLogSpeech);
        refuse(&|f| f.terms = vec![f.terms[0]; MAX_TERMS + 1]);
    }

    proptest! {
        #[test]
        fn rises_with_the_cosine_and_is_always_finite(
            a in -1.0f32..1.0, b in -1.0f32..1.0, seconds in prop::num::f32::ANY, snr in prop::num::f32::ANY,
        ) {
            let probe = side(seconds, snr);
            let (low, high) = (llr(a.min(b), &probe), llr(a.max(b), &probe));
            prop_assert!(low.is_finite() && high.is_finite());
            prop_assert!(low <= high);
        }
    }
}
