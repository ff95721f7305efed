use super::{CallRow, CallsInput};
use crate::metrics::Estimate;
use crate::tags::{TagEvent, TagFigures, tag_figures};

/// What would have been tagged with the threshold moved, by each call's best entry at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdWhatIf {
    /// Added to each call's threshold, in nats: more is stricter.
    pub shift: f64,
    /// What would have been tagged.
    pub tags: TagFigures,
}

/// What a tag is worth when this share of the calls is made by listed proxies, by Bayes' rule from
/// the found share and the false tag rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriorWhatIf {
    /// Share of listed proxies' calls among all calls.
    pub proxy_share: f64,
    /// Share of the tags that are right (positive predictive value); none without any tag.
    pub precision: Option<Estimate>,
    /// Tags to expect in 1,000 calls.
    pub tags_per_1000: f64,
    /// Proxies' calls not found in 1,000 calls.
    pub missed_per_1000: f64,
}

pub(super) fn thresholds(input: &CallsInput, speakers: &[u32]) -> Vec<ThresholdWhatIf> {
    if input.calls.iter().all(|c| c.threshold.is_none()) {
        return Vec::new();
    }
    let at = |shift: &f64| {
        let event = |(call, speaker): (&CallRow, &u32)| {
            let tagged = call.best_llr.zip(call.threshold).is_some_and(|(llr, t)| llr >= t + shift);
            TagEvent { speaker: *speaker, listed: call.listed, tagged, right: call.listed && call.best_right }
        };
        let events: Vec<TagEvent> = input.calls.iter().zip(speakers).map(event).collect();
        ThresholdWhatIf { shift: *shift, tags: tag_figures(&events, &input.options.bootstrap) }
    };
    input.options.threshold_shifts.iter().map(at).collect()
}

/// None at all unless both listed and other people's calls are there.
pub(super) fn priors(tags: &TagFigures, shares: &[f64]) -> Vec<PriorWhatIf> {
    let (Some(found), Some(false_tags)) = (tags.found.interval, tags.false_tags.interval) else {
        return Vec::new();
    };
    let at = |share: &f64| {
        let precision = |found: f64, false_tags: f64| {
            let (right, wrong) = (share * found, (1.0 - share) * false_tags);
            (right + wrong > 0.0).then(|| right / (right + wrong))
        };
        // The worst of both intervals and the best: wider than 95 %, on the safe side.
        let interval = precision(found[0], false_tags[1]).zip(precision(found[1], false_tags[0]));
        let value = precision(tags.found.value, tags.false_tags.value);
        let tagged = tags.found.value + tags.mistaken.value;
        PriorWhatIf {
            proxy_share: *share,
            precision: value.map(|value| Estimate { value, interval: interval.map(|(l, h)| [l, h]) }),
            tags_per_1000: 1000.0 * (share * tagged + (1.0 - share) * tags.false_tags.value),
            missed_per_1000: 1000.0 * share * (1.0 - tags.found.value),
        }
    };
    shares.iter().map(at).collect()
}
