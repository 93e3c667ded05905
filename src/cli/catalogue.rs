//! `portico catalogue`: product feeds in, products out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use portico_domain::catalogue::{Addresses, FOUND_MAX, Feed, Format, Refusal, Search};
use portico_protocol::{Availability, BrandId, Money, Product};
use portico_store::{Options, Store};

use crate::catalogue::{Refusals, Report, Settings, Watch, import};
use crate::config::{Config, Sources};

/// Some lines were refused, and the rest was imported. 1 says that nothing was, 2 that the command was wrong.
const SOME_REFUSED: u8 = 3;
/// How many refusals are told one by one.
const REFUSALS_TOLD_MAX: u64 = 100;
/// What is read from the feed at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Imports product feeds and searches them
#[derive(Debug, clap::Args)]
pub(super) struct Command {
    #[command(flatten)]
    sources: Sources,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Replaces a brand's catalogue by a product feed; ends with 3 if some lines were refused
    Import {
        /// The feed, or - for standard input
        feed: PathBuf,
        /// The brand's name in addresses
        #[arg(long)]
        brand: BrandId,
        /// How the feed is written; without it, its first line tells
        #[arg(long)]
        format: Option<FeedFormat>,
        /// Import nothing if any line is bad
        #[arg(long)]
        strict: bool,
    },
    /// Finds products by the beginnings of words, without regard to case and accents
    Search {
        /// Words of title, brand, type, id, colour or size; without any, the feed's first products
        words: Vec<String>,
        /// The brand's name in addresses
        #[arg(long)]
        brand: BrandId,
        /// Only those of this availability
        #[arg(long)]
        availability: Option<WantedAvailability>,
        /// Only those that cost at most this, such as "150 EUR"
        #[arg(long, value_name = "AMOUNT")]
        max_price: Option<Money>,
        /// How many at most, up to 50
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=FOUND_MAX as i64))]
        limit: u8,
        /// Prints JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Says from where and when a brand's catalogue is
    Show {
        /// The brand's name in addresses
        brand: BrandId,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FeedFormat {
    /// Values between tabs
    Tsv,
    /// Values between commas
    Csv,
    /// RSS 2.0 or Atom with Google's elements
    Xml,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum WantedAvailability {
    /// It is sent when it is ordered
    InStock,
    /// It cannot be ordered
    OutOfStock,
    /// It will be sent when it first appears
    Preorder,
    /// It will be sent when it is there again
    Backorder,
}

impl Command {
    pub(super) fn run(self) -> Result<ExitCode> {
        let config = self.sources.load()?;
        super::block_on(async {
            let store = Store::open(&Options::new(config.database_url()).for_tool()).await?;
            store.migrate().await?;
            let result = self.action.run(&config, &store).await;
            store.close().await;
            result
        })
    }
}

impl Action {
    async fn run(self, config: &Config, store: &Store) -> Result<ExitCode> {
        match self {
            Self::Import { feed, brand, format, strict } => {
                let refusals = if strict { Refusals::RefuseAll } else { Refusals::ImportRest };
                let source = feed.display().to_string();
                let settings = Settings { source: &source, brand: &brand, refusals };
                import_feed(config, store, &feed, format, &settings).await
            }
            Self::Search { words, brand, availability, max_price, limit, json } => {
                let search = Search {
                    availability: availability.map(WantedAvailability::meaning),
                    price_max: max_price,
                    ..Search::for_words(&words.join(" "))
                };
                let products = store.catalogues().search(&brand, &search, usize::from(limit)).await?;
                print(&products, json)?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Show { brand } => {
                let record = store.catalogues().find(&brand).await?;
                let record = record.with_context(|| format!("{brand} has no catalogue: import a feed"))?;
                println!("Products     {}", record.product_count);
                println!("Source       {}", record.source);
                println!("Imported at  {} (milliseconds since 1970)", record.imported_at.as_millis());
                println!("Version      {}", record.version);
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl WantedAvailability {
    const fn meaning(self) -> Availability {
        match self {
            Self::InStock => Availability::InStock,
            Self::OutOfStock => Availability::OutOfStock,
            Self::Preorder => Availability::Preorder,
            Self::Backorder => Availability::Backorder,
        }
    }
}

async fn import_feed(
    config: &Config,
    store: &Store,
    path: &Path,
    format: Option<FeedFormat>,
    settings: &Settings<'_>,
) -> Result<ExitCode> {
    let brand = settings.brand;
    if store.brands().find(brand).await?.is_none() {
        bail!("there is no brand {brand}: add it first with `portico brand add`");
    }
    let format = format.map(|format| match format {
        FeedFormat::Tsv => Format::Tsv,
        FeedFormat::Csv => Format::Csv,
        FeedFormat::Xml => Format::Xml,
    });
    let addresses = if config.development { Addresses::Development } else { Addresses::Secure };
    let mut progress = Progress::new();
    let input = open(path, &progress.bar).with_context(|| format!("cannot read {}", path.display()))?;
    let feed = Feed::open(input, format, addresses)?;
    let result = import(store, feed, settings, &mut progress).await;
    progress.bar.finish_and_clear();
    progress.tell_rest();
    tell(result?, settings)
}

/// The feed, which tells the bar how much of it was read.
fn open(path: &Path, bar: &ProgressBar) -> io::Result<impl BufRead + use<>> {
    let input: Box<dyn Read> = if path.as_os_str() == STANDARD_INPUT {
        Box::new(io::stdin())
    } else {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() {
            bar.set_length(metadata.len());
            bar.set_style(style("{bar:30} {percent:>3} %  {msg}  {binary_bytes_per_sec}  {eta} left"));
        }
        Box::new(file)
    };
    Ok(BufReader::with_capacity(CHUNK_BYTES, bar.wrap_read(input)))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is ours").progress_chars("━━─")
}

/// A bar where somebody looks, and refusals as they are found.
struct Progress {
    bar: ProgressBar,
    refused: u64,
}

impl Progress {
    fn new() -> Self {
        let is_watched = io::stderr().is_terminal();
        let target = if is_watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style("{spinner} {msg}  {binary_bytes_per_sec}"));
        Self { bar, refused: 0 }
    }

    fn tell_rest(&self) {
        if self.refused > REFUSALS_TOLD_MAX {
            eprintln!("… and {} more lines", self.refused - REFUSALS_TOLD_MAX);
        }
    }
}

impl Watch for Progress {
    fn refused(&mut self, refusal: &Refusal) {
        self.refused += 1;
        if self.refused <= REFUSALS_TOLD_MAX {
            self.bar.suspend(|| eprintln!("{refusal}"));
        }
    }

    fn read(&mut self, items: u64) {
        self.bar.set_message(format!("{items} items"));
    }
}

fn tell(report: Report, settings: &Settings<'_>) -> Result<ExitCode> {
    let Report { imported, refused } = report;
    if imported == 0 {
        let why = match settings.refusals {
            Refusals::RefuseAll if refused > 0 => "and --strict allows none",
            _ => "and no product is left",
        };
        bail!("nothing was imported: {refused} lines were refused, {why}. The catalogue is as it was");
    }
    println!("{} has {imported} products from {}.", settings.brand, settings.source);
    if refused > 0 {
        println!("{refused} lines were refused.");
        return Ok(ExitCode::from(SOME_REFUSED));
    }
    Ok(ExitCode::SUCCESS)
}

fn print(products: &[Product], as_json: bool) -> Result<()> {
    if as_json {
        println!("{}", serde_json::to_string_pretty(products)?);
        return Ok(());
    }
    if products.is_empty() {
        println!("Nothing was found.");
    }
    for product in products {
        let availability = match product.availability {
            Availability::InStock => "in stock",
            Availability::OutOfStock => "out of stock",
            Availability::Preorder => "preorder",
            Availability::Backorder => "backorder",
            Availability::Unknown => "unknown",
        };
        println!("{}\t{}\t{}\t{availability}", product.id, product.title, product.current_price());
    }
    Ok(())
}
