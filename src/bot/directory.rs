//! Which flow each brand has.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use portico_domain::Policy;
use portico_flow::{Flow, FlowErrors};
use portico_protocol::{BrandId, ParticipantId, Representative, RepresentativeType, Timestamp};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tracing::{error, info};

/// A brand's bot.
#[derive(Debug)]
pub struct Bot {
    /// What it says.
    pub flow: Flow,
    /// As whom it says it.
    pub representative: Representative,
    /// One for each language, in the flow's order: built once, shared by every append.
    policies: Vec<Arc<Policy>>,
}

/// Why a brand's flow cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FlowProblem {
    /// The file cannot be read.
    #[error("cannot read {file}: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file has mistakes.
    #[error("{file} has mistakes:\n{errors}")]
    Broken {
        /// The file.
        file: String,
        /// All of them, with their lines.
        errors: FlowErrors,
    },
}

/// The bots of all brands, as their files say.
#[derive(Debug)]
pub struct Bots {
    folder: PathBuf,
    without_bot: Arc<Policy>,
    files: RwLock<HashMap<BrandId, File>>,
    /// Counts re-reads that changed something, so that the runner knows about new bots.
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct File {
    changed_at: Option<SystemTime>,
    bot: Option<Arc<Bot>>,
}

/// Reads and checks the flow file of a brand; `None` if the brand has none.
///
/// # Errors
/// The file cannot be read, or has mistakes.
pub fn check_flow(data: &Path, brand: &BrandId) -> Result<Option<Flow>, FlowProblem> {
    let path = data.join("flows").join(format!("{brand}.toml"));
    let file = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(source) => Flow::parse(&source).map(Some).map_err(|errors| FlowProblem::Broken { file, errors }),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FlowProblem::Unreadable { file, source }),
    }
}

impl Bots {
    /// The bots whose flows lie in the data folder `data`.
    #[must_use]
    pub fn load(data: &Path) -> Self {
        let bots = Self {
            folder: data.to_owned(),
            without_bot: Arc::default(),
            files: RwLock::default(),
            changes: watch::Sender::new(0),
        };
        bots.reload();
        bots
    }

    /// Reads what has changed since the last time.
    pub fn reload(&self) {
        let mut has_changed = false;
        for (brand, changed_at) in self.listed() {
            if self.read_files().get(&brand).is_some_and(|file| file.changed_at == changed_at) {
                continue;
            }
            has_changed = true;
            let bot = self.read(&brand);
            let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
            let last_good = files.get(&brand).and_then(|file| file.bot.clone());
            files.insert(brand, File { changed_at, bot: bot.unwrap_or(last_good) });
        }
        if has_changed {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// Told whenever a flow came or changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The brands that have a bot.
    #[must_use]
    pub fn brands(&self) -> Vec<BrandId> {
        let files = self.read_files();
        files.iter().filter(|(_, file)| file.bot.is_some()).map(|(brand, _)| brand.clone()).collect()
    }

    /// The brand's bot, if it has one.
    #[must_use]
    pub fn find(&self, brand: &BrandId) -> Option<Arc<Bot>> {
        self.read_files().get(brand).and_then(|file| file.bot.clone())
    }

    /// What the brand has set for visitors whose language is `locale`.
    #[must_use]
    pub fn policy(&self, brand: &BrandId, locale: &str) -> Arc<Policy> {
        match self.find(brand) {
            Some(bot) => bot.policy(locale),
            None => Arc::clone(&self.without_bot),
        }
    }

    /// When the brand's people answer again, if they do not now and the flow says their hours.
    #[must_use]
    pub fn next_opening(&self, brand: &BrandId, now: Timestamp) -> Option<Timestamp> {
        self.find(brand)?.flow.hours()?.next_opening(now)
    }

    /// The flow files that are there, and those that were, with the times of their last change.
    fn listed(&self) -> Vec<(BrandId, Option<SystemTime>)> {
        let entries = std::fs::read_dir(self.folder.join("flows")).into_iter().flatten().flatten();
        let found = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let brand = name.strip_suffix(".toml")?.parse().ok()?;
            Some((brand, entry.metadata().ok()?.modified().ok()))
        });
        let mut listed: Vec<(BrandId, Option<SystemTime>)> = found.collect();
        let gone: Vec<_> = self
            .read_files()
            .keys()
            .filter(|brand| !listed.iter().any(|(b, _)| b == *brand))
            .cloned()
            .collect();
        listed.extend(gone.into_iter().map(|brand| (brand, None)));
        listed
    }

    /// `None`: keep the last good flow. `Some(None)`: the brand has no bot (any more).
    #[expect(clippy::option_option, reason = "the two absences mean different things, as said above")]
    fn read(&self, brand: &BrandId) -> Option<Option<Arc<Bot>>> {
        match check_flow(&self.folder, brand) {
            Ok(Some(flow)) => {
                info!(brand.id = %brand, "Read the flow of {brand}");
                Some(Some(Arc::new(Bot::new(brand, flow))))
            }
            Ok(None) => Some(None),
            Err(problem) => {
                error!(brand.id = %brand, "The flow of {brand} cannot be used, the last good one goes on: {problem}");
                None
            }
        }
    }

    fn read_files(&self) -> std::sync::RwLockReadGuard<'_, HashMap<BrandId, File>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bot {
    /// What the brand has set for visitors whose language is `locale`.
    #[must_use]
    pub fn policy(&self, locale: &str) -> Arc<Policy> {
        Arc::clone(&self.policies[self.flow.language_for(locale)])
    }

    fn new(brand: &BrandId, flow: Flow) -> Self {
        let representative = Representative {
            id: bot_id(brand),
            representative_type: RepresentativeType::Bot,
            display_name: flow.name().to_owned(),
        };
        let policy = |language: &String| {
            Arc::new(Policy { bot: Some(representative.clone()), greeting: flow.greeting(language) })
        };
        let policies = flow.languages().iter().map(policy).collect();
        Self { representative, policies, flow }
    }
}

/// The same for all time and on every node: a bot has no account.
fn bot_id(brand: &BrandId) -> ParticipantId {
    let digest = Sha256::digest(format!("portico bot {brand}"));
    let mut bytes: [u8; 16] = digest[..16].try_into().expect("a SHA-256 digest has 32 bytes");
    // The version and variant of a name-based id of one's own making (RFC 9562 §5.8).
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    ParticipantId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FLOW: &str = include_str!("../../demo/flow.toml");

    fn brand() -> BrandId {
        "lykta".parse().unwrap()
    }

    fn write(data: &Path, source: &str, age_s: u64) {
        std::fs::create_dir_all(data.join("flows")).unwrap();
        let path = data.join("flows/lykta.toml");
        std::fs::write(&path, source).unwrap();
        // File times may be coarse: make each version's its own.
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 - age_s);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn a_changed_flow_is_used_and_a_broken_one_is_not() {
        let data = tempfile::tempdir().unwrap();
        let bots = Bots::load(data.path());
        assert!(bots.find(&brand()).is_none());
        assert_eq!(bots.policy(&brand(), "en").bot, None, "without a bot people wait for a person");

        write(data.path(), FLOW, 30);
        bots.reload();
        assert_eq!(bots.find(&brand()).unwrap().flow.name(), "Alma");

        write(data.path(), &FLOW.replace("Europe/Oslo", "Europe/Olso"), 20);
        bots.reload();
        assert_eq!(bots.find(&brand()).unwrap().flow.name(), "Alma", "the last good one goes on");
        let problem = check_flow(data.path(), &brand()).unwrap_err().to_string();
        assert!(problem.contains("line ") && problem.contains("time zone"), "{problem}");

        write(data.path(), &FLOW.replace("name = \"Alma\"", "name = \"Frida\""), 10);
        bots.reload();
        assert_eq!(bots.find(&brand()).unwrap().flow.name(), "Frida");

        std::fs::remove_file(data.path().join("flows/lykta.toml")).unwrap();
        bots.reload();
        assert!(bots.find(&brand()).is_none());
    }

    #[test]
    fn the_greeting_follows_the_visitors_language() {
        let data = tempfile::tempdir().unwrap();
        write(data.path(), FLOW, 0);
        let bots = Bots::load(data.path());
        let german = bots.policy(&brand(), "de-CH");
        assert!(german.greeting[0].plain_text().starts_with("Hallo!"));
        assert!(bots.policy(&brand(), "tlh").greeting[0].plain_text().starts_with("Hello!"));
    }
}
