//! The control plane: the Model Context Protocol at `/mcp`.
//!
//! Streamable HTTP without sessions, so that there is none to lose: each POST
//! stands alone. One URL serves both eras of the protocol, that of `initialize`
//! (2024-11-05 to 2025-11-25) and that of `server/discover` (2026-07-28); which
//! one it is, each request says. What is of HTTP stands in [`routes`].
//!
//! Every client pays for the tools in every turn, so there are few with short
//! schemas, and their results are short text. Data goes over the CLI; the tool
//! `coro` runs its command lines for clients without a shell ([`command`]).
//! A tool calls the operations that REST calls. What goes wrong is the tool's
//! result, which the model reads, not an error of the protocol, which it does
//! not see; so "come again later" reaches the model too.
//!
//! To add a tool: a [`Tool`] in the `tools.rs` of its slice, and a line in
//! [`TOOLS`].

mod call;
mod command;
mod endpoints;
mod prompts;
mod resources;
pub mod routes;
mod subscription;

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, GetPromptRequestParams, GetPromptResponse,
    Implementation, InitializeRequestParams, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
    SubscriptionFilter,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler};

pub use call::{Call, Effect, Told, Tool, boxed};

use crate::slots::Slots;

use crate::agents;
use crate::app::App;
use crate::http::in_process::InProcess;

/// The tools, in the order in which every client sees them: a fixed one, since
/// clients keep the beginning of their prompt.
static TOOLS: &[Tool] = &[
    agents::tools::REGISTER_INSTANCE,
    agents::tools::DISCOVER_INSTANCES,
    agents::tools::SET_INTENT,
    endpoints::GET_ENDPOINTS,
    command::CORO,
];

/// What a model is told of the server. At most 120 tokens, counted by a test.
const INSTRUCTIONS: &str = "Coro coordinates the AI agents that work on one product: shared state, \
events, and who does what. Call register_instance once at the start, and set_intent when your work \
changes. For data use coro-cli in your shell (coro-cli state get KEY, coro-cli events history, \
coro-cli --help): it costs almost no tokens. Without a shell, the tool coro runs the same command \
lines.";

/// The server of one request; cheap to make.
#[derive(Clone)]
struct Handler {
    parts: Arc<Parts>,
}

struct Parts {
    app: App,
    /// The data plane, for the tool `coro`.
    api: InProcess,
    /// The command lines that run.
    commands: Arc<Slots>,
    /// The clients that hear of changes.
    listeners: Arc<Slots>,
}

impl Handler {
    fn new(app: App, api: InProcess) -> Handler {
        Handler {
            parts: Arc::new(Parts {
                app,
                api,
                commands: Slots::new("commands", command::AT_ONCE_MAX),
                listeners: Slots::new("subscriptions", subscription::AT_ONCE_MAX),
            }),
        }
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_resources_subscribe()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("coro", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    /// Before 2026-07-28 changes were heard on a stream that belongs to a
    /// session. There is none, so no client is told that it may subscribe.
    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let mut result = self.negotiate_initialize(&request)?;
        context.peer.set_peer_info(request);
        if let Some(resources) = &mut result.capabilities.resources {
            resources.subscribe = None;
        }
        Ok(result)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = TOOLS.iter().map(Tool::described).collect();
        Ok(ListToolsResult::with_all_items(tools))
    }

    fn get_tool(&self, name: &str) -> Option<rmcp::model::Tool> {
        Some(call::find(name)?.described())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        call::run(&self.parts, request, context).await
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::list()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let result = prompts::get(&request.name, request.arguments.as_ref())?;
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resources::list()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(
            resources::templates(),
        ))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let ctx = call::reader(&self.parts.app, &context, &request.uri).await?;
        resources::read(&ctx, request.uri).await
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(subscription::accepted(requested))
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let context = subscription.request_context();
        let ctx = call::reader(&self.parts.app, context, "subscriptions/listen").await?;
        let from = call::arrived_at(subscription.request_context());
        subscription::follow(&ctx, &subscription, from, &self.parts.listeners).await
    }
}
