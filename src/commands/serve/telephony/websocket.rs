use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use earmark_server::{AudioHookKey, AudioHookRoute, PublicUrl, StreamRoute, TwilioRoute, WebSocketOptions};
use earmark_voiceprint::TenantId;
use serde::Deserialize;

/// `[websocket]`: a dialect's table opens its path on the main port.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWebSocket {
    max_sockets: Option<usize>,
    freeswitch: Option<RawRoute>,
    asterisk: Option<RawRoute>,
    twilio: Option<RawTwilio>,
    audiohook: Option<RawAudioHook>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoute {
    tenant: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTwilio {
    tenant: Option<String>,
    auth_token: Option<String>,
    auth_token_file: Option<PathBuf>,
    public_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAudioHook {
    tenant: Option<String>,
    public_url: Option<String>,
    key: Vec<RawKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    api_key: String,
    client_secret: Option<String>,
    client_secret_file: Option<PathBuf>,
}

impl RawWebSocket {
    pub(super) fn options(self) -> Result<WebSocketOptions> {
        let mut options = WebSocketOptions::default();
        options.max_sockets = self.max_sockets.unwrap_or(options.max_sockets);
        if options.max_sockets == 0 {
            bail!("websocket.max_sockets must be more than 0");
        }
        let route = |raw: RawRoute| -> Result<_> { Ok(StreamRoute { tenant: tenant(raw.tenant)? }) };
        options.freeswitch = self.freeswitch.map(route).transpose().context("websocket.freeswitch")?;
        options.asterisk = self.asterisk.map(route).transpose().context("websocket.asterisk")?;
        options.twilio = self.twilio.map(RawTwilio::route).transpose().context("websocket.twilio")?;
        options.audiohook =
            self.audiohook.map(RawAudioHook::route).transpose().context("websocket.audiohook")?;
        Ok(options)
    }
}

impl RawTwilio {
    fn route(self) -> Result<TwilioRoute> {
        let auth_token = secret("auth_token", self.auth_token, self.auth_token_file)?;
        if self.public_url.as_ref().is_some_and(|url| !url.starts_with("wss://")) {
            bail!("public_url must be the url of the TwiML, which begins with wss://");
        }
        let (tenant, auth_token) = (tenant(self.tenant)?, auth_token.map(Into::into));
        Ok(TwilioRoute { tenant, auth_token, public_url: self.public_url })
    }
}

impl RawAudioHook {
    fn route(self) -> Result<AudioHookRoute> {
        if self.key.is_empty() {
            bail!("name at least one [[websocket.audiohook.key]]");
        }
        let keys = self.key.into_iter().map(RawKey::key).collect::<Result<_>>()?;
        let public_url = self.public_url.as_deref().map(PublicUrl::parse).transpose()?;
        Ok(AudioHookRoute { tenant: tenant(self.tenant)?, keys, public_url })
    }
}

impl RawKey {
    fn key(self) -> Result<AudioHookKey> {
        if self.api_key.is_empty() {
            bail!("an api_key must not be empty");
        }
        let secret = secret("client_secret", self.client_secret, self.client_secret_file)?;
        let decode = |text: String| {
            STANDARD.decode(text).ok().context("client_secret must be base64, as Genesys shows it")
        };
        let client_secret = secret.map(decode).transpose()?;
        if client_secret.as_ref().is_some_and(Vec::is_empty) {
            bail!("a client_secret must not be empty");
        }
        Ok(AudioHookKey { api_key: self.api_key.into(), client_secret: client_secret.map(Into::into) })
    }
}

fn tenant(named: Option<String>) -> Result<TenantId> {
    TenantId::new(named.as_deref().unwrap_or("default")).context("tenant")
}

/// A secret from the file itself or, better kept, from a file of its own.
fn secret(name: &str, said: Option<String>, file: Option<PathBuf>) -> Result<Option<String>> {
    match (said, file) {
        (Some(_), Some(_)) => bail!("{name} is given twice; keep {name} or {name}_file"),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path);
            let text = text.with_context(|| format!("can't read {name}_file {}", path.display()))?;
            Ok(Some(text.trim().to_owned()))
        }
        (said, None) => Ok(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<WebSocketOptions> {
        toml::from_str::<RawWebSocket>(text)?.options()
    }

    #[test]
    fn a_table_opens_its_path() {
        let none = parse("").unwrap();
        assert!(none.freeswitch.is_none() && none.audiohook.is_none());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "secret\n").unwrap();
        let text = format!(
            "max_sockets = 9\n[freeswitch]\ntenant = \"north\"\n[asterisk]\n[twilio]\nauth_token_file = {file:?}\n\
             public_url = \"wss://a/media/twilio\"\n[audiohook]\npublic_url = \"wss://a/hook\"\n\
             [[audiohook.key]]\napi_key = \"k\"\nclient_secret = \"AAAA\"\n[[audiohook.key]]\napi_key = \"l\"\n"
        );
        let all = parse(&text).unwrap();
        assert_eq!((all.max_sockets, all.freeswitch.unwrap().tenant.as_str()), (9, "north"));
        assert_eq!(all.asterisk.unwrap().tenant.as_str(), "default");
        let twilio = all.twilio.unwrap();
        assert!(twilio.auth_token.is_some() && !format!("{twilio:?}").contains("secret\""));
        let hook = all.audiohook.unwrap();
        assert_eq!(hook.public_url, Some(PublicUrl::parse("wss://a/hook").unwrap()));
        assert_eq!(
            hook.keys.iter().map(|key| key.client_secret.is_some()).collect::<Vec<_>>(),
            [true, false]
        );
    }

    #[test]
    fn what_can_not_be_is_refused() {
        for text in [
            "max_sockets = 0",
            "colour = 1",
            "[freeswitch]\ntenant = \"\"",
            "[twilio]\npublic_url = \"https://a\"",
            "[twilio]\nauth_token = \"a\"\nauth_token_file = \"b\"",
            "[twilio]\nauth_token_file = \"/nowhere/at/all\"",
            "[audiohook]",
            "[audiohook]\nkey = []",
            "[audiohook]\npublic_url = \"https://a\"\n[[audiohook.key]]\napi_key = \"k\"",
            "[audiohook]\n[[audiohook.key]]\napi_key = \"\"",
            "[audiohook]\n[[audiohook.key]]\napi_key = \"k\"\nclient_secret = \"***\"",
            "[audiohook]\n[[audiohook.key]]\napi_key = \"k\"\nclient_secret = \"\"",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
