use std::collections::HashMap;

/// Who speaks, as numbers from 0, found from the lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    /// The speaker of each trial's model and of its recording.
    pub trials: Vec<[u32; 2]>,
    /// How many speakers there are.
    pub speakers: usize,
}

/// What is known of one trial.
pub(crate) struct TrialSides<'a> {
    pub(crate) model: &'a str,
    pub(crate) recording: &'a str,
    pub(crate) target: bool,
    pub(crate) speaker: Option<&'a str>,
}

/// Finds the speakers behind trials `(model, recording, target, speaker of the recording where
/// known)` and enrollments `(model, recording)`: models and recordings joined by a target trial, an
/// enrollment or a speaker's name are one person, anyone else is their own.
#[must_use]
pub fn speaker_clusters<'a>(
    trials: impl Iterator<Item = (&'a str, &'a str, bool, Option<&'a str>)>,
    enrollments: impl Iterator<Item = (&'a str, &'a str)>,
) -> Clusters {
    let mut sets = Sets::default();
    let mut sides = Vec::new();
    for (model, recording) in enrollments {
        let (model, recording) = (sets.node(Node::Model(model)), sets.node(Node::Recording(recording)));
        sets.join(model, recording);
    }
    for (model, recording, target, speaker) in trials {
        let trial = TrialSides { model, recording, target, speaker };
        sides.push(sets.add(&trial));
    }
    let mut numbers = HashMap::new();
    let mut number = |root: usize| {
        let next = numbers.len() as u32;
        *numbers.entry(root).or_insert(next)
    };
    let trials: Vec<[u32; 2]> =
        sides.into_iter().map(|[m, r]| [number(sets.root(m)), number(sets.root(r))]).collect();
    Clusters { trials, speakers: numbers.len() }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Node<'a> {
    Model(&'a str),
    Recording(&'a str),
    Speaker(&'a str),
}

/// Union-find with path halving.
#[derive(Default)]
struct Sets<'a> {
    nodes: HashMap<Node<'a>, usize>,
    parents: Vec<usize>,
}

impl<'a> Sets<'a> {
    fn add(&mut self, trial: &TrialSides<'a>) -> [usize; 2] {
        let model = self.node(Node::Model(trial.model));
        let recording = self.node(Node::Recording(trial.recording));
        if trial.target {
            self.join(model, recording);
        }
        if let Some(speaker) = trial.speaker {
            let speaker = self.node(Node::Speaker(speaker));
            self.join(recording, speaker);
        }
        [model, recording]
    }

    fn node(&mut self, node: Node<'a>) -> usize {
        let next = self.parents.len();
        let place = *self.nodes.entry(node).or_insert(next);
        if place == next {
            self.parents.push(next);
        }
        place
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.parents[node] != node {
            self.parents[node] = self.parents[self.parents[node]];
            node = self.parents[node];
        }
        node
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The lower number stays, so that the numbering does not depend on a hash's order.
        self.parents[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_by_target_trials_enrollments_and_names() {
        let trials = [
            ("m1", "a.wav", true, None),
            ("m2", "a.wav", true, None),
            ("m1", "b.wav", false, None),
            ("m3", "b.wav", false, Some("kim")),
            ("m3", "c.wav", false, Some("kim")),
            ("m3", "d.wav", false, None),
        ];
        let clusters = speaker_clusters(trials.into_iter(), [("m3", "d.wav")].into_iter());
        // m1, m2 and a are one; b and c are kim; m3 and d are one.
        assert_eq!(clusters.speakers, 3);
        assert_eq!(clusters.trials, [[0, 0], [0, 0], [0, 1], [2, 1], [2, 1], [2, 2]]);
    }
}
