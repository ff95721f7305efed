use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::{RootCertStore, crypto};
use tokio_rustls::TlsAcceptor;

use crate::ServerError;

/// The certificate to serve under, all in PEM.
#[derive(Clone)]
pub struct TlsOptions {
    /// The server's certificate, then those between it and the root.
    pub certificates_pem: Vec<u8>,
    /// The key of the first certificate: PKCS#8, PKCS#1 or SEC1.
    pub private_key_pem: Vec<u8>,
    /// The authorities whose certificates a client must show (mutual TLS); none asks for none.
    pub client_authorities_pem: Option<Vec<u8>>,
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mutual = self.client_authorities_pem.is_some();
        f.debug_struct("TlsOptions").field("mutual", &mutual).finish_non_exhaustive()
    }
}

/// HTTP/2 for gRPC, HTTP/1.1 for probes, metrics and browsers.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Reads the certificates, so that a bad file is found at start and not at the first client.
pub(crate) fn acceptor(options: &TlsOptions) -> Result<TlsAcceptor, ServerError> {
    let chain = certificates(&options.certificates_pem, "the certificate file")?;
    let key = PrivateKeyDer::from_pem_slice(&options.private_key_pem)
        .map_err(|_| refuse("the key file holds no private key in PEM"))?;
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(refuse)?;
    let builder = match &options.client_authorities_pem {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(authorities(pem)?.into(), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(refuse)?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(refuse)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, ServerError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, "the client authorities' file")? {
        roots.add(certificate).map_err(refuse)?;
    }
    Ok(roots)
}

fn certificates(pem: &[u8], file: &str) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(refuse(format!("{file} holds no certificate in PEM"))),
    }
}

fn refuse(what: impl ToString) -> ServerError {
    ServerError::Tls { what: what.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> TlsOptions {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        TlsOptions {
            certificates_pem: made.cert.pem().into_bytes(),
            private_key_pem: made.signing_key.serialize_pem().into_bytes(),
            client_authorities_pem: None,
        }
    }

    fn problem(options: &TlsOptions) -> String {
        acceptor(options).err().expect("was taken").to_string()
    }

    #[test]
    fn takes_a_pair_and_its_authorities() {
        let mut options = own();
        let acceptor = super::acceptor(&options).unwrap();
        assert_eq!(acceptor.config().alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        options.client_authorities_pem = Some(options.certificates_pem.clone());
        super::acceptor(&options).unwrap();
    }

    #[test]
    fn says_which_file_is_wrong() {
        let good = own();
        let bad = TlsOptions { certificates_pem: b"nonsense".to_vec(), ..good.clone() };
        assert!(problem(&bad).contains("the certificate file"), "{}", problem(&bad));
        let bad = TlsOptions { private_key_pem: Vec::new(), ..good.clone() };
        assert!(problem(&bad).contains("the key file"), "{}", problem(&bad));
        let bad = TlsOptions { client_authorities_pem: Some(Vec::new()), ..good.clone() };
        assert!(problem(&bad).contains("authorities"), "{}", problem(&bad));
        let bad = TlsOptions { private_key_pem: own().private_key_pem, ..good };
        assert!(!problem(&bad).is_empty(), "another certificate's key");
    }

    #[test]
    fn debug_shows_no_key() {
        let options = own();
        let shown = format!("{options:?}");
        assert!(shown.len() < 60 && !shown.contains("PRIVATE"), "{shown}");
    }
}
