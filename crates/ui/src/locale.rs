//! The words of the interface, and how numbers and times are written where the viewer lives.
//!
//! A language is one flat JSON file, `public/locales/<tag>.json`, of which a page holds exactly one.
//! Dates, times and plurals are the browser's own `Intl`.

use std::collections::BTreeMap;

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use leptos::prelude::*;
use portico_protocol::Timestamp;
use wasm_bindgen::{JsCast, JsValue};

macro_rules! keys {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// A text of the interface.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the English file says what each one says")]
        pub enum Key { $($variant),+ }

        impl Key {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the language files. Where there are plural forms, `<name>.<category>`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}
keys! {
    BotBadge = "botBadge",
    BotAnswers = "botAnswers",
    BotIsAnswering = "botIsAnswering",
    Cancel = "cancel",
    ChatWith = "chatWith",
    CharactersLeft = "charactersLeft",
    Close = "close",
    Closed = "closed",
    Composer = "composer",
    ComposerPlaceholder = "composerPlaceholder",
    Connecting = "connecting",
    Continue = "continue",
    ContinueElsewhere = "continueElsewhere",
    ContinueHere = "continueHere",
    ContinueHereDetail = "continueHereDetail",
    ContinueScan = "continueScan",
    CopyLink = "copyLink",
    Copied = "copied",
    Delivered = "delivered",
    Discard = "discard",
    Edited = "edited",
    End = "end",
    EndDetail = "endDetail",
    Ended = "ended",
    EndedDetail = "endedDetail",
    Failed = "failed",
    HumanIsAnswering = "humanIsAnswering",
    Joined = "joined",
    JumpToNewest = "jumpToNewest",
    Language = "language",
    Left = "left",
    LinkExpires = "linkExpires",
    LinkSpent = "linkSpent",
    LinkSpentDetail = "linkSpentDetail",
    LoadingOlder = "loadingOlder",
    Log = "log",
    Menu = "menu",
    NewMessages = "newMessages",
    NobodyHere = "nobodyHere",
    NotVerified = "notVerified",
    Note = "note",
    Offline = "offline",
    OutboxFull = "outboxFull",
    Privacy = "privacy",
    ProofCheck = "proofCheck",
    ProofDomain = "proofDomain",
    ProofDns = "proofDns",
    ProofExpired = "proofExpired",
    ProofHost = "proofHost",
    ProofMethod = "proofMethod",
    ProofNotVerified = "proofNotVerified",
    ProofReport = "proofReport",
    ProofStop = "proofStop",
    ProofUntil = "proofUntil",
    ProofVerified = "proofVerified",
    ProofWellKnown = "proofWellKnown",
    ProofWhen = "proofWhen",
    ProofWithdrawn = "proofWithdrawn",
    Read = "read",
    Reconnecting = "reconnecting",
    Redacted = "redacted",
    Refused = "refused",
    Reopened = "reopened",
    Retry = "retry",
    Send = "send",
    Sending = "sending",
    Sent = "sent",
    Sound = "sound",
    StartHere = "startHere",
    Suggestions = "suggestions",
    TalkToPerson = "talkToPerson",
    Terms = "terms",
    Theme = "theme",
    ThemeAuto = "themeAuto",
    ThemeDark = "themeDark",
    ThemeLight = "themeLight",
    TooFast = "tooFast",
    TooLong = "tooLong",
    Transcript = "transcript",
    Typing = "typing",
    Unread = "unread",
    Verified = "verified",
    Waiting = "waiting",
    WaitingBefore = "waitingBefore",
    WaitingEstimate = "waitingEstimate",
    WaitingNext = "waitingNext",
    You = "you",
}

/// The language of the page, as a service: `expect_context::<Locale>()`.
#[derive(Clone, Copy)]
pub struct Locale(StoredValue<Words, LocalStorage>);

struct Words {
    tag: String,
    texts: BTreeMap<String, String>,
    time: Intl::DateTimeFormat,
    day: Intl::DateTimeFormat,
    moment: Intl::DateTimeFormat,
    plural: Intl::PluralRules,
}

impl Locale {
    /// The language `tag` (BCP 47) with the texts of its file.
    #[must_use]
    pub fn new(tag: &str, texts: BTreeMap<String, String>) -> Self {
        let tags = Array::of1(&tag.into());
        let format = |options: &[(&str, &str)]| Intl::DateTimeFormat::new(&tags, &object(options));
        Self(StoredValue::new_local(Words {
            time: format(&[("hour", "numeric"), ("minute", "2-digit")]),
            day: format(&[("weekday", "long"), ("day", "numeric"), ("month", "long")]),
            moment: format(&[("dateStyle", "medium"), ("timeStyle", "short")]),
            plural: Intl::PluralRules::new(&tags, &Object::new()),
            tag: tag.to_owned(),
            texts,
        }))
    }

    /// The language, BCP 47.
    #[must_use]
    pub fn tag(&self) -> String {
        self.0.with_value(|words| words.tag.clone())
    }

    /// The text for `key`; the key's own name if the file lacks it.
    #[must_use]
    pub fn text(&self, key: Key) -> String {
        self.find(key.name()).unwrap_or_else(|| key.name().to_owned())
    }

    /// The text for `key` with `{name}` replaced by `value`.
    #[must_use]
    pub fn fill(&self, key: Key, name: &str, value: &str) -> String {
        replace(&self.text(key), name, value)
    }

    /// The text for `key` in the plural form for `count`, with `{count}` replaced.
    #[must_use]
    pub fn count(&self, key: Key, count: u64) -> String {
        #[expect(clippy::cast_precision_loss, reason = "what is counted here is small")]
        let number = count as f64;
        let category = self.0.with_value(|words| words.plural.select(number)).as_string().unwrap_or_default();
        let text = self.find(&[key.name(), ".", &category].concat());
        let text = text.or_else(|| self.find(&[key.name(), ".other"].concat())).unwrap_or_default();
        replace(&text, "count", &self.number(count))
    }

    /// `count` in the viewer's digits.
    #[must_use]
    pub fn number(&self, count: u64) -> String {
        self.0.with_value(|words| {
            #[expect(clippy::cast_precision_loss, reason = "what is counted here is small")]
            js_sys::Number::from(count as f64).to_locale_string(&words.tag).into()
        })
    }

    /// The time of day.
    #[must_use]
    pub fn time(&self, at: Timestamp) -> String {
        self.0.with_value(|words| write(&words.time, at))
    }

    /// Day and time.
    #[must_use]
    pub fn moment(&self, at: Timestamp) -> String {
        self.0.with_value(|words| write(&words.moment, at))
    }

    /// Weekday and date, with `today` and `yesterday` in words.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> String {
        self.0.with_value(|words| {
            let days_ago = day_number(at) - day_number(Timestamp::from_millis(Date::now() as i64));
            if !(-1..=0).contains(&days_ago) {
                return write(&words.day, at);
            }
            let tags = Array::of1(&words.tag.as_str().into());
            let format = Intl::RelativeTimeFormat::new(&tags, &object(&[("numeric", "auto")]));
            String::from(format.format(days_ago as f64, "day"))
        })
    }

    fn find(&self, name: &str) -> Option<String> {
        self.0.with_value(|words| words.texts.get(name).cloned())
    }
}

/// Numbers the days of the viewer's own calendar.
#[must_use]
pub fn day_number(at: Timestamp) -> i64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit 53 bits")]
    let date = Date::new(&JsValue::from_f64(at.as_millis() as f64));
    let offset_ms = date.get_timezone_offset() as i64 * 60_000;
    (at.as_millis() - offset_ms).div_euclid(86_400_000)
}

fn write(format: &Intl::DateTimeFormat, at: Timestamp) -> String {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit 53 bits")]
    let millis = JsValue::from_f64(at.as_millis() as f64);
    let function: Function = format.format();
    let written = function.call1(&JsValue::UNDEFINED, &millis);
    written.ok().and_then(|text| text.as_string()).unwrap_or_default()
}

fn object(options: &[(&str, &str)]) -> Object {
    let object = Object::new();
    for (name, value) in options {
        let set = Reflect::set(&object, &(*name).into(), &(*value).into());
        debug_assert!(set.is_ok(), "a fresh object takes any property");
    }
    object.unchecked_into()
}

fn replace(text: &str, name: &str, value: &str) -> String {
    text.replace(&["{", name, "}"].concat(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &str); 4] = [
        ("ar", include_str!("../../../public/locales/ar.json")),
        ("de", include_str!("../../../public/locales/de.json")),
        ("en", include_str!("../../../public/locales/en.json")),
        ("es", include_str!("../../../public/locales/es.json")),
    ];

    fn texts(file: &str) -> BTreeMap<String, String> {
        portico_protocol::codec::decode(file).expect("a flat object of texts")
    }

    /// Texts by their key, plural forms apart.
    fn holes(texts: &BTreeMap<String, String>, key: &str) -> Vec<String> {
        let forms = texts.iter().filter(|(name, _)| name.split('.').next() == Some(key));
        let holes = forms.flat_map(|(_, text)| text.split('{').skip(1));
        let mut holes: Vec<_> = holes.filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect();
        holes.sort();
        holes.dedup();
        holes
    }

    #[test]
    fn every_language_has_every_text_with_the_same_holes_and_no_other() {
        let english = texts(FILES[2].1);
        for (tag, file) in FILES {
            let texts = texts(file);
            for key in Key::ALL {
                let name = key.name();
                let is_there = texts.contains_key(name) || texts.contains_key(&format!("{name}.other"));
                assert!(is_there, "{tag}.json lacks {name}");
                assert_eq!(holes(&texts, name), holes(&english, name), "{tag}.json: {name}");
            }
            for name in texts.keys() {
                let key = name.split('.').next().unwrap_or_default();
                assert!(Key::ALL.iter().any(|known| known.name() == key), "{tag}.json: nothing uses {name}");
            }
        }
    }

    #[test]
    fn every_language_has_its_own_plural_forms() {
        let forms = |tag| match tag {
            "ar" => &["zero", "one", "two", "few", "many", "other"][..],
            "es" => &["one", "many", "other"],
            _ => &["one", "other"],
        };
        for (tag, file) in FILES {
            let texts = texts(file);
            for key in ["charactersLeft", "tooLong", "waitingBefore", "waitingEstimate"] {
                for form in forms(tag) {
                    assert!(texts.contains_key(&format!("{key}.{form}")), "{tag}.json lacks {key}.{form}");
                }
            }
        }
    }
}
