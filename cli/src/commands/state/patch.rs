use clap::Args;
use coro_api::state::StateItem;

use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::Method;
use crate::input::Input;
use crate::session::Session;

/// Change parts of a JSON value and print its version
#[derive(Args)]
pub(crate) struct Patch {
    /// Segments with slashes, the first one the project, such as shop/plan
    key: String,
    #[command(flatten)]
    input: Input,
    /// The data is a JSON Patch (RFC 6902), not a merge patch (RFC 7396)
    #[arg(long)]
    json_patch: bool,
    /// Write only if this is the present version
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    if_version: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Patch {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = super::if_version(super::request(Method::Patch, &self.key)?, self.if_version);
        let data = self.input.read(session)?;
        let content_type = match self.json_patch {
            true => "application/json-patch+json",
            false => "application/merge-patch+json",
        };
        let request = self.once.put_on(request).body(content_type, data.bytes);
        let response = session.call(request)?;
        session.show(&response, |item: StateItem| format!("v{}", item.version))
    }
}
