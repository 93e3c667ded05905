//! Uploads that can be resumed, and the files that they become.
//!
//! Shaped after `draft-ietf-httpbis-resumable-upload`: `Upload-Offset`, `Upload-Length` and `Upload-Complete`
//! mean what they mean there. Creating is a JSON request of our own, so that a client learns the limits, and a
//! refusal, before it sends a single byte of the file.

use std::io::SeekFrom;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use portico_media::picture::THUMBNAIL_WIDTHS;
use portico_media::{Family, FileName, Kind};
use portico_protocol::limit::{
    CONVERSATION_DAY_BYTES_MAX, FILE_NAME_CHARS_MAX, FILES_PER_MESSAGE_MAX, OPEN_UPLOADS_MAX, UPLOAD_FOR_MS,
};
use portico_protocol::media::{CreateUpload, Media, MediaFamily, Upload, UploadLimits};
use portico_protocol::message::check_chars;
use portico_protocol::{MediaId, Problem, Timestamp};
use portico_seal::base64url;
use portico_store::{KeptMedia, MediaOutcome, MediaRecord, SaveError};
use rand::RngExt as _;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::time::timeout;

use crate::app::App;
use crate::clock;
use crate::http::client::Client;
use crate::http::party::Party;
use crate::http::problem::ApiError;
use crate::http::range::{self, Wanted};
use crate::media::{AppendError, FinishError, Variant, family, too_large};

/// How long the last append waits to learn what became of the file; after that the client asks again.
const FINISHED_WITHIN: Duration = Duration::from_secs(20);
/// How much of a file is read and sent at once, in bytes.
const PIECE_BYTES: u64 = 64 * 1024;
/// A file never changes under its id.
const CACHE_FOR_EVER: &str = "private, max-age=31536000, immutable";
/// Whatever a file holds, it runs nothing and reaches nothing.
const POLICY: &str = "sandbox; default-src 'none'";

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_COMPLETE: HeaderName = HeaderName::from_static("upload-complete");

/// `/api/v1/uploads` and `/api/v1/media`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/uploads", post(create))
        .route("/api/v1/uploads/{upload}", get(state).patch(append).delete(cancel))
        .route("/api/v1/media/{media}", get(serve_whole))
        .route("/api/v1/media/{media}/{width}", get(serve_thumbnail))
}

async fn create(
    State(app): State<Arc<App>>,
    client: Client,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    let parties = Party::all(&app, &Method::POST, &headers).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Problem::invalid("body", "the body is not UTF-8"))?;
    let wanted: CreateUpload =
        portico_protocol::codec::decode(text).map_err(|error| ApiError(error.into()))?;
    let visitor = app.store.visitors().find_by_conversation(wanted.conversation).await?;
    let visitor = visitor.ok_or_else(ApiError::not_found)?;
    let party = Party::in_conversation(parties, wanted.conversation, &visitor.brand)?;
    let moment = clock::moment();
    app.limits.uploads.take_for_address(moment, client.address)?;
    check_chars("name", &wanted.name, FILE_NAME_CHARS_MAX)?;
    if wanted.bytes == 0 {
        return Err(Problem::invalid("bytes", "an empty file says nothing").into());
    }
    if wanted.bytes > wanted.purpose.bytes_max() {
        return Err(too_large(wanted.purpose, wanted.bytes).into());
    }
    // Two requests that come at once must not both find the last free place.
    let _one_at_a_time = app.uploads_created.lock().await;
    let now = clock::now();
    check_quotas(&app, &party, &wanted, now).await?;
    let upload = MediaRecord {
        id: MediaId::new(now, clock::rng().random()),
        brand: visitor.brand,
        conversation: wanted.conversation,
        participant: party.participant(),
        name: FileName::clean(&wanted.name).as_str().to_owned(),
        bytes: wanted.bytes,
        purpose: purpose_name(wanted.purpose).to_owned(),
        created_at: now,
        outcome: None,
    };
    app.media.begin(upload.id).await.map_err(|error| disk_failed(&error))?;
    app.store.media().create(&upload).await.map_err(save_failed)?;
    let mut response = tell(StatusCode::CREATED, &upload, 0);
    let location = HeaderValue::try_from(format!("/api/v1/uploads/{}", upload.id));
    response.headers_mut().insert(LOCATION, location.expect("an id is letters, digits and hyphens"));
    Ok(response)
}

async fn check_quotas(
    app: &App,
    party: &Party,
    wanted: &CreateUpload,
    now: Timestamp,
) -> Result<(), ApiError> {
    let day_ms = i64::try_from(UPLOAD_FOR_MS).unwrap_or(i64::MAX);
    let since = now.plus_millis(-day_ms);
    let open = app.store.media().count_open(party.participant(), since).await?;
    if open >= u64::from(OPEN_UPLOADS_MAX) {
        let mut problem = Problem::new("too-many-uploads", 409, "Too many uploads are not finished")
            .with_detail(format!("{open} are open, {OPEN_UPLOADS_MAX} may be: finish or cancel one"));
        (problem.limit, problem.found) = (Some(u64::from(OPEN_UPLOADS_MAX)), Some(open));
        return Err(problem.into());
    }
    let usage = app.store.media().usage(wanted.conversation, since).await?;
    let found = usage.bytes.saturating_add(wanted.bytes);
    if found > CONVERSATION_DAY_BYTES_MAX {
        let free_at = usage.since.unwrap_or(now).plus_millis(day_ms);
        let wait_ms = u64::try_from(free_at.as_millis() - now.as_millis()).unwrap_or(0).max(1);
        let mut problem = Problem::new(
            "upload-quota",
            429,
            "Too much was uploaded to this conversation today",
        )
        .with_detail(format!(
            "With this file it would be {found} bytes in 24 hours; {CONVERSATION_DAY_BYTES_MAX} are allowed"
        ))
        .with_retry_after_ms(wait_ms);
        (problem.limit, problem.found) = (Some(CONVERSATION_DAY_BYTES_MAX), Some(found));
        return Err(problem.into());
    }
    if !app.media.has_room_for(wanted.bytes).map_err(|error| disk_failed(&error))? {
        tracing::error!("The disk of the media folder is nearly full: uploads are refused");
        return Err(ApiError::unavailable("There is no room for files", 600_000));
    }
    Ok(())
}

/// `GET` and `HEAD`: where the upload stands, and what became of it.
async fn state(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let upload = own_upload(&app, &Method::GET, &headers, &id).await?;
    let offset = offset_of(&app, &upload).await?;
    Ok(tell(StatusCode::OK, &upload, offset))
}

/// `PATCH`: appends the body. The one that brings the last byte, or comes after it, is told what the file
/// became.
async fn append(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers();
    let upload = own_upload(&app, &Method::PATCH, headers, &id).await?;
    app.limits.appends.take(clock::moment(), upload.participant)?;
    let offset = number(headers, &UPLOAD_OFFSET)
        .ok_or_else(|| Problem::invalid("Upload-Offset", "say where the body belongs, in bytes"))?;
    if upload.outcome.is_some() {
        return ended(&upload);
    }
    let announced = number(headers, &CONTENT_LENGTH).unwrap_or(0);
    if offset.saturating_add(announced) > upload.bytes {
        return Err(too_much(&upload, offset.saturating_add(announced)));
    }
    if offset == upload.bytes {
        return finish(&app, upload).await;
    }
    let appended = {
        // Apart from the request: where the connection ends, what has arrived is still written in order.
        let app = Arc::clone(&app);
        let (id, bytes) = (upload.id, upload.bytes);
        let body = request.into_body().into_data_stream();
        let appending = tokio::spawn(async move { app.media.append(id, offset, bytes, body).await });
        appending.await.map_err(|error| ApiError::internal(&error))?
    };
    match appended {
        Ok(at) if at < upload.bytes => Ok(tell(StatusCode::OK, &upload, at)),
        Ok(_) | Err(AppendError::Ended) => finish(&app, upload).await,
        Err(error) => Err(append_failed(&app, &upload, offset, error).await),
    }
}

/// What became of an upload of which all is there.
async fn finish(app: &Arc<App>, upload: MediaRecord) -> Result<Response, ApiError> {
    let finishing = {
        let app = Arc::clone(app);
        let id = upload.id;
        tokio::spawn(async move { Arc::clone(&app.media).finish(&app.store, id).await })
    };
    match timeout(FINISHED_WITHIN, finishing).await {
        Err(_) => Ok(tell(StatusCode::ACCEPTED, &upload, upload.bytes)),
        Ok(finished) => match finished.map_err(|error| ApiError::internal(&error))? {
            Ok(upload) => ended(&upload),
            Err(FinishError::Gone) => Err(ApiError::not_found()),
            Err(FinishError::Incomplete { stands_at }) => Err(wrong_offset(stands_at, upload.bytes)),
            Err(FinishError::Disk(error)) => Err(disk_failed(&error)),
            Err(FinishError::Store(error)) => Err(error.into()),
        },
    }
}

fn ended(upload: &MediaRecord) -> Result<Response, ApiError> {
    match &upload.outcome {
        Some(MediaOutcome::Refused(problem)) => Err(ApiError((**problem).clone())),
        _ => Ok(tell(StatusCode::OK, upload, upload.bytes)),
    }
}

async fn append_failed(app: &App, upload: &MediaRecord, offset: u64, error: AppendError) -> ApiError {
    let stands_at = match &error {
        AppendError::WrongOffset { stands_at } => *stands_at,
        AppendError::TooMuch => return too_much(upload, upload.bytes + 1),
        AppendError::Disk(error) => return disk_failed(error),
        AppendError::Ended | AppendError::Overtaken | AppendError::Cut => {
            match offset_of(app, upload).await {
                Ok(offset) => offset,
                Err(error) => return error,
            }
        }
    };
    wrong_offset(stands_at, offset)
}

fn wrong_offset(stands_at: u64, found: u64) -> ApiError {
    let mut problem = Problem::new("upload-offset", 409, "The upload stands elsewhere")
        .with_field("Upload-Offset")
        .with_detail(format!("Go on at {stands_at}"));
    (problem.limit, problem.found) = (Some(stands_at), Some(found));
    problem.into()
}

fn too_much(upload: &MediaRecord, found: u64) -> ApiError {
    let mut problem = Problem::new("upload-too-long", 413, "More bytes than were announced")
        .with_detail(format!("The upload was announced with {} bytes", upload.bytes));
    (problem.limit, problem.found) = (Some(upload.bytes), Some(found));
    problem.into()
}

async fn cancel(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let upload = own_upload(&app, &Method::DELETE, &headers, &id).await?;
    if app.media.cancel(&app.store, upload.id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::new(409, "upload-finished", "The upload is finished: there is nothing to cancel"))
}

/// An upload of whoever asks, that is not too old. Anybody else's is not told apart from none.
async fn own_upload(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    id: &str,
) -> Result<MediaRecord, ApiError> {
    let parties = Party::all(app, method, headers).await?;
    let id: MediaId = id.parse().map_err(|_| ApiError::not_found())?;
    let upload = app.store.media().find(id).await?.ok_or_else(ApiError::not_found)?;
    let party = Party::in_conversation(parties, upload.conversation, &upload.brand)?;
    let is_over = upload.outcome.is_none() && clock::now() >= expires_at(&upload);
    if party.participant() != upload.participant || is_over {
        return Err(ApiError::not_found());
    }
    Ok(upload)
}

async fn offset_of(app: &App, upload: &MediaRecord) -> Result<u64, ApiError> {
    if upload.outcome.is_some() {
        return Ok(upload.bytes);
    }
    app.media.offset(upload.id).await.map_err(|error| disk_failed(&error))
}

fn tell(status: StatusCode, upload: &MediaRecord, offset: u64) -> Response {
    let mut body = Upload {
        id: upload.id,
        offset,
        bytes: upload.bytes,
        expires_at: expires_at(upload),
        limits: UploadLimits {
            bytes_max: purpose_of(&upload.purpose).bytes_max(),
            files_per_message_max: FILES_PER_MESSAGE_MAX,
            open_uploads_max: OPEN_UPLOADS_MAX,
            conversation_day_bytes_max: CONVERSATION_DAY_BYTES_MAX,
        },
        media: None,
        problem: None,
    };
    match &upload.outcome {
        Some(MediaOutcome::Kept(kept)) => body.media = Some(media(upload, kept)),
        Some(MediaOutcome::Refused(problem)) => body.problem = Some((**problem).clone()),
        None => {}
    }
    let complete = HeaderValue::from_static(if upload.outcome.is_some() { "?1" } else { "?0" });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (UPLOAD_OFFSET, HeaderValue::from(offset)),
        (UPLOAD_LENGTH, HeaderValue::from(upload.bytes)),
        (UPLOAD_COMPLETE, complete),
    ];
    (status, headers, portico_protocol::codec::encode(&body)).into_response()
}

fn media(upload: &MediaRecord, kept: &KeptMedia) -> Media {
    let family = Kind::of_media_type(&kept.kind).map_or(MediaFamily::File, family);
    let width = kept.sides.map(|(width, _)| width);
    let thumbnails = THUMBNAIL_WIDTHS.into_iter().filter(|small| width.is_some_and(|width| *small < width));
    Media {
        id: upload.id,
        family,
        media_type: kept.kind.clone(),
        name: upload.name.clone(),
        bytes: kept.kept_bytes,
        received_at: kept.received_at,
        sha256: base64url::encode(kept.sha256),
        width,
        height: kept.sides.map(|(_, height)| height),
        thumbnails: thumbnails.collect(),
        placeholder: kept.placeholder.clone(),
    }
}

async fn serve_whole(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    serve(&app, &headers, &id, Variant::Whole).await
}

async fn serve_thumbnail(
    State(app): State<Arc<App>>,
    Path((id, width)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let width = THUMBNAIL_WIDTHS.into_iter().find(|known| known.to_string() == width);
    serve(&app, &headers, &id, Variant::Thumbnail(width.ok_or_else(ApiError::not_found)?)).await
}

async fn serve(app: &App, headers: &HeaderMap, id: &str, variant: Variant) -> Result<Response, ApiError> {
    let parties = Party::all(app, &Method::GET, headers).await?;
    let id: MediaId = id.parse().map_err(|_| ApiError::not_found())?;
    let media = app.store.media().find(id).await?.ok_or_else(ApiError::not_found)?;
    Party::in_conversation(parties, media.conversation, &media.brand)?;
    let Some(MediaOutcome::Kept(kept)) = &media.outcome else { return Err(ApiError::not_found()) };
    let kind = Kind::of_media_type(&kept.kind).ok_or_else(ApiError::not_found)?;
    let tag = format!("\"{id}-{variant}\"");
    if text(headers, &IF_NONE_MATCH).is_some_and(|given| given == "*" || given.contains(&tag)) {
        return Ok(describe(StatusCode::NOT_MODIFIED.into_response(), &media, kind, &tag));
    }
    let (mut file, bytes) = match app.media.read(id, variant).await {
        Ok(opened) => opened,
        // A small copy that was never made.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(ApiError::not_found()),
        Err(error) => return Err(disk_failed(&error)),
    };
    let is_same = text(headers, &IF_RANGE).is_none_or(|given| given == tag);
    let (status, first, length) = match range::parse(text(headers, &RANGE).filter(|_| is_same), bytes) {
        Wanted::Whole => (StatusCode::OK, 0, bytes),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Unsatisfiable => {
            let range = [(CONTENT_RANGE, format!("bytes */{bytes}"))];
            let mut response =
                (range, ApiError::new(416, "no-such-range", "The file is shorter")).into_response();
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok(response);
        }
    };
    file.seek(SeekFrom::Start(first)).await.map_err(|error| disk_failed(&error))?;
    let mut response = (status, Body::from_stream(pieces(file, length))).into_response();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{bytes}", first + length - 1);
        response.headers_mut().insert(CONTENT_RANGE, HeaderValue::try_from(range).expect("digits"));
    }
    Ok(describe(response, &media, kind, &tag))
}

fn describe(mut response: Response, media: &MediaRecord, kind: Kind, tag: &str) -> Response {
    let inline = if kind.family() == Family::File { "attachment" } else { "inline" };
    let disposition = format!("{inline}; {}", FileName::clean(&media.name).parameters());
    let headers = response.headers_mut();
    let mut insert = |name, value: &str| {
        headers.insert(name, HeaderValue::from_str(value).expect("printable ASCII"));
    };
    insert(CONTENT_TYPE, kind.media_type());
    insert(CONTENT_DISPOSITION, &disposition);
    insert(CONTENT_SECURITY_POLICY, POLICY);
    insert(CACHE_CONTROL, CACHE_FOR_EVER);
    insert(ETAG, tag);
    insert(ACCEPT_RANGES, "bytes");
    response
}

/// `length` bytes of the file from where it stands.
fn pieces(
    file: tokio::fs::File,
    length: u64,
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    stream::try_unfold((file, length), async |(mut file, left)| {
        let wanted = left.min(PIECE_BYTES);
        if wanted == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; usize::try_from(wanted).expect("a piece fits into memory")];
        file.read_exact(&mut piece).await?;
        Ok(Some((Bytes::from(piece), (file, left - wanted))))
    })
}

fn expires_at(upload: &MediaRecord) -> Timestamp {
    upload.created_at.plus_millis(i64::try_from(UPLOAD_FOR_MS).unwrap_or(i64::MAX))
}

const fn purpose_name(purpose: MediaFamily) -> &'static str {
    match purpose {
        MediaFamily::Image => "image",
        MediaFamily::Video => "video",
        MediaFamily::Audio => "audio",
        MediaFamily::File => "file",
    }
}

fn purpose_of(name: &str) -> MediaFamily {
    let all = [MediaFamily::Image, MediaFamily::Video, MediaFamily::Audio];
    all.into_iter().find(|purpose| purpose_name(*purpose) == name).unwrap_or(MediaFamily::File)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Full, or away for a while. Logged here, where it is handled.
fn disk_failed(error: &std::io::Error) -> ApiError {
    tracing::error!(%error, "The media folder cannot be used: {error}");
    ApiError::unavailable("The folder of files does not answer", 10_000)
}

fn save_failed(error: SaveError) -> ApiError {
    match error {
        SaveError::Store(error) => error.into(),
        // Ids are made of chance here: nobody else can have them.
        other => ApiError::internal(&other),
    }
}
