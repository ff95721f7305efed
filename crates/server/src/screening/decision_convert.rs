use earmark_engine::{Reason, RiskTier, Verdict};

use crate::proto::v1;

/// The verdict in code and in words.
pub(super) fn decision(verdict_: Verdict, risk_: RiskTier, reasons: &[Reason]) -> v1::Decision {
    let (label, action) = (verdict_.text(), verdict_.action());
    v1::Decision {
        verdict: verdict(verdict_).into(),
        risk: risk(risk_).into(),
        reasons: reasons.iter().copied().map(reason).collect(),
        label_zh: label.zh.to_owned(),
        label_en: label.en.to_owned(),
        action_zh: action.zh.to_owned(),
        action_en: action.en.to_owned(),
    }
}

fn verdict(verdict: Verdict) -> v1::Verdict {
    match verdict {
        Verdict::Match => v1::Verdict::Match,
        Verdict::Doubtful => v1::Verdict::Doubtful,
        Verdict::Mismatch => v1::Verdict::Mismatch,
        Verdict::SuspectedProxy => v1::Verdict::SuspectedProxy,
        Verdict::InsufficientSpeech => v1::Verdict::InsufficientSpeech,
        Verdict::NotEnrolled => v1::Verdict::NotEnrolled,
        Verdict::OptedOut => v1::Verdict::OptedOut,
        Verdict::NoCustomerClaimed => v1::Verdict::NoCustomerClaimed,
    }
}

fn risk(risk: RiskTier) -> v1::RiskTier {
    match risk {
        RiskTier::Low => v1::RiskTier::Low,
        RiskTier::Elevated => v1::RiskTier::Elevated,
        RiskTier::Undetermined => v1::RiskTier::Undetermined,
        RiskTier::High => v1::RiskTier::High,
    }
}

fn reason(reason: Reason) -> v1::Reason {
    let text = reason.text();
    v1::Reason { code: reason.code().to_owned(), text_zh: text.zh.to_owned(), text_en: text.en.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_its_own_name_on_the_wire() {
        for known in Verdict::ALL {
            let sent = decision(known, known.risk(), &[]);
            assert_eq!(sent.verdict().as_str_name(), format!("VERDICT_{}", known.code()));
            assert_ne!(sent.risk(), v1::RiskTier::Unspecified);
            assert!(!sent.label_zh.is_empty() && !sent.action_en.is_empty());
        }
    }

    #[test]
    fn reasons_keep_their_order_and_words() {
        let sent =
            decision(Verdict::Doubtful, RiskTier::Elevated, &[Reason::LowSnr, Reason::CustomerUnclear]);
        let codes: Vec<&str> = sent.reasons.iter().map(|r| r.code.as_str()).collect();
        assert_eq!(codes, ["LOW_SNR", "CUSTOMER_UNCLEAR"]);
        assert_eq!(sent.reasons[0].text_zh, Reason::LowSnr.text().zh);
    }
}
