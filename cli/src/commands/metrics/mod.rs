//! Counters of the server.

mod reset;

use clap::Args;
use coro_api::system::ServerMetrics;

use crate::commands::{Node, Run, leaf};
use crate::error::Result;
use crate::http::Request;
use crate::print::row;
use crate::session::Session;

pub(crate) static COMMANDS: &[Node] = &[leaf::<reset::Reset>("reset")];

/// Print counters of the server, a line each: name and value
#[derive(Args)]
pub(crate) struct Metrics {
    /// Print all of them, as Prometheus reads them
    #[arg(long)]
    prometheus: bool,
}

impl Run for Metrics {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        if self.prometheus {
            let text = session.call(Request::get("/metrics"))?.body;
            return session.bytes(&text);
        }
        let response = session.call(Request::get("/api/metrics"))?;
        session.show(&response, |metrics: ServerMetrics| {
            let tax = &metrics.token_tax;
            let rows = [
                row(&["uptime", &metrics.uptime]),
                row(&["revision", &metrics.last_event_id.to_string()]),
                row(&["state_keys", &metrics.state_keys.to_string()]),
                row(&["agents", &metrics.instances.to_string()]),
                row(&["mcp_calls", &tax.mcp_calls.to_string()]),
                row(&["rest_calls", &tax.rest_calls.to_string()]),
                row(&["mcp_tokens_estimate", &tax.mcp_estimated_tokens.to_string()]),
                row(&["rest_tokens_saved", &tax.rest_tokens_saved.to_string()]),
            ];
            rows.join("\n")
        })
    }
}
