//! Photographs as phones make them, one after the other and many at once.

use std::io::Cursor;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use tokio::task::JoinSet;

use crate::client::{Http, Session};
use crate::{Figures, Server};

/// Twelve megapixels.
const WIDTH: u32 = 4_000;
const HEIGHT: u32 = 3_000;
/// As phones choose it.
const QUALITY: u8 = 92;
/// Photographs one after the other.
const ALONE: usize = 9;
/// Photographs that arrive at the same time.
const AT_ONCE: usize = 50;

pub(crate) async fn measure(server: Server) -> Result<Figures> {
    let photograph: &'static [u8] = photograph()?.leak();
    eprintln!("a photograph of {} kB", photograph.len() / 1_000);
    let mut http = Http::connect(server.port).await?;
    let sessions = http.open_sessions(AT_ONCE).await?;
    let mut alone_ms = Vec::new();
    let mut cpu_ms = Vec::new();
    for session in &sessions[..ALONE] {
        let (began_at, used) = (Instant::now(), server.process.cpu_time()?);
        send(server.port, session, photograph).await?;
        alone_ms.push(began_at.elapsed().as_secs_f64() * 1_000.0);
        cpu_ms.push((server.process.cpu_time()? - used).as_secs_f64() * 1_000.0);
    }
    let began_at = Instant::now();
    let mut sending = JoinSet::new();
    for session in sessions {
        sending.spawn_local(async move { send(server.port, &session, photograph).await });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    let peak_mib = server.process.resident_kib_max()? / 1_024.0;
    eprintln!("{AT_ONCE} at once: {:.1} s, {peak_mib:.0} MiB", began_at.elapsed().as_secs_f64());
    Ok(Figures::from([
        ("alone_ms", alone_ms),
        ("cpu_ms", cpu_ms),
        ("at_once_s", vec![began_at.elapsed().as_secs_f64()]),
        ("peak_mib", vec![peak_mib]),
    ]))
}

/// Uploads, and asks until it is known what became of it.
async fn send(port: u16, session: &Session, photograph: &[u8]) -> Result<()> {
    let mut http = Http::connect(port).await?;
    let mut upload = http.upload(session, photograph).await?;
    let id = crate::client::text(&upload, "id").context("an upload has an id")?.to_owned();
    while !upload.contains("\"media\":") {
        if upload.contains("\"title\":") {
            bail!("the server said {upload}");
        }
        // Waits inside the server for as long as the file is looked at.
        upload = http.append(session, &id, photograph.len(), &[]).await?;
    }
    Ok(())
}

/// Soft shapes under fine noise: an even picture would cost nothing to decode, pure noise more than any camera's.
fn photograph() -> Result<Vec<u8>> {
    let mut state = 1_u32;
    let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = (state >> 28) as u8;
        let wave = |at: u32, period: u32| (at % period).abs_diff(period / 2) * 220 / period;
        Rgb([wave(x, 701) as u8 + grain, wave(y, 433) as u8 + grain, wave(x + y, 997) as u8 + grain])
    });
    let mut file = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut file, QUALITY).encode_image(&picture)?;
    Ok(file.into_inner())
}
