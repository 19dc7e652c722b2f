//! Keys: 32 random bytes, written as 64 hexadecimal digits.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A key. It is never printed; its id may be.
#[derive(Clone)]
pub struct Key {
    id: String,
    bytes: Zeroizing<[u8; 32]>,
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("a secret key must be 64 hexadecimal digits; create one with: openssl rand -hex 32")]
    Format,
    #[error("cannot read the secret key {path}")]
    Read { path: String, source: std::io::Error },
    #[error("cannot create the secret key {path}")]
    Create { path: String, source: std::io::Error },
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl Key {
    pub fn random() -> Self {
        Self::new(Zeroizing::new(rand::random()))
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::new(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// Parses 64 hexadecimal digits. Surrounding white space is ignored.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let digit = |at: usize| text.get(2 * at..2 * at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut bytes = Zeroizing::new([0; 32]);
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = digit(at).filter(|_| is_hex).ok_or(KeyError::Format)?;
        }
        Ok(Self::new(bytes))
    }

    /// Reads a key from a file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let read = |source| KeyError::Read { path: path.display().to_string(), source };
        Self::parse(&Zeroizing::new(fs::read_to_string(path).map_err(read)?))
    }

    /// Reads a key from a file, or creates the file with a random key, readable for its owner only. Returns whether it is new.
    pub fn read_or_create(path: &Path) -> Result<(Self, bool), KeyError> {
        let create = |source| KeyError::Create { path: path.display().to_string(), source };
        let key = Self::random();
        let digits = Zeroizing::new(key.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        // Written under another name first: a reader never sees half a key, and the first of two processes wins.
        let unfinished = path.with_extension(format!("new-{}", std::process::id()));
        let written = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&unfinished);
        written
            .and_then(|mut file| file.write_all(digits.as_bytes()).and_then(|()| file.sync_all()))
            .map_err(create)?;
        let linked = fs::hard_link(&unfinished, path);
        _ = fs::remove_file(&unfinished);
        match linked {
            Ok(()) => Ok((key, true)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok((Self::read(path)?, false)),
            Err(error) => Err(create(error)),
        }
    }

    /// The first digits of the hash of the key: names the key without revealing it.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        let hash = Sha256::digest([b"provost key id".as_slice(), bytes.as_slice()].concat());
        Self { id: hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect(), bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn key_file_is_created_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        let (first, is_new) = Key::read_or_create(&path).unwrap();
        let (second, is_new_again) = Key::read_or_create(&path).unwrap();
        assert_eq!((first.id(), is_new, is_new_again), (second.id(), true, false));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
    }

    #[test]
    fn text_that_is_not_a_key_is_rejected() {
        assert!(Key::parse(&format!(" {}\n", "0f".repeat(32))).is_ok());
        for text in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &"é".repeat(32)] {
            assert!(matches!(Key::parse(text), Err(KeyError::Format)), "{text}");
        }
    }
}
