//! The file of `serve --telephony`: by which ways calls arrive beside gRPC.

mod siprec;
mod webex;
mod websocket;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, bail};
use earmark_server::{MixedAudio, TelephonyOptions};
use earmark_voiceprint::TenantId;
use serde::Deserialize;

use self::siprec::RawSiprec;
use self::webex::RawWebex;
use self::websocket::RawWebSocket;

/// What the file says, ready to use.
#[derive(Default)]
pub(super) struct Telephony {
    pub(super) options: TelephonyOptions,
    /// Where to listen for AudioSocket, if at all.
    pub(super) audiosocket: Option<SocketAddr>,
    /// Where to listen for SIPREC, if at all, over UDP and TCP.
    pub(super) siprec: Option<SocketAddr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTelephony {
    mixed: Option<RawMixed>,
    audiosocket: Option<RawAudioSocket>,
    websocket: Option<RawWebSocket>,
    siprec: Option<RawSiprec>,
    webex: Option<RawWebex>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawMixed {
    Refuse,
    Mark,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAudioSocket {
    listen: SocketAddr,
    tenant: Option<String>,
    max_connections: Option<usize>,
}

impl Telephony {
    /// Reads the file, if there is one.
    pub(super) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let what = || format!("can't take telephony options from {}", path.display());
        let text = std::fs::read_to_string(path).with_context(what)?;
        Self::parse(&text).with_context(what)
    }

    fn parse(text: &str) -> Result<Self> {
        let raw: RawTelephony = toml::from_str(text)?;
        let mut telephony = Self::default();
        telephony.options.mixed = match raw.mixed {
            Some(RawMixed::Mark) => MixedAudio::Mark,
            Some(RawMixed::Refuse) | None => MixedAudio::Refuse,
        };
        if let Some(raw) = raw.websocket {
            telephony.options.websocket = raw.options()?;
        }
        if let Some(raw) = raw.audiosocket {
            telephony.audiosocket = Some(raw.listen);
            let options = &mut telephony.options.audiosocket;
            if let Some(tenant) = raw.tenant {
                options.tenant = TenantId::new(&tenant).context("audiosocket.tenant")?;
            }
            options.max_connections = raw.max_connections.unwrap_or(options.max_connections);
            if options.max_connections == 0 {
                bail!("audiosocket.max_connections must be more than 0");
            }
        }
        if let Some(raw) = raw.siprec {
            telephony.siprec = Some(raw.listen);
            telephony.options.siprec = raw.resolve()?;
        }
        telephony.options.webex = raw.webex.map(RawWebex::options).transpose()?;
        Ok(telephony)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_counts_and_the_rest_is_safe() {
        let none = Telephony::parse("").unwrap();
        assert!(none.audiosocket.is_none() && none.options.mixed == MixedAudio::Refuse);
        let text = "mixed = \"mark\"\n[audiosocket]\nlisten = \"127.0.0.1:9092\"\ntenant = \"north\"";
        let some = Telephony::parse(text).unwrap();
        assert_eq!(some.audiosocket.unwrap().port(), 9092);
        assert_eq!(some.options.mixed, MixedAudio::Mark);
        assert_eq!(some.options.audiosocket.tenant.as_str(), "north");
    }

    #[test]
    fn what_is_not_known_or_can_not_be_is_refused() {
        for text in [
            "colour = 1",
            "mixed = \"maybe\"",
            "[audiosocket]",
            "[audiosocket]\nlisten = \"here\"",
            "[audiosocket]\nlisten = \"127.0.0.1:1\"\nport = 3",
            "[audiosocket]\nlisten = \"127.0.0.1:1\"\ntenant = \"\"",
            "[audiosocket]\nlisten = \"127.0.0.1:1\"\nmax_connections = 0",
        ] {
            assert!(Telephony::parse(text).is_err(), "{text}");
        }
    }
}
