//! The stable names of metrics.json. Rates are shares from 0 to 1, thresholds and shifts natural-log
//! likelihood ratios, times seconds; an interval is `[low, high]`; what there is not is null.

use serde_json::{Map, Value, json};

use crate::metrics::{
    Bootstrap, CostFigures, Estimate, IdentificationFigures, Rates, Share, TpirFigures, VerificationFigures,
};

/// Version of the layout of metrics.json: a key is never renamed or changed within one.
pub(crate) const FORMAT: u32 = 1;

/// A number to nine places, so that two runs give the same text; null when it is none.
pub(crate) fn number(value: f64) -> Value {
    let rounded = (value * 1e9).round() / 1e9;
    // No minus zero.
    if rounded.is_finite() { json!(rounded + 0.0) } else { Value::Null }
}

pub(crate) fn optional(value: Option<f64>) -> Value {
    value.map_or(Value::Null, number)
}

fn interval(interval: Option<[f64; 2]>) -> Value {
    interval.map_or(Value::Null, |[low, high]| json!([number(low), number(high)]))
}

pub(crate) fn estimate(estimate: &Estimate) -> Value {
    json!({ "value": number(estimate.value), "interval": interval(estimate.interval) })
}

pub(crate) fn share(share: &Share) -> Value {
    json!({
        "value": if share.total == 0 { Value::Null } else { number(share.value) },
        "interval": interval(share.interval),
        "count": share.count,
        "total": share.total,
    })
}

pub(crate) fn per_thousand(share: &Share) -> Value {
    let (value, spread) = share.per_thousand();
    json!({
        "value": if share.total == 0 { Value::Null } else { number(value) },
        "interval": interval(spread),
        "count": share.count,
        "total": share.total,
    })
}

pub(crate) fn facts(facts: &[(String, String)]) -> Value {
    Value::Object(facts.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>())
}

pub(crate) fn confidence(bootstrap: &Bootstrap) -> Value {
    json!({
        "level": number(bootstrap.level),
        "resamples": bootstrap.resamples,
        "seed": bootstrap.seed,
        "over": "speakers",
    })
}

fn rates(rates: &Rates) -> Value {
    json!({
        "threshold": number(rates.threshold),
        "miss": number(rates.miss),
        "false_match": number(rates.false_match),
    })
}

fn cost(cost: &CostFigures) -> Value {
    json!({
        "prior": number(cost.point.prior()),
        "miss_cost": number(cost.point.miss_cost()),
        "false_cost": number(cost.point.false_cost()),
        "min_dcf": estimate(&cost.min),
        "at_min": rates(&cost.min_rates),
        "actual_dcf": cost.actual.as_ref().map(estimate),
        "at_actual": cost.actual_rates.as_ref().map(rates),
    })
}

pub(crate) fn verification(title: &str, figures: &VerificationFigures) -> Value {
    let errors = figures.counted_as_errors.as_ref().map(|e| {
        let cost = |(point, min, actual): &(crate::metrics::OperatingPoint, f64, Option<f64>)| {
            json!({
                "prior": number(point.prior()),
                "min_dcf": number(*min),
                "actual_dcf": optional(*actual),
            })
        };
        json!({
            "eer": number(e.eer),
            "eer_rocch": number(e.eer_rocch),
            "operating_points": e.costs.iter().map(cost).collect::<Vec<_>>(),
        })
    });
    json!({
        "title": title,
        "calibrated": figures.cllr.is_some(),
        "targets": figures.targets,
        "nontargets": figures.nontargets,
        "unscored_targets": figures.unscored_targets,
        "unscored_nontargets": figures.unscored_nontargets,
        "speakers": figures.speakers,
        "eer": estimate(&figures.eer),
        "eer_rocch": estimate(&figures.eer_rocch),
        "cllr": figures.cllr.as_ref().map(estimate),
        "min_cllr": estimate(&figures.min_cllr),
        "cllr_loss": optional(figures.cllr.as_ref().map(|c| c.value - figures.min_cllr.value)),
        "operating_points": figures.costs.iter().map(cost).collect::<Vec<_>>(),
        "unscored_as_errors": errors,
    })
}

pub(crate) fn identification(title: &str, figures: &IdentificationFigures) -> Value {
    let tpir = |t: &TpirFigures| {
        json!({
            "fpir": number(t.fpir),
            "threshold": optional(t.threshold),
            "tpir": share(&t.tpir),
            "few": t.few,
        })
    };
    json!({
        "title": title,
        "listed": figures.listed,
        "unlisted": figures.unlisted,
        "unscored_listed": figures.unscored_listed,
        "unscored_unlisted": figures.unscored_unlisted,
        "speakers": figures.speakers,
        "rank1": share(&figures.rank1),
        "tpir_at_fpir": figures.tpir.iter().map(tpir).collect::<Vec<_>>(),
    })
}
