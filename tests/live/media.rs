//! Files in conversations: resumable, for those who take part alone, and harmless.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::clocks::Clocks;
use crate::support::{BRAND, Ground, Server, Visit, soon};

struct Reply {
    status: u16,
    head: String,
    bytes: Vec<u8>,
}

impl Reply {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        soon(stream.read_to_end(&mut bytes)).await.unwrap();
        let at = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, bytes: bytes.split_off(at + 4) }
    }

    fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    fn problem(&self) -> (u16, String) {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        (self.status, kind.trim_start_matches("/problems/").to_owned())
    }
}

/// Sends a request's head and the beginning of its body.
async fn begin(server: &Server, method: &str, path: &str, headers: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let origin =
        if headers.contains("origin: ") { String::new() } else { format!("origin: {}\r\n", server.origin()) };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{origin}\
         content-type: image/png\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn ask(server: &Server, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
    let mut stream = begin(server, method, path, headers, body.len()).await;
    // A server that refuses by the head alone need not read the rest.
    let _ = stream.write_all(body).await;
    Reply::read(&mut stream).await
}

fn bearer(visit: &Visit) -> String {
    format!("authorization: Bearer {}\r\n", visit.resume)
}

async fn create_as(
    server: &Server,
    who: &str,
    visit: &Visit,
    name: &str,
    bytes: u64,
    purpose: &str,
) -> Reply {
    let body =
        json!({ "conversation": visit.conversation, "name": name, "bytes": bytes, "purpose": purpose });
    ask(server, "POST", "/api/v1/uploads", who, body.to_string().as_bytes()).await
}

async fn create(server: &Server, visit: &Visit, name: &str, bytes: usize, purpose: &str) -> String {
    let created = create_as(server, &bearer(visit), visit, name, bytes as u64, purpose).await;
    assert_eq!(created.status, 201, "{}", created.json());
    let path = created.header("location").to_owned();
    assert_eq!(path, format!("/api/v1/uploads/{}", created.json()["id"].as_str().unwrap()));
    path
}

async fn append(server: &Server, who: &str, path: &str, offset: usize, body: &[u8]) -> Reply {
    ask(server, "PATCH", path, &format!("{who}upload-offset: {offset}\r\n"), body).await
}

/// Uploads in one go; the answer to the last byte.
async fn upload(server: &Server, visit: &Visit, name: &str, bytes: &[u8], purpose: &str) -> Reply {
    let path = create(server, visit, name, bytes.len(), purpose).await;
    append(server, &bearer(visit), &path, 0, bytes).await
}

/// Waits until the upload stands at `offset`.
async fn stands_at(server: &Server, who: &str, path: &str, offset: usize) {
    soon(async {
        while ask(server, "HEAD", path, who, b"").await.header("upload-offset") != offset.to_string() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn photograph(width: u32, height: u32) -> Vec<u8> {
    let picture: DynamicImage = RgbImage::from_fn(width, height, |x, y| {
        Rgb([u8::try_from(x % 251).unwrap(), u8::try_from(y % 241).unwrap(), 90])
    })
    .into();
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Jpeg).unwrap();
    file.into_inner()
}

/// The same with an EXIF segment that turns it by a quarter and names a place (CIPA DC-008 §4.6).
fn with_place(jpeg: &[u8]) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]);
    exif.extend([0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 38, 0, 0, 0, 0]);
    exif.extend([0, 1, 0, 1, 0, 2, 0, 0, 0, 2, b'N', 0, 0, 0, 0, 0, 0, 0]);
    exif.extend(b"GPS-48.2082N-16.3738E");
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

/// A PNG whose header claims these sides, with the right checksum.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let picture: DynamicImage = RgbImage::new(8, 8).into();
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    let mut file = file.into_inner();
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = !file[12..29].iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    });
    file[29..33].copy_from_slice(&sum.to_be_bytes());
    file
}

/// What players take for a film, as far as its beginning goes.
fn film(bytes: usize) -> Vec<u8> {
    let mut film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec();
    film.extend((0..bytes - film.len()).map(|number| u8::try_from(number % 251).unwrap()));
    film
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[tokio::test]
async fn a_photograph_reaches_both_sides_upright_without_its_place_and_nobody_else() {
    let server = Server::start().await;
    let (visit, other) = (server.visit().await, server.visit().await);
    let done = upload(&server, &visit, "Zähler.jpg", &with_place(&photograph(1200, 600)), "image").await;
    assert_eq!((done.status, done.header("upload-complete")), (200, "?1"), "{}", done.json());
    let media = &done.json()["media"];
    assert_eq!((&media["width"], &media["height"]), (&json!(600), &json!(1200)));
    assert_eq!((&media["family"], &media["mediaType"]), (&json!("image"), &json!("image/jpeg")));
    assert_eq!((&media["thumbnails"], &media["name"]), (&json!([320]), &json!("Zähler.jpg")));
    assert!(media["placeholder"].as_str().unwrap().len() < 1_000);
    let path = format!("/api/v1/media/{}", media["id"].as_str().unwrap());

    let studio = format!("cookie: {}\r\n", server.sign_in().await);
    let cookie = format!("cookie: __Host-portico.{BRAND}={}\r\n", visit.resume);
    for who in [&bearer(&visit), &cookie, &studio] {
        let seen = ask(&server, "GET", &path, who, b"").await;
        assert_eq!((seen.status, seen.header("content-type")), (200, "image/jpeg"));
        assert_eq!(seen.bytes.len() as u64, media["bytes"].as_u64().unwrap());
        assert!(!holds(&seen.bytes, b"GPS") && !holds(&seen.bytes, b"Exif"));
        let small = ask(&server, "GET", &format!("{path}/320"), who, b"").await;
        let small = image::load_from_memory(&small.bytes).unwrap();
        assert_eq!((small.width(), small.height()), (320, 640));
    }
    let stranger = bearer(&other);
    let upload = path.replace("/media/", "/uploads/");
    for (method, path, who, status) in [
        ("GET", &path, &stranger, 404),
        ("GET", &path, &String::new(), 401),
        ("GET", &format!("{path}/960"), &bearer(&visit), 404),
        ("GET", &format!("{path}/321"), &bearer(&visit), 404),
        ("GET", &upload, &stranger, 404),
        ("PATCH", &upload, &format!("origin: https://evil.example\r\n{}", bearer(&visit)), 403),
        ("GET", &path, &format!("origin: https://evil.example\r\n{studio}"), 403),
        // Of the same conversation, but somebody else's upload.
        ("GET", &upload, &studio, 404),
        ("DELETE", &upload, &bearer(&visit), 409),
        ("GET", &"/api/v1/media/..%2f..%2fportico.db".to_owned(), &bearer(&visit), 404),
    ] {
        assert_eq!(ask(&server, method, path, who, b"").await.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn what_could_run_or_break_something_is_refused_by_its_bytes_whatever_it_is_called() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let whole = photograph(300, 200);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for (what, name, bytes, expected) in [
        ("a picture of 60,000 pixels a side", "a.png", claiming(60_000, 60_000), (413, "picture-too-large")),
        ("a bomb", "a.png", claiming(7_000, 7_000), (422, "picture-refused")),
        ("half a picture", "a.jpg", whole[..whole.len() / 2].to_vec(), (422, "picture-refused")),
        ("a drawing with a script", "a.svg", svg.to_vec(), (415, "file-kind-refused")),
        ("the same renamed", "a.png", svg.to_vec(), (415, "file-kind-refused")),
        (
            "a page renamed",
            "a.png",
            b"<!doctype html><script>alert(1)</script>".to_vec(),
            (415, "file-kind-refused"),
        ),
        ("a program", "a.txt", b"#!/bin/sh\nrm -rf ~\n".to_vec(), (415, "file-kind-refused")),
        ("an archive", "a.pdf", b"PK\x03\x04%PDF-1.4".to_vec(), (415, "file-kind-refused")),
        ("bytes after a text", "a.txt", [&[b'a'; 9_000][..], b"\0\x01"].concat(), (415, "file-kind-refused")),
    ] {
        let refused = upload(&server, &visit, name, &bytes, "image").await;
        assert_eq!(refused.problem(), (expected.0, expected.1.to_owned()), "{what}: {}", refused.json());
        if expected.0 == 415 {
            assert!(refused.json()["detail"].as_str().unwrap().contains("PDF and plain text"), "{what}");
        }
    }
    // Nothing of them stays.
    let kept = std::fs::read_dir(server.data().join("media/kept")).unwrap().count();
    let growing = std::fs::read_dir(server.data().join("media/uploads")).unwrap().count();
    assert_eq!((kept, growing), (0, 0));
}

#[tokio::test]
async fn a_refusal_is_told_again_to_whoever_lost_the_answer() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let path = create(&server, &visit, "a.png", 4, "image").await;
    assert_eq!(append(&server, &bearer(&visit), &path, 0, b"MZ\x90\0").await.status, 415);
    let state = ask(&server, "GET", &path, &bearer(&visit), b"").await;
    assert_eq!(state.json()["problem"]["type"], json!("/problems/file-kind-refused"));
    assert_eq!(append(&server, &bearer(&visit), &path, 4, b"").await.status, 415);
}

#[tokio::test]
async fn what_hides_behind_a_picture_is_gone_and_the_declared_type_means_nothing() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let both = [&photograph(64, 64)[..], b"<html><script>alert(1)</script>PK\x03\x04"].concat();
    let done = upload(&server, &visit, "a.html", &both, "file").await;
    let media = &done.json()["media"];
    assert_eq!((&media["mediaType"], &media["name"]), (&json!("image/jpeg"), &json!("a.html.jpg")));
    let path = format!("/api/v1/media/{}", media["id"].as_str().unwrap());
    let seen = ask(&server, "GET", &path, &bearer(&visit), b"").await;
    assert!(!holds(&seen.bytes, b"<script>") && !holds(&seen.bytes, b"PK\x03\x04"));
    assert_eq!(seen.header("x-content-type-options"), "nosniff");
    assert_eq!(seen.header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(seen.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(seen.header("cache-control"), "private, max-age=31536000, immutable");
    let known = format!("{}if-none-match: {}\r\n", bearer(&visit), seen.header("etag"));
    let again = ask(&server, "GET", &path, &known, b"").await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));
}

#[tokio::test]
async fn a_name_keeps_its_words_and_loses_its_tricks() {
    let server = Server::start().await;
    let visit = server.visit().await;
    for (given, expected) in [
        ("../../portico.db", "portico.db.txt"),
        ("..\\..\\a\0b\r\nset-cookie: x.txt", "abset-cookie x.txt"),
        ("photo\u{202e}txt.exe", "phototxt.exe.txt"),
        ("Größe \"38\".csv", "Größe 38.csv"),
        ("", "file.txt"),
    ] {
        let done = upload(&server, &visit, given, b"38;49,90\n", "file").await;
        assert_eq!(done.status, 200, "{}", done.json());
        let media = &done.json()["media"];
        assert_eq!(media["name"], json!(expected));
        let path = format!("/api/v1/media/{}", media["id"].as_str().unwrap());
        let seen = ask(&server, "GET", &path, &bearer(&visit), b"").await;
        assert_eq!(seen.header("content-type"), "text/plain; charset=utf-8");
        let disposition = seen.header("content-disposition");
        assert!(
            disposition.starts_with("attachment; filename=\"") && disposition.is_ascii(),
            "{disposition}"
        );
        assert_eq!(seen.header("set-cookie"), "");
        assert_eq!(seen.bytes, b"38;49,90\n");
    }
}

#[tokio::test]
async fn what_is_too_much_is_refused_before_a_byte_of_it_is_sent() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let who = bearer(&visit);
    let huge = create_as(&server, &who, &visit, "film.mp4", 2_000_000_000, "video").await;
    assert_eq!(huge.problem(), (413, "file-too-large".into()));
    assert_eq!((&huge.json()["limit"], &huge.json()["found"]), (&json!(50_000_000), &json!(2_000_000_000)));
    assert_eq!(create_as(&server, &who, &visit, "a", 0, "file").await.status, 400);
    let mut paths = Vec::new();
    for _ in 0..10 {
        paths.push(create(&server, &visit, "film.mp4", 50_000_000, "video").await);
    }
    let full = create_as(&server, &who, &visit, "a.txt", 5, "file").await;
    assert_eq!((full.problem(), full.json()["limit"].clone()), ((409, "too-many-uploads".into()), json!(10)));
    // The other side has a count of its own, but shares the conversation's day.
    let studio = format!("cookie: {}\r\n", server.sign_in().await);
    let spent = create_as(&server, &studio, &visit, "a.txt", 5, "file").await;
    assert_eq!(
        (spent.problem(), spent.json()["found"].clone()),
        ((429, "upload-quota".into()), json!(500_000_005))
    );
    let wait_s: u64 = spent.header("retry-after").parse().unwrap();
    assert!((86_000..=86_400).contains(&wait_s), "{wait_s}");
    assert_eq!(ask(&server, "DELETE", &paths[0], &who, b"").await.status, 204);
    let path = create(&server, &visit, "a.txt", 5, "file").await;
    let longer = append(&server, &who, &path, 0, b"123456").await;
    assert_eq!(longer.problem(), (413, "upload-too-long".into()));
    assert_eq!(append(&server, &who, &paths[0], 0, b"x").await.status, 404);
}

#[tokio::test]
async fn an_upload_goes_on_where_its_connection_was_cut() {
    let server = Server::start().await;
    let (visit, other) = (server.visit().await, server.visit().await);
    let (who, file) = (bearer(&visit), film(700_000));
    let path = create(&server, &visit, "film.mp4", file.len(), "video").await;
    let head = format!("{who}upload-offset: 0\r\n");
    let mut stream = begin(&server, "PATCH", &path, &head, file.len()).await;
    stream.write_all(&file[..300_000]).await.unwrap();
    drop(stream);
    stands_at(&server, &who, &path, 300_000).await;
    let wrong = append(&server, &who, &path, 0, &file).await;
    assert_eq!(
        (wrong.problem(), wrong.json()["limit"].clone()),
        ((409, "upload-offset".into()), json!(300_000))
    );
    assert_eq!(append(&server, &bearer(&other), &path, 300_000, &file[300_000..]).await.status, 404);
    let early = append(&server, &who, &path, file.len(), b"").await;
    assert_eq!(
        (early.problem(), early.json()["limit"].clone()),
        ((409, "upload-offset".into()), json!(300_000))
    );
    let piece = append(&server, &who, &path, 300_000, &file[300_000..400_000]).await;
    assert_eq!((piece.status, piece.header("upload-offset")), (200, "400000"));
    assert_eq!(piece.header("upload-complete"), "?0");
    let done = append(&server, &who, &path, 400_000, &file[400_000..]).await;
    assert_eq!(done.status, 200, "{}", done.json());
    // Whoever lost that answer asks again, at the end or from the beginning.
    for offset in [file.len(), 0] {
        let again = append(&server, &who, &path, offset, b"").await;
        assert_eq!((again.status, &again.json()["media"]), (200, &done.json()["media"]));
    }
    let path = path.replace("/uploads/", "/media/");
    assert!(ask(&server, "GET", &path, &who, b"").await.bytes == file, "the same bytes");
}

#[tokio::test]
async fn of_two_tabs_at_the_same_offset_one_goes_on_and_the_file_is_whole() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let (who, file) = (bearer(&visit), film(200_000));
    let path = create(&server, &visit, "film.mp4", file.len(), "video").await;
    let head = format!("{who}upload-offset: 0\r\n");
    let mut first = begin(&server, "PATCH", &path, &head, file.len()).await;
    first.write_all(&file[..50_000]).await.unwrap();
    stands_at(&server, &who, &path, 50_000).await;
    let second = append(&server, &who, &path, 0, &file).await;
    assert_eq!(
        (second.problem(), second.json()["limit"].clone()),
        ((409, "upload-offset".into()), json!(50_000))
    );
    assert_eq!(Reply::read(&mut first).await.problem(), (409, "upload-offset".into()));
    assert_eq!(append(&server, &who, &path, 50_000, &file[50_000..]).await.status, 200);
    let path = path.replace("/uploads/", "/media/");
    assert!(ask(&server, "GET", &path, &who, b"").await.bytes == file, "the same bytes");
}

#[tokio::test]
async fn an_upload_outlives_a_kill_and_is_forgotten_after_a_day() {
    let clocks = Clocks::new();
    let ground = Ground { environment: clocks.environment(), ..Ground::default() };
    let mut server = Server::start_on(ground).await;
    let visit = server.visit().await;
    let (who, file) = (bearer(&visit), film(100_000));
    let path = create(&server, &visit, "film.mp4", file.len(), "video").await;
    let abandoned = create(&server, &visit, "film.mp4", file.len(), "video").await;
    append(&server, &who, &abandoned, 0, &file[..10]).await;
    let head = format!("{who}upload-offset: 0\r\n");
    let mut stream = begin(&server, "PATCH", &path, &head, file.len()).await;
    stream.write_all(&file[..60_000]).await.unwrap();
    stands_at(&server, &who, &path, 60_000).await;
    server.kill();
    server.start_again().await;
    stands_at(&server, &who, &path, 60_000).await;
    assert_eq!(append(&server, &who, &path, 60_000, &file[60_000..]).await.status, 200);
    clocks.set(25 * 3_600);
    assert_eq!(ask(&server, "GET", &abandoned, &who, b"").await.status, 404);
    server.stop().await;
    server.start_again().await;
    soon(async {
        while std::fs::read_dir(server.data().join("media/uploads")).unwrap().count() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // What became a file stays.
    let path = path.replace("/uploads/", "/media/");
    assert_eq!(ask(&server, "GET", &path, &who, b"").await.status, 200);
}

#[tokio::test]
async fn players_get_the_part_that_they_ask_for() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let file = film(150_000);
    let done = upload(&server, &visit, "film.mp4", &file, "video").await;
    let path = format!("/api/v1/media/{}", done.json()["media"]["id"].as_str().unwrap());
    let part = async |range: &str| {
        ask(&server, "GET", &path, &format!("{}range: {range}\r\n", bearer(&visit)), b"").await
    };
    let whole = ask(&server, "GET", &path, &bearer(&visit), b"").await;
    assert_eq!((whole.header("accept-ranges"), whole.header("content-type")), ("bytes", "video/mp4"));
    assert!(whole.header("content-disposition").starts_with("inline; "));
    for (range, first, last) in
        [("bytes=0-99", 0, 99), ("bytes=149000-", 149_000, 149_999), ("bytes=-500", 149_500, 149_999)]
    {
        let part = part(range).await;
        assert_eq!(
            (part.status, part.header("content-range")),
            (206, &*format!("bytes {first}-{last}/150000"))
        );
        assert!(part.bytes == file[first..=last], "{range}");
    }
    let outside = part("bytes=150000-").await;
    assert_eq!((outside.status, outside.header("content-range")), (416, "bytes */150000"));
    let stale = format!("{}range: bytes=0-9\r\nif-range: \"other\"\r\n", bearer(&visit));
    assert_eq!(ask(&server, "GET", &path, &stale, b"").await.status, 200);
    let head = ask(&server, "HEAD", &path, &bearer(&visit), b"").await;
    assert_eq!((head.header("content-length"), head.bytes.len()), ("150000", 0));
}
