/// A text for people, in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// Chinese, shown first.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// What the call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The caller is the customer.
    Match,
    /// The evidence does not say enough either way.
    Doubtful,
    /// The caller is not the customer. That alone is no proxy: it may be a spouse or a colleague.
    Mismatch,
    /// The caller is, as far as the voice tells, somebody on the proxy list.
    SuspectedProxy,
    /// Too little speech to say anything.
    InsufficientSpeech,
    /// The claimed customer has no voiceprint, and no listed proxy matches.
    NotEnrolled,
    /// The claimed customer does not want voiceprints, and no listed proxy matches.
    OptedOut,
    /// Nobody was claimed, and no listed proxy matches.
    NoCustomerClaimed,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 8] = [
        Self::Match,
        Self::Doubtful,
        Self::Mismatch,
        Self::SuspectedProxy,
        Self::InsufficientSpeech,
        Self::NotEnrolled,
        Self::OptedOut,
        Self::NoCustomerClaimed,
    ];

    /// A stable name for records and interfaces.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Match => "MATCH",
            Self::Doubtful => "DOUBTFUL",
            Self::Mismatch => "MISMATCH",
            Self::SuspectedProxy => "SUSPECTED_PROXY",
            Self::InsufficientSpeech => "INSUFFICIENT_SPEECH",
            Self::NotEnrolled => "NOT_ENROLLED",
            Self::OptedOut => "OPTED_OUT",
            Self::NoCustomerClaimed => "NO_CUSTOMER_CLAIMED",
        }
    }

    /// The verdict with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.code() == code)
    }

    /// What the agent's screen shows.
    #[must_use]
    pub fn text(self) -> Text {
        let (zh, en) = match self {
            Self::Match => ("一致", "match"),
            Self::Doubtful => ("存疑", "doubtful"),
            Self::Mismatch => ("不一致", "mismatch"),
            Self::SuspectedProxy => ("疑似代理", "suspected proxy"),
            Self::InsufficientSpeech => ("语音不足", "insufficient speech"),
            Self::NotEnrolled => ("客户未登记声纹", "customer not enrolled"),
            Self::OptedOut => ("客户已退出声纹服务", "customer opted out"),
            Self::NoCustomerClaimed => ("未声明客户", "no customer claimed"),
        };
        Text { zh, en }
    }

    /// What the agent may do next.
    #[must_use]
    pub fn action(self) -> Text {
        let (zh, en) = match self {
            Self::Match => ("按正常流程办理。", "Proceed as usual."),
            Self::Doubtful => (
                "请引导来电人多说几句，并用其他方式核实身份。",
                "Let the caller say more, and verify the identity by other means.",
            ),
            Self::Mismatch => (
                "请核实来电人与客户的关系及授权。",
                "Ask for the caller's relation to the customer and the authorization.",
            ),
            Self::SuspectedProxy => (
                "请按代理投诉话术核实身份与授权，必要时转专席。",
                "Follow the proxy script: verify identity and authorization; hand over if needed.",
            ),
            Self::InsufficientSpeech => ("请让来电人多说几句。", "Let the caller say more."),
            Self::NotEnrolled => (
                "请用其他方式核实身份；征得同意后可登记声纹。",
                "Verify the identity by other means; enroll the voice if the customer consents.",
            ),
            Self::OptedOut => ("请用其他方式核实身份。", "Verify the identity by other means."),
            Self::NoCustomerClaimed => {
                ("请先确认来电人声称的客户。", "Ask which customer the caller speaks for.")
            }
        };
        Text { zh, en }
    }

    /// The risk tier that goes with it.
    #[must_use]
    pub fn risk(self) -> RiskTier {
        match self {
            Self::SuspectedProxy => RiskTier::High,
            Self::Mismatch | Self::Doubtful => RiskTier::Elevated,
            Self::Match => RiskTier::Low,
            _ => RiskTier::Undetermined,
        }
    }
}

/// How much care the call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RiskTier {
    /// The voice says nothing about the risk (yet).
    Undetermined,
    /// The voice is the customer's.
    Low,
    /// Somebody else, or not clear.
    Elevated,
    /// A listed proxy.
    High,
}

impl RiskTier {
    /// A stable name for records and interfaces.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Undetermined => "UNDETERMINED",
            Self::Low => "LOW",
            Self::Elevated => "ELEVATED",
            Self::High => "HIGH",
        }
    }

    /// The tier with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Undetermined, Self::Low, Self::Elevated, Self::High].into_iter().find(|t| t.code() == code)
    }

    /// What the agent's screen shows.
    #[must_use]
    pub fn text(self) -> Text {
        let (zh, en) = match self {
            Self::Undetermined => ("未定", "undetermined"),
            Self::Low => ("低风险", "low risk"),
            Self::Elevated => ("中风险", "elevated risk"),
            Self::High => ("高风险", "high risk"),
        };
        Text { zh, en }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_read_back() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_code(verdict.code()), Some(verdict));
        }
        assert_eq!(Verdict::from_code("match"), None);
    }

    #[test]
    fn the_five_texts_of_the_agents_screen() {
        let zh: Vec<_> = Verdict::ALL[..5].iter().map(|v| v.text().zh).collect();
        assert_eq!(zh, ["一致", "存疑", "不一致", "疑似代理", "语音不足"]);
    }
}
