//! Condition-aware logistic regression from a score to an LLR, as `earmark_scoring::Calibration`
//! applies it.

use earmark_scoring::{CalibrationFit, FalseMatches, Input, Side, Term};
use nalgebra::{DMatrix, DVector};

use crate::AdaptationError;
use crate::metrics::log1pexp;

/// The conditions the LLR may depend on.
const INPUTS: [Input; 5] = [
    Input::ProbeLogSpeech,
    Input::EnrolledLogSpeech,
    Input::EnrolledLogRecordings,
    Input::ProbeSnr,
    Input::EnrolledSnr,
];
/// Keeps a condition that says nothing at zero.
const PENALTY: f64 = 1e-4;
/// As in `earmark_scoring`: the exponent that forms the slope stays within this.
const MAX_EXPONENT: f64 = 20.0;
/// The fit ends when no step of Levenberg and Marquardt makes it better by this part.
const ENOUGH: f64 = 1e-13;
const MAX_STEPS: usize = 200;

/// How the comparisons of two people share the weight they have together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighting {
    /// All alike.
    Even,
    /// Half of it for pairs of one set and gender: callers of one call center are such pairs more
    /// often than a mixed collection has them, and they are the harder ones.
    HalfAlike,
    /// All of it for those.
    Alike,
}

impl Weighting {
    pub(crate) const ALL: [Self; 3] = [Self::Even, Self::HalfAlike, Self::Alike];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Even => "all pairs weigh the same",
            Self::HalfAlike => "half the weight on pairs of one set and gender",
            Self::Alike => "only pairs of one set and gender",
        }
    }
}

/// One trial to fit on.
#[derive(Clone, Copy)]
pub(crate) struct Example {
    pub(crate) score: f64,
    pub(crate) target: bool,
    pub(crate) very_alike: bool,
    pub(crate) probe: Side,
    pub(crate) enrolled: Side,
}

/// A fit without its false match curves: `limits` are what the numbers of trials can bear witness
/// to.
pub(crate) fn fit(
    examples: &[Example],
    weighting: Weighting,
    prior: f64,
    limits: (f64, f64),
) -> Result<CalibrationFit, AdaptationError> {
    let problem = Problem::new(examples, weighting, prior)?;
    let found = problem.solve();
    let n = problem.terms.len() + 1;
    let terms = problem.terms.iter().enumerate().map(|(i, t)| Term {
        slope: rounded(found[i + 1]),
        offset: rounded(found[n + i + 1]),
        ..*t
    });
    let terms = terms.collect();
    // Until the curves are measured with this very calibration.
    let no_curve = FalseMatches::new(&[(0.0, 1.0), (1.0, 0.5)])?;
    Ok(CalibrationFit {
        slope: rounded(found[0]),
        offset: rounded(found[n]),
        terms,
        llr_min: rounded(limits.0),
        llr_max: rounded(limits.1),
        false_matches: no_curve.clone(),
        live_false_matches: no_curve,
    })
}

struct Problem {
    terms: Vec<Term>,
    /// A row an example: 1 and the conditions.
    design: Vec<f64>,
    scores: Vec<f64>,
    /// +1 or -1.
    signs: Vec<f64>,
    weights: Vec<f64>,
    prior_log_odds: f64,
}

impl Problem {
    fn new(examples: &[Example], weighting: Weighting, prior: f64) -> Result<Self, AdaptationError> {
        let weights = weights(examples, weighting, prior).ok_or_else(|| {
            AdaptationError::TooLittle(
                "no target trials, or no trials between two people, to calibrate on".into(),
            )
        })?;
        let used: Vec<(&Example, f64)> = examples.iter().zip(weights).filter(|(_, w)| *w > 0.0).collect();
        let terms: Vec<Term> = INPUTS.iter().filter_map(|input| term(*input, &used)).collect();
        let mut design = Vec::with_capacity(used.len() * (terms.len() + 1));
        for (e, _) in &used {
            design.push(1.0);
            design.extend(terms.iter().map(|t| z(t, e)));
        }
        Ok(Self {
            terms,
            design,
            scores: used.iter().map(|(e, _)| e.score).collect(),
            signs: used.iter().map(|(e, _)| if e.target { 1.0 } else { -1.0 }).collect(),
            weights: used.iter().map(|(_, w)| *w).collect(),
            prior_log_odds: (prior / (1.0 - prior)).ln(),
        })
    }

    fn columns(&self) -> usize {
        self.terms.len() + 1
    }

    /// Levenberg (1944), Marquardt (1963) with the Gauss-Newton matrix of the logistic loss.
    fn solve(&self) -> DVector<f64> {
        let mut at = self.start();
        let (mut loss, mut gradient, mut curvature) = self.evaluate(&at);
        let mut damping = 1e-3;
        for _ in 0..MAX_STEPS {
            let mut damped = curvature.clone();
            for i in 0..damped.nrows() {
                damped[(i, i)] += damping * damped[(i, i)].max(1e-12);
            }
            let Some(step) = damped.cholesky().map(|c| c.solve(&gradient)) else {
                damping *= 10.0;
                continue;
            };
            let next = &at - step;
            let (next_loss, next_gradient, next_curvature) = self.evaluate(&next);
            if next_loss < loss {
                let gain = (loss - next_loss) / loss.max(f64::MIN_POSITIVE);
                (at, loss, gradient, curvature) = (next, next_loss, next_gradient, next_curvature);
                damping = (damping / 10.0).max(1e-12);
                if gain < ENOUGH {
                    break;
                }
            } else {
                damping *= 10.0;
                if damping > 1e12 {
                    break;
                }
            }
        }
        at
    }

    /// What two normal densities of one variance would give.
    fn start(&self) -> DVector<f64> {
        let moments = |sign: f64| {
            let own =
                || self.scores.iter().zip(&self.signs).filter(move |(_, s)| **s == sign).map(|(x, _)| *x);
            let n = own().count().max(1) as f64;
            let mean = own().sum::<f64>() / n;
            (mean, own().map(|x| (x - mean).powi(2)).sum::<f64>() / n)
        };
        let ((t, vt), (n, vn)) = (moments(1.0), moments(-1.0));
        let slope = ((t - n).max(1e-6) / (0.5 * (vt + vn)).max(1e-9)).clamp(1e-3, 1e4);
        let mut start = DVector::zeros(2 * self.columns());
        start[0] = slope.ln();
        start[self.columns()] = -slope * (t + n) / 2.0;
        start
    }

    fn evaluate(&self, at: &DVector<f64>) -> (f64, DVector<f64>, DMatrix<f64>) {
        let n = self.columns();
        let (mut loss, mut gradient) = (0.0, DVector::zeros(2 * n));
        let mut curvature = DMatrix::zeros(2 * n, 2 * n);
        let mut row = vec![0.0; 2 * n];
        for (i, design) in self.design.chunks_exact(n).enumerate() {
            let dot = |from: usize| design.iter().zip(at.iter().skip(from)).map(|(d, a)| d * a).sum::<f64>();
            let scaled = dot(0).clamp(-MAX_EXPONENT, MAX_EXPONENT).exp() * self.scores[i];
            let margin = self.signs[i] * (scaled + dot(n) + self.prior_log_odds);
            loss += self.weights[i] * log1pexp(-margin);
            let wrong = 1.0 / (1.0 + margin.min(500.0).exp());
            let (first, second) =
                (-self.weights[i] * self.signs[i] * wrong, self.weights[i] * wrong * (1.0 - wrong));
            for (k, d) in design.iter().enumerate() {
                (row[k], row[n + k]) = (scaled * d, *d);
            }
            for a in 0..2 * n {
                gradient[a] += first * row[a];
                let part = second * row[a];
                for b in 0..=a {
                    curvature[(a, b)] += part * row[b];
                }
            }
        }
        for a in 0..2 * n {
            if a % n != 0 {
                loss += PENALTY * at[a] * at[a];
                gradient[a] += 2.0 * PENALTY * at[a];
                curvature[(a, a)] += 2.0 * PENALTY;
            }
            for b in 0..a {
                curvature[(b, a)] = curvature[(a, b)];
            }
        }
        (loss, gradient, curvature)
    }
}

/// Target trials have the prior's weight together, the others the rest.
fn weights(examples: &[Example], weighting: Weighting, prior: f64) -> Option<Vec<f64>> {
    let count = |wanted: &dyn Fn(&Example) -> bool| examples.iter().filter(|e| wanted(e)).count() as f64;
    let targets = count(&|e| e.target);
    let alike = count(&|e| !e.target && e.very_alike);
    let others = count(&|e| !e.target && !e.very_alike);
    let share = match weighting {
        Weighting::Even => alike / (alike + others),
        Weighting::HalfAlike => 0.5,
        Weighting::Alike => 1.0,
    };
    // Where one kind is missing, the other has it all.
    let share = if others == 0.0 {
        1.0
    } else if alike == 0.0 {
        0.0
    } else {
        share
    };
    if targets == 0.0 || alike + others == 0.0 {
        return None;
    }
    let weight = |e: &Example| match (e.target, e.very_alike) {
        (true, _) => prior / targets,
        (false, true) => (1.0 - prior) * share / alike,
        (false, false) => (1.0 - prior) * (1.0 - share) / others,
    };
    Some(examples.iter().map(weight).collect())
}

/// A condition's range and scale; none for one that is not known or never differs.
fn term(input: Input, used: &[(&Example, f64)]) -> Option<Term> {
    let mut values: Vec<f64> = used.iter().filter_map(|(e, _)| input.value(&e.probe, &e.enrolled)).collect();
    if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (quantile(&values, 0.005), quantile(&values, 0.995));
    let n = values.len() as f64;
    let clamped = || values.iter().map(|v| v.clamp(low, high));
    let mean = clamped().sum::<f64>() / n;
    let deviation = (clamped().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    if deviation < 1e-3 {
        return None;
    }
    let (low, high) = (rounded(low), rounded(high));
    let center = rounded(mean).clamp(low, high);
    Some(Term { input, low, high, center, scale: rounded(deviation), slope: 0.0, offset: 0.0 })
}

fn z(term: &Term, e: &Example) -> f64 {
    let value = term.input.value(&e.probe, &e.enrolled).unwrap_or(term.center);
    (value.clamp(term.low, term.high) - term.center) / term.scale
}

/// Of sorted values, on the line between the two around it.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let at = part * (sorted.len() - 1) as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (at - at.floor()) * (sorted[above] - sorted[below])
}

/// As it will be written.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
