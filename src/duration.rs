//! Durations: read from flags, written for people.

use std::time::Duration;

use humantime::DurationError;

/// Reads `500ms`, `30s`, `5m`, `7d` or a sum such as `1m30s`. A number without a unit is refused,
/// because seconds, milliseconds and days are all plausible; only `0` needs none.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| match error {
        DurationError::UnknownUnit { unit, .. } if unit.is_empty() => {
            "the unit is missing; write 7s, 5m or 7d".to_owned()
        }
        _ => format!("not a duration: {error}; write 7s, 5m or 7d"),
    })
}

/// `45 ms`, `0.4 s`, `12 s`, `3 min 20 s`, `1 h 5 min`.
pub(crate) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() < 100 => format!("{} ms", duration.as_millis()),
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_written() {
        assert_eq!(parse("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("2h"), Ok(Duration::from_secs(7_200)));
        assert_eq!(parse("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
        for wrong in ["", "s", "-1s", "99999999999999999999s"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("18446744073709551615h").is_err());
    }

    #[test]
    fn a_number_needs_a_unit() {
        let refused = parse("7").expect_err("no unit");
        assert!(refused.contains("write 7s, 5m or 7d"), "{refused}");
    }

    #[test]
    fn durations_are_shown_in_two_units_at_most() {
        assert_eq!(human(Duration::from_millis(45)), "45 ms");
        assert_eq!(human(Duration::from_millis(420)), "0.4 s");
        assert_eq!(human(Duration::from_secs(59)), "59 s");
        assert_eq!(human(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(human(Duration::from_secs(3_900)), "1 h 5 min");
    }
}
