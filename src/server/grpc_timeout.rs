//! The `grpc-timeout` header.

use std::time::Duration;

use http::HeaderMap;

/// The time the caller gives the call. A malformed value counts as none, as in tonic: the cap of
/// the method applies then.
pub(super) fn parse(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at(text.len().checked_sub(1)?);
    // At most 8 digits by the specification, so nothing below overflows.
    if digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().expect("a header value"));
        parse(&headers)
    }

    #[test]
    fn knows_every_unit() {
        assert_eq!(parsed("3H"), Some(Duration::from_secs(10_800)));
        assert_eq!(parsed("2M"), Some(Duration::from_secs(120)));
        assert_eq!(parsed("42S"), Some(Duration::from_secs(42)));
        assert_eq!(parsed("13m"), Some(Duration::from_millis(13)));
        assert_eq!(parsed("7u"), Some(Duration::from_micros(7)));
        assert_eq!(parsed("0n"), Some(Duration::ZERO));
        assert_eq!(
            parsed("99999999H"),
            Some(Duration::from_secs(99_999_999 * 3600))
        );
    }

    #[test]
    fn takes_what_is_malformed_for_absent() {
        for text in [
            "",
            "S",
            "5",
            "-1S",
            "+1S",
            "1.5S",
            "123456789n",
            "10 S",
            "1x",
            "1é",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
        assert_eq!(parse(&HeaderMap::new()), None);
    }
}
