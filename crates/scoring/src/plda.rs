use std::fmt;

use earmark_voiceprint::MAX_DIMENSION;

use crate::ScoringError;

/// Two-covariance PLDA on voiceprints of unit length, diagonalized: how much likelier two
/// voiceprints are if one person made both.
///
/// Brümmer & de Villiers 2010, "The speaker partitioning problem"; Sizov et al. 2014. Both
/// covariances are diagonal after one projection (simultaneous diagonalization), so with b between
/// speakers, w within, t = b + w in a dimension, the score of y and y' is
///
/// Σ b/(t²-b²) y y' + Σ -b²/(2t(t²-b²)) (y² + y'²) - ½ Σ ln(1 - b²/t²).
///
/// The projection of the back end already holds the factors sqrt(b/(t²-b²)), so that the first sum
/// is a cosine times two lengths: the search by cosine finds the candidates, and what else the
/// score needs is two numbers a side ([`PldaTerms`]).
#[derive(Clone, PartialEq)]
pub struct Plda {
    between: Box<[f64]>,
    within: Box<[f64]>,
    /// sqrt(b/(t²-b²)) a dimension.
    scale: Box<[f64]>,
    /// -b²/(2t(t²-b²)) a dimension.
    own: Box<[f64]>,
    constant: f64,
}

/// What a PLDA score needs of one side beside the cosine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PldaTerms {
    length: f64,
    own: f64,
}

impl Plda {
    /// From the variances between and within speakers, one a dimension of the back end's space.
    ///
    /// # Errors
    /// [`ScoringError::BadFit`] if the numbers don't fit together or are not 1e-9 to 1e9.
    pub fn new(between: &[f64], within: &[f64]) -> Result<Self, ScoringError> {
        let bad = |detail: &str| Err(ScoringError::BadFit(format!("plda: {detail}")));
        if between.is_empty() || between.len() > MAX_DIMENSION || between.len() != within.len() {
            return bad("as many variances between as within speakers are needed");
        }
        if between.iter().chain(within).any(|v| !(1e-9..=1e9).contains(v)) {
            return bad("a variance is not 1e-9 to 1e9");
        }
        let dimensions = || between.iter().zip(within).map(|(b, w)| (*b, b + w));
        // t² - b² = w (2b + w), written so that nothing cancels.
        let rest = |b: f64, t: f64| (t - b) * (t + b);
        Ok(Self {
            between: between.into(),
            within: within.into(),
            scale: dimensions().map(|(b, t)| (b / rest(b, t)).sqrt()).collect(),
            own: dimensions().map(|(b, t)| -b * b / (2.0 * t * rest(b, t))).collect(),
            constant: -0.5 * dimensions().map(|(b, t)| (rest(b, t) / (t * t)).ln()).sum::<f64>(),
        })
    }

    /// How many dimensions it takes.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.scale.len()
    }

    /// The variances between speakers, one a dimension.
    #[must_use]
    pub fn between(&self) -> &[f64] {
        &self.between
    }

    /// The variances within a speaker, one a dimension.
    #[must_use]
    pub fn within(&self) -> &[f64] {
        &self.within
    }

    /// The factors that the rows of the back end's projection have to carry.
    #[must_use]
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// What a score needs of one voiceprint (as many numbers as there are dimensions).
    #[must_use]
    pub fn terms(&self, values: &[f32]) -> PldaTerms {
        let before = || values.iter().zip(&self.scale).map(|(v, s)| f64::from(*v) / s);
        let norm2: f64 = before().map(|y| y * y).sum::<f64>().max(f64::MIN_POSITIVE);
        let own = before().zip(&self.own).map(|(y, q)| q * y * y).sum::<f64>() / norm2;
        PldaTerms { length: 1.0 / norm2.sqrt(), own }
    }

    /// The score of two voiceprints with this cosine between them.
    #[must_use]
    pub fn score(&self, cosine: f64, a: &PldaTerms, b: &PldaTerms) -> f64 {
        a.length * b.length * cosine + a.own + b.own + self.constant
    }
}

impl fmt::Debug for Plda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plda({})", self.dimension())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Straight from the definition: two normal densities of dimension two a coordinate.
    fn by_definition(between: &[f64], within: &[f64], x: &[f64], y: &[f64]) -> f64 {
        let one = |i: usize| {
            let (b, t) = (between[i], between[i] + within[i]);
            let det = t * t - b * b;
            let joint = (t * x[i] * x[i] - 2.0 * b * x[i] * y[i] + t * y[i] * y[i]) / det;
            let apart = (x[i] * x[i] + y[i] * y[i]) / t;
            -0.5 * det.ln() + t.ln() - 0.5 * joint + 0.5 * apart
        };
        (0..x.len()).map(one).sum()
    }

    #[test]
    fn agrees_with_the_densities_it_stands_for() {
        let (between, within) = ([0.4, 0.1, 0.02], [0.1, 0.1, 0.3]);
        let plda = Plda::new(&between, &within).unwrap();
        let unit = |v: [f64; 3]| {
            let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            v.map(|x| x / norm)
        };
        let (x, y) = (unit([1.0, -0.5, 0.3]), unit([0.7, 0.2, 0.6]));
        let moved = |v: &[f64; 3]| -> Vec<f32> {
            let scaled: Vec<f64> = v.iter().zip(plda.scale()).map(|(x, s)| x * s).collect();
            let norm = scaled.iter().map(|x| x * x).sum::<f64>().sqrt();
            scaled.iter().map(|x| (x / norm) as f32).collect()
        };
        let (a, b) = (moved(&x), moved(&y));
        let cosine = a.iter().zip(&b).map(|(p, q)| f64::from(*p) * f64::from(*q)).sum();
        let got = plda.score(cosine, &plda.terms(&a), &plda.terms(&b));
        assert!((got - by_definition(&between, &within, &x, &y)).abs() < 1e-5, "{got}");
    }

    #[test]
    fn refuses_what_is_no_variance() {
        assert!(Plda::new(&[], &[]).is_err());
        assert!(Plda::new(&[1.0], &[1.0, 1.0]).is_err());
        assert!(Plda::new(&[0.0], &[1.0]).is_err());
        assert!(Plda::new(&[1.0], &[f64::NAN]).is_err());
    }
}
