use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use earmark_voiceprint::{Seal, SealError, Sealed};

const NONCE: usize = 12;

/// AES-256-GCM under one key, as the records crate seals.
pub(crate) struct Keyring {
    id: String,
    cipher: Aes256Gcm,
}

impl Keyring {
    pub(crate) fn new(id: &str, key: u8) -> Self {
        Self { id: id.to_owned(), cipher: Aes256Gcm::new(&[key; 32].into()) }
    }
}

impl Seal for Keyring {
    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::Cipher)?;
        let payload = Payload { msg: plain, aad: context };
        let text = self.cipher.encrypt(&nonce.into(), payload).map_err(|_| SealError::Cipher)?;
        Ok(Sealed { key_id: self.id.clone(), bytes: [&nonce[..], &text].concat() })
    }

    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, SealError> {
        if sealed.key_id != self.id {
            return Err(SealError::UnknownKey { key_id: sealed.key_id.clone() });
        }
        let (nonce, text) = sealed.bytes.split_first_chunk::<NONCE>().ok_or(SealError::Tampered)?;
        let payload = Payload { msg: text, aad: context };
        self.cipher.decrypt(&(*nonce).into(), payload).map_err(|_| SealError::Tampered)
    }
}
