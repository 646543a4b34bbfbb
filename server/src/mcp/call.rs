//! Calling a tool: its arguments, its caller, and what the model reads.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::request::Parts as RequestParts;
use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject,
    RequestMetaObject, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::{Parts, TOOLS};
use crate::app::{App, Ctx, RequestInfo};
use crate::auth::{Caller, Permission, record_forbidden, require};
use crate::error::{Error, Result, invalid};
use crate::http::in_process::InProcess;
use crate::idempotency::Once;
use crate::ids::Hash;
use crate::messages;
use crate::slots::Slots;

/// Where clients say which of the model's tool uses a call is. The id of the
/// JSON-RPC message will not do: each connection begins to count anew.
const TOOL_USE_IDS: [&str; 1] = ["claudecode/toolUseId"];

/// The longest id of a tool use that is believed to be one.
const TOOL_USE_ID_BYTES_MAX: usize = 200;

/// A tool as models see it, and what it does.
pub struct Tool {
    pub name: &'static str,
    pub about: &'static str,
    /// JSON Schema of the arguments: type, properties, required.
    pub arguments: &'static str,
    pub effect: Effect,
    /// What it asks of the caller.
    pub needs: Permission,
    pub run: fn(Call) -> BoxFuture<'static, Result<Told>>,
}

/// What a call does at most. Some clients ask their user before a call, or
/// refuse it where they can't ask, unless it says that it is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing.
    Reads,
    /// It changes what the caller says of itself, here and nowhere else.
    Tells,
    /// It may change or delete anything that the caller may.
    Changes,
}

/// Where the log stood when a request came: a subscription is acknowledged
/// before it is read, and begins here.
#[derive(Clone, Copy)]
pub(super) struct ArrivedAt(pub(super) i64);

/// One call of a tool.
pub struct Call {
    pub ctx: Ctx,
    arguments: JsonObject,
    /// The name and version of the program that calls, where it says.
    pub client: (String, String),
    /// The HTTP request that brought the call.
    pub(super) request: RequestParts,
    pub(super) api: InProcess,
    pub(super) commands: Arc<Slots>,
    /// Told when the client has gone or has cancelled the call.
    pub(super) cancelled: CancellationToken,
}

/// What the model reads.
pub struct Told {
    pub text: String,
    pub is_error: bool,
}

impl From<String> for Told {
    fn from(text: String) -> Told {
        Told {
            text,
            is_error: false,
        }
    }
}

impl Tool {
    pub(super) fn described(&self) -> rmcp::model::Tool {
        let arguments: JsonObject =
            serde_json::from_str(self.arguments).expect("a test parses every schema");
        let tool = rmcp::model::Tool::new(self.name, self.about, arguments);
        let hints = ToolAnnotations::new();
        match self.effect {
            Effect::Reads => tool.annotate(hints.read_only(true)),
            Effect::Tells => tool.annotate(hints.destructive(false).open_world(false)),
            Effect::Changes => tool,
        }
    }
}

impl Call {
    /// The arguments, as the tool understands them.
    pub fn arguments<T: DeserializeOwned>(&mut self) -> Result<T> {
        // Models send null for what they leave out.
        let given = std::mem::take(&mut self.arguments);
        let given = given.into_iter().filter(|(_, value)| !value.is_null());
        let given = serde_json::Value::Object(given.collect());
        serde_path_to_error::deserialize(given).map_err(|error| {
            let (name, why) = (error.path().to_string(), error.inner().to_string());
            match name.as_str() {
                "." => invalid(format!("the arguments are not understood: {why}")),
                name => invalid(format!("the argument {name} is not understood: {why}")),
            }
        })
    }

    /// The address that the client reached the server by.
    pub fn base_url(&self) -> String {
        let app = &self.ctx.app;
        app.config.url_of(&self.request.headers, app.address)
    }
}

pub(super) fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

pub(super) async fn run(
    parts: &Parts,
    request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> std::result::Result<CallToolResponse, ErrorData> {
    let Some(tool) = find(&request.name) else {
        let names: Vec<_> = TOOLS.iter().map(|tool| tool.name).collect();
        let message = format!(
            "there is no tool {:?}; there are {}",
            request.name,
            names.join(", ")
        );
        return Err(ErrorData::invalid_params(message, None));
    };
    let arguments = request.arguments.unwrap_or_default();
    let mut ctx = self::context(&parts.app, &context)?;
    if let Some(once) = once_of(&context.meta, tool.name, &arguments) {
        ctx.request = Arc::new(RequestInfo {
            id: ctx.request.id.clone(),
            traceparent: ctx.request.traceparent.clone(),
            once: Some(once),
            replayed: AtomicBool::new(false),
        });
    }
    let names_inbox = names_inbox(&arguments);
    let call = Call {
        ctx: ctx.clone(),
        arguments,
        client: client_of(&context, request_of(&context)?),
        request: request_of(&context)?.clone(),
        api: parts.api.clone(),
        commands: parts.commands.clone(),
        cancelled: context.ct.clone(),
    };
    parts.app.metrics.mcp_call();
    let told = match require(&ctx.caller, tool.needs) {
        Ok(()) => (tool.run)(call).await,
        Err(error) => Err(error),
    };
    let told = match told {
        Ok(told) => told,
        Err(error) => {
            if error.is_refusal() {
                record_forbidden(&parts.app, &ctx.caller, "mcp", tool.name).await;
            }
            error.log();
            Told {
                text: for_model(&error),
                is_error: true,
            }
        }
    };
    let mut text = told.text;
    if !names_inbox && let Some(line) = inbox_line(&ctx).await {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&line);
    }
    let content = vec![ContentBlock::text(text)];
    let result = match told.is_error {
        true => CallToolResult::error(content),
        false => CallToolResult::success(content),
    };
    Ok(result.into())
}

/// Whether the call is a command about the inbox, which tells itself what is
/// in there.
fn names_inbox(arguments: &JsonObject) -> bool {
    let command = arguments
        .get("command")
        .and_then(|command| command.as_str());
    command.is_some_and(|command| command.split_whitespace().any(|word| word == "inbox"))
}

/// Tells the agent that calls how many messages nothing has shown it: where its
/// client has no hooks, nothing else would.
async fn inbox_line(ctx: &Ctx) -> Option<String> {
    let agent = ctx.caller.agent.clone()?;
    let tenant = ctx.caller.tenant.clone();
    let count = ctx
        .app
        .db
        .read(move |tx| messages::count_new(tx, &tenant, &agent.id));
    match count.await {
        Ok(0) => None,
        Ok(count) => Some(format!("inbox: {count} new")),
        Err(error) => {
            error.log();
            None
        }
    }
}

/// An error as the model reads it; "later" too.
fn for_model(error: &Error) -> String {
    let words = error.in_words();
    match error.retry_after {
        Some(seconds) => format!("{words}; try again in {seconds} s"),
        None => words,
    }
}

/// Who calls, as the gate has found out.
pub(super) fn context(
    app: &App,
    context: &RequestContext<RoleServer>,
) -> std::result::Result<Ctx, ErrorData> {
    let missing = || ErrorData::internal_error("the request did not come through the gate", None);
    let parts = request_of(context)?;
    let caller = parts.extensions.get::<Arc<Caller>>().ok_or_else(missing)?;
    let request = parts
        .extensions
        .get::<Arc<RequestInfo>>()
        .ok_or_else(missing)?;
    Ok(Ctx {
        app: app.clone(),
        caller: caller.clone(),
        request: request.clone(),
    })
}

/// As [`context`], for a caller who may read.
pub(super) async fn reader(
    app: &App,
    context: &RequestContext<RoleServer>,
    what: &str,
) -> std::result::Result<Ctx, ErrorData> {
    let ctx = self::context(app, context)?;
    match require(&ctx.caller, Permission::Read) {
        Ok(()) => Ok(ctx),
        Err(error) => {
            record_forbidden(app, &ctx.caller, "mcp", what).await;
            Err(ErrorData::invalid_params(for_model(&error), None))
        }
    }
}

/// Where the log stood when the request came.
pub(super) fn arrived_at(context: &RequestContext<RoleServer>) -> Option<i64> {
    let parts = request_of(context).ok()?;
    parts.extensions.get::<ArrivedAt>().map(|at| at.0)
}

fn request_of(
    context: &RequestContext<RoleServer>,
) -> std::result::Result<&RequestParts, ErrorData> {
    let parts = context.extensions.get::<RequestParts>();
    parts.ok_or_else(|| ErrorData::internal_error("the call came without a request", None))
}

/// The program that calls. Before 2026-07-28 a single request says so by its
/// `User-Agent` only.
fn client_of(context: &RequestContext<RoleServer>, request: &RequestParts) -> (String, String) {
    let (name, version) = match context.meta.client_info() {
        Some(client) => (client.name, client.version),
        None => {
            let agent = request.headers.get(http::header::USER_AGENT);
            let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("");
            let product = agent.split_whitespace().next().unwrap_or("");
            let (name, version) = product.split_once('/').unwrap_or((product, ""));
            (name.to_owned(), version.to_owned())
        }
    };
    (printable(name), printable(version))
}

/// What a client says of itself, where it is fit to be kept.
fn printable(text: String) -> String {
    match coro_api::names::check_text("client", &text) {
        Ok(()) => text,
        Err(_) => String::new(),
    }
}

/// What makes a repeated call one: the client's id of the tool use, with the
/// tool and its arguments.
fn once_of(meta: &RequestMetaObject, tool: &str, arguments: &JsonObject) -> Option<Once> {
    let id = TOOL_USE_IDS
        .iter()
        .find_map(|name| meta.get(*name)?.as_str())?;
    if id.is_empty() || id.len() > TOOL_USE_ID_BYTES_MAX {
        return None;
    }
    let arguments = serde_json::to_string(arguments).unwrap_or_default();
    Some(Once {
        key: format!("tool-use:{id}"),
        fingerprint: Hash::of(format!("{tool}\n{arguments}").as_bytes()),
    })
}

/// Boxes what a tool does, so that tools stand in one table.
pub fn boxed<F>(future: F) -> BoxFuture<'static, Result<Told>>
where
    F: Future<Output = Result<Told>> + Send + 'static,
{
    future.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_schema_of_an_object() {
        for tool in TOOLS {
            let described = tool.described();
            assert_eq!(described.input_schema["type"], "object", "{}", tool.name);
        }
    }
}
