use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval};
use tonic::Code;

use super::keys::{KeySet, WebexKeysError};
use super::options::WebexOptions;
use super::rsa::{self, ALGORITHMS};
use crate::ServerError;
use crate::access::Caller;
use crate::refusal::Refusal;

/// The longest token that is looked at; Cisco's have less than 2 KiB.
const MAX_TOKEN_BYTES: usize = 8 << 10;
/// How far Cisco's clock and ours may be apart.
const MAX_SKEW: Duration = Duration::from_secs(30);
/// How often the file of keys is looked at.
const KEYS_INTERVAL: Duration = Duration::from_secs(5);
/// Who acts, in the audit trail.
const ACTOR: &str = "webex";

/// Lets in who shows a token of Cisco's for our data source.
pub(crate) struct WebexGuard {
    options: WebexOptions,
    validation: Validation,
    keys: RwLock<Arc<KeySet>>,
}

/// What else a token says, beside what every token does.
#[derive(Deserialize)]
struct Claims {
    jti: Option<String>,
    #[serde(rename = "com.cisco.datasource.url")]
    url: Option<String>,
    #[serde(rename = "com.cisco.datasource.schema.uuid")]
    schema: Option<String>,
}

impl WebexGuard {
    pub(crate) fn open(options: &WebexOptions) -> Result<Self, ServerError> {
        options.check()?;
        rsa::install();
        let file = &options.keys_file;
        let keys = KeySet::read(file)
            .map_err(|source| ServerError::WebexKeys { file: file.display().to_string(), source })?;
        Ok(Self {
            options: options.clone(),
            validation: validation(options),
            keys: RwLock::new(Arc::new(keys)),
        })
    }

    /// Finds out whether Webex calls, and for us.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let claims = self.signed(token(headers)?)?;
        let needed = |claim: Option<String>, name| claim.ok_or_else(|| missing(name));
        if needed(claims.jti, "jti")?.is_empty() {
            return Err(missing("jti"));
        }
        if needed(claims.url, "com.cisco.datasource.url")? != self.options.datasource_url {
            let problem = "the token is for another url than webex.datasource_url; write it as the data \
                           source is registered";
            return Err(refuse("WEBEX_URL_NOT_OURS", problem));
        }
        let schema = needed(claims.schema, "com.cisco.datasource.schema.uuid")?;
        if schema.parse() != Ok(self.options.schema) {
            let problem = "the token is for another schema than webex.schema; register the data source \
                           with the schema of media forking";
            return Err(refuse("WEBEX_SCHEMA_NOT_OURS", problem));
        }
        Ok(Caller { tenant: self.options.tenant.clone(), actor: Some(ACTOR.to_owned()) })
    }

    /// What a token says whose signature, times, issuer and audience are right.
    fn signed(&self, token: &str) -> Result<Claims, Refusal> {
        let header = decode_header(token).map_err(|_| malformed())?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(refused(&ErrorKind::InvalidAlgorithm));
        }
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut problem = unknown_key();
        for key in keys.named(header.kid.as_deref()) {
            match decode::<Claims>(token, key, &self.validation) {
                Ok(token) => return Ok(token.claims),
                Err(error) => problem = refused(error.kind()),
            }
            if problem.reason() != NOT_SIGNED {
                break;
            }
        }
        Err(problem)
    }

    /// Reads the keys again whenever their file changes. Never ends by itself.
    pub(crate) async fn watch_keys(self: &Arc<Self>) {
        let mut ticks = interval(KEYS_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut complained = false;
        loop {
            ticks.tick().await;
            let guard = self.clone();
            let outcome = tokio::task::spawn_blocking(move || guard.read_again()).await;
            match &outcome {
                Ok(Ok(Some(keys))) => tracing::info!(keys, "webex keys read again"),
                Ok(Err(error)) if !complained => {
                    tracing::warn!(%error, "the new webex keys can't be used; those before stay good");
                }
                Ok(_) | Err(_) => {}
            }
            complained = matches!(outcome, Ok(Err(_)));
        }
    }

    /// How many keys there are now, if they changed.
    fn read_again(&self) -> Result<Option<usize>, WebexKeysError> {
        let new = KeySet::read(&self.options.keys_file)?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if new.is_as(&keys) {
            return Ok(None);
        }
        *keys = Arc::new(new);
        Ok(Some(keys.len()))
    }
}

fn validation(options: &WebexOptions) -> Validation {
    let [first, ..] = ALGORITHMS;
    let mut validation = Validation::new(first);
    validation.algorithms = ALGORITHMS.to_vec();
    validation.leeway = MAX_SKEW.as_secs();
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&options.issuers);
    validation.set_audience(&[&options.audience]);
    validation
}

/// The token in `authorization`, bare or as a bearer's: Cisco's guides say both.
fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let absent = || {
        let problem = "authorization is missing; webex sends its token there, so is this webex?";
        refuse("WEBEX_TOKEN_MISSING", problem)
    };
    let value = headers.get(AUTHORIZATION).ok_or_else(absent)?;
    if value.len() > MAX_TOKEN_BYTES {
        let problem = format!("authorization is longer than {MAX_TOKEN_BYTES} bytes, which no token is");
        return Err(refuse("WEBEX_TOKEN_TOO_LONG", problem));
    }
    let value = value.to_str().map_err(|_| malformed())?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start()),
        _ => Ok(value),
    }
}

const NOT_SIGNED: &str = "WEBEX_SIGNATURE_NOT_VALID";

fn refuse(reason: &'static str, problem: impl Into<String>) -> Refusal {
    Refusal::new(Code::Unauthenticated, reason, problem)
}

fn malformed() -> Refusal {
    let problem = "authorization holds no signed token (jws) that can be read; send webex's as it is";
    refuse("WEBEX_TOKEN_MALFORMED", problem)
}

fn missing(claim: &str) -> Refusal {
    refuse("WEBEX_CLAIM_MISSING", format!("the token does not say {claim}; is it one of a data source?"))
}

fn unknown_key() -> Refusal {
    let problem = "the key that the token names is not in webex.keys_file; fetch the issuer's keys again";
    refuse("WEBEX_KEY_UNKNOWN", problem)
}

/// Never with the library's words, which may show pieces of a token.
fn refused(error: &ErrorKind) -> Refusal {
    match error {
        ErrorKind::InvalidSignature => {
            refuse(NOT_SIGNED, "the token is not signed by a key of webex.keys_file; fetch the keys again")
        }
        ErrorKind::InvalidAlgorithm => {
            refuse("WEBEX_ALGORITHM_NOT_ALLOWED", "the token must be signed by RS256, RS384 or RS512")
        }
        ErrorKind::ExpiredSignature => {
            let problem = "the token has expired; renew the data source's token in webex, and set the clocks";
            refuse("WEBEX_TOKEN_EXPIRED", problem)
        }
        ErrorKind::ImmatureSignature => {
            refuse("WEBEX_TOKEN_NOT_YET_VALID", "the token is not valid yet; set the clocks")
        }
        ErrorKind::InvalidIssuer => {
            refuse("WEBEX_ISSUER_NOT_ALLOWED", "the token's issuer is not one of webex.issuers")
        }
        ErrorKind::InvalidAudience => {
            let problem = "the token is for another audience than webex.audience; write it as the data \
                           source is registered";
            refuse("WEBEX_AUDIENCE_NOT_OURS", problem)
        }
        ErrorKind::MissingRequiredClaim(claim) => missing(claim),
        _ => malformed(),
    }
}

#[cfg(test)]
mod tests;
