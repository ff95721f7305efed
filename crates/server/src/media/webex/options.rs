use std::path::PathBuf;

use earmark_voiceprint::TenantId;
use uuid::Uuid;

use crate::ServerError;

/// The schema of media forking among Webex's data sources (github.com/webex/dataSourceSchemas).
pub const WEBEX_FORKING_SCHEMA: Uuid = Uuid::from_u128(0x523e_1b7f_4693_47bc_b84e_a7b7_a505_fb0b);

/// How Webex Contact Center shows that it is Webex, and that it means us: a token that Cisco signs, in
/// the metadata `authorization` of each stream. With these its method takes such tokens and no others.
#[derive(Clone, Debug)]
pub struct WebexOptions {
    /// Cisco's keys, a JWK set as it publishes it; read again when it changes.
    pub keys_file: PathBuf,
    /// Who may have issued a token, `https://idbroker.webex.com/idb`.
    pub issuers: Vec<String>,
    /// The audience that the data source is registered with.
    pub audience: String,
    /// The URL that the data source is registered with, letter by letter.
    pub datasource_url: String,
    /// The schema that the data source is registered with.
    pub schema: Uuid,
    /// For whom the calls are screened.
    pub tenant: TenantId,
}

impl WebexOptions {
    /// A check that lets everything pass would be no check.
    pub(super) fn check(&self) -> Result<(), ServerError> {
        let refuse = |option, problem| Err(ServerError::Option { option, problem });
        if self.issuers.is_empty() || self.issuers.iter().any(|issuer| !issuer.starts_with("https://")) {
            return refuse("webex.issuers", "must name one https:// url at least, and nothing else");
        }
        if self.audience.is_empty() {
            return refuse("webex.audience", "must be the one that the data source is registered with");
        }
        if !self.datasource_url.starts_with("https://") {
            let problem = "must be the one that the data source is registered with, https://host:port";
            return refuse("webex.datasource_url", problem);
        }
        Ok(())
    }
}
