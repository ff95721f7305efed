//! An adaptation that knows only that most recordings are of different people.

use std::fmt::Write as _;

use earmark_scoring::{BackEnd, BackEndBundle, CalibrationFit, Cohort, Matcher, Prepared};
use earmark_voiceprint::Voiceprint;

use crate::calibrate::rounded;
use crate::cohort_voices::{MAX_COHORT_CALLS, MIN_SPEECH};
use crate::fitted::Fitted;
use crate::labelled::Adaptation;
use crate::trials::spread;
use crate::{AdaptationError, AdaptationOptions, Call, material, workers};

/// The fewest recordings that say where a line's voices lie.
const FEWEST: usize = 50;
/// The most recordings that are compared with each other: 2,000,000 pairs.
const MAX_COMPARED: usize = 2000;
/// The part of all pairs at which the new scores are brought to the base's false match curve. Above
/// it pairs that are one person after all don't matter as long as they are far fewer; below it the
/// pairs are easy ones that decide nothing.
const RATES: [f64; 5] = [0.02, 0.014, 0.01, 0.007, 0.005];
/// How far, in nats, the offset may be moved: down only, for strangers who look too alike. The base's
/// curve is of its harder groups, so that easier pairs are no reason to trust a score more.
const SHIFTS: (f64, f64) = (-4.0, 0.0);

/// Moves the domain's mean, and the cohort where `base` has one, to these recordings. The projection
/// and the calibration stay the base's; only its offset is moved, so that pairs of recordings, taken
/// as different people, reach high LLRs as rarely as the base's false match curve says.
///
/// # Errors
/// Fewer than 50 recordings with enough speech, or another model's voiceprints.
pub fn adapt_unlabelled(
    calls: &[Call],
    options: &AdaptationOptions,
    base: &BackEndBundle,
) -> Result<Adaptation, AdaptationError> {
    options.check()?;
    let model = material::check(calls)?;
    base.require_model(&model)?;
    let long: Vec<&Call> =
        calls.iter().filter(|c| c.voiceprint.net_speech().seconds() >= MIN_SPEECH).collect();
    if long.len() < FEWEST {
        let text = format!("{} recordings with {MIN_SPEECH} s of speech, {FEWEST} are needed", long.len());
        return Err(AdaptationError::TooLittle(text));
    }
    let mean = mean(&long);
    let projection = base.back_end().projection().cloned();
    let back_end = BackEnd::new(model, &mean, projection)?;
    let cohort = base.cohort().map(|old| cohort(&back_end, &long, old)).transpose()?;
    let old_fit = base.calibration().fit().clone();
    let moved = Moved { back_end, cohort, base };
    let (shift, at_rates) = moved.shift(&long, &old_fit, options.threads)?;
    let calibration = CalibrationFit { offset: rounded(old_fit.offset + shift), ..old_fit };
    let report = report(calls.len(), long.len(), &moved, shift, &at_rates);
    let description = format!(
        "Made by earmark adapt from {} recordings without labels: the domain's mean{} from them; projection and \
         calibration of {}, its offset moved by {shift:+.2} nats so that pairs of these recordings keep its false match \
         curve.",
        calls.len(),
        if moved.cohort.is_some() { " and the cohort" } else { "" },
        base.name()
    );
    Ok(Adaptation { fitted: moved.fitted(mean, calibration, description), report })
}

/// A part of all pairs, the LLR they reach, and the LLR by the base's curve.
type AtRate = (f64, f64, f64);

struct Moved<'a> {
    back_end: BackEnd,
    /// The voices and how many of them are taken.
    cohort: Option<(Vec<f32>, usize)>,
    base: &'a BackEndBundle,
}

impl Moved<'_> {
    /// How far the offset is moved, and the LLRs found and wanted at each rate.
    fn shift(
        &self,
        calls: &[&Call],
        fit: &CalibrationFit,
        threads: usize,
    ) -> Result<(f64, Vec<AtRate>), AdaptationError> {
        // Without limits, so that the far tail shows.
        let open = CalibrationFit { llr_min: -1e3, llr_max: 1e3, ..fit.clone() };
        let calibration = earmark_scoring::Calibration::new(self.back_end.space().clone(), "", open)?;
        let plda = self.base.plda().cloned();
        let cohort = self
            .cohort
            .as_ref()
            .map(|(values, top)| Cohort::new(self.back_end.dimension(), values, *top, plda.as_ref()));
        let bundle = BackEndBundle::new("", self.back_end.clone(), plda, cohort.transpose()?, calibration);
        let matcher = Matcher::new(bundle)?;
        let chosen = spread(calls, MAX_COMPARED);
        let prepared = workers::map(threads, chosen.len(), |i| {
            matcher.prepare(&chosen[i].voiceprint, chosen[i].quality)
        });
        let prepared = prepared.into_iter().collect::<Result<Vec<Prepared>, _>>()?;
        let rows = workers::map(threads, prepared.len(), |i| {
            let others = &prepared[i + 1..];
            others
                .iter()
                .map(|p| Ok(matcher.score(&prepared[i], p)?.llr.nats()))
                .collect::<Result<Vec<f64>, AdaptationError>>()
        });
        let mut llrs: Vec<f64> =
            rows.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        llrs.sort_unstable_by(|a, b| b.total_cmp(a));
        let at = |rate: f64| llrs[((llrs.len() as f64 * rate) as usize).min(llrs.len() - 1)];
        let rows: Vec<_> = RATES.iter().map(|r| (*r, at(*r), fit.false_matches.llr_for(*r))).collect();
        let mut shifts: Vec<f64> = rows.iter().map(|(_, found, wanted)| wanted - found).collect();
        shifts.sort_unstable_by(f64::total_cmp);
        let shift = rounded(shifts[shifts.len() / 2].clamp(SHIFTS.0, SHIFTS.1));
        Ok((shift, rows))
    }

    fn fitted(&self, mean: Vec<f32>, calibration: CalibrationFit, description: String) -> Fitted {
        let projection = self.back_end.projection().map(|p| (p.rows(), p.columns(), p.values().to_vec()));
        let plda = self.base.plda().map(|p| (p.between().to_vec(), p.within().to_vec()));
        let dimension = self.back_end.dimension();
        let cohort = self.cohort.clone().map(|(values, top)| (values, dimension, top));
        let model = self.back_end.model().as_str().to_owned();
        Fitted { model, mean, projection, plda, cohort, calibration, description }
    }
}

/// Of all recordings, each once; summed in order.
fn mean(calls: &[&Call]) -> Vec<f32> {
    let mut sum = vec![0.0; calls.first().map_or(0, |c| c.voiceprint.dimension())];
    for call in calls {
        sum.iter_mut().zip(call.voiceprint.values()).for_each(|(s, v)| *s += f64::from(*v));
    }
    sum.iter().map(|s| (s / calls.len() as f64) as f32).collect()
}

/// As many of the nearest as the old cohort took of its voices.
fn cohort(back_end: &BackEnd, calls: &[&Call], old: &Cohort) -> Result<(Vec<f32>, usize), AdaptationError> {
    let voices = spread(calls, MAX_COHORT_CALLS);
    let moved: Vec<Voiceprint> =
        voices.iter().map(|c| back_end.apply(&c.voiceprint)).collect::<Result<_, _>>()?;
    let top = crate::score::scaled_top(old.top(), moved.len(), old.len());
    Ok((moved.iter().flat_map(|v| v.values().iter().copied()).collect(), top))
}

fn report(all: usize, long: usize, moved: &Moved<'_>, shift: f64, rows: &[AtRate]) -> String {
    let mut out = format!(
        "# Adaptation report\n\nWithout labels, from {all} recordings ({long} with {MIN_SPEECH} s of speech or more), on \
         the base \"{}\".\n\n| part | what became of it |\n|---|---|\n| mean of the domain | new, of these recordings, \
         each counted once |\n",
        moved.base.name()
    );
    let cohort = match &moved.cohort {
        Some((values, top)) => {
            format!(
                "new: {} of these recordings, the nearest {top} beside a voice",
                values.len() / moved.back_end.dimension()
            )
        }
        None => {
            "the base has none; without labels none is added, since its calibration is of plain scores".into()
        }
    };
    let _ = writeln!(
        out,
        "| cohort | {cohort} |\n| projection, PLDA | kept from the base |\n| calibration | kept from the base, its offset moved by {shift:+.2} nats |\n| limits, false match curves | kept from the base |"
    );
    let _ = writeln!(
        out,
        "\nThe offset is moved so that pairs of these recordings, taken as two people each, reach the LLRs of the base's \
         false match curve no oftener than its rates say (median over the rates; down only, by 4 nats at most):\n\n| part of all pairs | LLR they reach | LLR \
         by the base's curve |\n|---|---|---|"
    );
    for (rate, found, wanted) in rows {
        let _ = writeln!(out, "| {:.1} % | {found:.2} | {wanted:.2} |", 100.0 * rate);
    }
    out.push_str(
        "\nThat is right only if far fewer than 0.5 % of the pairs are one person: give each caller's recordings once. \
         Nothing here measures how many true callers are found; label some recordings and look at that before \
         switching over.\n",
    );
    out
}
