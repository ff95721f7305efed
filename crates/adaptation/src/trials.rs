use std::collections::BTreeMap;

use earmark_scoring::Side;

use crate::material::Material;
use crate::{AdaptationOptions, Purpose};

/// The most speakers that are tried against each other; the others are trained on only.
const MAX_TRIED_SPEAKERS: usize = 400;
/// The most enrollments and calls of one speaker that are tried.
const MAX_MODELS: usize = 12;
const MAX_PROBES: usize = 48;
/// About how many comparisons of two people are made in a group; of more, every so-manieth.
const MAX_NONTARGETS: usize = 2_000_000;

/// Who is tried against whom: nobody who is reported against somebody who is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Of the purposes report and test.
    Reported,
    /// Of the purpose train.
    Training,
}

impl Group {
    fn of(purpose: Purpose) -> Self {
        if purpose == Purpose::Train { Self::Training } else { Self::Reported }
    }
}

/// An enrollment of one or two recordings.
pub(crate) struct Model {
    pub(crate) speaker: usize,
    pub(crate) calls: Vec<usize>,
    pub(crate) side: Side,
}

/// An enrollment against a call (or one look at it).
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Trial {
    pub(crate) model: u32,
    /// The column of the material's matrix.
    pub(crate) column: u32,
    pub(crate) target: bool,
    /// Both speakers are of one set.
    pub(crate) alike: bool,
    /// Both are of one set and, as far as is known, of one gender.
    pub(crate) very_alike: bool,
}

impl Trial {
    /// Who is enrolled.
    pub(crate) fn model_speaker(&self, trials: &Trials) -> usize {
        trials.models[self.model as usize].speaker
    }
}

/// Trials among the speakers of one group.
pub(crate) struct Trials {
    pub(crate) models: Vec<Model>,
    pub(crate) list: Vec<Trial>,
}

impl Trials {
    /// All trials of a group's calls.
    pub(crate) fn of_calls(material: &Material, options: &AdaptationOptions, group: Group) -> Self {
        let speakers = tried_speakers(material, group);
        let models: Vec<Model> = speakers.iter().flat_map(|s| models(material, options, *s)).collect();
        let probes: Vec<usize> = speakers
            .iter()
            .flat_map(|s| {
                let calls = material.speakers[*s].calls.iter().copied();
                let calls = calls.filter(|c| {
                    let call = &material.calls[*c];
                    call.call_side.calls() && call.seconds >= options.min_probe_s
                });
                spread(&calls.collect::<Vec<_>>(), MAX_PROBES)
            })
            .collect();
        let columns: Vec<(usize, usize)> = probes.iter().map(|c| (*c, *c)).collect();
        let list = pairs(material, &models, &columns, |_| true);
        Self { models, list }
    }

    /// Trials between different people of one set at every look at a live call.
    pub(crate) fn of_looks(material: &Material, options: &AdaptationOptions, group: Group) -> Self {
        let speakers = tried_speakers(material, group);
        let models: Vec<Model> = speakers.iter().flat_map(|s| models(material, options, *s)).collect();
        let first = material.calls.len();
        let looks = material.looks.iter().enumerate().map(|(i, (call, _))| (*call, first + i));
        let looks: Vec<_> = looks.filter(|(c, _)| speakers.contains(&material.calls[*c].speaker)).collect();
        let list = pairs(material, &models, &looks, |t| !t.target && t.alike);
        Self { models, list }
    }

    /// The speaker who calls.
    pub(crate) fn caller(material: &Material, trial: &Trial) -> usize {
        material.calls[Self::call(material, trial)].speaker
    }

    /// The call behind a trial's column.
    pub(crate) fn call(material: &Material, trial: &Trial) -> usize {
        let column = trial.column as usize;
        let calls = material.calls.len();
        if column < calls { column } else { material.looks[column - calls].0 }
    }

    /// The conditions of a trial's calling side.
    pub(crate) fn probe_side<'a>(material: &'a Material, trial: &Trial) -> &'a Side {
        let column = trial.column as usize;
        let calls = material.calls.len();
        if column < calls { &material.calls[column].side } else { &material.looks[column - calls].1 }
    }
}

/// The speakers of a group that are tried, those with several sessions first: only they give
/// target trials.
fn tried_speakers(material: &Material, group: Group) -> Vec<usize> {
    let of = |several: bool| {
        let all = 0..material.speakers.len();
        let all = all.filter(|s| Group::of(material.speakers[*s].purpose) == group);
        all.filter(|s| material.speakers[*s].several_sessions == several).collect::<Vec<_>>()
    };
    let (several, single) = (of(true), of(false));
    let mut tried = spread(&several, MAX_TRIED_SPEAKERS);
    tried.extend(spread(&single, MAX_TRIED_SPEAKERS - tried.len()));
    tried.sort_unstable();
    tried
}

fn models(material: &Material, options: &AdaptationOptions, speaker: usize) -> Vec<Model> {
    let mut sessions: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for c in &material.speakers[speaker].calls {
        let call = &material.calls[*c];
        if call.call_side.enrolls() && call.seconds >= options.min_enrolled_s {
            // Without named sessions recordings of different days may enroll together.
            let key = if call.named_session { call.session + 1 } else { 0 };
            sessions.entry(key).or_default().push(*c);
        }
    }
    let each = (MAX_MODELS / sessions.len().max(1)).max(2);
    let mut models = Vec::new();
    for calls in sessions.values() {
        let singles: Vec<Vec<usize>> = spread(calls, each / 2).into_iter().map(|c| vec![c]).collect();
        let pairs: Vec<Vec<usize>> = (0..calls.len())
            .flat_map(|i| (i + 1..calls.len()).map(move |j| (i, j)))
            .take(1000)
            .map(|(i, j)| vec![calls[i], calls[j]])
            .collect();
        models.extend(singles);
        models.extend(spread(&pairs, each / 2));
    }
    models.truncate(MAX_MODELS);
    models.into_iter().filter_map(|calls| model(material, speaker, calls)).collect()
}

fn model(material: &Material, speaker: usize, calls: Vec<usize>) -> Option<Model> {
    let parts = calls.iter().map(|c| &material.calls[*c].side).map(|s| (s.net_speech, s.quality));
    let side = Side::merged(&parts.collect::<Vec<_>>())?;
    Some(Model { speaker, calls, side })
}

/// `probes` as (call, column).
fn pairs(
    material: &Material,
    models: &[Model],
    probes: &[(usize, usize)],
    wanted: impl Fn(&Trial) -> bool,
) -> Vec<Trial> {
    // A stride that is odd and prime, so that what is kept is spread over both sides.
    let keep = (models.len().saturating_mul(probes.len()) / MAX_NONTARGETS).max(1);
    let mut list = Vec::new();
    for (i, model) in models.iter().enumerate() {
        for (j, (call, column)) in probes.iter().enumerate() {
            let target = material.calls[*call].speaker == model.speaker;
            if target && same_session(material, model, *call) || !target && (i * 7919 + j) % keep != 0 {
                continue;
            }
            let (a, b) =
                (&material.speakers[model.speaker], &material.speakers[material.calls[*call].speaker]);
            let alike = a.set == b.set;
            let very_alike = alike && (a.gender == b.gender || a.gender.is_empty() || b.gender.is_empty());
            let trial = Trial { model: i as u32, column: *column as u32, target, alike, very_alike };
            if wanted(&trial) {
                list.push(trial);
            }
        }
    }
    list
}

fn same_session(material: &Material, model: &Model, call: usize) -> bool {
    model.calls.iter().any(|c| material.calls[*c].session == material.calls[call].session)
}

/// At most `most` of these, evenly spread over them.
pub(crate) fn spread<T: Clone>(all: &[T], most: usize) -> Vec<T> {
    if all.len() <= most {
        return all.to_vec();
    }
    (0..most).map(|i| all[i * all.len() / most].clone()).collect()
}
