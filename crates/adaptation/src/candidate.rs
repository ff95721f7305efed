use std::fmt;

/// What a back end does to a voiceprint before it is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// The domain's mean is subtracted.
    Mean,
    /// Then what differs between one speaker's calls is whitened (within-class covariance
    /// normalization, Hatch et al. 2006), its covariance drawn to a multiple of the identity.
    Wccn {
        /// How far, 0 to 1.
        shrinkage: f64,
    },
    /// Then only the directions that tell speakers apart best are kept (linear discriminant
    /// analysis; its axes are whitened, so that WCCN after it changes nothing).
    Lda {
        /// How many directions.
        dimensions: usize,
        /// As in [`Shape::Wccn`].
        shrinkage: f64,
    },
    /// As LDA, and scored by two-covariance PLDA (`earmark_scoring::Plda`) in place of the cosine.
    Plda {
        /// How many directions.
        dimensions: usize,
        /// As in [`Shape::Wccn`].
        shrinkage: f64,
    },
}

/// Whose voices the cohort of adaptive S-norm holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CohortKind {
    /// Each training speaker once: the mean of their calls.
    Speakers,
    /// Each training call.
    Calls,
}

/// Adaptive symmetric score normalization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normalization {
    /// Whose voices.
    pub cohort: CohortKind,
    /// How many of them, the nearest, stand beside a voice (of the cohort of all speakers; in a
    /// fold with fewer it is as many fewer).
    pub top: usize,
}

/// One way to score that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The space.
    pub shape: Shape,
    /// None: plain scores.
    pub normalization: Option<Normalization>,
}

impl Shape {
    /// All that are tried for voiceprints of `dimension` numbers, the simplest first.
    #[must_use]
    pub fn all(dimension: usize) -> Vec<Self> {
        let mut all = vec![Self::Mean];
        all.extend([0.1, 0.3, 0.6].map(|shrinkage| Self::Wccn { shrinkage }));
        let fewer = [64, 100, 150].into_iter().filter(|d| *d < dimension);
        all.extend(fewer.map(|dimensions| Self::Lda { dimensions, shrinkage: 0.3 }));
        let fewer = [100, 150].into_iter().filter(|d| *d < dimension).chain([dimension]);
        all.extend(fewer.map(|dimensions| Self::Plda { dimensions, shrinkage: 0.3 }));
        all
    }

    pub(crate) fn family(self) -> usize {
        match self {
            Self::Mean => 0,
            Self::Wccn { .. } => 1,
            Self::Lda { .. } => 2,
            Self::Plda { .. } => 3,
        }
    }
}

impl Normalization {
    /// All that are tried with `speakers` speakers in `calls` calls to make a cohort of.
    #[must_use]
    pub fn all(speakers: usize, calls: usize) -> Vec<Self> {
        let of = |cohort, size: usize| {
            let tops = [50, 100, 200].into_iter().filter(move |top| *top <= size);
            tops.map(move |top| Self { cohort, top })
        };
        of(CohortKind::Speakers, speakers).chain(of(CohortKind::Calls, calls)).collect()
    }
}

impl Candidate {
    /// A simpler one wins where the difference is within the error of measurement: fewer parts
    /// first, in the order in which the parts are known to need more data.
    pub(crate) fn complexity(self) -> usize {
        2 * self.shape.family() + 3 * usize::from(self.normalization.is_some())
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::Mean => write!(f, "mean")?,
            Shape::Wccn { shrinkage } => write!(f, "mean, WCCN {shrinkage}")?,
            Shape::Lda { dimensions, .. } => write!(f, "mean, LDA {dimensions}")?,
            Shape::Plda { dimensions, .. } => write!(f, "mean, PLDA {dimensions}")?,
        }
        match self.normalization {
            None => Ok(()),
            Some(Normalization { cohort: CohortKind::Speakers, top }) => {
                write!(f, ", AS-norm {top} speakers")
            }
            Some(Normalization { cohort: CohortKind::Calls, top }) => write!(f, ", AS-norm {top} calls"),
        }
    }
}
