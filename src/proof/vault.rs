//! The server's master key: a file in the data folder that only its owner may read.
//!
//! Brands' private keys lie in the database sealed with it, so a stolen backup of the database alone signs
//! nothing. Several nodes on one PostgreSQL share the file.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use portico_seal::{MasterKey, base64url};
use rand::CryptoRng;

/// The file's name in the data folder.
pub const MASTER_KEY_FILE: &str = "master.key";

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file cannot be read or made.
    #[error("cannot use the master key {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path} is not a master key: restore it from the backup of the data folder")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// Others than the owner may read the file.
    #[error("{path} can be read by others than its owner: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the master key of the data folder, or makes it where there is none.
///
/// # Errors
/// See [`MasterKeyError`].
pub fn load_or_create(data: &Path, rng: &mut impl CryptoRng) -> Result<MasterKey, MasterKeyError> {
    let path = data.join(MASTER_KEY_FILE);
    match read(&path) {
        Err(MasterKeyError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
        result => return result,
    }
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    create(&path, &bytes).map_err(|source| MasterKeyError::Io { path: path.clone(), source })?;
    // Whoever else made one meanwhile was first: theirs counts.
    read(&path)
}

fn read(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let fail = |source| MasterKeyError::Io { path: path.into(), source };
    if std::fs::metadata(path).map_err(fail)?.permissions().mode() & 0o077 != 0 {
        return Err(MasterKeyError::Exposed { path: path.into() });
    }
    let text = std::fs::read_to_string(path).map_err(fail)?;
    let bytes =
        base64url::decode_array(text.trim()).ok_or(MasterKeyError::Malformed { path: path.into() })?;
    Ok(MasterKey::from_bytes(bytes))
}

/// Lays the whole file in its place at once: no reader ever sees half a key, and no existing key is replaced.
fn create(path: &Path, bytes: &[u8; 32]) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(file, "{}", base64url::encode(bytes))?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = crate::clock::rng();
        let sealed = load_or_create(folder.path(), &mut rng).unwrap().seal(b"x", "test", [0; 24]);
        assert_eq!(&**load_or_create(folder.path(), &mut rng).unwrap().open(&sealed, "test").unwrap(), b"x");
        let path = folder.path().join(MASTER_KEY_FILE);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(load_or_create(folder.path(), &mut rng), Err(MasterKeyError::Exposed { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(load_or_create(folder.path(), &mut rng), Err(MasterKeyError::Malformed { .. })));
    }
}
