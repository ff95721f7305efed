//! The JSON file beside a recording that says whose call it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::details::{CallDetails, Channel, Role};
use super::listing;
use super::refused::Refused;

/// The most bytes of a sidecar; ours have some hundred.
const MAX_BYTES: u64 = 64 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    call_id: String,
    customer_id: Option<String>,
    caller_number: Option<String>,
    agent_id: Option<String>,
    scene: Option<String>,
    channel: Option<RawChannel>,
    role: Option<RawRole>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a channel's number from 0, \"left\", \"right\" or \"mix\"")]
enum RawChannel {
    Number(u16),
    Named(RawName),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawName {
    Left,
    Right,
    Mix,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawRole {
    Customer,
    Agent,
    Mixed,
}

/// Reads the sidecar at this path, which must be a file of its own.
pub(super) fn read(path: &Path) -> Result<CallDetails, Refused> {
    let name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bad = |problem: String| Refused::BadSidecar { name: name(), problem };
    let file = match listing::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Refused::SidecarMissing { name: name() });
        }
        opened => opened.map_err(|error| bad(error.to_string()))?,
    };
    parse(&content(file).map_err(bad)?).map_err(bad)
}

fn content(file: File) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    if content.len() as u64 > MAX_BYTES {
        return Err(format!("it has more than {MAX_BYTES} bytes"));
    }
    Ok(content)
}

fn parse(content: &[u8]) -> Result<CallDetails, String> {
    // Windows recorders write a byte order mark.
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let raw: Raw = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    Ok(CallDetails {
        call_id: Some(raw.call_id),
        customer_id: raw.customer_id,
        caller_number: raw.caller_number,
        agent_id: raw.agent_id,
        scene: raw.scene,
        channel: raw.channel.map(|channel| match channel {
            RawChannel::Number(number) => Channel::Number(number),
            RawChannel::Named(RawName::Left) => Channel::Number(0),
            RawChannel::Named(RawName::Right) => Channel::Number(1),
            RawChannel::Named(RawName::Mix) => Channel::Mix,
        }),
        role: raw.role.map(|role| match role {
            RawRole::Customer => Role::Customer,
            RawRole::Agent => Role::Agent,
            RawRole::Mixed => Role::Mixed,
        }),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_fields_are_read() {
        let full = br#"{"call_id":"c1","customer_id":"62170001","caller_number":"138","agent_id":"a7",
            "scene":"collections","channel":"right","role":"customer"}"#;
        let details = parse(full).unwrap();
        assert_eq!((details.call_id.as_deref(), details.scene.as_deref()), (Some("c1"), Some("collections")));
        assert_eq!((details.channel, details.role), (Some(Channel::Number(1)), Some(Role::Customer)));
        let number = parse(b"\xef\xbb\xbf{\"call_id\":\"c\",\"channel\":3}").unwrap();
        assert_eq!(number.channel, Some(Channel::Number(3)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let problem = |text: &str| parse(text.as_bytes()).unwrap_err();
        assert!(problem(r#"{"customer_id":"6"}"#).contains("missing field `call_id`"));
        assert!(problem(r#"{"call_id":"c","customer":"6"}"#).contains("unknown field `customer`"));
        assert!(problem(r#"{"call_id":"c","call_id":"d"}"#).contains("duplicate field"));
        assert!(problem(r#"{"call_id":17}"#).contains("expected a string"));
        assert!(problem(r#"{"call_id":"c","channel":"both"}"#).contains("left"));
        assert!(problem(r#"{"call_id":"c","channel":-1}"#).contains("from 0"));
        assert!(problem(r#"{"call_id":"c","role":"caller"}"#).contains("customer"));
        assert!(problem(r#"{"call_id":"c"} {"#).contains("trailing"));
        assert!(problem("").contains("EOF"));
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_an_answer(content in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&content);
        }
    }
}
