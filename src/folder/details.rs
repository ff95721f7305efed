use earmark_engine::{CallInfo, check_call_line};
use earmark_voiceprint::{CallId, CustomerId, IdError};

use super::refused::Refused;
use super::template::NameTemplate;

/// Where the details of a call come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A JSON file beside each recording.
    Sidecar,
    /// The recording's own name.
    Name(NameTemplate),
}

/// What is said of a recording's call, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallDetails {
    pub(super) call_id: Option<String>,
    pub(super) customer_id: Option<String>,
    pub(super) caller_number: Option<String>,
    pub(super) agent_id: Option<String>,
    pub(super) scene: Option<String>,
    pub(super) channel: Option<Channel>,
    pub(super) role: Option<Role>,
}

/// Which channel of a recording is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// The one with this number, from 0.
    Number(u16),
    /// All of them, as one.
    Mix,
}

/// Whose voice a recording's channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Customer,
    Agent,
    Mixed,
}

impl CallDetails {
    /// The call, checked.
    pub(super) fn call(&self) -> Result<CallInfo, Refused> {
        let bad = |field, problem: IdError| Refused::BadField { field, problem: problem.to_string() };
        let call_id = CallId::new(self.call_id.as_deref().unwrap_or_default());
        let claimed = self.customer_id.as_deref().map(CustomerId::new).transpose();
        Ok(CallInfo {
            call_id: call_id.map_err(|e| bad("call_id", e))?,
            claimed: claimed.map_err(|e| bad("customer_id", e))?,
            caller_number: text("caller_number", self.caller_number.as_deref())?,
            agent: text("agent_id", self.agent_id.as_deref())?,
            scene: text("scene", self.scene.as_deref())?,
        })
    }
}

fn text(field: &'static str, value: Option<&str>) -> Result<Option<String>, Refused> {
    let Some(value) = value else { return Ok(None) };
    if value.is_empty() {
        let problem = "it is empty; leave it out where it is not known".to_owned();
        return Err(Refused::BadField { field, problem });
    }
    check_call_line(field, value).map_err(|error| Refused::BadField { field, problem: error.to_string() })?;
    Ok(Some(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_checked_and_named() {
        let good = CallDetails { call_id: Some("c1".into()), ..CallDetails::default() };
        let problem = |details: CallDetails| match details.call() {
            Err(Refused::BadField { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(good.call().unwrap().call_id.as_str(), "c1");
        assert_eq!(problem(CallDetails::default()), "call_id");
        assert_eq!(problem(CallDetails { customer_id: Some(" 6".into()), ..good.clone() }), "customer_id");
        assert_eq!(problem(CallDetails { agent_id: Some("a\nb".into()), ..good.clone() }), "agent_id");
        let long = Some("1".repeat(129));
        assert_eq!(problem(CallDetails { caller_number: long, ..good.clone() }), "caller_number");
        assert_eq!(problem(CallDetails { scene: Some(String::new()), ..good }), "scene");
    }
}
