//! What an institution sets about its pages: who may frame them, and what its agents are to say.

use std::time::Duration;

use earmark_engine::Verdict;
use serde::{Deserialize, Serialize};

use crate::ServerError;
use crate::cors;

/// The shipped scenes and texts, in the form of an institution's own file.
const SHIPPED: &str = include_str!("../../desk/desk.toml");
/// All texts go to every page that is opened.
const MAX_FILE_BYTES: usize = 256 << 10;
const MAX_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
const MAX_SESSION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// How the pages of the desk behave.
#[derive(Clone, Debug)]
pub struct DeskOptions {
    /// Origins (`https://crm.example.com`) whose pages may show the desk's in a frame and are told
    /// the result; none by default.
    pub frame_ancestors: Vec<String>,
    /// Browsers reach this server over TLS although it serves plaintext itself: a proxy in front of
    /// it ends their TLS. Its cookies are then sent as frames need it.
    pub https: bool,
    /// How long a token may wait to be exchanged; at most an hour.
    pub token_lifetime: Duration,
    /// How long a page opened by a token works; at most a week.
    pub session_lifetime: Duration,
    /// Scenes beside the shipped ones, or in their place where they have their ids.
    pub scenes: Vec<Scene>,
    /// Texts in the place of the shipped ones of the same tag and scene.
    pub scripts: Vec<Script>,
}

impl Default for DeskOptions {
    fn default() -> Self {
        Self {
            frame_ancestors: Vec::new(),
            https: false,
            token_lifetime: Duration::from_secs(60),
            // A shift with its overtime.
            session_lifetime: Duration::from_secs(12 * 3600),
            scenes: Vec::new(),
            scripts: Vec::new(),
        }
    }
}

/// What a call is about, as the telephone system names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// As calls carry it.
    pub id: String,
    /// Shown in Chinese.
    pub zh: String,
    /// Shown in English.
    pub en: String,
}

/// What an agent is to say for a tag in a scene.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The verdict's code, such as `SUSPECTED_PROXY`.
    pub tag: String,
    /// The scene's id; none is for every scene without a text of its own.
    pub scene: Option<String>,
    /// In Chinese, a line each.
    pub zh: Vec<String>,
    /// In English, a line each.
    pub en: Vec<String>,
}

/// The file of `--desk`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeskFile {
    #[serde(default)]
    frame_ancestors: Vec<String>,
    #[serde(default)]
    https: bool,
    token_lifetime_s: Option<u64>,
    session_lifetime_s: Option<u64>,
    #[serde(default)]
    scene: Vec<Scene>,
    #[serde(default)]
    script: Vec<Script>,
}

impl DeskOptions {
    /// Reads an institution's file (TOML, described in docs/integration/screen-pop.md).
    ///
    /// # Errors
    /// [`ServerError::Desk`] says what is wrong with it and where.
    pub fn from_toml(text: &str) -> Result<Self, ServerError> {
        if text.len() > MAX_FILE_BYTES {
            return Err(refuse(format!("has {} bytes; at most {MAX_FILE_BYTES} are read", text.len())));
        }
        let file: DeskFile = toml::from_str(text).map_err(|error| refuse(error.to_string()))?;
        let own = Self::default();
        let seconds = |given: Option<u64>, otherwise| given.map_or(otherwise, Duration::from_secs);
        let options = Self {
            frame_ancestors: file.frame_ancestors,
            https: file.https,
            token_lifetime: seconds(file.token_lifetime_s, own.token_lifetime),
            session_lifetime: seconds(file.session_lifetime_s, own.session_lifetime),
            scenes: file.scene,
            scripts: file.script,
        };
        options.check()?;
        Ok(options)
    }

    pub(crate) fn check(&self) -> Result<(), ServerError> {
        for origin in &self.frame_ancestors {
            cors::origin(origin)?;
        }
        let lifetimes = [
            ("token_lifetime_s", self.token_lifetime, MAX_TOKEN_LIFETIME),
            ("session_lifetime_s", self.session_lifetime, MAX_SESSION_LIFETIME),
        ];
        for (name, lifetime, most) in lifetimes {
            if lifetime.is_zero() || lifetime > most {
                return Err(refuse(format!("{name} must be 1 to {} s", most.as_secs())));
            }
        }
        for script in &self.scripts {
            if Verdict::from_code(&script.tag).is_none() {
                let known = Verdict::ALL.map(Verdict::code).join(", ");
                return Err(refuse(format!("{:?} is no tag; the tags are {known}", script.tag)));
            }
            if script.zh.is_empty() || script.en.is_empty() {
                return Err(refuse(format!("the script for {} needs lines in zh and en", script.tag)));
            }
        }
        Ok(())
    }

    /// The scenes and texts that hold: the institution's own, then the shipped ones beside them.
    pub(super) fn with_shipped(&self) -> Result<(Vec<Scene>, Vec<Script>), ServerError> {
        let shipped = Self::from_toml(SHIPPED)?;
        let (mut scenes, mut scripts) = (self.scenes.clone(), self.scripts.clone());
        scenes.extend(shipped.scenes.into_iter().filter(|s| self.scenes.iter().all(|own| own.id != s.id)));
        let replaced = |s: &Script| self.scripts.iter().any(|own| own.tag == s.tag && own.scene == s.scene);
        scripts.extend(shipped.scripts.into_iter().filter(|script| !replaced(script)));
        Ok((scenes, scripts))
    }
}

fn refuse(problem: impl Into<String>) -> ServerError {
    ServerError::Desk { problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_texts_cover_every_tag_and_the_three_scenes() {
        let (scenes, scripts) = DeskOptions::default().with_shipped().unwrap();
        let ids: Vec<_> = scenes.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["hotline", "collections", "complaint"]);
        for verdict in Verdict::ALL {
            let general = scripts.iter().filter(|s| s.tag == verdict.code() && s.scene.is_none());
            assert_eq!(general.count(), 1, "{verdict:?}");
        }
        for script in &scripts {
            assert_eq!(script.zh.len(), script.en.len(), "{script:?}");
            assert!(script.scene.as_ref().is_none_or(|s| ids.contains(&s.as_str())), "{script:?}");
        }
    }

    /// A voice is an indication, and nobody is called a fraud to their face.
    #[test]
    fn the_shipped_texts_accuse_nobody() {
        let (_, scripts) = DeskOptions::default().with_shipped().unwrap();
        for line in scripts.iter().flat_map(|s| s.zh.iter().chain(&s.en)) {
            for word in ["诈骗", "骗子", "黑产", "非法代理", "冒充", "fraud", "impostor", "illegal", "fake"]
            {
                assert!(!line.to_lowercase().contains(word), "{line}");
            }
        }
        let tagged = scripts.iter().filter(|s| s.tag == "SUSPECTED_PROXY");
        assert!(tagged.into_iter().all(|s| s.zh.iter().any(|line| line.contains("授权第三方"))));
    }

    #[test]
    fn an_institutions_text_takes_the_place_of_the_shipped_one() {
        let own = "frame_ancestors = [\"https://crm.example.com\"]\ntoken_lifetime_s = 30\n\
            [[scene]]\nid = \"hotline\"\nzh = \"热线\"\nen = \"Line\"\n\
            [[script]]\ntag = \"MISMATCH\"\nscene = \"complaint\"\nzh = [\"一\"]\nen = [\"one\"]\n";
        let options = DeskOptions::from_toml(own).unwrap();
        assert_eq!(options.token_lifetime, Duration::from_secs(30));
        let (scenes, scripts) = options.with_shipped().unwrap();
        assert_eq!(scenes.iter().filter(|s| s.id == "hotline").map(|s| &*s.zh).collect::<Vec<_>>(), ["热线"]);
        let found: Vec<_> = scripts
            .iter()
            .filter(|s| s.tag == "MISMATCH" && s.scene.as_deref() == Some("complaint"))
            .map(|s| s.zh.join(""))
            .collect();
        assert_eq!(found, ["一"]);
        assert!(scripts.len() > 5);
    }

    #[test]
    fn what_can_not_be_is_named() {
        for (text, named) in [
            ("frame_ancestors = [\"*\"]", "web origin"),
            ("frame_ancestor = []", "frame_ancestor"),
            ("token_lifetime_s = 0", "token_lifetime_s"),
            ("session_lifetime_s = 99999999", "session_lifetime_s"),
            ("[[script]]\ntag = \"ODD\"\nzh = [\"一\"]\nen = [\"one\"]", "ODD"),
            ("[[script]]\ntag = \"MATCH\"\nzh = []\nen = [\"one\"]", "MATCH"),
            ("=", "expected"),
        ] {
            let problem = DeskOptions::from_toml(text).unwrap_err().to_string();
            assert!(problem.contains(named), "{text}: {problem}");
        }
        assert!(DeskOptions::from_toml(&"#".repeat(MAX_FILE_BYTES + 1)).is_err());
    }
}
