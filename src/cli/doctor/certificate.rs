//! The certificate: readable, of this host, not about to end.

use portico_protocol::Timestamp;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::server::ParsedCertificate;

use super::Finding;
use crate::clock;
use crate::config::Config;
use crate::http::tls::{Tls, certificates};

/// ACME clients renew thirty days before the end: with less, the renewal has failed.
const DAYS_LEFT_MIN: i64 = 14;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let Some(files) = &config.tls else { return Vec::new() };
    if let Err(error) = Tls::load(files.clone()) {
        return vec![Finding::fault(
            error.to_string(),
            "mend the files named by tls-certificate and tls-key",
        )];
    }
    let Ok(chain) = certificates(&files.certificate) else { return Vec::new() };
    let leaf = &chain[0];
    let mut findings = Vec::new();
    let host = config.public_url.host();
    let is_of_host = ServerName::try_from(host).is_ok_and(|name| {
        ParsedCertificate::try_from(leaf).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
    });
    if !is_of_host {
        let remedy = format!("get one whose names include {host}, or correct public-url");
        findings.push(Finding::fault(format!("the certificate is not for {host}"), remedy));
    }
    findings.push(remaining(not_after(leaf), clock::now()));
    findings
}

fn remaining(ends_at: Option<Timestamp>, now: Timestamp) -> Finding {
    let Some(ends_at) = ends_at else {
        return Finding::warning(
            "the certificate does not tell when it ends",
            "get one from another authority",
        );
    };
    let days = (ends_at.as_millis() - now.as_millis()).div_euclid(DAY_MS);
    let renew = "renew it; the server takes up the new files by itself";
    match days {
        ..0 => Finding::fault("the certificate has expired", renew),
        0..DAYS_LEFT_MIN => Finding::warning(format!("the certificate ends in {days} days"), renew),
        _ => Finding::fine(format!("the certificate is valid for {days} more days")),
    }
}

/// The end of a certificate's validity (RFC 5280 §4.1.2.5), read from its DER.
fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // Serial number, signature algorithm, issuer; then the validity.
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (tag, validity, _) = element(fields)?;
    let (_, _, after_begin) = element(validity)?;
    let (kind, end, _) = element(after_begin)?;
    (tag == SEQUENCE).then(|| parse_time(kind, std::str::from_utf8(end).ok()?))?
}

/// Tag, content and what follows of the first DER element (X.690 §8.1).
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, first, rest @ ..] = bytes else { return None };
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let is_small = digits.len() <= 4;
        let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        (is_small.then_some(length)?, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `YYMMDDHHMMSSZ` or, from 2050, `YYYYMMDDHHMMSSZ`.
fn parse_time(kind: u8, text: &str) -> Option<Timestamp> {
    const UTC_TIME: u8 = 0x17;
    let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (year, rest) = digits.split_at_checked(if kind == UTC_TIME { 2 } else { 4 })?;
    let year: i64 = year.parse().ok()?;
    let year = if kind != UTC_TIME {
        year
    } else if year < 50 {
        2000 + year
    } else {
        1900 + year
    };
    if rest.len() != 10 {
        return None;
    }
    let part = |index: usize| rest.get(index * 2..index * 2 + 2)?.parse::<i64>().ok();
    let seconds = (part(2)? * 60 + part(3)?) * 60 + part(4)?;
    Some(Timestamp::from_millis(days_since_1970(year, part(0)?, part(1)?) * DAY_MS + seconds * 1_000))
}

/// Days from 1970-01-01 to a Gregorian date: the year is counted from March, so that leap days come last.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_of_months = (153 * month + 2) / 5;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + days_of_months + day
        - 719_469
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::cli::doctor::Verdict;

    #[test]
    fn the_end_is_that_which_was_written() {
        let mut parameters = rcgen::CertificateParams::new(["chat.example".to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        for (year, month, day, millis) in [
            (2027, 1, 1, 1_798_761_600_000),
            (2028, 2, 29, 1_835_395_200_000),
            (2061, 12, 31, 2_903_212_800_000),
        ] {
            parameters.not_after = rcgen::date_time_ymd(year, month, day);
            let certificate = parameters.self_signed(&key).unwrap();
            assert_eq!(not_after(certificate.der()), Some(Timestamp::from_millis(millis)), "{year}");
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let certificate = rcgen::generate_simple_self_signed(["chat.example".to_owned()]).unwrap().cert;
        let bytes = certificate.der();
        for length in 0..bytes.len() {
            let _ = not_after(&bytes[..length]);
        }
        for index in 0..bytes.len().min(200) {
            let mut changed = bytes.to_vec();
            changed[index] ^= 0xff;
            let _ = not_after(&changed);
        }
    }

    #[test]
    fn a_certificate_about_to_end_is_told() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let verdict = |days: i64| remaining(Some(now.plus_millis(days * DAY_MS + 1)), now).verdict;
        assert_eq!(
            [-1, 0, 13, 14].map(verdict),
            [Verdict::Fault, Verdict::Warning, Verdict::Warning, Verdict::Fine]
        );
    }
}
