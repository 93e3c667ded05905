//! The words of the interface, and how numbers and times are written where the viewer lives.
//!
//! A language is one flat JSON file, `public/locales/<tag>.json`, of which a page holds exactly one.
//! Dates, times and plurals are the browser's own `Intl`.

use std::cell::RefCell;

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
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

thread_local! {
    /// A page speaks one language for as long as it lives.
    static WORDS: RefCell<Option<Words>> = const { RefCell::new(None) };
}

struct Words {
    tag: JsValue,
    /// As the file has them, still the browser's own object: most of its texts are never asked for.
    texts: JsValue,
    plural: Intl::PluralRules,
    time: Function,
    day: Function,
    moment: Function,
}

/// Speaks the language `tag` (BCP 47) from now on, with the texts of its file as an object.
pub fn speak(tag: &str, texts: JsValue) {
    let tag = JsValue::from_str(tag);
    let tags = Array::of1(&tag);
    let format = |options: &[(&str, &str)]| Intl::DateTimeFormat::new(&tags, &object(options)).format();
    let words = Words {
        time: format(&[("hour", "numeric"), ("minute", "2-digit")]),
        day: format(&[("weekday", "long"), ("day", "numeric"), ("month", "long")]),
        moment: format(&[("dateStyle", "medium"), ("timeStyle", "short")]),
        plural: Intl::PluralRules::new(&tags, &Object::new()),
        tag,
        texts,
    };
    WORDS.set(Some(words));
}

/// The text for `key`; the key's own name if the file lacks it.
#[must_use]
pub fn text(key: Key) -> String {
    find(key.name()).unwrap_or_else(|| key.name().to_owned())
}

/// The text for `key` with `{name}` replaced by `value`.
#[must_use]
pub fn fill(key: Key, name: &str, value: &str) -> String {
    replace(&text(key), name, value)
}

/// The text for `key` in the plural form for `count`, with `{count}` replaced.
#[must_use]
pub fn count(key: Key, count: u32) -> String {
    let category = words(|words| words.plural.select(count.into()).as_string());
    let form = |category: &str| find(&[key.name(), ".", category].concat());
    let text = category.and_then(|category| form(&category)).or_else(|| form("other"));
    replace(&text.unwrap_or_default(), "count", &number(count))
}

/// `count` in the viewer's digits.
#[must_use]
pub fn number(count: u32) -> String {
    let written = words(|words| {
        // A number is no object: its method is found where all numbers have it.
        let numbers = js_sys::Object::get_prototype_of(&count.into());
        let to_locale_string = Reflect::get(&numbers, &"toLocaleString".into()).ok()?;
        to_locale_string.dyn_ref::<Function>()?.call1(&count.into(), &words.tag).ok()
    });
    written.and_then(|written| written.as_string()).unwrap_or_default()
}

/// The time of day.
#[must_use]
pub fn time(at: Timestamp) -> String {
    write(at, |words| &words.time)
}

/// Day and time.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    write(at, |words| &words.moment)
}

/// Weekday and date, with `today` and `yesterday` in words.
#[must_use]
pub fn day(at: Timestamp) -> String {
    let days_ago = day_number(at) - day_number(Timestamp::from_millis(Date::now() as i64));
    if !(-1..=0).contains(&days_ago) {
        return write(at, |words| &words.day);
    }
    let relative = words(|words| {
        let format = Intl::RelativeTimeFormat::new(&Array::of1(&words.tag), &object(&[("numeric", "auto")]));
        Some(String::from(format.format(days_ago as f64, "day")))
    });
    relative.unwrap_or_default()
}

fn words<T>(ask: impl FnOnce(&Words) -> Option<T>) -> Option<T> {
    WORDS.with_borrow(|words| words.as_ref().and_then(ask))
}

fn find(name: &str) -> Option<String> {
    words(|words| Reflect::get(&words.texts, &name.into()).ok()?.as_string())
}

fn write(at: Timestamp, format: fn(&Words) -> &Function) -> String {
    let written = words(|words| format(words).call1(&JsValue::UNDEFINED, &millis(at)).ok()?.as_string());
    written.unwrap_or_default()
}

/// Numbers the days of the viewer's own calendar.
#[must_use]
pub fn day_number(at: Timestamp) -> i64 {
    let date = Date::new(&millis(at));
    let offset_ms = date.get_timezone_offset() as i64 * 60_000;
    (at.as_millis() - offset_ms).div_euclid(86_400_000)
}

fn millis(at: Timestamp) -> JsValue {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit 53 bits")]
    JsValue::from_f64(at.as_millis() as f64)
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
    let mut filled = String::new();
    // By hand: the library's search for texts in texts is many times as large.
    for (index, part) in text.split('{').enumerate() {
        match part.split_once('}') {
            Some((hole, rest)) if hole == name => {
                filled.push_str(value);
                filled.push_str(rest);
            }
            _ => {
                filled.push_str(if index > 0 { "{" } else { "" });
                filled.push_str(part);
            }
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Key;

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
