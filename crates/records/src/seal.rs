use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use earmark_voiceprint::{Seal, SealError, Sealed};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

pub(crate) const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 8;

/// Version of the layout `version | nonce | cipher text and tag`; authenticated with the context.
const LAYOUT: u8 = 1;
/// A random 96-bit nonce bounds one key to 2^32 seals (NIST SP 800-38D, 8.3): some four thousand
/// voiceprints for each of a million customers. Rotate before that.
const NONCE_BYTES: usize = 12;

/// One key of AES-256-GCM and the id that records name it by.
pub(crate) struct SealKey {
    id: String,
    cipher: Aes256Gcm,
    /// What keys for other uses are derived from; the key itself only ever seals.
    root: Zeroizing<[u8; KEY_BYTES]>,
}

impl SealKey {
    /// The id is the beginning of a hash of the key: it tells an altered key, and tells nothing of
    /// a key that is 256 random bits.
    pub(crate) fn new(key: &Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"earmark key id");
        hash.update(key.as_slice());
        let id = hash.finalize()[..KEY_ID_BYTES].iter().map(|b| format!("{b:02x}")).collect();
        let cipher = Aes256Gcm::new(<&Key<Aes256Gcm>>::from(&**key));
        Self { id, cipher, root: mac(key, b"earmark keys for other uses") }
    }

    /// A key for another use: the same for the same purpose, and telling nothing of this one.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; KEY_BYTES] {
        *mac(&self.root, purpose.as_bytes())
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

/// HMAC-SHA256, a key derivation function by NIST SP 800-108 for one block of output.
fn mac(key: &[u8; KEY_BYTES], text: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
    // A key shorter than the hash's block is padded with zeros (RFC 2104).
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    block[..KEY_BYTES].copy_from_slice(key);
    let tag = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block).chain_update(text).finalize().into_bytes();
    block.as_mut_slice().zeroize();
    Zeroizing::new(tag.into())
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.id)
    }
}

/// The keys at hand. The newest seals; every one opens what it sealed.
#[derive(Debug)]
pub(crate) struct Keyring {
    older: Vec<SealKey>,
    newest: SealKey,
}

impl Keyring {
    pub(crate) fn new(older: Vec<SealKey>, newest: SealKey) -> Self {
        Self { older, newest }
    }

    pub(crate) fn newest(&self) -> &SealKey {
        &self.newest
    }

    fn key(&self, id: &str) -> Result<&SealKey, SealError> {
        std::iter::once(&self.newest)
            .chain(&self.older)
            .find(|key| key.id == id)
            .ok_or_else(|| SealError::UnknownKey { key_id: id.to_owned() })
    }
}

impl Seal for Keyring {
    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| SealError::Cipher)?;
        let aad = [&[LAYOUT], context].concat();
        let payload = Payload { msg: plain, aad: &aad };
        let text = self.newest.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::Cipher)?;
        let bytes = [&[LAYOUT], nonce.as_slice(), &text].concat();
        Ok(Sealed { key_id: self.newest.id.clone(), bytes })
    }

    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.key(&sealed.key_id)?;
        let (layout, rest) = sealed.bytes.split_first().ok_or(SealError::Tampered)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Tampered)?;
        let aad = [&[*layout], context].concat();
        if *layout != LAYOUT {
            return Err(SealError::Tampered);
        }
        let payload = Payload { msg: text, aad: &aad };
        key.cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::Tampered)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey::new(&Zeroizing::new([byte; KEY_BYTES]))
    }

    fn ring(byte: u8) -> Keyring {
        Keyring::new(Vec::new(), key(byte))
    }

    #[test]
    fn opens_what_an_older_key_sealed_and_seals_with_the_newest() {
        let sealed = ring(1).seal(b"print", b"row 1").unwrap();
        let rotated = Keyring::new(vec![key(1)], key(2));
        assert_eq!(rotated.open(&sealed, b"row 1").unwrap(), b"print");
        assert_eq!(rotated.seal(b"print", b"row 1").unwrap().key_id, key(2).id());
        let needed = SealError::UnknownKey { key_id: key(1).id().to_owned() };
        assert_eq!(ring(2).open(&sealed, b"row 1").unwrap_err(), needed);
    }

    #[test]
    fn keys_for_other_uses_differ_by_purpose_and_key() {
        let derived = key(1).derive("desk");
        assert_eq!(derived, key(1).derive("desk"));
        assert_ne!(derived, key(1).derive("other"));
        assert_ne!(derived, key(2).derive("desk"));
        assert_ne!(derived, [1; KEY_BYTES]);
    }

    #[test]
    fn never_the_same_twice_and_debug_shows_ids_only() {
        let ring = ring(0xab);
        let (a, b) = (ring.seal(b"print", b"c").unwrap(), ring.seal(b"print", b"c").unwrap());
        assert_ne!(a.bytes, b.bytes);
        let shown = format!("{ring:?}");
        assert!(!shown.contains("171") && !shown.contains("abab"), "{shown}");
    }

    /// The first AES-256-GCM cases of McGrew and Viega's specification (test cases 14 and 16),
    /// so that what is stored is the standard's cipher and not merely one that opens itself.
    #[test]
    fn is_the_standards_cipher() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
        };
        let zero = SealKey::new(&Zeroizing::new([0; KEY_BYTES]));
        let text = zero.cipher.encrypt(&Nonce::from([0; NONCE_BYTES]), [0; 16].as_slice()).unwrap();
        assert_eq!(text, hex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"));
        let bytes = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let key = SealKey::new(&Zeroizing::new(bytes.try_into().unwrap()));
        let msg = hex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let nonce: [u8; NONCE_BYTES] = hex("cafebabefacedbaddecaf888").try_into().unwrap();
        let sealed = key.cipher.encrypt(&Nonce::from(nonce), Payload { msg: &msg, aad: &aad }).unwrap();
        assert_eq!(sealed[60..], hex("76fc6ece0f4e1768cddf8853bb2d551b"));
    }

    proptest! {
        #[test]
        fn opens_to_what_was_sealed(plain in prop::collection::vec(any::<u8>(), 0..900), context in prop::collection::vec(any::<u8>(), 0..60)) {
            let ring = ring(3);
            let sealed = ring.seal(&plain, &context).unwrap();
            prop_assert_eq!(ring.open(&sealed, &context).unwrap(), plain);
        }

        #[test]
        fn any_flipped_bit_or_cut_is_tampering(plain in prop::collection::vec(any::<u8>(), 0..90), at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
            let ring = ring(4);
            let mut sealed = ring.seal(&plain, b"row").unwrap();
            let at = at.index(sealed.bytes.len());
            if cut { sealed.bytes.truncate(at) } else { sealed.bytes[at] ^= 1 << bit }
            prop_assert_eq!(ring.open(&sealed, b"row").unwrap_err(), SealError::Tampered);
        }

        #[test]
        fn any_other_context_is_tampering(a in prop::collection::vec(0u8..3, 0..4), b in prop::collection::vec(0u8..3, 0..4)) {
            let ring = ring(5);
            let opened = ring.open(&ring.seal(b"print", &a).unwrap(), &b);
            prop_assert_eq!(opened.is_ok(), a == b);
        }
    }
}
