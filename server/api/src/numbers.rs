//! Numbers that people say: `T-12` is a task, `R-7` a request.
//!
//! They count on within a tenant and are never used again. Each kind is a type
//! of its own, so that a task's number can't stand where a lease's is meant.

use std::fmt;
use std::str::FromStr;

/// What is wrong with a number, as a sentence that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberError(String);

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NumberError {}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $letter:literal, $what:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl $name {
            /// What is counted, in a word.
            pub const WHAT: &'static str = $what;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "-{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NumberError;

            /// Takes the number with its letter, in any case, or without it.
            fn from_str(text: &str) -> Result<Self, NumberError> {
                parse(text, $letter).map($name).ok_or_else(|| {
                    let start: String = text.chars().take(32).collect();
                    NumberError(format!(
                        concat!("{:?} is no ", $what, "; one looks like ", $example),
                        start
                    ))
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some(concat!("The number of a ", $what)))
                    .examples([serde_json::json!($example)])
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}

number!(
    /// A unit of work.
    TaskNumber,
    "T",
    "task",
    "T-12"
);
number!(
    /// A question that needs a decision.
    RequestNumber,
    "R",
    "request",
    "R-7"
);
number!(
    /// A message to agents.
    MessageNumber,
    "M",
    "message",
    "M-40"
);
number!(
    /// A claim on a path pattern or on a free name.
    LeaseNumber,
    "L",
    "lease",
    "L-3"
);

impl RequestNumber {
    /// Those that a text names with their letter, each once, as they come; at
    /// most `max`.
    pub fn all_in(text: &str, max: usize) -> Vec<RequestNumber> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let mut numbers = Vec::new();
        for part in text
            .split(|c| !is_part(c))
            .filter(|part| part.starts_with(['R', 'r']))
        {
            if numbers.len() == max {
                break;
            }
            match part.parse() {
                Ok(number) if !numbers.contains(&number) => numbers.push(number),
                _ => {}
            }
        }
        numbers
    }
}

fn parse(text: &str, letter: &str) -> Option<i64> {
    let digits = match text.split_once('-') {
        Some((before, digits)) => before.eq_ignore_ascii_case(letter).then_some(digits)?,
        None => text,
    };
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|number| *number > 0)?;
    is_plain.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_found_wherever_a_text_names_them() {
        for (text, numbers) in [
            ("yes R-7", &[7][..]),
            ("{\"decision\":\"yes\",\"request\":\"r-12\"}", &[12]),
            ("R-1R-2 yes, R-3.", &[3]),
            ("no R-1, yes R-7,\nno r-1", &[1, 7]),
            ("yes 7", &[]),
            ("yes T-7 M-1 for-7", &[]),
            ("", &[]),
            ("R-1 R-2 R-3 R-4", &[1, 2, 3]),
        ] {
            let found = RequestNumber::all_in(text, 3);
            let found: Vec<i64> = found.iter().map(|number| number.0).collect();
            assert_eq!(found, numbers, "{text}");
        }
    }

    #[test]
    fn a_number_has_its_letter_or_none() {
        for (text, number) in [
            ("T-12", Some(12)),
            ("t-12", Some(12)),
            ("12", Some(12)),
            ("R-12", None),
            ("T-0", None),
            ("T--1", None),
            ("+1", None),
            ("T-", None),
            ("", None),
            ("T-99999999999999999999", None),
        ] {
            assert_eq!(text.parse().ok().map(|TaskNumber(n)| n), number, "{text:?}");
        }
        assert_eq!(TaskNumber(12).to_string(), "T-12");
    }
}
