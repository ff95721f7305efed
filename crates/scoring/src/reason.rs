use crate::Text;

/// Why a decision came out as it did. Several can hold at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A listed proxy's voice reached the alarm threshold.
    ListedProxyMatch,
    /// A listed proxy is the likeliest speaker, but the evidence is under the alarm threshold.
    ListedProxyLikely,
    /// Two listed proxies are about equally likely: which of them it is stays open.
    NarrowMargin,
    /// The voice matches both a listed proxy and the customer's history: the history may have been
    /// made by the proxy (poisoned), or the customer may be wrongly listed.
    CustomerAndProxyMatch,
    /// The voice is the customer's.
    CustomerMatch,
    /// The voice is not the customer's.
    CustomerMismatch,
    /// The comparison with the customer's history is not clear.
    CustomerUnclear,
    /// The customer has no voiceprint.
    NotEnrolled,
    /// The customer does not want voiceprints.
    OptedOut,
    /// The call names no customer.
    NoCustomerClaimed,
    /// Less speech than the policy asks for.
    ShortSpeech,
    /// More noise than the policy allows.
    LowSnr,
    /// More clipping than the policy allows.
    Clipped,
    /// A narrower band than the policy allows.
    NarrowBand,
    /// More than one person speaks on the caller's channel.
    SeveralVoices,
    /// Somebody else spoke on the caller's leg before (a transfer): the evidence began anew.
    SpeakerChanged,
    /// One who spoke on the caller's leg before was tagged as a listed proxy.
    EarlierSpeakerTagged,
    /// The list is so long that the alarm threshold lies beyond what the calibration can vouch for.
    ListBeyondCalibration,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 18] = [
        Self::ListedProxyMatch,
        Self::ListedProxyLikely,
        Self::NarrowMargin,
        Self::CustomerAndProxyMatch,
        Self::CustomerMatch,
        Self::CustomerMismatch,
        Self::CustomerUnclear,
        Self::NotEnrolled,
        Self::OptedOut,
        Self::NoCustomerClaimed,
        Self::ShortSpeech,
        Self::LowSnr,
        Self::Clipped,
        Self::NarrowBand,
        Self::SeveralVoices,
        Self::SpeakerChanged,
        Self::EarlierSpeakerTagged,
        Self::ListBeyondCalibration,
    ];

    /// A stable name for records and interfaces.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ListedProxyMatch => "LISTED_PROXY_MATCH",
            Self::ListedProxyLikely => "LISTED_PROXY_LIKELY",
            Self::NarrowMargin => "NARROW_MARGIN",
            Self::CustomerAndProxyMatch => "CUSTOMER_AND_PROXY_MATCH",
            Self::CustomerMatch => "CUSTOMER_MATCH",
            Self::CustomerMismatch => "CUSTOMER_MISMATCH",
            Self::CustomerUnclear => "CUSTOMER_UNCLEAR",
            Self::NotEnrolled => "NOT_ENROLLED",
            Self::OptedOut => "OPTED_OUT",
            Self::NoCustomerClaimed => "NO_CUSTOMER_CLAIMED",
            Self::ShortSpeech => "SHORT_SPEECH",
            Self::LowSnr => "LOW_SNR",
            Self::Clipped => "CLIPPED",
            Self::NarrowBand => "NARROW_BAND",
            Self::SeveralVoices => "SEVERAL_VOICES",
            Self::SpeakerChanged => "SPEAKER_CHANGED",
            Self::EarlierSpeakerTagged => "EARLIER_SPEAKER_TAGGED",
            Self::ListBeyondCalibration => "LIST_BEYOND_CALIBRATION",
        }
    }

    /// The reason with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }

    /// The reason in words.
    #[must_use]
    pub fn text(self) -> Text {
        let (zh, en) = match self {
            Self::ListedProxyMatch => ("声音与名单内代理人相符", "the voice matches a listed proxy"),
            Self::ListedProxyLikely => (
                "声音接近名单内代理人，但证据未达告警门限",
                "a listed proxy is likely, but the evidence is under the alarm threshold",
            ),
            Self::NarrowMargin => {
                ("名单内有两人同样接近，无法确定是谁", "two listed proxies are about equally likely")
            }
            Self::CustomerAndProxyMatch => (
                "声音同时与客户历史和名单内代理人相符，客户声纹可能曾由代理人登记",
                "the voice matches both the customer's history and a listed proxy; check who enrolled it",
            ),
            Self::CustomerMatch => ("声音与客户历史一致", "the voice matches the customer's history"),
            Self::CustomerMismatch => {
                ("声音与客户历史不一致", "the voice does not match the customer's history")
            }
            Self::CustomerUnclear => {
                ("与客户历史的比对结果不明确", "the comparison with the customer's history is not clear")
            }
            Self::NotEnrolled => ("客户尚未登记声纹", "the customer is not enrolled"),
            Self::OptedOut => ("客户已退出声纹服务", "the customer opted out of voiceprints"),
            Self::NoCustomerClaimed => ("来电未声明客户", "the call names no customer"),
            Self::ShortSpeech => ("有效语音时长不足", "too little speech"),
            Self::LowSnr => ("噪声过大", "too much noise"),
            Self::Clipped => ("声音削波失真", "the audio is clipped"),
            Self::NarrowBand => ("声音频带过窄", "the band is too narrow"),
            Self::SeveralVoices => {
                ("客户声道中有不止一人说话", "more than one person speaks on the caller's channel")
            }
            Self::SpeakerChanged => (
                "通话中换了说话人，证据已重新累计",
                "another person has taken over the call; the evidence began anew",
            ),
            Self::EarlierSpeakerTagged => {
                ("此前的说话人与名单内代理人相符", "an earlier speaker of this call matches a listed proxy")
            }
            Self::ListBeyondCalibration => (
                "名单过长，所需证据超出校准范围",
                "the list is so long that the evidence it needs is beyond the calibration",
            ),
        };
        Text { zh, en }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
            assert!(!reason.text().zh.is_empty() && reason.text().en.is_ascii());
        }
    }
}
