//! `Range` and `Content-Range` (RFC 9110 §14): one range of bytes, as players of films ask for.

/// What of a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it. Also where the header is not understood or names several ranges, which may be ignored.
    Whole,
    /// From the first to the last byte, both inclusive.
    Part { first: u64, last: u64 },
    /// Nothing that is there.
    Unsatisfiable,
}

/// What `header` asks for of a file of `bytes`.
pub(super) fn parse(header: Option<&str>, bytes: u64) -> Wanted {
    let Some(range) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = range.trim().split_once('-') else { return Wanted::Whole };
    match (number(first), number(last)) {
        (Some(first), _)
            if first >= bytes && (last.is_empty() || number(last).is_some_and(|last| last >= first)) =>
        {
            Wanted::Unsatisfiable
        }
        (Some(first), None) if last.is_empty() => Wanted::Part { first, last: bytes - 1 },
        (Some(first), Some(last)) if first <= last => Wanted::Part { first, last: last.min(bytes - 1) },
        (None, Some(suffix)) if first.is_empty() => match suffix.min(bytes) {
            0 => Wanted::Unsatisfiable,
            suffix => Wanted::Part { first: bytes - suffix, last: bytes - 1 },
        },
        _ => Wanted::Whole,
    }
}

/// Digits alone, which Rust's own parser is laxer about.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_range_is_answered_and_nonsense_is_ignored() {
        let check = |header: &str, expected| assert_eq!(parse(Some(header), 100), expected, "{header}");
        check("bytes=0-0", Wanted::Part { first: 0, last: 0 });
        check("bytes=10-19", Wanted::Part { first: 10, last: 19 });
        check("bytes=90-", Wanted::Part { first: 90, last: 99 });
        check("bytes=90-1000", Wanted::Part { first: 90, last: 99 });
        check("bytes=-10", Wanted::Part { first: 90, last: 99 });
        check("bytes=-1000", Wanted::Part { first: 0, last: 99 });
        check("bytes=100-", Wanted::Unsatisfiable);
        check("bytes=-0", Wanted::Unsatisfiable);
        for ignored in ["bytes=5-4", "bytes=a-b", "bytes=0-1,5-6", "items=0-1", "bytes=-", "bytes=+1-2", ""] {
            check(ignored, Wanted::Whole);
        }
        assert_eq!(parse(None, 100), Wanted::Whole);
    }

    proptest! {
        #[test]
        fn no_range_reaches_outside(header: String, first: u64, last: u64, bytes in 0..1_000_u64) {
            let _ = parse(Some(&header), bytes);
            for header in [format!("bytes={first}-{last}"), format!("bytes={first}-"), format!("bytes=-{last}")] {
                if let Wanted::Part { first, last } = parse(Some(&header), bytes) {
                    prop_assert!(first <= last && last < bytes);
                }
            }
        }
    }
}
