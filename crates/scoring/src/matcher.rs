use std::sync::Arc;

use earmark_voiceprint::{Cosine, Quality, Voiceprint};

use crate::plda::PldaTerms;
use crate::{BackEndBundle, CohortStatistics, Llr, RawScore, ScoringError, Side};

/// From voiceprints to LLRs, the same for a live call, a recording and an evaluation: the back
/// end's space, the cosine there, PLDA and score normalization where the back end has them, the
/// calibration. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Matcher(Arc<BackEndBundle>);

/// One side of comparisons, ready: a voiceprint in the back end's space and all else that a score
/// needs of it.
#[derive(Clone, Debug)]
pub struct Prepared {
    voiceprint: Voiceprint,
    profile: Profile,
}

/// What a score needs of one side beside the cosine; worked out once a voice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    side: Side,
    plda: Option<PldaTerms>,
    cohort: Option<CohortStatistics>,
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// How alike the two are in the back end's space.
    pub cosine: Cosine,
    /// What that says: "one person" against "two people".
    pub llr: Llr,
}

impl Matcher {
    /// For all that `bundle` brings.
    ///
    /// # Errors
    /// [`ScoringError::BadFit`] if its parts are of different spaces or dimensions.
    pub fn new(bundle: BackEndBundle) -> Result<Self, ScoringError> {
        bundle.check_parts()?;
        Ok(Self(Arc::new(bundle)))
    }

    /// The back end and the calibration.
    #[must_use]
    pub fn bundle(&self) -> &BackEndBundle {
        &self.0
    }

    /// One recording: a voiceprint of the bundle's model with the quality of its audio.
    ///
    /// # Errors
    /// [`ScoringError::OtherModel`], or a voiceprint without direction in the space.
    pub fn prepare(&self, print: &Voiceprint, quality: Option<Quality>) -> Result<Prepared, ScoringError> {
        let side = Side::single(print.net_speech(), quality);
        self.ready(self.0.back_end().apply(print)?, side)
    }

    /// Several recordings of one person: the mean in the space, weighted by net speech.
    ///
    /// # Errors
    /// As [`Matcher::prepare`]; [`ScoringError::Voiceprint`] if there are none, none with speech,
    /// or they cancel out.
    pub fn enroll(&self, parts: &[(Voiceprint, Option<Quality>)]) -> Result<Prepared, ScoringError> {
        let moved = parts.iter().map(|(print, _)| self.0.back_end().apply(print));
        let moved = moved.collect::<Result<Vec<_>, _>>()?;
        let sides: Vec<_> = parts.iter().map(|(print, quality)| (print.net_speech(), *quality)).collect();
        let mean = Voiceprint::weighted_mean(moved.iter().map(|m| (m, m.net_speech().seconds())))?;
        let side = Side::merged(&sides).unwrap_or_else(|| Side::single(mean.net_speech(), None));
        self.ready(mean, side)
    }

    /// A voiceprint that is in the back end's space already, such as a history's mean.
    ///
    /// # Errors
    /// [`ScoringError::OtherModel`] for one of another space.
    pub fn profile(&self, moved: &Voiceprint, side: Side) -> Result<Profile, ScoringError> {
        let (space, dimension) = (self.0.back_end().space(), self.0.back_end().dimension());
        if moved.model() != space || moved.dimension() != dimension {
            let (bound, given) = (space.clone(), moved.model().clone());
            return Err(ScoringError::OtherModel { bound, given });
        }
        let plda = self.0.plda().map(|p| p.terms(moved.values()));
        let cohort = self.0.cohort().map(|c| c.statistics(moved, self.0.plda().zip(plda.as_ref())));
        Ok(Profile { side, plda, cohort })
    }

    /// The comparison of two sides; which of them is enrolled matters to the calibration.
    ///
    /// # Errors
    /// Sides of different spaces.
    pub fn score(&self, enrolled: &Prepared, probe: &Prepared) -> Result<Score, ScoringError> {
        let cosine = enrolled.voiceprint.cosine(&probe.voiceprint)?;
        Ok(self.score_cosine(cosine, &enrolled.profile, &probe.profile))
    }

    /// The same for a cosine that a search found in the back end's space.
    #[must_use]
    pub fn score_cosine(&self, cosine: Cosine, enrolled: &Profile, probe: &Profile) -> Score {
        let raw = self.raw(cosine, enrolled, probe);
        Score { cosine, llr: self.0.calibration().llr(raw, &probe.side, &enrolled.side) }
    }

    /// What the calibration takes: the cosine, or the PLDA score, normalized where there is a cohort.
    #[must_use]
    pub fn raw(&self, cosine: Cosine, enrolled: &Profile, probe: &Profile) -> RawScore {
        let similarity = match (self.0.plda(), &enrolled.plda, &probe.plda) {
            (Some(plda), Some(e), Some(p)) => plda.score(f64::from(cosine.value()), e, p),
            _ => f64::from(cosine.value()),
        };
        match (self.0.cohort(), &enrolled.cohort, &probe.cohort) {
            (Some(_), Some(e), Some(p)) => CohortStatistics::normalize(similarity, e, p),
            _ => RawScore::new(similarity),
        }
    }

    /// Takes several sides of one person together, weighted by their speech.
    ///
    /// # Errors
    /// As [`Matcher::enroll`].
    pub fn merge<'a>(&self, parts: impl IntoIterator<Item = &'a Prepared>) -> Result<Prepared, ScoringError> {
        let parts: Vec<&Prepared> = parts.into_iter().collect();
        let weighted = parts.iter().map(|p| (&p.voiceprint, p.profile.side.net_speech.seconds()));
        let mean = Voiceprint::weighted_mean(weighted)?;
        let sides: Vec<_> =
            parts.iter().map(|p| (p.profile.side.net_speech, p.profile.side.quality)).collect();
        let side = Side::merged(&sides).unwrap_or_else(|| Side::single(mean.net_speech(), None));
        self.ready(mean, side)
    }

    fn ready(&self, voiceprint: Voiceprint, side: Side) -> Result<Prepared, ScoringError> {
        let profile = self.profile(&voiceprint, side)?;
        Ok(Prepared { voiceprint, profile })
    }
}

impl Prepared {
    /// The voiceprint in the back end's space.
    #[must_use]
    pub fn voiceprint(&self) -> &Voiceprint {
        &self.voiceprint
    }

    /// The conditions of its audio.
    #[must_use]
    pub fn side(&self) -> &Side {
        &self.profile.side
    }

    /// All that a score needs beside the cosine.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }
}

impl Profile {
    /// The conditions of the audio.
    #[must_use]
    pub fn side(&self) -> &Side {
        &self.side
    }

    /// How alike the voice is to the cohort's nearest, where the back end has a cohort.
    #[must_use]
    pub fn cohort(&self) -> Option<&CohortStatistics> {
        self.cohort.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::{ModelId, NetSpeech};

    use super::*;
    use crate::calibration::tests::toy_fit;
    use crate::{BackEnd, Calibration, Cohort, Plda};

    fn matcher(plda: Option<Plda>, cohort: Option<Cohort>) -> Matcher {
        let back_end = BackEnd::new(ModelId::new("toy", "0"), &[0.1, 0.2, 0.0], None).unwrap();
        let mut fit = toy_fit();
        fit.slope = 0.0;
        let calibration = Calibration::new(back_end.space().clone(), "toy", fit).unwrap();
        Matcher::new(BackEndBundle::new("toy", back_end, plda, cohort, calibration)).unwrap()
    }

    fn print(values: &[f32], seconds: f32) -> Voiceprint {
        let speech = NetSpeech::from_seconds(seconds);
        Voiceprint::from_embedding(ModelId::new("toy", "0"), values, speech).unwrap()
    }

    const COHORT: [f32; 12] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.6, 0.8, 0.0];

    #[test]
    fn an_enrollment_is_the_mean_weighted_by_speech_in_the_space() {
        let m = matcher(None, None);
        let (a, b) = (print(&[1.0, 0.0, 0.2], 30.0), print(&[0.2, 1.0, 0.0], 10.0));
        let both = m.enroll(&[(a.clone(), None), (b.clone(), None)]).unwrap();
        let apart = [m.prepare(&a, None).unwrap(), m.prepare(&b, None).unwrap()];
        let by_hand: Vec<f32> = (0..3)
            .map(|i| 3.0 * apart[0].voiceprint().values()[i] + apart[1].voiceprint().values()[i])
            .collect();
        let norm = by_hand.iter().map(|v| v * v).sum::<f32>().sqrt();
        for (got, want) in both.voiceprint().values().iter().zip(by_hand) {
            assert!((got - want / norm).abs() < 1e-6);
        }
        assert_eq!((both.side().recordings, both.side().net_speech.seconds()), (2, 40.0));
        assert_eq!(m.merge(&apart).unwrap().voiceprint().values(), both.voiceprint().values());
        assert!(m.enroll(&[]).is_err());
    }

    #[test]
    fn normalization_is_seen_from_both_sides() {
        let cohort = Cohort::new(3, &COHORT, 3, None).unwrap();
        let m = matcher(None, Some(cohort.clone()));
        let (e, p) = (
            m.prepare(&print(&[0.9, 0.3, 0.1], 24.0), None).unwrap(),
            m.prepare(&print(&[0.8, 0.5, 0.3], 10.0), None).unwrap(),
        );
        let cosine = e.voiceprint().cosine(p.voiceprint()).unwrap();
        let s = |x: &Prepared| cohort.statistics(x.voiceprint(), None);
        let z = CohortStatistics::normalize(f64::from(cosine.value()), &s(&e), &s(&p));
        let by_hand = m.bundle().calibration().llr(z, p.side(), e.side());
        let score = m.score(&e, &p).unwrap();
        assert_eq!((score.cosine, score.llr), (cosine, by_hand));
        assert_ne!(matcher(None, None).score(&e, &p).unwrap().llr, by_hand);
    }

    #[test]
    fn plda_scores_take_the_place_of_cosines_also_in_the_cohort() {
        let plda = Plda::new(&[0.4, 0.3, 0.1], &[0.1, 0.2, 0.3]).unwrap();
        let m = matcher(Some(plda.clone()), None);
        let (e, p) = (
            m.prepare(&print(&[0.9, 0.3, 0.1], 24.0), None).unwrap(),
            m.prepare(&print(&[0.8, 0.5, 0.3], 10.0), None).unwrap(),
        );
        let cosine = e.voiceprint().cosine(p.voiceprint()).unwrap();
        let terms = |x: &Prepared| plda.terms(x.voiceprint().values());
        let by_hand = plda.score(f64::from(cosine.value()), &terms(&e), &terms(&p));
        assert_eq!(m.raw(cosine, e.profile(), p.profile()).value(), by_hand);
        let cohort = Cohort::new(3, &COHORT, 4, Some(&plda)).unwrap();
        let both = matcher(Some(plda.clone()), Some(cohort));
        let e = both.prepare(&print(&[0.9, 0.3, 0.1], 24.0), None).unwrap();
        let mut scores: Vec<f64> = COHORT
            .chunks_exact(3)
            .map(|v| {
                let dot = v.iter().zip(e.voiceprint().values()).map(|(a, b)| f64::from(a * b)).sum();
                plda.score(dot, &terms(&e), &plda.terms(v))
            })
            .collect();
        let want = CohortStatistics::of_top(&mut scores, 4);
        let got = e.profile().cohort().unwrap();
        assert!((got.mean - want.mean).abs() < 1e-6 && (got.deviation - want.deviation).abs() < 1e-6);
    }

    #[test]
    fn other_spaces_are_refused() {
        let m = matcher(None, None);
        let raw = print(&[0.9, 0.3, 0.1], 24.0);
        let moved = m.prepare(&raw, None).unwrap();
        assert!(matches!(m.prepare(moved.voiceprint(), None), Err(ScoringError::OtherModel { .. })));
        let side = Side::single(raw.net_speech(), None);
        assert!(matches!(m.profile(&raw, side), Err(ScoringError::OtherModel { .. })));
    }
}
