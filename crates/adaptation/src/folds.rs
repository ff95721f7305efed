use crate::Purpose;
use crate::material::Material;

/// Speakers spread over folds. A trial is between the folds of its two speakers, and is scored by
/// what was trained without either.
pub(crate) struct Folds {
    fold: Vec<Option<usize>>,
    count: usize,
}

/// Two folds, the smaller number first.
pub(crate) type Pair = (usize, usize);

impl Folds {
    /// Over the speakers `wanted`, each purpose and set spread evenly; those who are for tests only
    /// are a fold of their own that nothing trains on.
    pub(crate) fn new(material: &Material, count: usize, wanted: impl Fn(usize) -> bool) -> Self {
        let mut order: Vec<usize> = (0..material.speakers.len()).filter(|s| wanted(*s)).collect();
        // Numbers follow names; speakers with several sessions are spread by themselves, since only
        // they give target trials.
        order.sort_by_key(|s| {
            let speaker = &material.speakers[*s];
            (speaker.purpose, !speaker.several_sessions, &speaker.set, &speaker.gender, *s)
        });
        let mut fold = vec![None; material.speakers.len()];
        let mut dealt = 0;
        for s in order {
            if material.speakers[s].purpose == Purpose::Test {
                fold[s] = Some(count);
            } else {
                fold[s] = Some(dealt % count);
                dealt += 1;
            }
        }
        Self { fold, count }
    }

    /// The fold of a speaker; none if they take no part.
    pub(crate) fn of(&self, speaker: usize) -> Option<usize> {
        self.fold[speaker]
    }

    /// All pairs of folds that hold somebody.
    pub(crate) fn pairs(&self) -> Vec<Pair> {
        let used = |f: usize| self.fold.contains(&Some(f));
        let all = 0..=self.count;
        all.clone()
            .flat_map(|a| (a..=self.count).map(move |b| (a, b)))
            .filter(|(a, b)| used(*a) && used(*b))
            .collect()
    }

    /// Whether a speaker may be trained on for trials between these folds.
    pub(crate) fn trains(&self, speaker: usize, (a, b): Pair) -> bool {
        self.fold[speaker].is_some_and(|f| f != a && f != b && f != self.count)
    }

    /// The pair of folds of two speakers.
    pub(crate) fn pair(&self, one: usize, other: usize) -> Option<Pair> {
        let (a, b) = (self.fold[one]?, self.fold[other]?);
        Some((a.min(b), a.max(b)))
    }
}
