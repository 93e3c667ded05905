//! A brand's profile as arguments.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::proof::logo::Logo;
use crate::proof::name::{Domain, EmbedHost, Scope};
use crate::proof::settings::Profile;

/// What people see of a brand. What is not given stays as it is.
#[derive(Debug, clap::Args)]
pub(super) struct ProfileArguments {
    /// The name that people know
    #[arg(long)]
    name: Option<String>,
    /// The domain that the brand owns
    #[arg(long)]
    domain: Option<String>,
    /// A host whose pages may hold the chat, such as *.brand.example; may be repeated [default: the domain, and www. before it]
    #[arg(long, value_name = "HOST")]
    embed_host: Vec<String>,
    /// The brand's colour [default: #2f5d50]
    #[arg(long, value_name = "#RRGGBB")]
    color: Option<String>,
    /// The address of the privacy policy
    #[arg(long, value_name = "URL")]
    privacy_url: Option<String>,
    /// The address of the terms
    #[arg(long, value_name = "URL")]
    terms_url: Option<String>,
    /// A square picture: PNG, JPEG or WebP
    #[arg(long, value_name = "FILE")]
    logo: Option<PathBuf>,
}

impl ProfileArguments {
    /// The logo, if one was given.
    pub(super) fn read_logo(&self) -> Result<Option<Logo>> {
        let read = |path: &Path| {
            let file = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            Logo::read(&file).with_context(|| format!("{} cannot be the logo", path.display()))
        };
        self.logo.as_deref().map(read).transpose()
    }

    /// The profile that these arguments make of `before`; without one, everything needed must be given.
    pub(super) fn complete(self, before: Option<&Profile>, scope: Scope) -> Result<Profile> {
        let needed = |value: Option<String>, old: Option<&str>, name| {
            value.or(old.map(Into::into)).with_context(|| format!("give --{name}"))
        };
        let domain = match (&self.domain, before) {
            (Some(domain), _) => Domain::parse(domain, scope)?,
            (None, Some(before)) => before.domain.clone(),
            (None, None) => bail!("give --domain"),
        };
        let embed_hosts = match (self.embed_host.is_empty(), before) {
            (true, Some(before)) => before.embed_hosts.clone(),
            (true, None) if domain.is_local() => vec![EmbedHost::parse(domain.as_str(), scope)?],
            (true, None) => [domain.to_string(), format!("www.{domain}")]
                .iter()
                .map(|host| EmbedHost::parse(host, scope))
                .collect::<Result<_, _>>()?,
            (false, _) => {
                self.embed_host.iter().map(|host| EmbedHost::parse(host, scope)).collect::<Result<_, _>>()?
            }
        };
        let color = match (&self.color, before) {
            (Some(color), _) => color.parse().context("--color takes a colour such as #2f5d50")?,
            (None, Some(before)) => before.color,
            (None, None) => "#2f5d50".parse().expect("a colour"),
        };
        let old = |read: fn(&Profile) -> &str| before.map(read);
        Ok(Profile {
            display_name: needed(self.name, old(|before| &before.display_name), "name")?,
            privacy_url: needed(self.privacy_url, old(|before| &before.privacy_url), "privacy-url")?,
            terms_url: self.terms_url.or_else(|| before.and_then(|before| before.terms_url.clone())),
            domain,
            embed_hosts,
            color,
        })
    }
}
