use std::path::PathBuf;

use anyhow::{Context, Result};
use earmark_server::{WEBEX_FORKING_SCHEMA, WebexOptions};
use earmark_voiceprint::TenantId;
use serde::Deserialize;

/// `[webex]`: Webex's method takes tokens that Cisco signed for this data source, and no others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWebex {
    keys_file: PathBuf,
    issuers: Vec<String>,
    audience: String,
    datasource_url: String,
    schema: Option<String>,
    tenant: Option<String>,
}

impl RawWebex {
    /// The server checks the rest when it starts.
    pub(super) fn options(self) -> Result<WebexOptions> {
        let schema = self.schema.map_or(Ok(WEBEX_FORKING_SCHEMA), |schema| schema.parse());
        let tenant = TenantId::new(self.tenant.as_deref().unwrap_or("default"));
        Ok(WebexOptions {
            keys_file: self.keys_file,
            issuers: self.issuers,
            audience: self.audience,
            datasource_url: self.datasource_url,
            schema: schema.context("webex.schema must be a uuid")?,
            tenant: tenant.context("webex.tenant")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: &str = "keys_file = \"/k\"\nissuers = [\"https://idbroker.webex.com/idb\"]\n\
        audience = \"a\"\ndatasource_url = \"https://earmark.bank.example:443\"\n";

    fn parse(text: &str) -> Result<WebexOptions> {
        toml::from_str::<RawWebex>(text)?.options()
    }

    #[test]
    fn what_is_said_counts_and_the_rest_is_webexs() {
        let options = parse(NEEDED).unwrap();
        assert_eq!((options.schema, options.tenant.as_str()), (WEBEX_FORKING_SCHEMA, "default"));
        assert_eq!(options.schema.to_string(), "523e1b7f-4693-47bc-b84e-a7b7a505fb0b");
        let schema = "3028d2e8-0000-0000-0000-000000000000";
        let other = parse(&format!("{NEEDED}schema = \"{schema}\"\ntenant = \"north\"")).unwrap();
        assert_eq!((other.schema.to_string().as_str(), other.tenant.as_str()), (schema, "north"));
    }

    #[test]
    fn what_can_not_be_is_refused() {
        assert!(parse("keys_file = \"/k\"").is_err(), "nothing of it has a default that would be safe");
        for more in ["schema = \"forking\"", "tenant = \"\"", "colour = 1"] {
            assert!(parse(&format!("{NEEDED}{more}")).is_err(), "{more}");
        }
    }
}
