use super::Tally;

/// A stretch of scores that share one best likelihood ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PavBlock {
    /// Lowest score of the stretch.
    pub low: f64,
    /// Highest score of the stretch.
    pub high: f64,
    /// Weight of the targets in it.
    pub targets: f64,
    /// Weight of the non-targets in it.
    pub nontargets: f64,
}

impl PavBlock {
    /// The best monotone natural-log likelihood ratio of these scores, given the weight of all
    /// targets and of all non-targets; infinite where one kind stands alone.
    #[must_use]
    pub fn llr(&self, all_targets: f64, all_nontargets: f64) -> f64 {
        (self.targets / all_targets).ln() - (self.nontargets / all_nontargets).ln()
    }

    /// Whether the share of targets in this block is at least that in the next one.
    fn at_least(&self, next: &Self) -> bool {
        self.targets * next.nontargets >= next.targets * self.nontargets
    }

    fn join(&mut self, next: &Self) {
        self.high = next.high;
        self.targets += next.targets;
        self.nontargets += next.nontargets;
    }
}

/// Pool adjacent violators (Ayer et al. 1955; for calibration: Brümmer and du Preez 2006): the
/// non-decreasing likelihood ratios that explain the labels best, in one pass. The blocks' borders
/// are the corners of the ROC's convex hull too.
pub(super) fn pool(tally: &Tally) -> Vec<PavBlock> {
    let mut blocks: Vec<PavBlock> = Vec::new();
    for (score, targets, nontargets) in tally.groups() {
        if targets + nontargets <= 0.0 {
            continue;
        }
        let mut block = PavBlock { low: score, high: score, targets, nontargets };
        while let Some(mut last) = blocks.pop_if(|last| last.at_least(&block)) {
            last.join(&block);
            block = last;
        }
        blocks.push(block);
    }
    blocks
}
