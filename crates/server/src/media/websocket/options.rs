use std::fmt;

use earmark_voiceprint::TenantId;
use secrecy::{SecretSlice, SecretString};

use crate::ServerError;

/// Media streams over WebSockets, by dialect. What is none is not served.
#[derive(Clone, Debug)]
pub struct WebSocketOptions {
    /// Sockets at once, over all dialects; the next one is refused with 503.
    pub max_sockets: usize,
    /// `/media/freeswitch`: mod_audio_fork and mod_audio_stream.
    pub freeswitch: Option<StreamRoute>,
    /// `/media/asterisk`: chan_websocket.
    pub asterisk: Option<StreamRoute>,
    /// `/media/twilio`: Media Streams.
    pub twilio: Option<TwilioRoute>,
    /// `/media/audiohook`: Genesys AudioHook.
    pub audiohook: Option<AudioHookRoute>,
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        Self { max_sockets: 256, freeswitch: None, asterisk: None, twilio: None, audiohook: None }
    }
}

/// A path whose far end shows one of the server's access tokens, if there are any.
#[derive(Clone, Debug)]
pub struct StreamRoute {
    /// For whom the calls are screened.
    pub tenant: TenantId,
}

/// How Twilio shows that it is Twilio.
#[derive(Clone, Debug)]
pub struct TwilioRoute {
    /// For whom the calls are screened.
    pub tenant: TenantId,
    /// The account's auth token, which signs each request. Without one an access token is asked for,
    /// if the server has any, which Twilio can't send.
    pub auth_token: Option<SecretString>,
    /// The URL of the TwiML, `wss://host/media/twilio`, where a proxy changes host or path; none takes
    /// the request's own host and path under `wss`.
    pub public_url: Option<String>,
}

/// How Genesys Cloud shows that it is Genesys Cloud.
#[derive(Clone, Debug)]
pub struct AudioHookRoute {
    /// For whom the calls are screened.
    pub tenant: TenantId,
    /// The integrations that may connect.
    pub keys: Vec<AudioHookKey>,
    /// Where they connect to, if a proxy changes host or path: both are signed. None takes the request's
    /// own.
    pub public_url: Option<PublicUrl>,
}

/// A WebSocket's URL as the far end knows it: `wss://host/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// Without a port that says nothing new, as an HTTP message signature has it.
    pub(super) authority: String,
    pub(super) path: String,
}

impl PublicUrl {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// [`ServerError::Option`] for what is no `wss://host/path`.
    pub fn parse(url: &str) -> Result<Self, ServerError> {
        let problem = "must be the url that the far end connects to, such as wss://host/path";
        let refuse = || ServerError::Option { option: "public_url", problem };
        let url: http::Uri = url.parse().map_err(|_| refuse())?;
        let (Some("wss"), Some(authority), None) = (url.scheme_str(), url.authority(), url.query()) else {
            return Err(refuse());
        };
        if authority.as_str().contains('@') {
            return Err(refuse());
        }
        let authority = authority.as_str();
        let authority = authority.strip_suffix(":443").unwrap_or(authority).to_owned();
        Ok(Self { authority, path: url.path().to_owned() })
    }
}

/// The credentials of an AudioHook integration.
#[derive(Clone)]
pub struct AudioHookKey {
    /// What it sends as `X-API-KEY`.
    pub api_key: SecretString,
    /// What it signs its requests with; none takes the API key alone as proof.
    pub client_secret: Option<SecretSlice<u8>>,
}

impl fmt::Debug for AudioHookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioHookKey").field("signed", &self.client_secret.is_some()).finish_non_exhaustive()
    }
}
