use serde_json::{Value, json};

use super::text::{Both, both, chosen, count, percent};
use crate::metrics::{IdentificationFigures, VerificationFigures};
use crate::tags::TagFigures;
use crate::{CallsResult, IdentifyResult, VerifyResult};

/// Fewer speakers than this and the intervals themselves are uncertain.
const FEW_SPEAKERS: usize = 30;
/// The rule of 30 (Doddington 1998): with 30 errors the true rate lies within 30 % of the measured
/// one, at 90 % confidence.
const FEW_ERRORS: f64 = 30.0;
/// Actual over minimum cost from which the calibration is called off, and the least gap in cost.
const OFF_RATIO: f64 = 1.2;
const OFF_COST: f64 = 0.02;

/// Something to be careful about: a stable code for programs, and what to tell people.
pub(super) struct Warning {
    code: &'static str,
    pub(super) text: Both,
}

fn warning(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Warning {
    Warning { code, text: both(zh, en) }
}

fn values(warnings: Vec<Warning>) -> Value {
    warnings.into_iter().map(|w| json!({ "code": w.code, "zh": w.text.zh, "en": w.text.en })).collect()
}

/// For metrics.json.
pub(crate) fn verify_warnings(result: &VerifyResult) -> Value {
    values(verify(result))
}

/// For metrics.json.
pub(crate) fn identify_warnings(result: &IdentifyResult) -> Value {
    values(identify(result))
}

/// For metrics.json.
pub(crate) fn calls_warnings(result: &CallsResult) -> Value {
    values(calls(result))
}

pub(super) fn verify(result: &VerifyResult) -> Vec<Warning> {
    let Some(shipped) = result.systems().first() else { return Vec::new() };
    let figures = &shipped.figures;
    let mut warnings = Vec::new();
    if few_errors(figures) {
        let least = errors(figures);
        warnings.push(warning(
            "few_errors",
            format!("等错误率背后的错误不到 30 次（约 {least:.0} 次），只能当作参考；请增加比对数量。"),
            format!("Fewer than 30 errors (about {least:.0}) stand behind the equal error rate: take it as a hint, and test with more trials."),
        ));
    }
    warnings.extend(few_speakers(figures.speakers));
    let unscored = figures.unscored_targets + figures.unscored_nontargets;
    if unscored > 0 {
        warnings.push(warning(
            "unscored",
            format!("{} 次比对因语音不足没有结果，未计入上述比率；表中另列出把它们算作错误的结果。", count(unscored)),
            format!("{} trials gave no score for want of speech and are not in the rates; the table also states the rates with them as errors.", count(unscored)),
        ));
    }
    warnings.extend(figures.costs.iter().filter_map(off).take(1));
    warnings.extend(rare(figures));
    warnings
}

/// Errors of the rarer kind behind the equal error rate.
fn errors(figures: &VerificationFigures) -> f64 {
    figures.targets.min(figures.nontargets) as f64 * figures.eer.value
}

pub(super) fn few_errors(figures: &VerificationFigures) -> bool {
    errors(figures) < FEW_ERRORS
}

fn few_speakers(speakers: usize) -> Option<Warning> {
    (speakers < FEW_SPEAKERS).then(|| {
        warning(
            "few_speakers",
            format!("只有 {speakers} 位说话人，换一批人结果可能明显不同。"),
            format!(
                "Only {speakers} speakers stand behind this: with other people the result may differ clearly."
            ),
        )
    })
}

fn off(cost: &crate::metrics::CostFigures) -> Option<Warning> {
    let actual = cost.actual?.value;
    let bad = actual > OFF_RATIO * cost.min.value && actual - cost.min.value > OFF_COST;
    bad.then(|| {
        warning(
            "calibration_off",
            "分数的含义有偏差：按公式设定的门槛并非最佳，请用自己的录音重新校准。",
            "The scores do not quite mean what they say: the threshold set by formula is not the best one. Calibrate on your own recordings.",
        )
    })
}

fn rare(figures: &VerificationFigures) -> Option<Warning> {
    let few =
        |c: &&crate::metrics::CostFigures| c.min_rates.false_match * (figures.nontargets as f64) < FEW_ERRORS;
    let point = figures.costs.iter().find(few)?.point;
    let prior = chosen(point.prior());
    Some(warning(
        "few_false_matches",
        format!("先验 {prior} 的检测代价背后误认不到 30 次，只能当作参考。"),
        format!(
            "Fewer than 30 false matches stand behind the detection cost at a prior of {prior}: take it as a hint."
        ),
    ))
}

pub(super) fn identify(result: &IdentifyResult) -> Vec<Warning> {
    let Some(shipped) = result.systems().first() else { return Vec::new() };
    let figures = &shipped.figures;
    let mut warnings = one_kind(figures.listed, figures.unlisted);
    warnings.extend(few_unlisted(figures));
    warnings.extend(few_speakers(figures.speakers));
    let unscored = figures.unscored_listed + figures.unscored_unlisted;
    if unscored > 0 {
        warnings.push(without_voiceprint(unscored));
    }
    warnings.extend(broken_promise(result.tags(), result.input().promised_false_tag_rate));
    warnings
}

fn one_kind(listed: usize, unlisted: usize) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if listed == 0 {
        warnings.push(warning(
            "no_listed",
            "没有名单内人员的来电：无法说明能找到多少。",
            "There are no calls by listed voices: nothing can be said about how many are found.",
        ));
    }
    if unlisted == 0 {
        warnings.push(warning(
            "no_unlisted",
            "没有名单外人员的来电：无法说明会误标多少。",
            "There are no calls by other people: nothing can be said about false tags.",
        ));
    }
    warnings
}

fn few_unlisted(figures: &IdentificationFigures) -> Option<Warning> {
    let few: Vec<String> = figures.tpir.iter().filter(|t| t.few).map(|t| chosen(t.fpir)).collect();
    let lowest = figures.tpir.iter().map(|t| t.fpir).fold(1.0, f64::min);
    let needed = (FEW_ERRORS / lowest.max(1e-9)).ceil() as usize;
    (!few.is_empty()).then(|| {
        let (calls, needed) = (count(figures.unlisted), count(needed));
        warning(
            "few_unlisted",
            format!(
                "名单外来电只有 {calls} 通，误标率 {} 处的误标不到 30 次，只能当作参考（带 † 的数字）；全部可信需要约 {needed} 通。",
                few.join("、")
            ),
            format!(
                "There are only {calls} calls by other people; at false tag rates of {} fewer than 30 errors stand behind the figures marked †: take them as a hint. All would need about {needed} calls (rule of 30).",
                few.join(", ")
            ),
        )
    })
}

fn without_voiceprint(probes: usize) -> Warning {
    warning(
        "no_voiceprint",
        format!("{} 通来电因语音不足没有声纹：名单内的算作没找到，名单外的算作未标记。", count(probes)),
        format!(
            "{} calls had too little speech for a voiceprint: by listed voices they count as not found, by others as not tagged.",
            count(probes)
        ),
    )
}

fn broken_promise(tags: &TagFigures, promised: Option<f64>) -> Option<Warning> {
    let (promised, [low, _]) = (promised?, tags.false_tags.interval?);
    (low > promised).then(|| {
        let (promised, found) = (percent(promised), percent(tags.false_tags.value));
        warning(
            "promise_broken",
            format!("误标率 {found} 明显高于承诺的 {promised}：门槛应调严。"),
            format!("The false tag rate of {found} is clearly above the promised {promised}: the threshold should be stricter."),
        )
    })
}

pub(super) fn calls(result: &CallsResult) -> Vec<Warning> {
    let calls = &result.input().calls;
    let tags = &result.figures().tags;
    let mut warnings = one_kind(tags.found.total as usize, tags.false_tags.total as usize);
    if tags.false_tags.total > 0 && tags.false_tags.count < FEW_ERRORS as u64 {
        warnings.push(warning(
            "few_false_tags",
            format!("误标只发生了 {} 次（不到 30 次）：请看区间，而不只看数值。", tags.false_tags.count),
            format!(
                "There were only {} false tags (fewer than 30): read the interval, not the figure alone.",
                tags.false_tags.count
            ),
        ));
    }
    let speakers: std::collections::BTreeSet<&str> = calls.iter().map(|c| &*c.speaker).collect();
    warnings.extend(few_speakers(speakers.len()));
    let silent = calls.iter().filter(|c| c.best_llr.is_none() && c.verdict == "INSUFFICIENT_SPEECH").count();
    if silent > 0 {
        warnings.push(without_voiceprint(silent));
    }
    warnings
}
