//! What scoring came to, as an update shows it.

use std::sync::Arc;

use earmark_scoring::{CustomerEvidence, Posterior};
use earmark_voiceprint::ProxyId;

use crate::call::{CustomerComparison, Hypotheses, MAX_PROXIES_SHOWN, ProxyEvidence};
use crate::scorer::ListAnswer;

pub(super) fn shown(answer: &ListAnswer, posterior: &Posterior<ProxyId>) -> Vec<ProxyEvidence> {
    let probability = |id: &ProxyId| posterior.hits.iter().find(|(k, _)| k == id).map_or(0.0, |(_, p)| *p);
    answer
        .hits
        .iter()
        .take(MAX_PROXIES_SHOWN)
        .map(|(card, llr)| ProxyEvidence {
            proxy: card.id.clone(),
            label: Arc::clone(&card.label),
            llr: llr.nats(),
            posterior: probability(&card.id),
        })
        .collect()
}

pub(super) fn comparison(customer: CustomerEvidence) -> CustomerComparison {
    match customer {
        CustomerEvidence::Scored(llr) => CustomerComparison::Llr(llr.nats()),
        CustomerEvidence::NotEnrolled => CustomerComparison::NotEnrolled,
        CustomerEvidence::OptedOut => CustomerComparison::OptedOut,
        CustomerEvidence::NotClaimed => CustomerComparison::NotClaimed,
        CustomerEvidence::TooShort => CustomerComparison::TooShort,
    }
}

pub(super) fn hypotheses(posterior: &Posterior<ProxyId>) -> Hypotheses {
    // Rounding can leave a share a hair above 1.
    let share = |p: f64| p.clamp(0.0, 1.0);
    Hypotheses {
        customer: share(posterior.customer),
        listed_proxy: share(posterior.listed),
        somebody_else: share(posterior.other),
    }
}
