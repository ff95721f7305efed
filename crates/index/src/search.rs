//! Exact search over faiss. faiss computes in float32 and knows no tombstones, so it only proposes:
//! a row is looked at again, in float64, if it could be among the best given the worst rounding
//! float32 allows, and a segment is asked for more until nothing it left out could be.

use earmark_voiceprint::{Cosine, Voiceprint};

use crate::part::Part;
use crate::segment::Nearest;
use crate::spread::spread;
use crate::{Hit, IndexError, MAX_HITS, Snapshot};

/// Rows fetched from a segment beyond `k`, so that near ties seldom need a second scan.
const SPARE_ROWS: usize = 8;

/// How much more is fetched when tombstones or ties filled the first answer.
const REFETCH_GROWTH: usize = 8;

/// The candidates a batch of probes may hold at once (16 MB).
const BATCH_CANDIDATES: usize = 1 << 20;

/// The most probes in a batch: from here on a larger matrix product is no faster.
const BATCH_PROBES: usize = 256;

/// A live row that may be among the best: its float32 product and where it is.
type Candidate = (f32, u32);

pub(crate) fn checked_count(k: usize) -> Result<usize, IndexError> {
    if k > MAX_HITS { Err(IndexError::TooManyHits { asked: k, limit: MAX_HITS }) } else { Ok(k) }
}

pub(crate) fn nearest(snapshot: &Snapshot, probe: &[f32], k: usize) -> Result<Vec<Hit>, IndexError> {
    if k == 0 || snapshot.is_empty() {
        return Ok(Vec::new());
    }
    let scans = snapshot.over_parts(|part| Scan::first(part, probe, k));
    finish(snapshot, probe, k, scans.into_iter().collect::<Result<_, _>>()?)
}

pub(crate) fn nearest_many(
    snapshot: &Snapshot,
    probes: &[Voiceprint],
    k: usize,
) -> Result<Vec<Vec<Hit>>, IndexError> {
    if k == 0 || snapshot.is_empty() {
        return Ok(vec![Vec::new(); probes.len()]);
    }
    let per_probe: usize = snapshot.parts.iter().map(|part| first_fetch(part, k)).sum();
    let at_once = (BATCH_CANDIDATES / per_probe.max(1)).clamp(1, BATCH_PROBES);
    let mut hits = Vec::with_capacity(probes.len());
    for batch in probes.chunks(at_once) {
        let flat: Vec<f32> = batch.iter().flat_map(Voiceprint::values).copied().collect();
        let scans = snapshot.over_parts(|part| Scan::first_of_many(part, &flat, k));
        let mut scans =
            scans.into_iter().map(|scan| scan.map(Vec::into_iter)).collect::<Result<Vec<_>, _>>()?;
        for probe in batch {
            let of_probe = scans.iter_mut().filter_map(Iterator::next).collect();
            hits.push(finish(snapshot, probe.values(), k, of_probe)?);
        }
    }
    Ok(hits)
}

pub(crate) fn within(
    snapshot: &Snapshot,
    probe: &[f32],
    min_cosine: Cosine,
    limit: usize,
) -> Result<Vec<Hit>, IndexError> {
    let radius = floor_below(min_cosine.value(), snapshot.dimension);
    let passes = |hit: &Hit| hit.cosine >= min_cosine;
    let found = snapshot.over_parts(|part| -> Result<Vec<Hit>, IndexError> {
        let rows = part.segment().above(probe, radius)?.into_iter().map(|found| found.1);
        let hits = rows.filter_map(|row| exact_if_live(part, probe, row));
        Ok(best(hits.filter(passes).collect(), limit))
    });
    let mut hits: Vec<Hit> = exact_delta(snapshot, probe, f32::NEG_INFINITY).filter(passes).collect();
    for of_part in found {
        hits.extend(of_part?);
    }
    Ok(best(hits, limit))
}

/// What is known of one segment for one probe.
struct Scan {
    fetch: usize,
    live: Vec<Candidate>,
    /// See [`Nearest::rest_below`].
    rest_below: Option<f32>,
}

impl Scan {
    fn first(part: &Part, probe: &[f32], k: usize) -> Result<Self, IndexError> {
        Self::with(part, probe, first_fetch(part, k))
    }

    fn with(part: &Part, probe: &[f32], fetch: usize) -> Result<Self, IndexError> {
        let nearest = part.segment().nearest(probe, fetch)?.pop();
        let nearest = nearest.unwrap_or(Nearest { found: Vec::new(), rest_below: None });
        Ok(Self::of_live(part, fetch, nearest))
    }

    fn first_of_many(part: &Part, probes: &[f32], k: usize) -> Result<Vec<Self>, IndexError> {
        let fetch = first_fetch(part, k);
        let nearest = part.segment().nearest(probes, fetch)?;
        Ok(nearest.into_iter().map(|nearest| Self::of_live(part, fetch, nearest)).collect())
    }

    fn of_live(part: &Part, fetch: usize, mut nearest: Nearest) -> Self {
        nearest.found.retain(|(_, row)| part.is_live(*row as usize));
        Self { fetch, live: nearest.found, rest_below: nearest.rest_below }
    }

    /// Whether a row left out could belong to the answer.
    fn may_miss(&self, floor: f32) -> bool {
        self.rest_below.is_some_and(|rest| rest >= floor)
    }
}

/// As many rows as hold `k` live ones unless most of the best are dead.
fn first_fetch(part: &Part, k: usize) -> usize {
    (k + SPARE_ROWS + part.dead_len().min(k)).min(part.segment().len())
}

/// Asks segments for more until nothing is missing, then computes the candidates' exact cosines.
fn finish(
    snapshot: &Snapshot,
    probe: &[f32],
    k: usize,
    mut scans: Vec<Scan>,
) -> Result<Vec<Hit>, IndexError> {
    let delta: Vec<f32> = snapshot.delta.iter().map(|(_, print)| quick_dot(probe, print.values())).collect();
    let floor = loop {
        let floor = floor_of(k, &scans, &delta, snapshot.dimension);
        let mut complete = true;
        for (scan, part) in scans.iter_mut().zip(&snapshot.parts) {
            if scan.may_miss(floor) {
                *scan = Scan::with(part, probe, scan.fetch * REFETCH_GROWTH)?;
                complete = false;
            }
        }
        if complete {
            break floor;
        }
    };
    let mut hits: Vec<Hit> = exact_delta(snapshot, probe, floor).collect();
    for (scan, part) in scans.iter().zip(&snapshot.parts) {
        let rows = scan.live.iter().filter(|(score, _)| *score >= floor).map(|found| found.1);
        hits.extend(rows.filter_map(|row| exact_if_live(part, probe, row)));
    }
    Ok(best(hits, k))
}

/// No row with a float32 product below this can be among the `k` best of the rows seen.
fn floor_of(k: usize, scans: &[Scan], delta: &[f32], dimension: usize) -> f32 {
    let sealed = scans.iter().flat_map(|scan| scan.live.iter().map(|found| found.0));
    let mut scores: Vec<f32> = sealed.chain(delta.iter().copied()).collect();
    if scores.len() < k {
        return f32::NEG_INFINITY;
    }
    let (_, kth, _) = scores.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    floor_below(*kth, dimension)
}

/// No row with a smaller float32 product has a cosine as large as that of one with `score`.
///
/// A float32 product of n terms is off by at most n u / (1 - n u) for unit vectors, whatever the
/// order of summation (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1;
/// u = 2^-24). Two rows' errors add up; n + 16 leaves room for the rounding of the cosine itself and
/// for voiceprints a thousandth off unit length. Cosines beyond +-1 are clamped, so they tie.
fn floor_below(score: f32, dimension: usize) -> f32 {
    let slack = (dimension + 16) as f32 * f32::EPSILON;
    let floor = score.min(1.0) - slack;
    if floor <= -1.0 + slack { f32::NEG_INFINITY } else { floor }
}

fn exact_if_live(part: &Part, probe: &[f32], row: u32) -> Option<Hit> {
    let row = row as usize;
    let segment = part.segment();
    part.is_live(row).then(|| Hit { entry: segment.id(row), cosine: exact(probe, segment.values(row)) })
}

fn exact_delta<'a>(snapshot: &'a Snapshot, probe: &'a [f32], floor: f32) -> impl Iterator<Item = Hit> + 'a {
    let near = snapshot.delta.iter().filter(move |(_, print)| quick_dot(probe, print.values()) >= floor);
    near.map(move |(entry, print)| Hit { entry: *entry, cosine: exact(probe, print.values()) })
}

/// As [`Voiceprint::cosine`] computes it.
fn exact(a: &[f32], b: &[f32]) -> Cosine {
    let dot: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    Cosine::from_dot(dot as f32)
}

/// In float32 and eight lanes, which the compiler turns into vector instructions.
fn quick_dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_eights, a_rest) = a.as_chunks::<8>();
    let (b_eights, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0f32; 8];
    for (a, b) in a_eights.iter().zip(b_eights) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

fn best(mut hits: Vec<Hit>, k: usize) -> Vec<Hit> {
    hits.sort_unstable_by(Hit::order);
    hits.truncate(k);
    hits
}

impl Snapshot {
    /// Does `work` for each segment, on several threads if the gallery is large.
    fn over_parts<T: Send>(&self, work: impl Fn(&Part) -> T + Sync) -> Vec<T> {
        let large = self.len >= self.options.parallel_rows;
        let threads = if large { self.options.search_threads } else { 1 };
        spread(threads, self.parts.len(), &|part| work(&self.parts[part]))
    }
}
