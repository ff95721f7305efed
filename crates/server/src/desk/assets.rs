//! The pages' own files, built into the program. Their path carries a hash of them all, so that a
//! browser may keep them and never mixes two versions.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A file of `crates/server/desk`.
struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        Asset { name: $name, kind: $kind, text: include_str!(concat!("../../desk/", $name)) }
    };
}

const ASSETS: [Asset; 11] = [
    asset!("desk.css", STYLE),
    asset!("icon.svg", IMAGE),
    asset!("text.js", SCRIPT),
    asset!("element.js", SCRIPT),
    asset!("stream.js", SCRIPT),
    asset!("curve.js", SCRIPT),
    asset!("card.js", SCRIPT),
    asset!("frame.js", SCRIPT),
    asset!("pop.js", SCRIPT),
    asset!("agent.js", SCRIPT),
    asset!("outcome.js", SCRIPT),
];

/// A page of `crates/server/desk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// One call.
    Pop,
    /// An agent's calls.
    Agent,
}

impl Page {
    fn source(self) -> &'static str {
        match self {
            Self::Pop => include_str!("../../desk/pop.html"),
            Self::Agent => include_str!("../../desk/agent.html"),
        }
    }

    /// The page with where its files are and what it is to know.
    pub(super) fn render(self, settings: &str) -> String {
        self.source().replace("{{assets}}", &format!("/desk/assets/{}", *VERSION)).replace("{{settings}}", settings)
    }
}

/// The beginning of a hash of all files, as their path has it.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in &ASSETS {
        hash.update(asset.text);
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
});

/// A file's kind and text.
pub(super) fn find(name: &str) -> Option<(&'static str, &'static str)> {
    ASSETS.iter().find(|asset| asset.name == name).map(|asset| (asset.kind, asset.text))
}
