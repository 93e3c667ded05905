//! Where files lie: under random names of our own, never under a stranger's.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use portico_media::picture::THUMBNAIL_WIDTHS;
use portico_protocol::{MediaId, Timestamp};

/// Which form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// As it was kept.
    Whole,
    /// A picture's small copy of this width.
    Thumbnail(u32),
}

impl std::fmt::Display for Variant {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole => formatter.write_str("whole"),
            Self::Thumbnail(width) => write!(formatter, "{width}"),
        }
    }
}

/// `media/` in the data folder: `uploads/<id>` grows, `kept/<two digits>/<id>-<variant>` stays.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let folder = Self(path.into());
        make_private(&path.join("uploads"))?;
        make_private(&path.join("kept"))?;
        Ok(folder)
    }

    pub(super) fn upload(&self, id: MediaId) -> PathBuf {
        self.0.join("uploads").join(id.to_string())
    }

    pub(super) fn kept(&self, id: MediaId, variant: Variant) -> PathBuf {
        // The last byte is random: as many files in each of 256 folders.
        let shelf = format!("{:02x}", id.as_bytes()[15]);
        self.0.join("kept").join(shelf).join(format!("{id}-{variant}"))
    }

    /// Keeps the bytes, durably; over what an earlier attempt may have left.
    pub(super) fn keep(&self, id: MediaId, variant: Variant, bytes: &[u8]) -> io::Result<()> {
        let path = self.make_shelf(id, variant)?;
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        sync_folder(&path)
    }

    /// Keeps the upload as it is, durably. It stays where it is, too, until its row says what it became: a
    /// crash in between must not lose it.
    pub(super) fn keep_upload(&self, id: MediaId) -> io::Result<()> {
        let path = self.make_shelf(id, Variant::Whole)?;
        remove(&path)?;
        let upload = self.upload(id);
        fs::File::open(&upload)?.sync_all()?;
        fs::hard_link(&upload, &path)?;
        sync_folder(&path)
    }

    pub(super) fn remove_upload(&self, id: MediaId) {
        report(remove(&self.upload(id)), id);
    }

    pub(super) fn remove_all(&self, id: MediaId) {
        self.remove_upload(id);
        let thumbnails = THUMBNAIL_WIDTHS.into_iter().map(Variant::Thumbnail);
        for variant in thumbnails.chain([Variant::Whole]) {
            report(remove(&self.kept(id, variant)), id);
        }
    }

    /// Removes what has grown last before `before`: a crash after a row was written leaves its upload behind.
    pub(super) fn sweep(&self, before: Timestamp) -> io::Result<()> {
        for entry in fs::read_dir(self.0.join("uploads"))? {
            let entry = entry?;
            let grown_at = entry.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            if grown_at.as_millis() < u128::from(before.as_millis().unsigned_abs()) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.0)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn make_shelf(&self, id: MediaId, variant: Variant) -> io::Result<PathBuf> {
        let path = self.kept(id, variant);
        path.parent().map_or(Ok(()), make_private)?;
        Ok(path)
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A new name is durable once its folder is.
fn sync_folder(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file too many costs room, nothing else.
fn report(removed: io::Result<()>, id: MediaId) {
    if let Err(error) = removed {
        tracing::warn!(media.id = %id, %error, "Could not remove the file of {id}: {error}");
    }
}
