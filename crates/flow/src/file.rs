//! The shape of a flow file, before its meaning is checked. Spans remember where each value stood.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A sentence, or several to be said one after another by language tag.
pub(crate) type Texts = BTreeMap<String, Spanned<OneOrMany>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) name: Spanned<String>,
    pub(crate) languages: Spanned<Vec<String>>,
    pub(crate) greeting: Spanned<Speech>,
    pub(crate) person: Spanned<Words>,
    pub(crate) cancel: Option<Spanned<Words>>,
    pub(crate) hours: Option<Spanned<Hours>>,
    pub(crate) say: Spanned<Say>,
    #[serde(default)]
    pub(crate) rule: Vec<Spanned<Rule>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Speech {
    #[serde(default)]
    pub(crate) say: Texts,
    #[serde(default)]
    pub(crate) suggest: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) link: Vec<Link>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    pub(crate) label: Texts,
    pub(crate) url: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) keywords: BTreeMap<String, Spanned<Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hours {
    /// IANA name: `Europe/Oslo`.
    pub(crate) zone: Spanned<String>,
    #[serde(default)]
    pub(crate) monday: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) tuesday: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) wednesday: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) thursday: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) friday: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) saturday: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) sunday: Vec<Spanned<String>>,
    /// Days off: `2026-12-25`.
    #[serde(default)]
    pub(crate) closed: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Say {
    pub(crate) miss: Texts,
    pub(crate) offer_person: Texts,
    pub(crate) connecting: Texts,
    pub(crate) connecting_soon: Texts,
    pub(crate) away: Texts,
    pub(crate) away_unknown: Texts,
    pub(crate) cancelled: Texts,
    #[serde(default)]
    pub(crate) days: Texts,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) id: Spanned<String>,
    #[serde(default)]
    pub(crate) label: Texts,
    #[serde(default)]
    pub(crate) keywords: BTreeMap<String, Spanned<Vec<String>>>,
    #[serde(default)]
    pub(crate) ask: Vec<Spanned<Ask>>,
    #[serde(default)]
    pub(crate) case: Vec<Spanned<Case>>,
    #[serde(default)]
    pub(crate) say: Texts,
    #[serde(default)]
    pub(crate) suggest: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) link: Vec<Link>,
    pub(crate) then: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    pub(crate) slot: Spanned<String>,
    pub(crate) kind: Spanned<String>,
    pub(crate) min: Option<Spanned<i64>>,
    pub(crate) max: Option<Spanned<i64>>,
    #[serde(default)]
    pub(crate) option: Vec<Spanned<ChoiceOption>>,
    pub(crate) prompt: Texts,
    #[serde(default)]
    pub(crate) retry: Texts,
    #[serde(default)]
    pub(crate) fresh: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChoiceOption {
    pub(crate) value: Spanned<String>,
    pub(crate) label: Texts,
    #[serde(default)]
    pub(crate) keywords: BTreeMap<String, Spanned<Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) when: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(crate) say: Texts,
    #[serde(default)]
    pub(crate) suggest: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) link: Vec<Link>,
    pub(crate) then: Option<Spanned<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}
