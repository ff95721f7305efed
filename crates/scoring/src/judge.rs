use crate::{CustomerEvidence, Decider, Decision, Evidence, Llr, Posterior, Reason, Verdict, posterior};

/// From this posterior of the hits together on, a proxy is likely even where no tag is allowed.
const LIKELY: f64 = 0.5;

/// What a look must overcome: the alarm threshold, and on a live call the verdict that stands.
pub(crate) struct Standing {
    /// The LLR in nats that a listed hit needs.
    pub(crate) tag_threshold: f64,
    /// The last verdict; it is left only by more than the policy's hysteresis.
    pub(crate) verdict: Option<Verdict>,
}

impl Standing {
    pub(crate) fn fresh(tag_threshold: f64) -> Self {
        Self { tag_threshold, verdict: None }
    }
}

/// Decides on one look.
pub(crate) fn judge<K: Clone>(
    decider: &Decider,
    evidence: &Evidence<'_, K>,
    standing: &Standing,
) -> Decision<K> {
    let posterior = posterior(evidence.customer.llr(), evidence.listed, evidence.list_size, decider.priors());
    let (verdict, reasons) = conclude(decider, evidence, standing, &posterior);
    Decision {
        verdict,
        risk: verdict.risk(),
        reasons,
        posterior,
        customer: evidence.customer,
        best_listed: ranked(evidence.listed).first().map(|(k, llr)| ((*k).clone(), *llr)),
        tag_threshold: has_list(evidence).then_some(standing.tag_threshold),
        net_speech: evidence.net_speech,
    }
}

fn conclude<K>(
    decider: &Decider,
    evidence: &Evidence<'_, K>,
    standing: &Standing,
    posterior: &Posterior<K>,
) -> (Verdict, Vec<Reason>) {
    let (state, state_reason) = customer_state(decider, evidence, standing, posterior);
    // Nothing to compare with: more speech would not help.
    if evidence.customer.llr().is_none() && !has_list(evidence) {
        return (state, vec![state_reason]);
    }
    if evidence.net_speech < decider.policy().options().min_net_speech {
        // What the records say of the customer holds whatever was said so far.
        let known = match evidence.customer {
            CustomerEvidence::Scored(_) | CustomerEvidence::TooShort => None,
            _ => Some(state_reason),
        };
        return (Verdict::InsufficientSpeech, [Reason::ShortSpeech].into_iter().chain(known).collect());
    }
    let mut reasons = proxy_reasons(decider, evidence, standing, posterior);
    let verdict = match reasons.first() {
        Some(Reason::ListedProxyMatch) => Verdict::SuspectedProxy,
        Some(Reason::ListedProxyLikely) if evidence.customer.llr().is_none() => Verdict::Doubtful,
        _ => state,
    };
    if !reasons.contains(&Reason::CustomerAndProxyMatch) {
        reasons.push(state_reason);
    }
    let mut poor = decider.policy().quality_reasons(evidence.quality);
    poor.extend(evidence.several_voices.then_some(Reason::SeveralVoices));
    let firm = matches!(verdict, Verdict::Match | Verdict::Mismatch | Verdict::SuspectedProxy);
    let verdict = if firm && !poor.is_empty() { Verdict::Doubtful } else { verdict };
    reasons.extend(poor);
    (verdict, reasons)
}

/// What the customer's side alone comes to.
fn customer_state<K>(
    decider: &Decider,
    evidence: &Evidence<'_, K>,
    standing: &Standing,
    posterior: &Posterior<K>,
) -> (Verdict, Reason) {
    match evidence.customer {
        CustomerEvidence::NotEnrolled => (Verdict::NotEnrolled, Reason::NotEnrolled),
        CustomerEvidence::OptedOut => (Verdict::OptedOut, Reason::OptedOut),
        CustomerEvidence::NotClaimed => (Verdict::NoCustomerClaimed, Reason::NoCustomerClaimed),
        CustomerEvidence::TooShort => (Verdict::InsufficientSpeech, Reason::ShortSpeech),
        CustomerEvidence::Scored(_) => {
            let options = decider.policy().options();
            let slack = |verdict| if standing.verdict == Some(verdict) { options.hysteresis } else { 0.0 };
            let odds = log_odds(posterior.customer);
            if odds >= log_odds(options.match_posterior) - slack(Verdict::Match) {
                (Verdict::Match, Reason::CustomerMatch)
            } else if odds <= log_odds(options.mismatch_posterior) + slack(Verdict::Mismatch) {
                (Verdict::Mismatch, Reason::CustomerMismatch)
            } else {
                (Verdict::Doubtful, Reason::CustomerUnclear)
            }
        }
    }
}

/// What the list's side comes to; the first reason is the alarm or what came near it.
fn proxy_reasons<K>(
    decider: &Decider,
    evidence: &Evidence<'_, K>,
    standing: &Standing,
    posterior: &Posterior<K>,
) -> Vec<Reason> {
    let options = decider.policy().options();
    let ranked = ranked(evidence.listed);
    let mut reasons = Vec::new();
    let Some((_, best)) = ranked.first() else { return reasons };
    // A customer whose own history explains the voice clearly better is no proxy who resembles it.
    let rival = evidence.customer.llr().map_or(f64::NEG_INFINITY, Llr::nats);
    let tagged = best.nats() >= standing.tag_threshold && best.nats() >= rival - options.narrow_margin;
    if tagged {
        reasons.push(Reason::ListedProxyMatch);
    } else if posterior.hits.iter().map(|(_, p)| p).sum::<f64>() >= LIKELY {
        reasons.push(Reason::ListedProxyLikely);
    }
    if tagged && customer_matches_alone(decider, evidence.customer) {
        reasons.push(Reason::CustomerAndProxyMatch);
    }
    let narrow = |second: &Llr| best.nats() - second.nats() < options.narrow_margin;
    if !reasons.is_empty() && ranked.get(1).is_some_and(|(_, second)| narrow(second)) {
        reasons.push(Reason::NarrowMargin);
    }
    // At the limit an LLR only says "at least": no hit of so long a list can earn a tag.
    if !tagged && standing.tag_threshold > decider.llr_max() {
        reasons.push(Reason::ListBeyondCalibration);
    }
    reasons
}

/// Whether the customer's history matches when the list is left out of the question.
fn customer_matches_alone(decider: &Decider, customer: CustomerEvidence) -> bool {
    let alone = customer.llr().map(|llr| posterior::<()>(Some(llr), &[], 0, decider.priors()).customer);
    alone.is_some_and(|p| p >= decider.policy().options().match_posterior)
}

fn has_list<K>(evidence: &Evidence<'_, K>) -> bool {
    evidence.list_size > 0 || !evidence.listed.is_empty()
}

/// The hits, the best first.
fn ranked<K>(listed: &[(K, Llr)]) -> Vec<(&K, Llr)> {
    let mut ranked: Vec<_> = listed.iter().map(|(k, llr)| (k, *llr)).collect();
    ranked.sort_by(|a, b| b.1.nats().total_cmp(&a.1.nats()));
    ranked
}

fn log_odds(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::{ModelId, NetSpeech, Quality};
    use proptest::prelude::*;

    use super::*;
    use crate::calibration::tests::toy_fit;
    use crate::{Calibration, Policy, PolicyOptions, Priors, RiskTier};

    /// The toy calibration gives -9 to 11 nats; 100 listed need 5.0 for a tag.
    fn decider() -> Decider {
        let calibration = Calibration::new(ModelId::new("toy", "0"), "toy", toy_fit()).unwrap();
        // The cases below were worked by hand for 0.95, whatever is shipped.
        let options = PolicyOptions { match_posterior: 0.95, ..PolicyOptions::default() };
        Decider::new(Policy::new(options).unwrap(), Priors::default(), &calibration)
    }

    struct Case {
        customer: CustomerEvidence,
        listed: Vec<(char, f64)>,
        list_size: usize,
        seconds: f32,
        snr_db: f32,
        several_voices: bool,
    }

    fn case(customer: CustomerEvidence, listed: &[(char, f64)]) -> Case {
        Case {
            customer,
            listed: listed.to_vec(),
            list_size: 100,
            seconds: 10.0,
            snr_db: 20.0,
            several_voices: false,
        }
    }

    fn scored(llr: f64) -> CustomerEvidence {
        CustomerEvidence::Scored(Llr::new(llr))
    }

    fn decide(case: &Case) -> Decision<char> {
        let listed: Vec<_> = case.listed.iter().map(|(k, l)| (*k, Llr::new(*l))).collect();
        let quality =
            Quality { snr_db: case.snr_db, clipped_fraction: 0.0, level_dbfs: -20.0, bandwidth_hz: 3400.0 };
        decider().decide(&Evidence {
            customer: case.customer,
            listed: &listed,
            list_size: case.list_size,
            net_speech: NetSpeech::from_seconds(case.seconds),
            quality: Some(quality),
            several_voices: case.several_voices,
        })
    }

    fn check(case: &Case, verdict: Verdict, reasons: &[Reason]) {
        let decision = decide(case);
        assert_eq!((decision.verdict, &*decision.reasons), (verdict, reasons));
        assert_eq!(decision.risk, verdict.risk());
    }

    #[test]
    fn the_customers_side() {
        // Nobody listed is near, so 0.75 stands against 0.15: 95 % needs 1.34 nats, 5 % -4.55.
        let nobody = [('a', -6.0), ('b', -6.5)];
        check(&case(scored(2.2), &nobody), Verdict::Match, &[Reason::CustomerMatch]);
        check(&case(scored(1.0), &nobody), Verdict::Doubtful, &[Reason::CustomerUnclear]);
        check(&case(scored(-5.0), &nobody), Verdict::Mismatch, &[Reason::CustomerMismatch]);
    }

    #[test]
    fn a_mismatch_alone_is_no_proxy() {
        let stranger = decide(&case(scored(-9.0), &[('a', -3.0)]));
        assert_eq!(stranger.verdict, Verdict::Mismatch);
        assert_eq!(stranger.risk, RiskTier::Elevated);
        assert!(stranger.posterior.listed < 0.1);
    }

    #[test]
    fn a_listed_proxy() {
        let hit = [('b', -4.0), ('a', 6.5), ('c', -2.0)];
        let decision = decide(&case(scored(-7.0), &hit));
        assert_eq!(decision.verdict, Verdict::SuspectedProxy);
        assert_eq!(decision.reasons, [Reason::ListedProxyMatch, Reason::CustomerMismatch]);
        assert_eq!(decision.best_listed.map(|(k, _)| k), Some('a'));
        assert_eq!(decision.posterior.hits[0].0, 'a');
        assert_eq!(decision.risk, RiskTier::High);
    }

    #[test]
    fn the_same_evidence_is_no_tag_on_a_longer_list() {
        let mut long = case(scored(-7.0), &[('a', 6.5)]);
        long.list_size = 1000;
        check(&long, Verdict::Mismatch, &[Reason::CustomerMismatch]);
        // 1,000 listed need 7.5 nats.
        long.listed = vec![('a', 7.4), ('b', -5.0)];
        check(&long, Verdict::Mismatch, &[Reason::ListedProxyLikely, Reason::CustomerMismatch]);
        long.list_size = 10_000_000;
        let beyond = [Reason::ListBeyondCalibration, Reason::CustomerMismatch];
        check(&long, Verdict::Mismatch, &beyond);
    }

    #[test]
    fn two_listed_alike() {
        let twins = case(scored(-7.0), &[('a', 7.0), ('b', 6.0)]);
        let reasons = [Reason::ListedProxyMatch, Reason::NarrowMargin, Reason::CustomerMismatch];
        check(&twins, Verdict::SuspectedProxy, &reasons);
    }

    #[test]
    fn the_customer_who_resembles_a_proxy_is_still_the_customer() {
        let resembling = case(scored(12.0), &[('a', 9.0)]);
        check(&resembling, Verdict::Match, &[Reason::CustomerMatch]);
    }

    #[test]
    fn a_poisoned_history_is_named() {
        let both = case(scored(8.0), &[('a', 9.0)]);
        check(&both, Verdict::SuspectedProxy, &[Reason::ListedProxyMatch, Reason::CustomerAndProxyMatch]);
    }

    #[test]
    fn too_little_speech_decides_nothing() {
        let mut short = case(scored(9.0), &[('a', 9.0)]);
        short.seconds = 2.9;
        check(&short, Verdict::InsufficientSpeech, &[Reason::ShortSpeech]);
        short.customer = CustomerEvidence::NotEnrolled;
        check(&short, Verdict::InsufficientSpeech, &[Reason::ShortSpeech, Reason::NotEnrolled]);
        short.customer = CustomerEvidence::TooShort;
        check(&short, Verdict::InsufficientSpeech, &[Reason::ShortSpeech]);
        // Nothing to compare with: more speech would change nothing.
        let mut nothing = case(CustomerEvidence::OptedOut, &[]);
        (nothing.seconds, nothing.list_size) = (0.0, 0);
        check(&nothing, Verdict::OptedOut, &[Reason::OptedOut]);
        assert_eq!(decide(&nothing).tag_threshold, None);
    }

    #[test]
    fn no_customer_to_compare_with() {
        let of = |customer, verdict, reason| {
            check(&case(customer, &[('a', -3.0)]), verdict, &[reason]);
            let tagged = [Reason::ListedProxyMatch, reason];
            check(&case(customer, &[('a', 9.0)]), Verdict::SuspectedProxy, &tagged);
        };
        of(CustomerEvidence::NotEnrolled, Verdict::NotEnrolled, Reason::NotEnrolled);
        of(CustomerEvidence::OptedOut, Verdict::OptedOut, Reason::OptedOut);
        of(CustomerEvidence::NotClaimed, Verdict::NoCustomerClaimed, Reason::NoCustomerClaimed);
        // Eight of 1,000 at a tenth of a nat under the threshold are more than half of it all.
        let mut likely = case(CustomerEvidence::NotEnrolled, &['a'; 8].map(|k| (k, 7.4)));
        likely.list_size = 1000;
        let reasons = [Reason::ListedProxyLikely, Reason::NarrowMargin, Reason::NotEnrolled];
        check(&likely, Verdict::Doubtful, &reasons);
    }

    #[test]
    fn bad_audio_gets_no_firm_verdict() {
        let mut noisy = case(scored(5.0), &[('a', -6.0)]);
        noisy.snr_db = 1.0;
        check(&noisy, Verdict::Doubtful, &[Reason::CustomerMatch, Reason::LowSnr]);
        noisy.listed = vec![('a', 9.0)];
        noisy.customer = scored(-9.0);
        let reasons = [Reason::ListedProxyMatch, Reason::CustomerMismatch, Reason::LowSnr];
        check(&noisy, Verdict::Doubtful, &reasons);
    }

    #[test]
    fn two_voices_get_no_firm_verdict() {
        let mut two = case(scored(5.0), &[('a', -6.0)]);
        two.several_voices = true;
        check(&two, Verdict::Doubtful, &[Reason::CustomerMatch, Reason::SeveralVoices]);
    }

    proptest! {
        #[test]
        fn more_evidence_for_a_listed_voice_never_takes_a_tag_away(
            customer in -9.0f64..11.0, hit in -9.0f64..11.0, more in 0.0f64..5.0, n in 1usize..100_000,
        ) {
            let tagged = |llr| {
                let mut case = case(scored(customer), &[('a', llr)]);
                case.list_size = n;
                decide(&case).verdict == Verdict::SuspectedProxy
            };
            prop_assert!(!tagged(hit) || tagged(hit + more));
        }
    }
}
