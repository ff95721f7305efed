use crate::{Llr, Priors};

/// How likely each hypothesis is after what was heard. Customer, listed and other sum to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior<K> {
    /// It is the customer.
    pub customer: f64,
    /// It is somebody on the proxy list, whoever of them: the hits and all that were not retrieved.
    pub listed: f64,
    /// It is this listed proxy, for each hit, the likeliest first.
    pub hits: Vec<(K, f64)>,
    /// It is somebody else.
    pub other: f64,
}

/// Bayes' rule over three hypotheses: the customer, one of `list_size` listed proxies, somebody
/// else.
///
/// - `customer`: the LLR to the customer's history. None says nothing either way (not enrolled, not
///   claimed): an LLR of 0, so that the customer and somebody else keep their prior odds.
/// - `hits`: the best of the list, in any order. Each listed voice has the prior `listed / N`.
///   An entry that was not retrieved has an LLR no higher than the worst hit's, and on average a
///   likelihood ratio of 1 if it isn't the speaker, so it counts with the smaller of the two.
/// - `list_size`: N; taken as the number of hits if it is smaller. On an empty list the prior of
///   the listed goes to somebody else: a proxy may call, but none is listed.
///
/// In log space throughout, so that no LLR overflows.
#[must_use]
pub fn posterior<K: Clone>(
    customer: Option<Llr>,
    hits: &[(K, Llr)],
    list_size: usize,
    priors: &Priors,
) -> Posterior<K> {
    let n = list_size.max(hits.len());
    let each = (priors.listed() / n.max(1) as f64).ln();
    let other_prior = if n == 0 { priors.other() + priors.listed() } else { priors.other() };

    let w_customer = priors.customer().ln() + customer.map_or(0.0, Llr::nats);
    let w_other = other_prior.ln();
    let w_hits: Vec<f64> = hits.iter().map(|(_, llr)| each + llr.nats()).collect();
    let worst = hits.iter().map(|(_, llr)| llr.nats()).fold(0.0, f64::min);
    let unseen = n - hits.len();
    // exp(-inf) is 0: nothing is left that was not retrieved.
    let w_unseen = if unseen == 0 { f64::NEG_INFINITY } else { each + worst + (unseen as f64).ln() };

    let all = w_hits.iter().copied().chain([w_customer, w_other, w_unseen]);
    let top = all.clone().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = all.map(|w| (w - top).exp()).sum();
    let share = |w: f64| (w - top).exp() / total;

    let mut shares: Vec<(K, f64)> =
        hits.iter().zip(&w_hits).map(|((key, _), w)| (key.clone(), share(*w))).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let listed = (shares.iter().map(|(_, p)| p).sum::<f64>() + share(w_unseen)).min(1.0);
    Posterior { customer: share(w_customer), listed, hits: shares, other: share(w_other) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(customer: Option<f64>, hits: &[f64], n: usize) -> Posterior<usize> {
        let hits: Vec<_> = hits.iter().enumerate().map(|(k, l)| (k, Llr::new(*l))).collect();
        posterior(customer.map(Llr::new), &hits, n, &Priors::new(0.6, 0.2, 0.2).unwrap())
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn hand_worked() {
        // Weights: customer 0.6 * 2 = 1.2; the hit 0.2/10 * 50 = 1; nine unseen 9 * 0.02 = 0.18;
        // other 0.2; together 2.58.
        let p = of(Some(2f64.ln()), &[50f64.ln()], 10);
        near(p.customer, 1.2 / 2.58);
        near(p.hits[0].1, 1.0 / 2.58);
        near(p.listed, 1.18 / 2.58);
        near(p.other, 0.2 / 2.58);
    }

    #[test]
    fn what_was_not_retrieved_is_bounded_by_the_worst_hit() {
        // The worst hit has a ratio of 1/4, so each of the eight unseen counts 0.02 / 4.
        let p = of(None, &[1.0, 0.25f64.ln()], 10);
        let (hits, unseen) = (0.02 * 1f64.exp() + 0.02 * 0.25, 8.0 * 0.02 * 0.25);
        near(p.listed, (hits + unseen) / (0.8 + hits + unseen));
    }

    #[test]
    fn an_empty_list_leaves_its_prior_to_others() {
        let p = of(Some(0.0), &[], 0);
        near(p.customer, 0.6);
        near(p.other, 0.4);
        near(p.listed, 0.0);
    }

    #[test]
    fn without_evidence_the_priors_stand() {
        let p = of(None, &[], 1000);
        near(p.customer, 0.6);
        near(p.listed, 0.2);
        near(p.other, 0.2);
    }

    proptest! {
        #[test]
        fn is_a_distribution(
            customer in prop::option::of(-1e6f64..1e6),
            hits in prop::collection::vec(-1e6f64..1e6, 0..20),
            n in 0usize..10_000_000,
        ) {
            let p = of(customer, &hits, n);
            let parts = [p.customer, p.listed, p.other];
            prop_assert!(parts.iter().chain(p.hits.iter().map(|h| &h.1)).all(|v| (0.0..=1.0 + 1e-9).contains(v)));
            prop_assert!((parts.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(p.hits.windows(2).all(|w| w[0].1 >= w[1].1));
        }

        #[test]
        fn more_evidence_for_a_hypothesis_never_lowers_it(
            customer in -20.0f64..20.0, hit in -20.0f64..20.0, more in 0.0f64..5.0, n in 1usize..100_000,
        ) {
            let before = of(Some(customer), &[hit], n);
            let for_customer = of(Some(customer + more), &[hit], n);
            let for_hit = of(Some(customer), &[hit + more], n);
            prop_assert!(for_customer.customer >= before.customer - 1e-12);
            prop_assert!(for_customer.listed <= before.listed + 1e-12);
            prop_assert!(for_hit.hits[0].1 >= before.hits[0].1 - 1e-12);
            prop_assert!(for_hit.customer <= before.customer + 1e-12);
        }

        #[test]
        fn the_order_of_hits_does_not_matter(hits in prop::collection::vec(-20.0f64..20.0, 1..8), n in 8usize..1000) {
            let turned: Vec<f64> = hits.iter().rev().copied().collect();
            let (a, b) = (of(Some(1.0), &hits, n), of(Some(1.0), &turned, n));
            prop_assert!((a.customer - b.customer).abs() < 1e-12);
            prop_assert!((a.listed - b.listed).abs() < 1e-12);
            for ((_, x), (_, y)) in a.hits.iter().zip(&b.hits) {
                prop_assert!((x - y).abs() < 1e-12);
            }
        }
    }
}
