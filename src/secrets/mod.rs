//! Secrets of projects: encryption, and a type of text that cannot be shown.
//!
//! Each secret is encrypted with a key of its own (XChaCha20-Poly1305), and that key with the key of the installation. Both are
//! bound to the project and the name of the secret, so that a row of one project cannot be opened as that of another. To change the
//! key of the installation, only the wrapped keys are written again; meanwhile the previous key still opens what it has wrapped.

mod key;
mod run_token;
mod text;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use uuid::Uuid;
use zeroize::Zeroizing;

pub use key::{Key, KeyError};
pub use run_token::LOOK_USER;
pub use text::SensitiveText;

/// The length of a nonce, which precedes each ciphertext.
const NONCE: usize = 24;

/// The keys of the installation: new secrets are encrypted with the current one.
#[derive(Clone)]
pub struct Keyring {
    pub current: Key,
    /// Accepted for reading while secrets move to the current key.
    pub previous: Option<Key>,
}

/// An encrypted secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The key that wraps `wrapped_key`.
    pub key_id: String,
    pub wrapped_key: Vec<u8>,
    pub ciphertext: Vec<u8>,
}

/// Why a secret cannot be encrypted or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error(
        "no secret key is configured: set PROVOST_SECRET_KEY_FILE, or let Provost run its private PostgreSQL, for which it keeps a key"
    )]
    NoKey,
    #[error(
        "the secret is encrypted with the key {0}, which is not configured; set that key as PROVOST_SECRET_KEY_PREVIOUS, or {1}"
    )]
    UnknownKey(String, WayOut),
    #[error("the secret cannot be decrypted: the row was changed, or belongs to another project; {0}")]
    Invalid(WayOut),
}

/// What to do about a secret that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WayOut {
    #[error("replace the credential, if the template supports that: provost credentials reissue PROJECT")]
    Replace,
    #[error("delete the Terraform state (DELETE /projects/ID/terraform/state) and import what exists into a new one")]
    ImportAgain,
}

impl WayOut {
    /// A name with a slash belongs to Provost itself, which keeps the state of Terraform as a secret.
    fn of(name: &str) -> Self {
        if name.contains('/') { Self::ImportAgain } else { Self::Replace }
    }
}

impl SecretError {
    /// Whether the secret exists, and none of the keys opens it.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::UnknownKey(..) | Self::Invalid(_))
    }
}

impl Keyring {
    /// The ids of the keys.
    pub fn ids(&self) -> Vec<&str> {
        std::iter::once(&self.current).chain(&self.previous).map(Key::id).collect()
    }

    /// Encrypts a secret of a project.
    pub fn seal(&self, project: Uuid, name: &str, text: &SensitiveText) -> Result<Sealed, SecretError> {
        let data_key = Key::random();
        Ok(Sealed {
            key_id: self.current.id().to_owned(),
            wrapped_key: encrypt(&self.current, project, name, data_key.bytes())?,
            ciphertext: encrypt(&data_key, project, name, text.reveal().as_bytes())?,
        })
    }

    /// Decrypts a secret of a project.
    pub fn open(&self, project: Uuid, name: &str, sealed: &Sealed) -> Result<SensitiveText, SecretError> {
        let data_key = self.unwrap(project, name, sealed)?;
        let bytes = decrypt(&data_key, project, name, &sealed.ciphertext)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| SecretError::Invalid(WayOut::of(name)))?;
        Ok(SensitiveText::new(text.to_owned()))
    }

    /// The same secret, wrapped with the current key.
    pub fn rewrap(&self, project: Uuid, name: &str, sealed: &Sealed) -> Result<Sealed, SecretError> {
        let data_key = self.unwrap(project, name, sealed)?;
        let wrapped_key = encrypt(&self.current, project, name, data_key.bytes())?;
        Ok(Sealed { key_id: self.current.id().to_owned(), wrapped_key, ciphertext: sealed.ciphertext.clone() })
    }

    fn unwrap(&self, project: Uuid, name: &str, sealed: &Sealed) -> Result<Key, SecretError> {
        let keys = [Some(&self.current), self.previous.as_ref()];
        let key = keys.into_iter().flatten().find(|key| key.id() == sealed.key_id);
        let key = key.ok_or_else(|| SecretError::UnknownKey(sealed.key_id.clone(), WayOut::of(name)))?;
        Key::from_bytes(&decrypt(key, project, name, &sealed.wrapped_key)?)
            .ok_or(SecretError::Invalid(WayOut::of(name)))
    }
}

/// What a ciphertext is bound to.
fn context(project: Uuid, name: &str) -> String {
    format!("provost secret|{project}|{name}")
}

fn encrypt(key: &Key, project: Uuid, name: &str, plain: &[u8]) -> Result<Vec<u8>, SecretError> {
    let nonce: [u8; NONCE] = rand::random();
    let context = context(project, name);
    let payload = Payload { msg: plain, aad: context.as_bytes() };
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SecretError::Invalid(WayOut::of(name)))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn decrypt(key: &Key, project: Uuid, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE>().ok_or(SecretError::Invalid(WayOut::of(name)))?;
    let context = context(project, name);
    let payload = Payload { msg: ciphertext, aad: context.as_bytes() };
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    cipher
        .decrypt(&XNonce::from(*nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| SecretError::Invalid(WayOut::of(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Keyring {
        Keyring { current: Key::random(), previous: None }
    }

    fn secret() -> SensitiveText {
        SensitiveText::new("sesame".to_owned())
    }

    #[test]
    fn secret_opens_only_for_its_project_and_name() {
        let (ring, project) = (ring(), Uuid::now_v7());
        let sealed = ring.seal(project, "password", &secret()).unwrap();
        assert_eq!(ring.open(project, "password", &sealed).unwrap().reveal(), "sesame");
        assert_eq!(ring.open(Uuid::now_v7(), "password", &sealed).unwrap_err(), SecretError::Invalid(WayOut::Replace));
        assert_eq!(ring.open(project, "other", &sealed).unwrap_err(), SecretError::Invalid(WayOut::Replace));
        assert!(!sealed.ciphertext.windows(6).any(|it| it == b"sesame"));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (ring, project) = (ring(), Uuid::now_v7());
        let sealed = ring.seal(project, "password", &secret()).unwrap();
        for at in 0..sealed.ciphertext.len() {
            let mut changed = sealed.clone();
            changed.ciphertext[at] ^= 1;
            assert_eq!(
                ring.open(project, "password", &changed).unwrap_err(),
                SecretError::Invalid(WayOut::Replace),
                "byte {at}"
            );
        }
        for at in 0..sealed.wrapped_key.len() {
            let mut changed = sealed.clone();
            changed.wrapped_key[at] ^= 1;
            assert_eq!(
                ring.open(project, "password", &changed).unwrap_err(),
                SecretError::Invalid(WayOut::Replace),
                "key byte {at}"
            );
        }
        let cut = Sealed { ciphertext: vec![1; 3], ..sealed };
        assert_eq!(ring.open(project, "password", &cut).unwrap_err(), SecretError::Invalid(WayOut::Replace));
    }

    #[test]
    fn previous_key_is_accepted_until_the_secret_is_rewrapped() {
        let (old, project) = (ring(), Uuid::now_v7());
        let sealed = old.seal(project, "password", &secret()).unwrap();
        let both = Keyring { current: Key::random(), previous: Some(old.current.clone()) };
        assert_eq!(both.open(project, "password", &sealed).unwrap().reveal(), "sesame");
        let moved = both.rewrap(project, "password", &sealed).unwrap();
        assert_eq!(moved.ciphertext, sealed.ciphertext, "only the key is written again");
        let new = Keyring { previous: None, ..both };
        assert_eq!(new.open(project, "password", &moved).unwrap().reveal(), "sesame");
        let id = old.current.id().to_owned();
        assert_eq!(new.open(project, "password", &sealed).unwrap_err(), SecretError::UnknownKey(id, WayOut::Replace));
    }

    #[test]
    fn way_out_fits_what_is_lost() {
        let (lost, project) = (ring(), Uuid::now_v7());
        for (name, words) in [("password", "credentials reissue"), ("terraform-state/7", "import what exists")] {
            let sealed = lost.seal(project, name, &secret()).unwrap();
            let why = ring().open(project, name, &sealed).unwrap_err().to_string();
            assert!(why.contains(words), "{name}: {why}");
        }
    }
}
