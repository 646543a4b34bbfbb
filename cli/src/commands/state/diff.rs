use std::fmt;

use clap::{Args, ValueEnum};

use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Print how two versions of a key differ
#[derive(Args)]
pub(crate) struct Diff {
    /// Segments with slashes, the first one the project, such as shop/plan
    key: String,
    /// The version to compare from
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    v1: i64,
    /// The version to compare to
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    v2: i64,
    /// The form of the answer
    #[arg(long, default_value_t = DiffFormat::Text)]
    format: DiffFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    /// JSON: a list of paths with the old and the new value
    Koor,
    /// A JSON Patch (RFC 6902) that makes the one of the other
    JsonPatch,
    /// Lines with - and +, as diff -u prints them
    Text,
}

impl fmt::Display for DiffFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DiffFormat::Koor => "koor",
            DiffFormat::JsonPatch => "json-patch",
            DiffFormat::Text => "text",
        })
    }
}

impl Run for Diff {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = super::request(Method::Get, &self.key)?
            .query("diff", format_args!("{},{}", self.v1, self.v2))
            .query("format", self.format);
        let body = session.call(request)?.body;
        match self.format {
            DiffFormat::Text => session.bytes(&body),
            DiffFormat::Koor | DiffFormat::JsonPatch => session.show_json(&body),
        }
    }
}
