//! Files of conversations: uploads that grow in the media folder, and what became of them.
//!
//! The length of the growing file is how far an upload is: nothing else has to be written for each piece, and
//! after a crash it is still true. A file becomes visible only by its row, once its bytes are synced.

mod examine;
mod folder;
mod turn;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{Stream, StreamExt};
use portico_protocol::{MediaId, Problem, Timestamp};
use portico_store::{MediaOutcome, MediaRecord, Store, StoreError};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub(crate) use self::examine::{family, too_large};
use self::folder::Folder;
pub use self::folder::Variant;
use self::turn::Turns;
use crate::clock;

/// Most files that are examined at once, whatever the number of cores: each may take
/// [`portico_media::picture::DECODED_BYTES_MAX`] and half as much again.
const EXAMINED_AT_ONCE_MAX: usize = 2;
/// How long a client may send nothing in the middle of an append.
const STALLED_WITHIN: Duration = Duration::from_secs(30);
/// What must stay free on the disk, in bytes: the database is worth more than any file.
const FREE_BYTES_MIN: u64 = 1_000_000_000;

/// The media folder and the work on it.
#[derive(Debug)]
pub struct MediaFolder {
    folder: Folder,
    turns: Turns,
    examining: Semaphore,
}

/// Why nothing, or not all, was appended. What arrived before is kept.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The next append begins elsewhere.
    #[error("the upload stands at {stands_at}")]
    WrongOffset {
        /// Where.
        stands_at: u64,
    },
    /// More than was announced.
    #[error("more bytes than were announced")]
    TooMuch,
    /// It has ended: there is nothing to append to.
    #[error("the upload has ended")]
    Ended,
    /// Somebody appends to the same upload since.
    #[error("another request goes on with the upload")]
    Overtaken,
    /// The connection ended, or nothing came for too long.
    #[error("the connection was cut")]
    Cut,
    /// The disk did not take it.
    #[error("the media folder cannot be written")]
    Disk(#[from] io::Error),
}

/// Why it is not known what became of an upload; trying again may help.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// There is no such upload any more.
    #[error("the upload is gone")]
    Gone,
    /// Not all of it is there.
    #[error("the upload stands at {stands_at}")]
    Incomplete {
        /// Where.
        stands_at: u64,
    },
    /// The disk cannot be read or written.
    #[error("the media folder cannot be used")]
    Disk(#[from] io::Error),
    /// The database cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MediaFolder {
    /// The folder `media` of the data folder.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(data: &Path) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // Half of the cores stay free for chats.
        let at_once = (cores / 2).clamp(1, EXAMINED_AT_ONCE_MAX);
        Ok(Self {
            folder: Folder::open(&data.join("media"))?,
            turns: Turns::default(),
            examining: Semaphore::new(at_once),
        })
    }

    /// Whether `bytes` more may be promised.
    ///
    /// # Errors
    /// The disk does not say.
    pub fn has_room_for(&self, bytes: u64) -> io::Result<bool> {
        Ok(self.folder.free_bytes()? >= bytes.saturating_add(FREE_BYTES_MIN))
    }

    /// Makes room for an upload.
    ///
    /// # Errors
    /// The disk does not take it.
    pub async fn begin(&self, id: MediaId) -> io::Result<()> {
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(self.folder.upload(id)).await.map(drop)
    }

    /// How much of an upload is there.
    ///
    /// # Errors
    /// The disk does not say.
    pub async fn offset(&self, id: MediaId) -> io::Result<u64> {
        match tokio::fs::metadata(self.folder.upload(id)).await {
            Ok(file) => Ok(file.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Appends what comes from `body` at `offset`, up to `bytes` in all; returns where the upload then stands.
    /// An append that is still under way is stopped: a client that comes again has lost that connection.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub async fn append<E>(
        &self,
        id: MediaId,
        offset: u64,
        bytes: u64,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<u64, AppendError> {
        let mut turn = self.turns.take(id).await;
        // Never made here: another request may have brought the last byte in the meantime.
        let opened = tokio::fs::OpenOptions::new().append(true).open(self.folder.upload(id)).await;
        let mut file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(AppendError::Ended),
            opened => opened?,
        };
        let mut at = file.metadata().await?.len();
        if at != offset {
            return Err(AppendError::WrongOffset { stands_at: at });
        }
        let ended = loop {
            let piece = tokio::select! {
                biased;
                () = turn.overtaken() => break Err(AppendError::Overtaken),
                piece = timeout(STALLED_WITHIN, body.next()) => piece,
            };
            match piece {
                Ok(Some(Ok(piece))) => {
                    if at + piece.len() as u64 > bytes {
                        break Err(AppendError::TooMuch);
                    }
                    file.write_all(&piece).await?;
                    at += piece.len() as u64;
                }
                Ok(None) => break Ok(at),
                Ok(Some(Err(_))) | Err(_) => break Err(AppendError::Cut),
            }
        };
        // A write still under way after the turn has ended would land behind what comes next.
        file.flush().await?;
        ended
    }

    /// Looks at an upload of which all is there, and stores what became of it.
    ///
    /// # Errors
    /// See [`FinishError`].
    pub async fn finish(self: Arc<Self>, store: &Store, id: MediaId) -> Result<MediaRecord, FinishError> {
        let _turn = self.turns.take(id).await;
        let media = store.media().find(id).await?.ok_or(FinishError::Gone)?;
        if media.outcome.is_some() {
            return Ok(media);
        }
        let stands_at = self.offset(id).await?;
        if stands_at < media.bytes {
            return Err(FinishError::Incomplete { stands_at });
        }
        let _permit = self.examining.acquire().await.expect("the semaphore is never closed");
        let (folder, given, received_at) = (self.folder.clone(), media.clone(), clock::now());
        let examined = tokio::task::spawn_blocking(move || examine::examine(&folder, &given, received_at));
        let (name, outcome) = examined.await.map_err(io::Error::other)??;
        if !store.media().end(id, &name, &outcome, received_at).await? {
            self.folder.remove_all(id);
            return Err(FinishError::Gone);
        }
        self.folder.remove_upload(id);
        Ok(MediaRecord { name, outcome: Some(outcome), ..media })
    }

    /// Deletes an upload that has not become a file. Returns whether it was there.
    ///
    /// # Errors
    /// It could not be stored; the upload is then still there.
    pub async fn cancel(&self, store: &Store, id: MediaId) -> Result<bool, StoreError> {
        let _turn = self.turns.take(id).await;
        let was_there = store.media().cancel(id).await?;
        if was_there {
            self.folder.remove_upload(id);
        }
        Ok(was_there)
    }

    /// A kept file, to be read.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub async fn read(&self, id: MediaId, variant: Variant) -> io::Result<(tokio::fs::File, u64)> {
        let file = tokio::fs::File::open(self.folder.kept(id, variant)).await?;
        let bytes = file.metadata().await?.len();
        Ok((file, bytes))
    }

    /// Forgets uploads that began before `before` and have not become files. Returns how many.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn forget_unfinished(&self, store: &Store, before: Timestamp) -> Result<u64, StoreError> {
        let mut count = 0;
        loop {
            let forgotten = store.media().forget_unfinished(before).await?;
            if forgotten.is_empty() {
                if let Err(error) = self.folder.sweep(before) {
                    tracing::warn!(%error, "Could not sweep the folder of uploads: {error}");
                }
                return Ok(count);
            }
            count += forgotten.len() as u64;
            for id in forgotten {
                self.folder.remove_upload(id);
            }
        }
    }
}

/// What a refused file is refused with.
fn refused(problem: Problem) -> MediaOutcome {
    MediaOutcome::Refused(Box::new(problem))
}
