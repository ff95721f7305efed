//! An adaptation that knows who speaks in each recording.

use std::collections::{BTreeMap, BTreeSet};

use earmark_scoring::{CalibrationFit, FalseMatches};

use crate::calibrate::Weighting;
use crate::crossval::Bench;
use crate::curves::{Curve, Stranger, curve};
use crate::fitted::Fitted;
use crate::folds::Folds;
use crate::material::Material;
use crate::metrics::{self, Figures};
use crate::report;
use crate::score::Fit;
use crate::selection::{self, GROUPS, Place, Tried};
use crate::space::Moments;
use crate::trials::{Group, Trial, Trials};
use crate::{AdaptationError, AdaptationOptions, Call, Candidate, Normalization, Purpose, Shape};

/// The fewest speakers with several sessions that a cross-validation over speakers can be made of.
const FEWEST_SPEAKERS: usize = 10;

/// A trained back end and what there is to say of it.
pub struct Adaptation {
    /// The back end.
    pub fitted: Fitted,
    /// What was tried and how good it is, as Markdown.
    pub report: String,
}

/// What the report is written from.
pub(crate) struct Findings<'a> {
    pub(crate) material: &'a Material,
    /// The trials that figures are given of.
    pub(crate) trials: &'a Trials,
    pub(crate) reported: bool,
    pub(crate) tried: &'a [Tried],
    pub(crate) chosen: usize,
    pub(crate) finalists: Vec<Finalist>,
    /// LLRs of the trials by the chosen candidate and weighting.
    pub(crate) llrs: &'a [f32],
    pub(crate) weightings: Vec<(Weighting, Figures, Option<Figures>)>,
    pub(crate) weighting: Weighting,
    pub(crate) once: &'a Curve,
    pub(crate) live: Option<&'a Curve>,
    pub(crate) fit: &'a CalibrationFit,
    pub(crate) codecs: Vec<&'a str>,
}

/// A finalist's calibrated figures, by band and over all.
pub(crate) struct Finalist {
    pub(crate) candidate: Candidate,
    pub(crate) bands: Vec<Option<Figures>>,
    pub(crate) all: Option<Figures>,
}

/// Trains on labelled calls. What is reported is cross-validated over speakers; what is shipped is
/// fitted on everybody who is not for tests only.
///
/// `base_live` tells the looks at live calls apart from one look where no call was listened to look
/// by look: the back end in use before.
///
/// # Errors
/// Too few speakers with several sessions, a list that contradicts itself, or a fit without
/// solution.
pub fn adapt_labelled(
    calls: &[Call],
    options: &AdaptationOptions,
    base_live: Option<&CalibrationFit>,
) -> Result<Adaptation, AdaptationError> {
    options.check()?;
    let material = Material::new(calls)?;
    let of = |group| Trials::of_calls(&material, options, group);
    let bench = Bench::new(&material, options, vec![of(Group::Reported), of(Group::Training)]);
    let (main, reports) = main_trials(&material, options)?;
    // Nothing that is shipped may follow from speakers who are for tests only.
    let deciding = deciding_trials(&material, options)?;
    let (tried, chosen) = select(&bench, &deciding)?;
    let winner = tried[chosen].candidate;
    let candidates: Vec<Candidate> =
        selection::finalists(&tried, chosen).into_iter().map(|at| tried[at].candidate).collect();
    let sets = if main.list == deciding.list { vec![&main] } else { vec![&main, &deciding] };
    let llrs = bench.llrs(&sets, &candidates, &Weighting::ALL)?;
    let at = candidates.iter().position(|c| *c == winner).unwrap_or(0);
    let weightings = weightings(&deciding, &llrs[at]);
    let weighting =
        weightings.iter().min_by(|a, b| loss(a).total_cmp(&loss(b))).map_or(Weighting::Even, |w| w.0);
    let number = Weighting::ALL.iter().position(|w| *w == weighting).unwrap_or(0);
    let finalists =
        candidates.iter().zip(&llrs).map(|(c, by)| finalist(&material, &main, *c, &by[number][0]));
    let finalists = finalists.collect();
    let llrs = &llrs[at][number][0];

    let mut fitted = fit_all(&bench, winner, weighting)?;
    let (once, live) = curves(&bench, winner, weighting, fitted.calibration.llr_max)?;
    fitted.calibration.false_matches = FalseMatches::new(&once.points)?;
    fitted.calibration.live_false_matches = live_curve(&once, live.as_ref(), base_live)?;
    fitted.description = report::description(&material, winner, weighting);
    let codecs = calls.iter().map(|c| c.codec.as_str()).collect();
    let findings = Findings {
        material: &material,
        trials: &main,
        reported: reports,
        tried: &tried,
        chosen,
        finalists,
        llrs,
        weightings,
        weighting,
        once: &once,
        live: live.as_ref(),
        fit: &fitted.calibration,
        codecs,
    };
    let report = report::labelled(&findings)?;
    Ok(Adaptation { fitted, report })
}

/// What figures are given of: the reported trials, if there are speakers enough; else those of the
/// training speakers.
fn main_trials(material: &Material, options: &AdaptationOptions) -> Result<(Trials, bool), AdaptationError> {
    let reported = Trials::of_calls(material, options, Group::Reported);
    if tried_speakers(&reported) >= FEWEST_SPEAKERS {
        return Ok((reported, true));
    }
    let training = Trials::of_calls(material, options, Group::Training);
    match tried_speakers(&training) {
        n if n >= FEWEST_SPEAKERS => Ok((training, false)),
        n => Err(too_few(n)),
    }
}

/// What is decided by: as the main trials, without anybody who is for tests only.
fn deciding_trials(material: &Material, options: &AdaptationOptions) -> Result<Trials, AdaptationError> {
    let mut most = 0;
    for group in [Group::Reported, Group::Training] {
        let mut trials = Trials::of_calls(material, options, group);
        trials.list = trials.list.iter().filter(|t| learned(material, &trials, t)).copied().collect();
        match tried_speakers(&trials) {
            n if n >= FEWEST_SPEAKERS => return Ok(trials),
            n => most = most.max(n),
        }
    }
    Err(too_few(most))
}

/// Neither of a trial's speakers is for tests only.
fn learned(material: &Material, trials: &Trials, t: &Trial) -> bool {
    let learns = |s: usize| material.speakers[s].purpose != Purpose::Test;
    learns(trials.models[t.model as usize].speaker) && learns(Trials::caller(material, t))
}

/// How many speakers give target trials.
fn tried_speakers(trials: &Trials) -> usize {
    let targets = trials.list.iter().filter(|t| t.target);
    targets.map(|t| trials.models[t.model as usize].speaker).collect::<BTreeSet<_>>().len()
}

fn too_few(speakers: usize) -> AdaptationError {
    AdaptationError::TooLittle(format!(
        "{speakers} speakers give trials between two of their sessions, {FEWEST_SPEAKERS} are needed; without \
         labels an adaptation needs none"
    ))
}

fn select(bench: &Bench<'_>, trials: &Trials) -> Result<(Vec<Tried>, usize), AdaptationError> {
    let material = bench.material;
    let shapes = Shape::all(material.dimension());
    let mut ways: Vec<Option<Normalization>> = vec![None];
    let [speakers, calls] = bench.full;
    ways.extend(Normalization::all(speakers, calls).into_iter().map(Some));
    let scores = bench.try_all(trials, &shapes, &ways)?;
    let groups = Folds::new(material, GROUPS, |_| true);
    // Speakers for tests are one fold; the jackknife needs them apart as well.
    let group = |s: usize| groups.of(s).filter(|g| *g < GROUPS).unwrap_or(s % GROUPS) as u8;
    let place = |t: &Trial| Place {
        band: selection::band(Trials::probe_side(material, t).net_speech.seconds()),
        groups: (group(trials.models[t.model as usize].speaker), group(Trials::caller(material, t))),
        target: t.target,
    };
    let places: Vec<Place> = trials.list.iter().map(place).collect();
    let candidates =
        shapes.iter().flat_map(|shape| ways.iter().map(|n| Candidate { shape: *shape, normalization: *n }));
    let candidates: Vec<Candidate> = candidates.collect();
    let tried = crate::workers::map(bench.options.threads, candidates.len(), |i| {
        Tried::new(candidates[i], &places, &scores[i])
    });
    let chosen = match &bench.options.candidate {
        None => selection::choose(&tried),
        Some(name) => Some(named(&tried, name)?),
    };
    let chosen = chosen.filter(|c| tried[*c].cost.is_finite());
    let chosen = chosen
        .ok_or_else(|| AdaptationError::TooLittle("too few trials of one person to choose by".into()))?;
    Ok((tried, chosen))
}

/// The candidate of this name.
fn named(tried: &[Tried], name: &str) -> Result<usize, AdaptationError> {
    let found = tried.iter().position(|t| t.candidate.to_string() == name);
    found.ok_or(AdaptationError::BadOption(format!("no candidate is called {name:?}; the report names them")))
}

/// Figures of each weighting over the last set of trials, and over those of them between people of
/// one set and gender.
fn weightings(trials: &Trials, llrs: &[Vec<Vec<f32>>]) -> Vec<(Weighting, Figures, Option<Figures>)> {
    let of = |llrs: &[f32], wanted: &dyn Fn(&Trial) -> bool| figures_of(trials, llrs, |_, t| wanted(t));
    let by = Weighting::ALL.iter().zip(llrs).filter_map(|(w, sets)| {
        let llrs = sets.last()?;
        Some((*w, of(llrs, &|_| true)?, of(llrs, &|t| t.very_alike)))
    });
    by.collect()
}

/// What the calibration loses, over all trials and over the harder ones.
fn loss((_, all, alike): &(Weighting, Figures, Option<Figures>)) -> f64 {
    let of = |f: &Figures| f.cllr - f.min_cllr;
    alike.as_ref().map_or(of(all), |alike| 0.5 * (of(all) + of(alike)))
}

/// The figures of the trials for which `wanted` holds.
pub(crate) fn figures_of(
    trials: &Trials,
    llrs: &[f32],
    wanted: impl Fn(usize, &Trial) -> bool,
) -> Option<Figures> {
    let chosen = trials.list.iter().zip(llrs).enumerate().filter(|(i, (t, _))| wanted(*i, t));
    let mut scored: Vec<(f64, bool)> = chosen.map(|(_, (t, llr))| (f64::from(*llr), t.target)).collect();
    metrics::sort(&mut scored);
    metrics::of_sorted(&scored)
}

fn finalist(material: &Material, trials: &Trials, candidate: Candidate, llrs: &[f32]) -> Finalist {
    let seconds = |t: &Trial| Trials::probe_side(material, t).net_speech.seconds();
    let band = |b: u8| figures_of(trials, llrs, |_, t| selection::band(seconds(t)) == b);
    let bands = (0..selection::BANDS.len() as u8).map(band).collect();
    Finalist { candidate, bands, all: figures_of(trials, llrs, |_, _| true) }
}

/// The shipped parts: fitted on all who are not for tests only, the calibration on trials that its
/// folds' spaces had not heard.
fn fit_all(bench: &Bench<'_>, winner: Candidate, weighting: Weighting) -> Result<Fitted, AdaptationError> {
    let material = bench.material;
    let learns = |s: usize| material.speakers[s].purpose != Purpose::Test;
    let calls = material.calls_of(learns);
    let moments = Moments::of(material, bench.options, &calls)?;
    let space = moments.space(material, winner.shape)?;
    let mut calibrations = bench.calibrations(&learns, &[winner], &[weighting])?;
    let none = || AdaptationError::TooLittle("no trials to calibrate on".into());
    let calibration = calibrations.pop().and_then(|mut c| c.pop()).ok_or_else(none)?;
    let fit = Fit::new(material, space, &calls, &[winner.normalization]);
    let cohort = winner.normalization.and_then(|n| {
        let voices = fit.cohort(n.cohort)?;
        Some((voices.values.clone(), voices.dimension, n.top.min(voices.len())))
    });
    let space = fit.space;
    let projection = space.projection.as_ref().map(|p| {
        let rows: Vec<f32> = p.transpose().iter().map(|v| *v as f32).collect();
        (p.nrows(), p.ncols(), rows)
    });
    Ok(Fitted {
        model: material.model.as_str().to_owned(),
        mean: space.mean.iter().map(|v| *v as f32).collect(),
        projection,
        plda: space.variances,
        cohort,
        calibration,
        description: String::new(),
    })
}

/// The false match curves at one look and at any look, on trials between strangers of one set.
fn curves(
    bench: &Bench<'_>,
    winner: Candidate,
    weighting: Weighting,
    last: f64,
) -> Result<(Curve, Option<Curve>), AdaptationError> {
    let material = bench.material;
    let callers = |trials: &Trials| {
        let learned = trials.list.iter().filter(|t| learned(material, trials, t));
        learned.map(|t| Trials::caller(material, t)).collect::<BTreeSet<_>>().len()
    };
    let mut once = Vec::new();
    let mut looks = Vec::new();
    for group in [Group::Reported, Group::Training] {
        let mut trials = Trials::of_calls(material, bench.options, group);
        // A few people measure nothing; and who is only trained on (children, staff) speaks for the
        // callers' thresholds only where nobody else does.
        if callers(&trials) < FEWEST_SPEAKERS || !once.is_empty() {
            continue;
        }
        let stranger = |t: &&Trial| !t.target && t.alike && learned(material, &trials, t);
        trials.list = trials.list.iter().filter(stranger).copied().collect();
        once.push(trials);
        let mut trials = Trials::of_looks(material, bench.options, group);
        trials.list = trials.list.iter().filter(|t| learned(material, &trials, t)).copied().collect();
        looks.push(trials);
    }
    let sets: Vec<&Trials> = once.iter().chain(&looks).collect();
    let llrs = bench.llrs(&sets, &[winner], &[weighting])?;
    let (once_llrs, look_llrs) = llrs[0][0].split_at(once.len());
    let of = |sets: &[Trials], llrs: &[Vec<f32>]| -> Vec<Vec<Stranger>> {
        sets.iter().zip(llrs).map(|(trials, llrs)| strangers(material, trials, llrs)).collect()
    };
    let mut groups = of(&once, once_llrs);
    let measured = curve(&groups, last);
    if looks.iter().all(|l| l.list.is_empty()) {
        return Ok((measured, None));
    }
    groups.extend(of(&looks, look_llrs));
    let live = curve(&groups, last);
    Ok((measured, Some(live)))
}

/// Each call against a list of all other people of its set, one enrollment each: its largest LLR, at
/// any look.
fn strangers(material: &Material, trials: &Trials, llrs: &[f32]) -> Vec<Stranger> {
    // The enrollment that stands for a person: the last, which is of the most calls.
    let mut enrollment = BTreeMap::new();
    for t in &trials.list {
        let of = enrollment.entry((t.model_speaker(trials), Trials::call(material, t))).or_insert(t.model);
        *of = t.model.max(*of);
    }
    let mut people: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    let mut best: BTreeMap<_, Stranger> = BTreeMap::new();
    for (t, llr) in trials.list.iter().zip(llrs) {
        let (person, call) = (t.model_speaker(trials), Trials::call(material, t));
        if enrollment.get(&(person, call)) != Some(&t.model) {
            continue;
        }
        people.entry(call).or_default().insert(person);
        let one = Stranger { llr: f64::from(*llr), pair: pair_number(material, trials, t), listed: 0 };
        let entry = best.entry(call).or_insert(one);
        if one.llr > entry.llr {
            *entry = one;
        }
    }
    best.into_iter().map(|(call, s)| Stranger { listed: people[&call].len(), ..s }).collect()
}

/// The same for both directions between two people.
fn pair_number(material: &Material, trials: &Trials, t: &Trial) -> u64 {
    let (a, b) = (trials.models[t.model as usize].speaker as u64, Trials::caller(material, t) as u64);
    (a.min(b) << 32) | a.max(b)
}

/// Without looks the new rates are as much above those of one look as the base's are.
fn live_curve(
    once: &Curve,
    live: Option<&Curve>,
    base: Option<&CalibrationFit>,
) -> Result<FalseMatches, AdaptationError> {
    if let Some(live) = live {
        return Ok(FalseMatches::new(&live.points)?);
    }
    let above = |llr: f64| {
        let ratio = base.map_or(2.0, |b| b.live_false_matches.rate(llr) / b.false_matches.rate(llr));
        ratio.clamp(1.0, 10.0)
    };
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (llr, rate) in &once.points {
        let rate = (rate * above(*llr)).min(1.0);
        if points.last().is_none_or(|(_, before)| rate < *before) {
            points.push((*llr, rate));
        }
    }
    Ok(FalseMatches::new(&points)?)
}
