//! What becomes of an upload once all of it is there. Blocking: reads, computes, writes.

use std::fs::File;
use std::io::{self, Read};

use portico_media::picture::{PIXELS_MAX, Picture, PictureError};
use portico_media::sniff::HEAD_BYTES;
use portico_media::{Family, FileName, Kind, TextCheck, sniff};
use portico_protocol::media::MediaFamily;
use portico_protocol::{Problem, Timestamp};
use portico_store::{KeptMedia, MediaOutcome, MediaRecord};
use sha2::{Digest, Sha256};

use super::folder::{Folder, Variant};
use super::refused;

/// How much of a file is read at once, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// The file's final name and what it is.
pub(super) fn examine(
    folder: &Folder,
    media: &MediaRecord,
    received_at: Timestamp,
) -> io::Result<(String, MediaOutcome)> {
    let nothing = |problem| Ok((media.name.clone(), refused(problem)));
    let mut file = File::open(folder.upload(media.id))?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let Some(kind) = sniff(&head) else { return nothing(unknown_kind()) };
    let bytes_max = family(kind).bytes_max();
    if media.bytes > bytes_max {
        return nothing(too_large(family(kind), media.bytes));
    }
    let kept = match kind.family() {
        Family::Image => keep_picture(folder, media, kind, head, file)?,
        Family::Video | Family::Audio | Family::File => keep_as_it_is(folder, media, kind, head, file)?,
    };
    let (kind, kept) = match kept {
        Ok(kept) => kept,
        Err(problem) => return nothing(problem),
    };
    let name = FileName::clean(&media.name).fit(kind);
    Ok((name.as_str().to_owned(), MediaOutcome::Kept(KeptMedia { received_at, ..kept })))
}

/// What people would call a file of this kind, as the wire says it.
pub(crate) const fn family(kind: Kind) -> MediaFamily {
    match kind.family() {
        Family::Image => MediaFamily::Image,
        Family::Video => MediaFamily::Video,
        Family::Audio => MediaFamily::Audio,
        Family::File => MediaFamily::File,
    }
}

/// A file longer than its family may be.
pub(crate) fn too_large(family: MediaFamily, bytes: u64) -> Problem {
    let limit = family.bytes_max();
    let mut problem = Problem::new("file-too-large", 413, "The file is too large")
        .with_field("bytes")
        .with_detail(format!("The file has {bytes} bytes; at most {limit} are taken of this kind"));
    (problem.limit, problem.found) = (Some(limit), Some(bytes));
    problem
}

type Kept = Result<(Kind, KeptMedia), Problem>;

fn keep_picture(
    folder: &Folder,
    media: &MediaRecord,
    kind: Kind,
    mut bytes: Vec<u8>,
    mut file: File,
) -> io::Result<Kept> {
    file.read_to_end(&mut bytes)?;
    let sha256 = Sha256::digest(&bytes).into();
    let drawn = match Picture::draw(&bytes, kind) {
        Ok(drawn) => drawn,
        Err(error) => return Ok(Err(bad_picture(&error))),
    };
    drop(bytes);
    for (width, thumbnail) in &drawn.thumbnails {
        folder.keep(media.id, Variant::Thumbnail(*width), thumbnail)?;
    }
    folder.keep(media.id, Variant::Whole, &drawn.file)?;
    Ok(Ok((
        drawn.kind,
        KeptMedia {
            received_at: media.created_at,
            kind: drawn.kind.media_type().to_owned(),
            kept_bytes: drawn.file.len() as u64,
            sha256,
            sides: Some((drawn.width, drawn.height)),
            placeholder: Some(drawn.placeholder),
        },
    )))
}

fn keep_as_it_is(
    folder: &Folder,
    media: &MediaRecord,
    kind: Kind,
    head: Vec<u8>,
    mut file: File,
) -> io::Result<Kept> {
    let mut sum = Sha256::new();
    let mut text = TextCheck::default();
    let mut bytes = 0;
    let mut piece = head;
    while !piece.is_empty() {
        sum.update(&piece);
        bytes += piece.len() as u64;
        if kind == Kind::Text && !text.read(&piece) {
            return Ok(Err(unknown_kind()));
        }
        piece.clear();
        file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
    }
    if !text.is_whole() {
        return Ok(Err(unknown_kind()));
    }
    folder.keep_upload(media.id)?;
    Ok(Ok((
        kind,
        KeptMedia {
            received_at: media.created_at,
            kind: kind.media_type().to_owned(),
            kept_bytes: bytes,
            sha256: sum.finalize().into(),
            sides: None,
            placeholder: None,
        },
    )))
}

fn unknown_kind() -> Problem {
    Problem::new("file-kind-refused", 415, "This kind of file is not taken")
        .with_detail(format!("By its bytes, whatever its name, the file is none of: {}", Kind::ALLOWED))
}

fn bad_picture(error: &PictureError) -> Problem {
    let PictureError::TooManyPixels { width, height } = error else {
        return Problem::new("picture-refused", 422, "The picture cannot be read")
            .with_detail(error.to_string());
    };
    let mut problem = Problem::new("picture-too-large", 413, "The picture has too many pixels")
        .with_detail(error.to_string());
    problem.limit = Some(PIXELS_MAX);
    problem.found = Some(u64::from(*width) * u64::from(*height));
    problem
}
