//! Which candidate is shipped: the one with the least cost, or a simpler one that can't be told
//! from it.

use crate::Candidate;
use crate::metrics::{self, Figures, Scored};

/// The bands of measured speech that figures are given by, in seconds.
pub(crate) const BANDS: [(f32, f32, &str); 4] = [
    (0.0, 3.5, "under 3.5 s"),
    (3.5, 6.5, "3.5 to 6.5 s"),
    (6.5, 13.0, "6.5 to 13 s"),
    (13.0, f32::INFINITY, "over 13 s"),
];
/// Groups of speakers that the jackknife leaves out by turns.
pub(crate) const GROUPS: usize = 10;
/// A band with fewer trials says nothing.
const FEWEST: (usize, usize) = (20, 200);

/// A trial as the selection sees it: its band and the jackknife groups of its two speakers.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) band: u8,
    pub(crate) groups: (u8, u8),
    pub(crate) target: bool,
}

/// A candidate's figures.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    pub(crate) candidate: Candidate,
    /// By band; none where there are too few trials.
    pub(crate) bands: Vec<Option<Figures>>,
    /// Mean of min DCF(0.01) and min Cllr over the bands.
    pub(crate) cost: f64,
    /// The same without each group of speakers.
    without: Vec<f64>,
}

/// The band of a call.
pub(crate) fn band(seconds: f32) -> u8 {
    BANDS.iter().position(|(_, to, _)| seconds < *to).unwrap_or(BANDS.len() - 1) as u8
}

impl Tried {
    /// From a candidate's scores of trials at these places.
    pub(crate) fn new(candidate: Candidate, places: &[Place], scores: &[f32]) -> Self {
        let mut bands = Vec::with_capacity(BANDS.len());
        let mut costs = vec![Vec::new(); GROUPS + 1];
        for band in 0..BANDS.len() as u8 {
            let here = places.iter().zip(scores).filter(|(p, _)| p.band == band);
            let mut here: Vec<(Scored, (u8, u8))> =
                here.map(|(p, s)| ((f64::from(*s), p.target), p.groups)).collect();
            here.sort_unstable_by(|(a, _), (b, _)| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            let of = |left_out: Option<usize>| {
                let stays =
                    |(a, b): (u8, u8)| left_out.is_none_or(|g| usize::from(a) != g && usize::from(b) != g);
                let trials: Vec<Scored> = here.iter().filter(|(_, g)| stays(*g)).map(|(t, _)| *t).collect();
                metrics::of_sorted(&trials)
            };
            let enough = |f: &Figures| f.targets >= FEWEST.0 && f.nontargets >= FEWEST.1;
            let all = of(None).filter(enough);
            if let Some(figures) = &all {
                costs[GROUPS].push(cost(figures));
                for (group, costs) in costs.iter_mut().take(GROUPS).enumerate() {
                    costs.extend(of(Some(group)).as_ref().map(cost));
                }
            }
            bands.push(all);
        }
        let mean = |c: &Vec<f64>| c.iter().sum::<f64>() / c.len().max(1) as f64;
        let cost = if costs[GROUPS].is_empty() { f64::INFINITY } else { mean(&costs[GROUPS]) };
        Self { candidate, bands, cost, without: costs[..GROUPS].iter().map(mean).collect() }
    }

    /// The jackknife's standard error of the difference of two costs.
    pub(crate) fn error_of_difference(&self, other: &Self) -> f64 {
        let differences: Vec<f64> = self.without.iter().zip(&other.without).map(|(a, b)| a - b).collect();
        let n = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / n;
        let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
        ((n - 1.0) / n * squares).sqrt()
    }
}

fn cost(f: &Figures) -> f64 {
    0.5 * (f.min_dcf_01 + f.min_cllr)
}

/// The simplest candidate within one standard error of the best; of equally simple ones the best.
pub(crate) fn choose(tried: &[Tried]) -> Option<usize> {
    let best = (0..tried.len()).min_by(|a, b| tried[*a].cost.total_cmp(&tried[*b].cost))?;
    let close = |at: &usize| {
        let (one, best) = (&tried[*at], &tried[best]);
        one.cost - best.cost <= one.error_of_difference(best)
    };
    let rank = |at: &usize| tried[*at].candidate.complexity();
    let close: Vec<usize> = (0..tried.len()).filter(|at| close(at)).collect();
    close.into_iter().min_by(|a, b| rank(a).cmp(&rank(b)).then(tried[*a].cost.total_cmp(&tried[*b].cost)))
}

/// The best of each family with and without normalization: what is calibrated and reported in full.
pub(crate) fn finalists(tried: &[Tried], chosen: usize) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let key = |at: usize| {
        let c = tried[at].candidate;
        (c.shape.family(), c.normalization.is_some())
    };
    for at in 0..tried.len() {
        match found.iter_mut().find(|f| key(**f) == key(at)) {
            Some(f) if tried[at].cost < tried[*f].cost => *f = at,
            Some(_) => {}
            None => found.push(at),
        }
    }
    if !found.contains(&chosen) {
        found.push(chosen);
    }
    found
}
