//! What a domain publishes to vouch for a brand's key.
//!
//! The answer to a challenge is a key authorization (RFC 8555 §8.1): the brand's token, a dot, and the
//! thumbprint of its key. So the answer for one key is worth nothing for another, and whoever reads the record
//! can compare the thumbprint with the manifest's without asking us. The TXT record follows
//! draft-ietf-dnsop-domain-verification-techniques-13 §6.1.2 and §6.3.

use core::fmt;
use core::str::FromStr;

use portico_protocol::Timestamp;

use crate::base64url;
use crate::key::Thumbprint;

/// The label under which the TXT record stands, before the domain.
pub const CHALLENGE_LABEL: &str = "_portico-challenge";
/// The folder in which the file stands on the domain, before the token (RFC 8615).
pub const CHALLENGE_PATH: &str = "/.well-known/portico-challenge/";
/// Longest TXT record looked at, in bytes.
pub const RECORD_BYTES_MAX: usize = 1024;

/// 128 random bits that belong to one brand's claim to one domain.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChallengeToken([u8; 16]);

/// The token and the key that a domain vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAuthorization {
    /// Whose claim.
    pub token: ChallengeToken,
    /// Which key.
    pub key: Thumbprint,
}

/// A TXT record that answers a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeRecord {
    /// What the domain vouches for.
    pub authorization: KeyAuthorization,
    /// The host on which the brand's chat is, as a hint where to look for the manifest.
    pub host: Option<String>,
    /// When the domain ceases to vouch; absent: never.
    pub expires_at: Option<Timestamp>,
}

/// Why a text answers no challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChallenge {
    /// Not a token in base64url, or not 128 bits.
    #[error("not a challenge token")]
    Token,
    /// Not `token.thumbprint`.
    #[error("not a token, a dot and a key's thumbprint")]
    Authorization,
    /// Not `token=…` followed by `key=value` pairs, each at most once.
    #[error("not a record of the form token=… expiry=…")]
    Record,
    /// `expiry` is neither `never` nor a date.
    #[error("the record's expiry is neither a date nor never")]
    Expiry,
}

impl ChallengeToken {
    /// The token made of these random bytes.
    #[must_use]
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ChallengeToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&base64url::encode(self.0))
    }
}

impl fmt::Debug for ChallengeToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for ChallengeToken {
    type Err = InvalidChallenge;

    fn from_str(text: &str) -> Result<Self, InvalidChallenge> {
        base64url::decode_array(text).map(Self).ok_or(InvalidChallenge::Token)
    }
}

impl fmt::Display for KeyAuthorization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.token, self.key)
    }
}

impl FromStr for KeyAuthorization {
    type Err = InvalidChallenge;

    fn from_str(text: &str) -> Result<Self, InvalidChallenge> {
        let (token, key) = text.split_once('.').ok_or(InvalidChallenge::Authorization)?;
        Ok(Self { token: token.parse()?, key: key.parse().map_err(|_| InvalidChallenge::Authorization)? })
    }
}

impl fmt::Display for ChallengeRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "token={}", self.authorization)?;
        if let Some(host) = &self.host {
            write!(formatter, " host={host}")?;
        }
        match self.expires_at {
            None => formatter.write_str(" expiry=never"),
            Some(at) => write!(formatter, " expiry={}", date::format(at)),
        }
    }
}

impl FromStr for ChallengeRecord {
    type Err = InvalidChallenge;

    fn from_str(text: &str) -> Result<Self, InvalidChallenge> {
        if text.len() > RECORD_BYTES_MAX || !text.is_ascii() {
            return Err(InvalidChallenge::Record);
        }
        let mut pairs = text.split(' ').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let token = match pairs.next() {
            Some((name, value)) if name.eq_ignore_ascii_case("token") => value,
            _ => return Err(InvalidChallenge::Record),
        };
        let mut record = Self { authorization: token.parse()?, host: None, expires_at: None };
        let mut expiry = None;
        for (name, value) in pairs {
            let slot = match name {
                "" => return Err(InvalidChallenge::Record),
                name if name.eq_ignore_ascii_case("host") => &mut record.host,
                name if name.eq_ignore_ascii_case("expiry") => &mut expiry,
                _ => continue,
            };
            if slot.replace(value.to_owned()).is_some() {
                return Err(InvalidChallenge::Record);
            }
        }
        record.expires_at = match expiry.as_deref() {
            None | Some("never") => None,
            Some(text) => Some(date::parse(text).ok_or(InvalidChallenge::Expiry)?),
        };
        Ok(record)
    }
}

pub mod date {
    //! Dates of the proleptic Gregorian calendar (RFC 3339 §5.6 `full-date`), in UTC.

    use portico_protocol::Timestamp;

    const DAY_MS: i64 = 86_400_000;

    /// The date on which `at` falls, as `2026-11-23`.
    #[must_use]
    pub fn format(at: Timestamp) -> String {
        let (year, month, day) = civil(at.as_millis().div_euclid(DAY_MS));
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// Date and time of `at`, as `2026-11-23T06:20:00Z`.
    #[must_use]
    pub fn format_time(at: Timestamp) -> String {
        let seconds = at.as_millis().rem_euclid(DAY_MS) / 1000;
        format!("{}T{:02}:{:02}:{:02}Z", format(at), seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    /// The end of the date in `text`: a proof that expires on a day holds through that day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        let shape = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
        let digits = |range: core::ops::Range<usize>| {
            let part = &bytes[range];
            part.iter()
                .all(u8::is_ascii_digit)
                .then(|| part.iter().fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0')))
        };
        if !shape {
            return None;
        }
        let days = days(digits(0..4)?, digits(5..7)?, digits(8..10)?);
        // A date that does not exist comes back as another one.
        let end = Timestamp::from_millis((days + 1).checked_mul(DAY_MS)?);
        (format(end.plus_millis(-1)) == text).then_some(end)
    }

    /// Days since 1970-01-01. Years start in March here, so that the leap day is the last.
    fn days(year: i64, month: i64, day: i64) -> i64 {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    fn civil(days: i64) -> (i64, i64, i64) {
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = (shifted + 2) % 12 + 1;
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::SigningKey;
    use proptest::prelude::*;

    fn authorization() -> KeyAuthorization {
        let key = SigningKey::from_seed(&[7; 32]).public().thumbprint();
        KeyAuthorization { token: ChallengeToken::from_random([9; 16]), key }
    }

    #[test]
    fn a_record_reads_as_the_draft_says() {
        let value = authorization().to_string();
        let check = |text: String, expected: Result<(Option<&str>, Option<&str>), InvalidChallenge>| {
            let found = text.parse::<ChallengeRecord>();
            let expected = expected.map(|(host, expiry)| ChallengeRecord {
                authorization: authorization(),
                host: host.map(Into::into),
                expires_at: expiry.map(|date| date::parse(date).unwrap()),
            });
            assert_eq!(found, expected, "{text}");
        };
        check(format!("token={value}"), Ok((None, None)));
        check(format!("token={value} expiry=never"), Ok((None, None)));
        check(format!("TOKEN={value} Expiry=2026-12-31"), Ok((None, Some("2026-12-31"))));
        check(format!("token={value} new=1 flag host=chat.x.example"), Ok((Some("chat.x.example"), None)));
        check(format!("expiry=never token={value}"), Err(InvalidChallenge::Record));
        check(format!("token={value}  expiry=never"), Err(InvalidChallenge::Record));
        check(format!("token={value} expiry=never expiry=never"), Err(InvalidChallenge::Record));
        check(format!("token={value} expiry=2026-02-29"), Err(InvalidChallenge::Expiry));
        check(format!("token={value} expiry="), Err(InvalidChallenge::Expiry));
        check(format!("token={value}x"), Err(InvalidChallenge::Authorization));
        check("token=abc.def".into(), Err(InvalidChallenge::Token));
        check("v=spf1 -all".into(), Err(InvalidChallenge::Record));
    }

    #[test]
    fn a_date_ends_with_its_day_and_leap_years_are_known() {
        let end = |text| date::parse(text).map(|at: Timestamp| at.as_millis());
        assert_eq!(end("1970-01-01"), Some(86_400_000));
        assert_eq!(end("2024-02-29"), Some(1_709_251_200_000));
        assert_eq!(end("2000-02-29").map(|ms| ms % 86_400_000), Some(0));
        for refused in
            ["2023-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-11-31", "2026-1-1", "+026-01-01"]
        {
            assert_eq!(end(refused), None, "{refused} was accepted");
        }
        assert_eq!(date::format_time(Timestamp::from_millis(1_795_415_999_000)), "2026-11-23T06:39:59Z");
    }

    proptest! {
        #[test]
        fn a_record_survives_its_text(days in prop::option::of(-100_000_i64..100_000), host in prop::option::of("[a-z.]{1,30}")) {
            let expires_at = days.map(|days| Timestamp::from_millis(days * 86_400_000));
            let record = ChallengeRecord { authorization: authorization(), host, expires_at };
            let text = record.to_string();
            let parsed = text.parse::<ChallengeRecord>().unwrap();
            // The text holds the date, which ends a day after its midnight.
            let end = expires_at.map(|at| at.plus_millis(86_400_000));
            prop_assert_eq!(parsed, ChallengeRecord { expires_at: end, ..record });
        }

        #[test]
        fn no_text_makes_parsing_panic(text in ".{0,120}", at: i64) {
            let _ = text.parse::<ChallengeRecord>();
            let _ = text.parse::<KeyAuthorization>();
            let _ = date::parse(&text);
            let _ = date::format_time(Timestamp::from_millis(at));
        }
    }
}
