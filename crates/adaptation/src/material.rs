use std::collections::{BTreeMap, BTreeSet};

use earmark_scoring::Side;
use earmark_voiceprint::ModelId;
use nalgebra::DMatrix;

use crate::{AdaptationError, Call, CallSide, Purpose};

/// The most recordings one adaptation takes.
pub(crate) const MAX_CALLS: usize = 200_000;

/// Speakers and calls by number, and all voiceprints in one matrix.
pub(crate) struct Material {
    pub(crate) model: ModelId,
    pub(crate) speakers: Vec<Speaker>,
    pub(crate) calls: Vec<Recording>,
    /// A column a call, then a column a look.
    pub(crate) vectors: DMatrix<f64>,
    /// The looks: which call, its conditions.
    pub(crate) looks: Vec<(usize, Side)>,
}

pub(crate) struct Speaker {
    pub(crate) purpose: Purpose,
    pub(crate) set: String,
    pub(crate) gender: String,
    pub(crate) calls: Vec<usize>,
    /// Several sessions were heard: says what differs between one speaker's calls.
    pub(crate) several_sessions: bool,
}

pub(crate) struct Recording {
    pub(crate) speaker: usize,
    /// Numbers of one session are equal.
    pub(crate) session: usize,
    /// The list names sessions, so that pairs of recordings of one session enroll together.
    pub(crate) named_session: bool,
    pub(crate) call_side: CallSide,
    pub(crate) side: Side,
    pub(crate) seconds: f32,
}

impl Material {
    /// From labelled calls.
    pub(crate) fn new(calls: &[Call]) -> Result<Self, AdaptationError> {
        let model = check(calls)?;
        let mut names: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, call) in calls.iter().enumerate() {
            let Some(name) = call.speaker.as_deref().filter(|n| !n.is_empty()) else {
                let text =
                    format!("{} has no speaker; give one to every recording or to none", call.recording);
                return Err(AdaptationError::Inconsistent(text));
            };
            names.entry(name).or_default().push(at);
        }
        let mut sessions = BTreeMap::new();
        let mut recordings = Vec::with_capacity(calls.len());
        let number: BTreeMap<&str, usize> = names.keys().enumerate().map(|(i, n)| (*n, i)).collect();
        for (at, call) in calls.iter().enumerate() {
            let speaker = number.get(call.speaker.as_deref().unwrap_or_default()).copied().unwrap_or(0);
            let named = call.session.as_deref().filter(|s| !s.is_empty());
            let key = (speaker, named.map(str::to_owned), if named.is_some() { 0 } else { at });
            let fresh = sessions.len();
            let session = *sessions.entry(key).or_insert(fresh);
            recordings.push(Recording {
                speaker,
                session,
                named_session: named.is_some(),
                call_side: call.side,
                side: Side::single(call.voiceprint.net_speech(), call.quality),
                seconds: call.voiceprint.net_speech().seconds(),
            });
        }
        let speakers = names
            .iter()
            .map(|(name, own)| speaker(name, own, calls, &recordings))
            .collect::<Result<Vec<_>, _>>()?;
        let (vectors, looks) = vectors(calls);
        Ok(Self { model, speakers, calls: recordings, vectors, looks })
    }

    /// How many numbers a voiceprint has.
    pub(crate) fn dimension(&self) -> usize {
        self.vectors.nrows()
    }

    pub(crate) fn purpose(&self, call: usize) -> Purpose {
        self.speakers[self.calls[call].speaker].purpose
    }

    /// The calls of speakers for whom `wanted` holds, in the order of speakers.
    pub(crate) fn calls_of(&self, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let speakers = (0..self.speakers.len()).filter(|s| wanted(*s));
        speakers.flat_map(|s| self.speakers[s].calls.iter().copied()).collect()
    }
}

/// What every adaptation needs of its calls: some, not too many, of one model.
pub(crate) fn check(calls: &[Call]) -> Result<ModelId, AdaptationError> {
    let Some(first) = calls.first() else {
        return Err(AdaptationError::TooLittle("no recording gave a voiceprint".into()));
    };
    if calls.len() > MAX_CALLS {
        return Err(AdaptationError::TooMany { got: calls.len(), max: MAX_CALLS });
    }
    let prints = || {
        calls.iter().flat_map(|c| std::iter::once(&c.voiceprint).chain(c.looks.iter().map(|l| &l.voiceprint)))
    };
    let (model, dimension) = (first.voiceprint.model(), first.voiceprint.dimension());
    if prints().any(|p| p.model() != model || p.dimension() != dimension) {
        return Err(AdaptationError::Inconsistent("voiceprints of several models".into()));
    }
    Ok(model.clone())
}

fn speaker(
    name: &str,
    own: &[usize],
    calls: &[Call],
    recordings: &[Recording],
) -> Result<Speaker, AdaptationError> {
    let first = &calls[own[0]];
    let same = |field: fn(&Call) -> &str| own.iter().all(|i| field(&calls[*i]) == field(first));
    let differs =
        |what: &str| Err(AdaptationError::Inconsistent(format!("speaker {name} has more than one {what}")));
    if !own.iter().all(|i| calls[*i].purpose == first.purpose) {
        return differs("use");
    }
    if !same(|c| &c.set) {
        return differs("set");
    }
    if !same(|c| &c.gender) {
        return differs("gender");
    }
    let sessions: BTreeSet<usize> = own.iter().map(|i| recordings[*i].session).collect();
    Ok(Speaker {
        purpose: first.purpose,
        set: first.set.clone(),
        gender: first.gender.clone(),
        calls: own.to_vec(),
        several_sessions: sessions.len() > 1,
    })
}

fn vectors(calls: &[Call]) -> (DMatrix<f64>, Vec<(usize, Side)>) {
    let looks = || calls.iter().enumerate().flat_map(|(i, c)| c.looks.iter().map(move |l| (i, l)));
    let prints = calls.iter().map(|c| &c.voiceprint).chain(looks().map(|(_, l)| &l.voiceprint));
    let numbers: Vec<f64> = prints.flat_map(|p| p.values().iter().map(|v| f64::from(*v))).collect();
    let sides: Vec<_> =
        looks().map(|(i, l)| (i, Side::single(l.voiceprint.net_speech(), l.quality))).collect();
    let dimension = calls.first().map_or(1, |c| c.voiceprint.dimension());
    (DMatrix::from_vec(dimension, calls.len() + sides.len(), numbers), sides)
}
