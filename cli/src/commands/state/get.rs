use clap::Args;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::print::{pretty, row};
use crate::session::Session;

/// Print a value exactly as it is stored
///
/// In a terminal the last line is ended where the value does not.
#[derive(Args)]
pub(crate) struct Get {
    /// Segments with slashes, the first one the project, such as shop/plan
    key: String,
    /// An older version
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    version: Option<i64>,
    /// Print version, size, content type, time and author in place of the value
    #[arg(long, conflicts_with = "version")]
    meta: bool,
}

impl Run for Get {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = super::request(Method::Get, &self.key)?;
        if self.meta {
            let response = session.call(request.flag("meta"))?;
            return session.show(&response, |item: coro_api::state::StateItem| {
                let (version, size) = (format!("v{}", item.version), item.size.to_string());
                row(&[
                    &version,
                    &size,
                    &item.content_type,
                    &item.updated_at,
                    &item.updated_by,
                ])
            });
        }
        let value = session
            .call(request.query_if("version", self.version))?
            .body;
        let indented = if session.options.pretty {
            pretty(&value)
        } else {
            None
        };
        let shown = indented.as_deref().unwrap_or(&value);
        session.bytes(shown)?;
        session.end_value(shown)
    }
}
