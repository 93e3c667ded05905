//! Uploads, and the files that they become.

use core::fmt;
use serde::{Deserialize, Serialize};

use crate::json::wire;
use crate::limit::{AUDIO_BYTES_MAX, FILE_BYTES_MAX, IMAGE_BYTES_MAX, VIDEO_BYTES_MAX};
use crate::{ConversationId, MediaId, Problem, Timestamp};

/// What people would call a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediaFamily {
    /// A picture: shown in place.
    Image,
    /// A film: played in place.
    Video,
    /// A sound: played in place.
    Audio,
    /// Anything else, also what this build does not know: downloaded.
    #[serde(other)]
    File,
}

impl MediaFamily {
    /// Largest file of this family, in bytes.
    #[must_use]
    pub const fn bytes_max(self) -> u64 {
        match self {
            Self::Image => IMAGE_BYTES_MAX,
            Self::Video => VIDEO_BYTES_MAX,
            Self::Audio => AUDIO_BYTES_MAX,
            Self::File => FILE_BYTES_MAX,
        }
    }
}

/// `POST /api/v1/uploads`: a participant wants to add a file to a conversation.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateUpload {
    /// Where everybody may then fetch it.
    pub conversation: ConversationId,
    /// The file's name, as its owner wrote it. What could harm anybody is taken out.
    pub name: String,
    /// How long the file is.
    pub bytes: u64,
    /// What the sender takes it for: decides how long it may be. The bytes decide what it is.
    pub purpose: MediaFamily,
}

/// How far an upload is. With `media` it is finished, with `problem` refused; with neither and all bytes
/// there it is being looked at.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    /// Names the upload, and later the file.
    pub id: MediaId,
    /// How many bytes are there: where the next append begins.
    pub offset: u64,
    /// How many there will be.
    pub bytes: u64,
    /// When it is forgotten unless it is finished.
    pub expires_at: Timestamp,
    /// What may be uploaded.
    pub limits: UploadLimits,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// Why nothing became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What may be uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadLimits {
    /// Largest file of this upload's purpose, in bytes.
    pub bytes_max: u64,
    /// Most files with one message.
    pub files_per_message_max: u32,
    /// Most uploads that one participant may have begun and not finished.
    pub open_uploads_max: u32,
    /// Most bytes to one conversation within 24 hours.
    pub conversation_day_bytes_max: u64,
}

/// A file of a conversation, at `/api/v1/media/<id>`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// Names the file.
    pub id: MediaId,
    /// What people would call it.
    pub family: MediaFamily,
    /// What it is by its bytes: the `Content-Type` under which it is served.
    pub media_type: String,
    /// Its name, fit for a screen and a disk.
    pub name: String,
    /// How long it is as it is served.
    pub bytes: u64,
    /// When its last byte had come, by the server's clock.
    pub received_at: Timestamp,
    /// SHA-256 of the bytes as they were sent, in base64url: not of a re-encoded picture.
    pub sha256: String,
    /// A picture's width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// A picture's height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Widths of a picture's small copies, in pixels: at `/api/v1/media/<id>/<width>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thumbnails: Vec<u32>,
    /// A picture's `data:` address of a few hundred bytes, to be drawn large and soft while it loads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
}

// Names of files are people's words.
macro_rules! silent_debug {
    ($($name:ident),+) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+ };
}
silent_debug!(CreateUpload, Upload, Media);

wire!(enum MediaFamily { Image = "image", Video = "video", Audio = "audio", File = "file", _ = File });
wire!(struct CreateUpload { conversation, name, bytes, purpose });
wire!(struct Upload { id, offset, bytes, expires_at, limits, media [optional], problem [optional] });
wire!(struct UploadLimits { bytes_max, files_per_message_max, open_uploads_max, conversation_day_bytes_max });
wire!(struct Media { id, family, media_type, name, bytes, received_at, sha256, width [optional], height [optional], thumbnails [optional], placeholder [optional] });
