//! How long a large feed takes to come in, with how much memory, and how soon a search of it is answered.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use portico_domain::catalogue::Search;
use portico_protocol::{BrandId, Timestamp};
use portico_store::{Options, Store};

use crate::{Figures, quantile};

const ITEMS: u32 = 100_000;
const SEARCHES: usize = 2_000;
/// How often the importer's memory is looked at; the system itself keeps the peak.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

const KINDS: [&str; 12] = [
    "lamp", "chair", "table", "shelf", "carpet", "mirror", "sofa", "bench", "cabinet", "vase", "clock", "bed",
];
const MATERIALS: [&str; 12] = [
    "oak", "linen", "brass", "steel", "glass", "paper", "wool", "leather", "marble", "cotton", "cork", "clay",
];
const COLORS: [&str; 10] =
    ["red", "green", "blue", "grün", "noir", "måne", "white", "black", "sand", "amber"];
const SIZES: [&str; 5] = ["S", "M", "L", "XL", "45 cm"];

#[derive(clap::Args)]
pub(crate) struct Catalogue {
    /// The importer
    #[arg(long)]
    program: PathBuf,
    /// An empty folder for the feed, and for the database if it is SQLite
    #[arg(long)]
    data: PathBuf,
    /// The database, as the store opens it
    #[arg(long)]
    database: Option<String>,
}

pub(crate) async fn measure(catalogue: Catalogue) -> Result<Figures> {
    fs::create_dir_all(&catalogue.data)?;
    let feed = catalogue.data.join("feed.tsv");
    write_feed(&feed)?;
    let sqlite = || format!("sqlite:{}", catalogue.data.join("portico.db").display());
    let url = catalogue.database.clone().unwrap_or_else(sqlite);
    let store = Store::open(&Options::new(url).for_tool()).await?;
    store.migrate().await?;
    let brand: BrandId = "bench".parse()?;
    store.brands().save(&brand, "{}", Timestamp::from_millis(0)).await?;
    let (mut seconds, mut peaks) = (Vec::new(), Vec::new());
    // The first into an empty database, the second replaces it.
    for _ in 0..2 {
        let (elapsed, peak_bytes) = import(&catalogue, &feed).await?;
        seconds.push(elapsed.as_secs_f64());
        peaks.push(peak_bytes);
    }
    let mut millis = search(&store, &brand).await?;
    store.close().await;
    let p50 = quantile(&mut millis, 0.5);
    let p99 = quantile(&mut millis, 0.99);
    let feed_bytes = fs::metadata(&feed)?.len() as f64;
    Ok(Figures::from([
        ("import_s", seconds),
        ("import_bytes", peaks),
        ("feed_bytes", vec![feed_bytes]),
        ("search_p50", vec![p50]),
        ("search_p99", vec![p99]),
    ]))
}

fn pick<'w>(words: &[&'w str], number: usize) -> &'w str {
    words[number % words.len()]
}

/// Items as a large shop has them: few words that all share, many that few do.
fn write_feed(path: &Path) -> Result<()> {
    let mut feed = BufWriter::new(File::create(path)?);
    writeln!(
        feed,
        "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tbrand\tcolor\tsize\tproduct_type\tgtin"
    )?;
    let description =
        "Made when it is ordered, of what grows near the workshop. Every part can be had for at \
        least fifteen years, and whoever does not like it sends it back within sixty days. "
            .repeat(3);
    for number in 0..ITEMS as usize {
        let (kind, material) = (pick(&KINDS, number), pick(&MATERIALS, number / 12));
        let (color, size) = (pick(&COLORS, number / 3), pick(&SIZES, number / 11));
        let availability = if number % 9 == 0 { "out of stock" } else { "in stock" };
        writeln!(
            feed,
            "SKU-{number:06}\tThe {color} {material} {kind}, model {}\t{description}\thttps://shop.example/p/{number}\t\
             https://shop.example/i/{number}.jpg\t{availability}\t{}.{:02} EUR\tMaker {}\t{color}\t{size}\t\
             Home > {kind} > {material}\t",
            number / 50,
            number % 900 + 1,
            number % 100,
            number % 300,
        )?;
    }
    feed.flush()?;
    Ok(())
}

/// Runs the importer; how long it took, and how much memory it held at most.
async fn import(catalogue: &Catalogue, feed: &Path) -> Result<(Duration, f64)> {
    let mut command = Command::new(&catalogue.program);
    command.args(["catalogue", "--data"]).arg(&catalogue.data);
    if let Some(url) = &catalogue.database {
        command.args(["--database", url]);
    }
    command.arg("import").arg(feed).args(["--brand", "bench"]).stdout(Stdio::null());
    let began_at = Instant::now();
    let mut child = command.spawn().context("the importer does not run")?;
    let mut peak_bytes = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok());
        peak_bytes = kibibytes.map_or(peak_bytes, |kibibytes| kibibytes * 1_024.0);
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    };
    ensure!(status.success(), "the import failed: {status}");
    Ok((began_at.elapsed(), peak_bytes))
}

/// Milliseconds of searches as people type them: common words, rare ones, beginnings, several at once.
async fn search(store: &Store, brand: &BrandId) -> Result<Vec<f64>> {
    let mut millis = Vec::with_capacity(SEARCHES);
    for number in 0..SEARCHES {
        let (kind, material) = (pick(&KINDS, number), pick(&MATERIALS, number / 5));
        let (text, cents) = match number % 8 {
            0 => (kind.to_owned(), None),
            1 => (format!("{} {material} {kind}", pick(&COLORS, number)), None),
            2 => (format!("{material} {}", &kind[..2]), None),
            3 => (format!("SKU {:06}", number * 37), None),
            4 => ("the model".to_owned(), None),
            5 => (kind[..1].to_owned(), None),
            6 => (format!("maker {}", number % 300), None),
            _ => (kind.to_owned(), Some("150.00 EUR".parse()?)),
        };
        let search = Search { price_max: cents, ..Search::for_words(&text) };
        let began_at = Instant::now();
        let found = store.catalogues().search(brand, &search, 20).await?;
        millis.push(began_at.elapsed().as_secs_f64() * 1e3);
        ensure!(!found.is_empty() || number % 8 == 1, "{text} was not found");
    }
    Ok(millis)
}
