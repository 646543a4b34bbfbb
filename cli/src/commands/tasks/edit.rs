use clap::Args;
use coro_api::tasks::Task;

use super::fields::Fields;
use super::{parse_id, request, standing, with_json};
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Change what a task says; what is left out stays
///
/// Options that may be given more than once replace all that was there; an
/// empty one, such as --after '', leaves none.
#[derive(Args)]
pub(crate) struct Edit {
    /// Its number
    #[arg(value_parser = parse_id)]
    id: String,
    /// What is to be done, in a line
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    once: Once,
}

impl Run for Edit {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let change = self.fields.read(session, self.title)?;
        let request = with_json(request(Method::Patch, &self.id, ""), &change)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |task: Task| standing(&task.item))
    }
}
