use crate::{Parting, Reply};

/// The longest reason a close frame holds (RFC 6455, section 5.5: 125 bytes with the code).
const MAX_REASON_BYTES: usize = 123;

// Status codes of RFC 6455, section 7.4.1, and of its registry.
const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
const UNSUPPORTED_DATA: u16 = 1003;
const POLICY_VIOLATION: u16 = 1008;
const TOO_BIG: u16 = 1009;
const INTERNAL_ERROR: u16 = 1011;

/// What is said of an end, in words.
pub(crate) fn explanation(parting: &Parting) -> String {
    match parting {
        Parting::Finished(_) => "the call has ended".to_owned(),
        Parting::Refused(error) => error.to_string(),
        Parting::Failed { code, problem } => format!("{code}: {problem}"),
        Parting::Draining => "the server is stopping".to_owned(),
    }
}

/// The close frame for an end.
pub(crate) fn close(parting: &Parting) -> Reply {
    use crate::ProtocolError::{LimitReached, Unsupported};
    let code = match parting {
        Parting::Finished(_) => NORMAL,
        Parting::Refused(Unsupported { .. }) => UNSUPPORTED_DATA,
        Parting::Refused(LimitReached { .. }) => TOO_BIG,
        Parting::Refused(_) => POLICY_VIOLATION,
        Parting::Failed { .. } => INTERNAL_ERROR,
        Parting::Draining => GOING_AWAY,
    };
    Reply::Close { code, reason: cut(explanation(parting)) }
}

/// Cut to what a close frame holds, between characters.
fn cut(mut reason: String) -> String {
    while reason.len() > MAX_REASON_BYTES {
        reason.pop();
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndReason, ProtocolError};

    fn code_and_reason(parting: &Parting) -> (u16, String) {
        match close(parting) {
            Reply::Close { code, reason } => (code, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_end_has_its_code() {
        let refused = |error| code_and_reason(&Parting::Refused(error)).0;
        assert_eq!(code_and_reason(&Parting::Finished(EndReason::HungUp)).0, 1000);
        assert_eq!(code_and_reason(&Parting::Draining), (1001, "the server is stopping".to_owned()));
        assert_eq!(refused(ProtocolError::Unsupported { problem: "opus".into() }), 1003);
        assert_eq!(refused(ProtocolError::LimitReached { what: "x", most: 1 }), 1009);
        assert_eq!(refused(ProtocolError::NotAuthenticated { problem: "no key".into() }), 1008);
        let failed = Parting::Failed { code: "LIVE_CALLS_FULL", problem: "try later".to_owned() };
        assert_eq!(code_and_reason(&failed), (1011, "LIVE_CALLS_FULL: try later".to_owned()));
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let problem = "坏".repeat(100);
        let (_, reason) = code_and_reason(&Parting::Failed { code: "X", problem });
        assert!(reason.len() <= 123 && reason.len() > 120 && reason.ends_with('坏'), "{reason}");
    }
}
