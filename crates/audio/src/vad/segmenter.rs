use super::VadOptions;
use super::options::chunks;

/// Makes steady decisions of probabilities: hysteresis, least durations, padding and hangover.
///
/// Counts chunks and nothing else, so its decisions do not depend on how audio arrived.
#[derive(Clone, Debug)]
pub(super) struct Segmenter {
    enter: f32,
    exit: f32,
    min_speech: usize,
    min_silence: usize,
    pad_before: usize,
    hangover: usize,
    phase: Phase,
    /// Quiet chunks since the last one of confirmed speech; none if there was no speech yet.
    gap: Option<usize>,
    /// The last of those, which an onset may still claim.
    undecided: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Quiet,
    /// So many loud chunks, not yet enough to be speech. They are undecided too.
    Candidate(usize),
    Speech,
}

impl Segmenter {
    pub(super) fn new(options: &VadOptions) -> Self {
        Self {
            enter: options.enter_probability,
            exit: options.exit_probability,
            min_speech: chunks(options.min_speech_ms).max(1),
            min_silence: chunks(options.min_silence_ms),
            pad_before: chunks(options.pad_before_ms),
            hangover: chunks(options.hangover_ms),
            phase: Phase::Quiet,
            gap: None,
            undecided: 0,
        }
    }

    /// Takes the next chunk's probability; appends a decision for every chunk that now has one, in
    /// order.
    pub(super) fn accept(&mut self, probability: f32, decisions: &mut Vec<bool>) {
        let threshold = if self.phase == Phase::Quiet { self.enter } else { self.exit };
        match self.phase {
            Phase::Speech if probability >= threshold => decisions.push(true),
            Phase::Speech => {
                (self.phase, self.gap) = (Phase::Quiet, Some(0));
                self.quiet_chunk(decisions);
            }
            Phase::Quiet if probability < threshold => self.quiet_chunk(decisions),
            Phase::Quiet => self.loud_chunk(1, decisions),
            Phase::Candidate(length) if probability >= threshold => self.loud_chunk(length + 1, decisions),
            Phase::Candidate(_) => {
                self.drop_candidate(decisions);
                self.quiet_chunk(decisions);
            }
        }
    }

    /// Decides what is left: an unconfirmed burst at the end is no speech.
    pub(super) fn finish(&mut self, decisions: &mut Vec<bool>) {
        self.drop_candidate(decisions);
        decisions.extend(std::iter::repeat_n(false, self.undecided));
        (self.phase, self.gap, self.undecided) = (Phase::Quiet, None, 0);
    }

    fn quiet_chunk(&mut self, decisions: &mut Vec<bool>) {
        self.gap = self.gap.map(|gap| gap.saturating_add(1));
        if self.gap.is_some_and(|gap| gap <= self.hangover) {
            decisions.push(true);
            return;
        }
        self.undecided += 1;
        let may_be_filled = self.gap.is_some_and(|gap| gap < self.min_silence);
        if !may_be_filled && self.undecided > self.pad_before {
            let settled = self.undecided - self.pad_before;
            decisions.extend(std::iter::repeat_n(false, settled));
            self.undecided = self.pad_before;
        }
    }

    fn loud_chunk(&mut self, length: usize, decisions: &mut Vec<bool>) {
        self.phase = Phase::Candidate(length);
        if length < self.min_speech {
            return;
        }
        let filled = self.gap.is_some_and(|gap| gap < self.min_silence);
        let claimed = if filled { self.undecided } else { self.undecided.min(self.pad_before) };
        decisions.extend(std::iter::repeat_n(false, self.undecided - claimed));
        decisions.extend(std::iter::repeat_n(true, claimed + length));
        (self.phase, self.undecided) = (Phase::Speech, 0);
    }

    /// A burst that was too short counts as quiet.
    fn drop_candidate(&mut self, decisions: &mut Vec<bool>) {
        if let Phase::Candidate(length) = self.phase {
            self.phase = Phase::Quiet;
            (0..length).for_each(|_| self.quiet_chunk(decisions));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `#` loud, `+` between the thresholds, `.` quiet. Gives `S` and `-`.
    fn decide(options: &VadOptions, signal: &str) -> String {
        let mut segmenter = Segmenter::new(options);
        let mut decisions = Vec::new();
        for c in signal.chars() {
            let probability = match c {
                '#' => 0.9,
                '+' => 0.4,
                _ => 0.1,
            };
            segmenter.accept(probability, &mut decisions);
        }
        segmenter.finish(&mut decisions);
        decisions.iter().map(|speech| if *speech { 'S' } else { '-' }).collect()
    }

    fn options(min_speech: u32, min_silence: u32, pad_before: u32, hangover: u32) -> VadOptions {
        VadOptions {
            min_speech_ms: min_speech * 32,
            min_silence_ms: min_silence * 32,
            pad_before_ms: pad_before * 32,
            hangover_ms: hangover * 32,
            ..VadOptions::default()
        }
    }

    #[test]
    fn each_rule_alone() {
        let check = |options, signal, expect: &str| assert_eq!(decide(&options, signal), expect, "{signal}");
        // Hysteresis: between the thresholds speech goes on but does not begin.
        check(options(1, 0, 0, 0), "..++##++..++..#", "----SSSS------S");
        // Bursts shorter than the least speech.
        check(options(3, 0, 0, 0), ".##..###.####.##", "-----SSS-SSSS---");
        // Pauses shorter than the least silence.
        check(options(1, 3, 0, 0), "#..#...#.#", "SSSS---SSS");
        // Padding and hangover.
        check(options(1, 0, 2, 0), "....#....#", "--SSS--SSS");
        check(options(1, 0, 0, 2), "..#....#..", "--SSS--SSS");
    }

    #[test]
    fn the_rules_together() {
        let all = options(2, 3, 1, 1);
        for (signal, expect) in [
            ("....##....##..", "---SSSS--SSSS-"),
            // A pause of two is filled; a burst of one in it does not end it.
            ("##..##", "SSSSSS"),
            ("##.#.##", "SSS-SSS"),
            // A failed burst leaves the padding of the next onset as it is.
            ("...#.##", "----SSS"),
            ("", ""),
            ("#", "-"),
            ("##", "SS"),
        ] {
            assert_eq!(decide(&all, signal), expect, "{signal}");
        }
    }

    proptest! {
        #[test]
        fn decides_each_chunk_once_within_the_look_ahead(
            probabilities in prop::collection::vec(0.0f32..1.0, 0..200),
            durations in prop::array::uniform4(0u32..300),
        ) {
            let [min_speech_ms, min_silence_ms, pad_before_ms, hangover_ms] = durations;
            let options = VadOptions {
                min_speech_ms, min_silence_ms, pad_before_ms, hangover_ms, ..VadOptions::default()
            };
            let mut segmenter = Segmenter::new(&options);
            let mut decisions = Vec::new();
            for (n, probability) in probabilities.iter().enumerate() {
                segmenter.accept(*probability, &mut decisions);
                prop_assert!(decisions.len() <= n + 1);
                prop_assert!(n + 1 - decisions.len() <= options.look_ahead_chunks());
            }
            segmenter.finish(&mut decisions);
            prop_assert_eq!(decisions.len(), probabilities.len());
        }
    }
}
