use std::io;
use std::net::SocketAddr;

use crate::WebexKeysError;

/// Why the server could not start or had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The listener reaches other machines and there is no certificate: give one, listen on a
    /// loopback address, or allow plaintext because something in front encrypts.
    #[error(
        "{address} is reachable from other machines and voices would cross the network in plaintext; \
         give a certificate, listen on a loopback address, or allow remote plaintext"
    )]
    RemotePlaintext {
        /// Where the listener listens.
        address: SocketAddr,
    },
    /// An option that can't be: correct it.
    #[error("option {option} {problem}")]
    Option {
        /// The field's name.
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A web origin that is no origin: write `https://host` or `https://host:port`.
    #[error("{origin:?} is not a web origin; write it as https://host or https://host:port")]
    Origin {
        /// What was given.
        origin: String,
    },
    /// The desk's file can't be used: correct what it names.
    #[error("the desk's file: {problem}")]
    Desk {
        /// What is wrong and where.
        problem: String,
    },
    /// An access token too short to be a secret: use 32 random characters.
    #[error("the access token of {name:?} has {got} characters; use at least {min} random ones")]
    WeakToken {
        /// Whose token.
        name: String,
        /// Its length.
        got: usize,
        /// The least length.
        min: usize,
    },
    /// Webex's keys can't be used: see that they were fetched.
    #[error("webex.keys_file {file}: {source}")]
    WebexKeys {
        /// Which file.
        file: String,
        /// What is wrong with it.
        source: WebexKeysError,
    },
    /// The certificate, the key or the client authorities can't be used: check the PEM files.
    #[error("tls: {what}")]
    Tls {
        /// What is wrong.
        what: String,
    },
    /// The system refused a thread, or the listener's address could not be read.
    #[error("{action}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The metrics' buckets don't stand: a defect of ours.
    #[error("metrics: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// The generated descriptors don't parse: the build is broken.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}
