use crate::AdaptationError;

/// How a back end is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptationOptions {
    /// Threads that work; the result is the same with any number.
    pub threads: usize,
    /// Folds of the speakers for everything that is reported.
    pub outer_folds: usize,
    /// Folds of the other speakers for the calibration.
    pub inner_folds: usize,
    /// The least speech of an enrollment recording, in seconds.
    pub min_enrolled_s: f32,
    /// The least speech of a call, in seconds.
    pub min_probe_s: f32,
    /// The least speech of a recording that says what differs between one speaker's calls, in
    /// seconds: shorter ones say more about their few words.
    pub min_training_s: f32,
    /// The prior of a target that the calibration's objective is weighted for.
    pub prior: f64,
    /// The candidate to take whatever the cross-validation says, by its name in the report, such as
    /// `mean`; none lets it choose.
    pub candidate: Option<String>,
}

impl Default for AdaptationOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            outer_folds: 5,
            inner_folds: 4,
            min_enrolled_s: 5.0,
            min_probe_s: 1.5,
            min_training_s: 4.0,
            // Decisions about lists are made in the upper tail; a fit for even odds bends there
            // with the length of the call (docs/evaluation.md).
            prior: 0.1,
            candidate: None,
        }
    }
}

impl AdaptationOptions {
    /// Refuses options that make no sense.
    ///
    /// # Errors
    /// [`AdaptationError::BadOption`] names the rule that is broken.
    pub fn check(&self) -> Result<(), AdaptationError> {
        let speech = [self.min_enrolled_s, self.min_probe_s, self.min_training_s];
        let rules = [
            ((1..=1024).contains(&self.threads), "threads must be 1 to 1,024"),
            ((2..=20).contains(&self.outer_folds), "outer_folds must be 2 to 20"),
            ((2..=20).contains(&self.inner_folds), "inner_folds must be 2 to 20"),
            (speech.iter().all(|s| (0.1..=600.0).contains(s)), "the least speech must be 0.1 to 600 s"),
            ((0.001..=0.5).contains(&self.prior), "the prior must be 0.001 to 0.5"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(AdaptationError::BadOption((*rule).into())),
            None => Ok(()),
        }
    }
}
