//! Durations as people type them: `90`, `500ms`, `15m`, `30d`.

use std::time::Duration;

/// The longest duration that is taken: what the API allows for a key's life,
/// and far from any overflow.
const SECONDS_MAX: u64 = coro_api::limits::TTL_SECONDS_MAX as u64;

/// Parses a number with a unit; without one it means seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit_ms = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return Err("is no duration such as 90, 500ms, 15m, 12h or 30d".to_owned()),
    };
    let count: u64 = digits
        .parse()
        .map_err(|_| "is no duration such as 90, 500ms, 15m, 12h or 30d".to_owned())?;
    match count.checked_mul(unit_ms).map(Duration::from_millis) {
        Some(duration) if duration.is_zero() => Err("is no time at all".to_owned()),
        Some(duration) if duration.as_secs() <= SECONDS_MAX => Ok(duration),
        _ => Err("is longer than ten years".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_or_mean_seconds() {
        let table = [
            ("90", 90_000),
            ("500ms", 500),
            ("3s", 3_000),
            ("15m", 900_000),
            ("12h", 43_200_000),
            ("30d", 2_592_000_000),
            ("2w", 1_209_600_000),
        ];
        for (text, ms) in table {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(ms)),
                "{text}"
            );
        }
        for text in [
            "",
            "0",
            "0d",
            "s",
            "-1",
            "1.5",
            "1 h",
            "1y",
            "99999999999999999999",
            "9999999999999999d",
            "3661d",
        ] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
    }
}
