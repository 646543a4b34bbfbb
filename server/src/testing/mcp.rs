//! What the official conformance suite of MCP calls.
//!
//! It expects tools, prompts and resources of its own of any server. They
//! stand as data in `mcp.json` and are offered beside the server's, where
//! `CORO_TESTING_MCP` says `fixtures`. Those that need a session are left out;
//! `tests/clients/conformance` lists them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, ErrorCode,
    GetPromptRequestParams, GetPromptResponse, InitializeRequestParams, InitializeResult,
    InputRequests, InputRequiredResult, InputResponses, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, Prompt, PromptArgument, ReadResourceRequestParams,
    ReadResourceResponse, Resource, ResourceTemplate, ServerConfig, SubscriptionFilter, Tool,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// A picture of one red point.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

/// A sound of no length.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

/// What a fixture's state looks like on the wire, before its round.
const STATE: &str = "round-";

static FIXTURES: LazyLock<Fixtures> =
    LazyLock::new(|| serde_json::from_str(include_str!("mcp.json")).expect("a file of ours"));

/// Whether this server offers them.
pub fn is_on() -> bool {
    #[expect(clippy::disallowed_methods, reason = "no setting of the product")]
    let wanted = std::env::var("CORO_TESTING_MCP");
    wanted.is_ok_and(|wanted| wanted == "fixtures")
}

#[derive(Deserialize)]
struct Fixtures {
    tools: BTreeMap<String, Fixture>,
    prompts: BTreeMap<String, Fixture>,
    resources: BTreeMap<String, Value>,
}

/// A tool or a prompt.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    /// The names of a prompt's arguments.
    #[serde(default)]
    arguments: Vec<String>,
    /// The capabilities that the client must have declared.
    needs: Option<Value>,
    /// What it asks the client for before it completes, round by round.
    #[serde(default)]
    rounds: Vec<InputRequests>,
    /// Whether it asks for nothing that the client has not declared.
    #[serde(default)]
    only_declared: bool,
    /// Whether it tells how far it is before it completes.
    #[serde(default)]
    progresses: bool,
    /// Whether it gives the client a state to bring back.
    #[serde(default)]
    keeps_state: bool,
    /// The result. `{name}` is the value of an argument or an input.
    complete: Value,
}

/// What a fixture does next.
enum Next {
    Ask(InputRequiredResult),
    Complete(Value),
}

/// What a client has sent for it.
struct Given<'a> {
    arguments: Option<&'a JsonObject>,
    responses: Option<&'a InputResponses>,
    state: Option<&'a str>,
}

impl Fixture {
    fn next(&self, given: &Given, context: &RequestContext<RoleServer>) -> Result<Next, ErrorData> {
        let declared = context.meta.client_capabilities();
        let declared = json!(declared);
        if let Some(needs) = &self.needs
            && let Some(missing) = needs.as_object().and_then(|needs| needs.keys().next())
            && declared[missing].is_null()
        {
            return Err(ErrorData::new(
                ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY,
                format!("the client has not declared {missing}"),
                Some(json!({ "requiredCapabilities": needs })),
            ));
        }
        let round = self.round_of(given)?;
        let Some(asked) = self.rounds.get(round) else {
            return Ok(self.complete(given));
        };
        let has = |name: &String| given.responses?.get(name).filter(|one| one.is_object());
        if !asked.keys().all(|name| has(name).is_some()) {
            return Ok(self.ask(round, &declared));
        }
        match round + 1 < self.rounds.len() {
            true => Ok(self.ask(round + 1, &declared)),
            false => Ok(self.complete(given)),
        }
    }

    /// The round that the client answers: what its state says.
    fn round_of(&self, given: &Given) -> Result<usize, ErrorData> {
        let Some(state) = given.state.filter(|_| self.keeps_state) else {
            return Ok(0);
        };
        let round = (0..self.rounds.len()).find(|round| state == format!("{STATE}{round}"));
        round.ok_or_else(|| ErrorData::invalid_params("the state is none of this server's", None))
    }

    fn ask(&self, round: usize, declared: &Value) -> Next {
        let mut asked = self.rounds[round].clone();
        if self.only_declared {
            asked.retain(|_, request| {
                let method = json!(request)["method"].as_str().map(str::to_owned);
                let capability = method
                    .as_deref()
                    .and_then(|method| method.split('/').next());
                capability.is_some_and(|capability| !declared[capability].is_null())
            });
        }
        let state = self.keeps_state.then(|| format!("{STATE}{round}"));
        Next::Ask(InputRequiredResult::new(Some(asked), state))
    }

    fn complete(&self, given: &Given) -> Next {
        let mut values = Map::new();
        values.extend(given.arguments.cloned().unwrap_or_default());
        for response in given.responses.into_iter().flatten() {
            let content = response.1["content"].as_object();
            values.extend(content.cloned().unwrap_or_default());
        }
        Next::Complete(fill(&self.complete, &values))
    }
}

/// Puts values in the place of their names.
fn fill(value: &Value, values: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => {
            let mut text = text.replace("{png}", PNG).replace("{wav}", WAV);
            for (name, value) in values {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                text = text.replace(&format!("{{{name}}}"), &value);
            }
            Value::String(text)
        }
        Value::Array(items) => items.iter().map(|item| fill(item, values)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            Value::Object(
                fields
                    .map(|(name, v)| (name.clone(), fill(v, values)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn tool(name: &str) -> Tool {
    let arguments = Map::from_iter([("type".to_owned(), json!("object"))]);
    Tool::new(name.to_owned(), "For the conformance suite", arguments)
}

/// What the server can do with the fixtures.
fn extend(info: &mut ServerConfig) {
    info.capabilities.prompts = Some(Default::default());
    info.capabilities.completions = Some(Default::default());
}

fn parse<T: DeserializeOwned>(mut result: Value) -> T {
    result["resultType"] = json!("complete");
    serde_json::from_value(result).expect("a result of ours")
}

/// A server with the fixtures beside its own things.
#[derive(Clone)]
pub struct WithFixtures<H>(pub H);

impl<H: ServerHandler> ServerHandler for WithFixtures<H> {
    fn get_info(&self) -> ServerConfig {
        let mut info = self.0.get_info();
        extend(&mut info);
        info
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let mut info = self.0.initialize(request, context).await?;
        extend(&mut info);
        Ok(info)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut list = self.0.list_tools(request, context).await?;
        list.tools
            .extend(FIXTURES.tools.keys().map(|name| tool(name)));
        Ok(list)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        match FIXTURES.tools.contains_key(name) {
            true => Some(tool(name)),
            false => self.0.get_tool(name),
        }
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(fixture) = FIXTURES.tools.get(request.name.as_ref()) else {
            return self.0.call_tool(request, context).await;
        };
        if let Some(token) = context
            .meta
            .get_progress_token()
            .filter(|_| fixture.progresses)
        {
            for done in [0.0, 50.0, 100.0] {
                let progress =
                    ProgressNotificationParam::new(token.clone(), done).with_total(100.0);
                // A client that has left needs no word.
                let _ = context.peer.notify_progress(progress).await;
            }
        }
        let given = Given {
            arguments: request.arguments.as_ref(),
            responses: request.input_responses.as_ref(),
            state: request.request_state.as_deref(),
        };
        Ok(match fixture.next(&given, &context)? {
            Next::Ask(asked) => asked.into(),
            Next::Complete(result) => CallToolResponse::Complete(parse(result)),
        })
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut list = self.0.list_prompts(request, context).await?;
        for (name, fixture) in &FIXTURES.prompts {
            let arguments = fixture.arguments.iter();
            let arguments = arguments.map(|name| PromptArgument::new(name).with_required(true));
            let prompt = Prompt::new(
                name,
                Some("For the conformance suite"),
                Some(arguments.collect()),
            );
            list.prompts.push(prompt);
        }
        Ok(list)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let Some(fixture) = FIXTURES.prompts.get(&request.name) else {
            return self.0.get_prompt(request, context).await;
        };
        let given = Given {
            arguments: request.arguments.as_ref(),
            responses: request.input_responses.as_ref(),
            state: request.request_state.as_deref(),
        };
        Ok(match fixture.next(&given, &context)? {
            Next::Ask(asked) => asked.into(),
            Next::Complete(result) => GetPromptResponse::Complete(parse(result)),
        })
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Ok(CompleteResult::default())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut list = self.0.list_resources(request, context).await?;
        let fixtures = FIXTURES.resources.keys();
        list.resources
            .extend(fixtures.map(|uri| Resource::new(uri, uri)));
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut list = self.0.list_resource_templates(request, context).await?;
        let template = ResourceTemplate::new("test://template/{id}/data", "template");
        list.resource_templates.push(template);
        Ok(list)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match FIXTURES.resources.get(&request.uri) {
            Some(result) => Ok(ReadResourceResponse::Complete(parse(fill(
                result,
                &Map::new(),
            )))),
            None => self.0.read_resource(request, context).await,
        }
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.0.accepted_subscription_filter(requested)
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        self.0.listen(subscription).await
    }
}
