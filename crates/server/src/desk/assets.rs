//! The pages' own files, built into the program. Their path carries a hash of them all, so that a
//! browser may keep them and never mixes two versions.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
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

const ASSETS: [Asset; 14] = [
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
    asset!("supervisor.js", SCRIPT),
    asset!("call.js", SCRIPT),
    asset!("plot.js", SCRIPT),
];

/// A page of `crates/server/desk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// One call.
    Pop,
    /// An agent's calls.
    Agent,
    /// All calls of a tenant.
    Supervisor,
    /// One call's evidence in full.
    Call,
}

impl Page {
    fn source(self) -> &'static str {
        match self {
            Self::Pop => include_str!("../../desk/pop.html"),
            Self::Agent => include_str!("../../desk/agent.html"),
            Self::Supervisor => include_str!("../../desk/supervisor.html"),
            Self::Call => include_str!("../../desk/call.html"),
        }
    }

    /// The page with where its files are and what it is to know.
    pub(super) fn render(self, settings: &str) -> String {
        placed(self.source()).replace("{{settings}}", settings)
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

/// A page with where its files are.
pub(super) fn placed(page: &str) -> String {
    page.replace("{{assets}}", &format!("/desk/assets/{}", *VERSION))
}

/// A file, which browsers may keep for good: another version has another path.
pub(super) fn reply(version: &str, name: &str) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) if version == *VERSION => {
            let kept = "public, max-age=31536000, immutable";
            ([(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, kept)], asset.text).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: [Page; 4] = [Page::Pop, Page::Agent, Page::Supervisor, Page::Call];

    #[test]
    fn every_page_and_file_names_only_files_that_are_there() {
        let named = |text: &str, mark: &str| -> Vec<String> {
            let parts = text.split(mark).skip(1);
            parts.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
        };
        let there = |name: &String| ASSETS.iter().any(|asset| asset.name == name);
        for page in PAGES {
            let files = named(page.source(), "{{assets}}/");
            assert!(files.len() >= 3 && files.iter().all(there), "{page:?}: {files:?}");
            let rendered = page.render("{}");
            assert!(!rendered.contains("{{") && rendered.contains(&*VERSION), "{page:?}");
        }
        for asset in &ASSETS {
            let files = named(asset.text, "from \"./");
            assert!(files.iter().all(there), "{}: {files:?}", asset.name);
        }
    }

    /// The policy forbids them, and a page that breaks it shows nothing.
    #[test]
    fn nothing_is_inline_and_nothing_from_outside() {
        let sources = PAGES.map(Page::source).into_iter().chain(ASSETS.iter().map(|asset| asset.text));
        for text in sources {
            for word in
                ["innerHTML", "style=", "onclick=", "eval(", "javascript:", "https://", "@import", "//cdn"]
            {
                assert!(!text.contains(word), "{word}");
            }
            let outside =
                text.matches("http://").count() - text.matches("http://www.w3.org/2000/svg").count();
            assert_eq!(outside, 0, "only the name space of SVG looks like an address");
        }
    }

    #[test]
    fn an_unknown_file_or_version_is_not_there() {
        assert_eq!(reply(&VERSION, "desk.css").status(), StatusCode::OK);
        assert_eq!(reply("0", "desk.css").status(), StatusCode::NOT_FOUND);
        assert_eq!(reply(&VERSION, "../Cargo.toml").status(), StatusCode::NOT_FOUND);
    }
}
