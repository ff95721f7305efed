use std::sync::Mutex;

use earmark_engine::Engine;
use http::HeaderValue;
use serde::Serialize;

use super::access::Door;
use super::headers;
use super::options::{Scene, Script};
use crate::{ServerError, ServerOptions};

/// What the key of the data folder is used for here.
const KEY_PURPOSE: &str = "desk sessions, version 1";

/// What the desk's handlers stand on beside the backend.
pub(crate) struct DeskState {
    pub(super) door: Door,
    /// What every page is to know, as JSON that may stand in a page.
    pub(super) settings: String,
    pub(super) policy: HeaderValue,
    /// One report at a time, so that one sent twice at once is kept once.
    pub(super) reporting: Mutex<()>,
}

/// What every page is to know.
#[derive(Serialize)]
struct Settings<'a> {
    /// Whom the result may be told.
    hosts: &'a [String],
    least_speech_s: f32,
    scenes: &'a [Scene],
    scripts: &'a [Script],
}

impl DeskState {
    /// `here` says that only this machine reaches the port.
    pub(crate) fn new(engine: &Engine, options: &ServerOptions, here: bool) -> Result<Self, ServerError> {
        let desk = &options.desk;
        let (scenes, scripts) = desk.with_shipped()?;
        let settings = Settings {
            hosts: &desk.frame_ancestors,
            least_speech_s: engine.verdict_speech().seconds(),
            scenes: &scenes,
            scripts: &scripts,
        };
        let settings = serde_json::to_string(&settings)
            .map_err(|error| ServerError::Desk { problem: error.to_string() })?;
        let policy = HeaderValue::from_str(&headers::policy(&desk.frame_ancestors))
            .map_err(|error| ServerError::Desk { problem: error.to_string() })?;
        let secure = options.tls.is_some() || desk.https;
        // Where browsers use TLS they are elsewhere, behind a proxy perhaps that calls us by our own name.
        let open = here && !secure && options.access.tokens.is_empty();
        let key = engine.derive_key(KEY_PURPOSE);
        Ok(Self {
            door: Door::new(&key, secure, open, desk.token_lifetime, desk.session_lifetime),
            settings: for_a_page(&settings),
            policy,
            reporting: Mutex::new(()),
        })
    }
}

/// JSON with no character that could end the script element around it (HTML, 4.12.1.3).
fn for_a_page(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_the_element_it_stands_in() {
        let hostile = serde_json::to_string("</script><!--&amp;").unwrap();
        let shown = for_a_page(&hostile);
        assert!(!shown.contains(['<', '>', '&']), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), "</script><!--&amp;");
    }
}
