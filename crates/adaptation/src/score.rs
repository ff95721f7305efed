use std::collections::BTreeMap;

use earmark_scoring::{CohortStatistics, PldaTerms, dot};

use crate::cohort_voices::{CohortVoices, unit};
use crate::material::Material;
use crate::space::Space;
use crate::trials::{Model, Trial};
use crate::{CohortKind, Normalization};

/// A space and its cohorts, fitted on the same calls.
pub(crate) struct Fit {
    pub(crate) space: Space,
    cohorts: Vec<(CohortKind, CohortVoices)>,
}

/// One way to normalize: by which cohort of a fit, and how many of its voices; none is plain.
type Way = Option<(usize, usize)>;

/// A side's voice with what its scores need.
struct Voice<'a> {
    vector: &'a [f32],
    plda: Option<PldaTerms>,
    /// One for each way; none where scores are plain.
    statistics: Vec<Option<CohortStatistics>>,
}

impl Fit {
    /// With the cohorts that `normalizations` need, of these calls.
    pub(crate) fn new(
        material: &Material,
        space: Space,
        calls: &[usize],
        normalizations: &[Option<Normalization>],
    ) -> Self {
        let kinds = [CohortKind::Speakers, CohortKind::Calls];
        let needed = |kind: &CohortKind| normalizations.iter().flatten().any(|n| n.cohort == *kind);
        let cohorts = kinds.into_iter().filter(needed);
        let cohorts = cohorts.map(|kind| (kind, CohortVoices::of(material, &space, calls, kind))).collect();
        Self { space, cohorts }
    }

    /// How many voices the cohort of a kind has.
    pub(crate) fn cohort_size(&self, kind: CohortKind) -> usize {
        self.cohorts.iter().find(|(k, _)| *k == kind).map_or(0, |(_, c)| c.len())
    }

    /// The voices of a cohort.
    pub(crate) fn cohort(&self, kind: CohortKind) -> Option<&CohortVoices> {
        self.cohorts.iter().find(|(k, _)| *k == kind).map(|(_, c)| c)
    }

    /// The scores of these trials by each normalization. `full` is the size of the cohort of all
    /// speakers by its kind: of a smaller one, as many fewer voices are taken.
    pub(crate) fn scores(
        &self,
        material: &Material,
        models: &[Model],
        trials: &[Trial],
        normalizations: &[Option<Normalization>],
        full: impl Fn(CohortKind) -> usize,
    ) -> Vec<Vec<f64>> {
        let ways: Vec<Way> = normalizations.iter().map(|n| n.map(|n| self.way(n, full(n.cohort)))).collect();
        let enrolled = self.enrolled(material, models, trials);
        let called = self.called(material, trials);
        let enrolled: BTreeMap<u32, Voice<'_>> =
            enrolled.iter().map(|(m, vector)| (*m, self.voice(vector, &ways))).collect();
        let called: BTreeMap<u32, Voice<'_>> =
            called.iter().map(|(c, vector)| (*c, self.voice(vector, &ways))).collect();
        let mut scores = vec![Vec::with_capacity(trials.len()); ways.len()];
        let mut current: Option<(u32, &Voice<'_>)> = None;
        for trial in trials {
            // Trials come model by model.
            let e = match current {
                Some((model, voice)) if model == trial.model => voice,
                _ => &enrolled[&trial.model],
            };
            current = Some((trial.model, e));
            let p = &called[&trial.column];
            let raw = self.raw(e, p);
            for (way, out) in scores.iter_mut().enumerate() {
                out.push(match (&e.statistics[way], &p.statistics[way]) {
                    (Some(e), Some(p)) => CohortStatistics::normalize(raw, e, p).value(),
                    _ => raw,
                });
            }
        }
        scores
    }

    fn way(&self, normalization: Normalization, full: usize) -> (usize, usize) {
        let at = self.cohorts.iter().position(|(k, _)| *k == normalization.cohort).unwrap_or(0);
        let size = self.cohort_size(normalization.cohort);
        (at, scaled_top(normalization.top, size, full))
    }

    fn raw(&self, e: &Voice<'_>, p: &Voice<'_>) -> f64 {
        let cosine = f64::from(dot(e.vector, p.vector));
        match (&self.space.plda, &e.plda, &p.plda) {
            (Some(plda), Some(e), Some(p)) => plda.score(cosine, e, p),
            _ => cosine,
        }
    }

    fn voice<'a>(&self, vector: &'a [f32], ways: &[Way]) -> Voice<'a> {
        let plda = self.space.plda.as_ref();
        let scores: Vec<Vec<f64>> = self.cohorts.iter().map(|(_, c)| c.scores(vector, plda)).collect();
        let of = |(cohort, top): (usize, usize)| CohortStatistics::of_top(&mut scores[cohort].clone(), top);
        let statistics = ways.iter().map(|way| way.map(of)).collect();
        Voice { vector, plda: plda.map(|p| p.terms(vector)), statistics }
    }

    /// The mean of each model's recordings in the space, weighted by speech, as the product does.
    fn enrolled(&self, material: &Material, models: &[Model], trials: &[Trial]) -> BTreeMap<u32, Vec<f32>> {
        let mut vectors = BTreeMap::new();
        for trial in trials {
            vectors.entry(trial.model).or_insert_with(|| {
                let calls = &models[trial.model as usize].calls;
                let moved = self.space.apply(&material.vectors, calls);
                let dimension = self.space.dimension();
                let mut sum = vec![0.0; dimension];
                for (call, vector) in calls.iter().zip(moved.chunks_exact(dimension)) {
                    let weight = f64::from(material.calls[*call].seconds);
                    sum.iter_mut().zip(vector).for_each(|(s, v)| *s += weight * f64::from(*v));
                }
                unit(&sum)
            });
        }
        vectors
    }

    fn called(&self, material: &Material, trials: &[Trial]) -> BTreeMap<u32, Vec<f32>> {
        let mut columns: Vec<usize> = trials.iter().map(|t| t.column as usize).collect();
        columns.sort_unstable();
        columns.dedup();
        let moved = self.space.apply(&material.vectors, &columns);
        let vectors = moved.chunks_exact(self.space.dimension()).map(<[f32]>::to_vec);
        columns.iter().map(|c| *c as u32).zip(vectors).collect()
    }
}

/// As many of `size` voices as `top` are of `full`, two at least.
pub(crate) fn scaled_top(top: usize, size: usize, full: usize) -> usize {
    let part = top as f64 * size as f64 / full.max(1) as f64;
    (part.round() as usize).clamp(2, size.max(2))
}
