//! Cross-validation over speakers, on both sides of a trial: neither the enrolled speaker nor the
//! caller has been in the space, the cohort or the calibration that scores the trial.

use earmark_scoring::{Calibration, CalibrationFit, Side};

use crate::calibrate::{self, Example, Weighting};
use crate::cohort_voices::{MAX_COHORT_CALLS, MIN_SPEECH};
use crate::folds::{Folds, Pair};
use crate::material::Material;
use crate::score::Fit;
use crate::space::Moments;
use crate::trials::{Trial, Trials};
use crate::workers;
use crate::{AdaptationError, AdaptationOptions, Candidate, CohortKind, Normalization, Purpose, Shape};

/// About how many comparisons of two people a calibration is fitted on.
const MAX_EXAMPLES: usize = 120_000;

/// All that a cross-validation stands on.
pub(crate) struct Bench<'a> {
    pub(crate) material: &'a Material,
    pub(crate) options: &'a AdaptationOptions,
    pub(crate) outer: Folds,
    /// How many voices the cohort of all speakers has, by kind.
    pub(crate) full: [usize; 2],
    /// Trials that a calibration may be fitted on, of both groups.
    pub(crate) lessons: Vec<Trials>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(material: &'a Material, options: &'a AdaptationOptions, lessons: Vec<Trials>) -> Self {
        let outer = Folds::new(material, options.outer_folds, |_| true);
        let learned = material.calls_of(|s| material.speakers[s].purpose != Purpose::Test);
        let long: Vec<usize> =
            learned.into_iter().filter(|c| material.calls[*c].seconds >= MIN_SPEECH).collect();
        let mut speakers: Vec<usize> = long.iter().map(|c| material.calls[*c].speaker).collect();
        speakers.dedup();
        Self { material, options, outer, full: [speakers.len(), long.len().min(MAX_COHORT_CALLS)], lessons }
    }

    pub(crate) fn full(&self, kind: CohortKind) -> usize {
        match kind {
            CohortKind::Speakers => self.full[0],
            CohortKind::Calls => self.full[1],
        }
    }

    /// The trials of a pair of folds, by their number.
    fn between(&self, trials: &Trials, folds: &Folds, pair: Pair) -> Vec<usize> {
        let of =
            |t: &Trial| folds.pair(trials.models[t.model as usize].speaker, Trials::caller(self.material, t));
        (0..trials.list.len()).filter(|i| of(&trials.list[*i]) == Some(pair)).collect()
    }

    /// The scores of `trials` by each shape and each normalization, shapes first.
    pub(crate) fn try_all(
        &self,
        trials: &Trials,
        shapes: &[Shape],
        normalizations: &[Option<Normalization>],
    ) -> Result<Vec<Vec<f32>>, AdaptationError> {
        let pairs = self.outer.pairs();
        let parts = workers::map(self.options.threads, pairs.len(), |at| {
            let rows = self.between(trials, &self.outer, pairs[at]);
            let list: Vec<Trial> = rows.iter().map(|i| trials.list[*i]).collect();
            let calls = self.material.calls_of(|s| self.outer.trains(s, pairs[at]));
            let moments = Moments::of(self.material, self.options, &calls)?;
            let mut scores = Vec::with_capacity(shapes.len() * normalizations.len());
            for shape in shapes {
                let space = moments.space(self.material, *shape)?;
                let fit = Fit::new(self.material, space, &calls, normalizations);
                let of = fit.scores(self.material, &trials.models, &list, normalizations, |k| self.full(k));
                scores.extend(of.into_iter().map(|s| s.iter().map(|x| *x as f32).collect::<Vec<f32>>()));
            }
            Ok::<_, AdaptationError>((rows, scores))
        });
        let mut all = vec![vec![f32::NAN; trials.list.len()]; shapes.len() * normalizations.len()];
        for part in parts {
            let (rows, scores): (Vec<usize>, Vec<Vec<f32>>) = part?;
            for (all, scores) in all.iter_mut().zip(scores) {
                rows.iter().zip(scores).for_each(|(row, score)| all[*row] = score);
            }
        }
        Ok(all)
    }

    /// The LLRs of several sets of trials by each candidate and each weighting (candidates first),
    /// everything cross-validated: `[candidate][weighting][set][trial]`.
    pub(crate) fn llrs(
        &self,
        sets: &[&Trials],
        candidates: &[Candidate],
        weightings: &[Weighting],
    ) -> Result<Vec<Vec<Vec<Vec<f32>>>>, AdaptationError> {
        let pairs = self.outer.pairs();
        let parts = workers::map(self.options.threads, pairs.len(), |at| {
            let trains = |s: usize| self.outer.trains(s, pairs[at]);
            let fits = self.calibrations(&trains, candidates, weightings)?;
            let calls = self.material.calls_of(trains);
            let moments = Moments::of(self.material, self.options, &calls)?;
            let mut found = Vec::new();
            for (candidate, fits) in candidates.iter().zip(&fits) {
                let space = moments.space(self.material, candidate.shape)?;
                let way = [candidate.normalization];
                let fit = Fit::new(self.material, space, &calls, &way);
                for (set, trials) in sets.iter().enumerate() {
                    let rows = self.between(trials, &self.outer, pairs[at]);
                    let list: Vec<Trial> = rows.iter().map(|i| trials.list[*i]).collect();
                    let scores = fit.scores(self.material, &trials.models, &list, &way, |k| self.full(k));
                    let llrs: Vec<Vec<f32>> = fits
                        .iter()
                        .map(|f| self.applied(f, trials, &list, &scores[0]))
                        .collect::<Result<_, _>>()?;
                    found.push((set, rows, llrs));
                }
            }
            Ok::<_, AdaptationError>(found)
        });
        let empty = || sets.iter().map(|t| vec![f32::NAN; t.list.len()]).collect::<Vec<_>>();
        let mut all: Vec<Vec<Vec<Vec<f32>>>> =
            candidates.iter().map(|_| weightings.iter().map(|_| empty()).collect()).collect();
        for part in parts {
            let part: Vec<(usize, Vec<usize>, Vec<Vec<f32>>)> = part?;
            for (i, (set, rows, llrs)) in part.into_iter().enumerate() {
                for (weighting, llrs) in llrs.into_iter().enumerate() {
                    let to = &mut all[i / sets.len()][weighting][set];
                    rows.iter().zip(llrs).for_each(|(row, llr)| to[*row] = llr);
                }
            }
        }
        Ok(all)
    }

    fn applied(
        &self,
        fit: &CalibrationFit,
        trials: &Trials,
        list: &[Trial],
        scores: &[f64],
    ) -> Result<Vec<f32>, AdaptationError> {
        let calibration = Calibration::new(self.material.model.clone(), "", fit.clone())?;
        let llr = |(t, s): (&Trial, &f64)| {
            let (probe, enrolled) = self.sides(trials, t);
            calibration.llr(earmark_scoring::RawScore::new(*s), probe, enrolled).nats() as f32
        };
        Ok(list.iter().zip(scores).map(llr).collect())
    }

    fn sides<'t>(&'t self, trials: &'t Trials, trial: &Trial) -> (&'t Side, &'t Side) {
        (Trials::probe_side(self.material, trial), &trials.models[trial.model as usize].side)
    }

    /// Calibrations fitted on trials among the speakers `trains`, each scored by what has heard
    /// neither of its two speakers: `[candidate][weighting]`.
    pub(crate) fn calibrations(
        &self,
        trains: &(impl Fn(usize) -> bool + Sync),
        candidates: &[Candidate],
        weightings: &[Weighting],
    ) -> Result<Vec<Vec<CalibrationFit>>, AdaptationError> {
        let inner = Folds::new(self.material, self.options.inner_folds, trains);
        let mut examples: Vec<Vec<Example>> = vec![Vec::new(); candidates.len()];
        let chosen: Vec<(Vec<usize>, usize)> = self.lessons.iter().map(|t| self.lesson(t, &inner)).collect();
        for pair in inner.pairs() {
            let calls = self.material.calls_of(|s| inner.trains(s, pair));
            let moments = Moments::of(self.material, self.options, &calls)?;
            for (candidate, examples) in candidates.iter().zip(&mut examples) {
                let space = moments.space(self.material, candidate.shape)?;
                let way = [candidate.normalization];
                let fit = Fit::new(self.material, space, &calls, &way);
                for (trials, (rows, _)) in self.lessons.iter().zip(&chosen) {
                    let of = |t: &Trial| {
                        inner.pair(trials.models[t.model as usize].speaker, Trials::caller(self.material, t))
                    };
                    let list: Vec<Trial> =
                        rows.iter().map(|i| trials.list[*i]).filter(|t| of(t) == Some(pair)).collect();
                    let scores = fit.scores(self.material, &trials.models, &list, &way, |k| self.full(k));
                    examples.extend(list.iter().zip(&scores[0]).map(|(t, s)| {
                        let (probe, enrolled) = self.sides(trials, t);
                        let (target, very_alike) = (t.target, t.very_alike);
                        Example { score: *s, target, very_alike, probe: *probe, enrolled: *enrolled }
                    }));
                }
            }
        }
        let nontargets: usize = chosen.iter().map(|(_, all)| all).sum();
        let fits = examples.iter().map(|examples| {
            let targets = examples.iter().filter(|e| e.target).count();
            let limits = (-(targets.max(2) as f64).ln(), (nontargets.max(2) as f64).ln());
            let fit = |w: &Weighting| calibrate::fit(examples, *w, self.options.prior, limits);
            weightings.iter().map(fit).collect::<Result<Vec<_>, _>>()
        });
        fits.collect()
    }

    /// The trials to fit on: all of one person, and so many of two; and how many there are of two.
    fn lesson(&self, trials: &Trials, inner: &Folds) -> (Vec<usize>, usize) {
        let takes_part = |t: &Trial| {
            inner.pair(trials.models[t.model as usize].speaker, Trials::caller(self.material, t)).is_some()
        };
        let rows: Vec<usize> = (0..trials.list.len()).filter(|i| takes_part(&trials.list[*i])).collect();
        let nontargets = rows.iter().filter(|i| !trials.list[**i].target).count();
        // A prime stride, so that it falls in step with nobody's number of calls.
        let keep = [1, 2, 3, 5, 7, 11, 13, 17, 23, 37, 53, 101];
        let keep = keep.into_iter().find(|k| nontargets / k <= MAX_EXAMPLES).unwrap_or(211);
        let mut seen = 0;
        let kept = rows.into_iter().filter(|i| {
            let target = trials.list[*i].target;
            seen += usize::from(!target);
            target || seen % keep == 0
        });
        (kept.collect(), nontargets)
    }
}
