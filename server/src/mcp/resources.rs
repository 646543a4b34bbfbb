//! Resources: agents and state, for clients that mention them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmcp::ErrorData;
use rmcp::model::{
    ReadResourceResponse, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};

use crate::agents::{AgentFilter, list_agents};
use crate::app::Ctx;
use crate::error::{Error, Reason};
use crate::state::get_state;

/// The agents of the caller's project, as the API lists them.
pub(super) const AGENTS: &str = "coro://agents";

/// A key of the state follows, as it is or percent-encoded.
pub(super) const STATE: &str = "coro://state/";

/// The largest value that is given to a model as a resource.
const RESOURCE_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn list() -> Vec<Resource> {
    vec![
        Resource::new(AGENTS, "agents")
            .with_description("Who works on what, and who is alive")
            .with_mime_type("application/json"),
    ]
}

pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(format!("{STATE}{{+key}}"), "state")
            .with_description("The value of a state key, such as shop/plan"),
    ]
}

pub(super) async fn read(ctx: &Ctx, uri: String) -> Result<ReadResourceResponse, ErrorData> {
    let contents = if uri == AGENTS {
        let list = list_agents(ctx, AgentFilter::default()).await;
        let agents = list.map_err(|error| protocol_error(&error, &uri))?.agents;
        let text = serde_json::to_string(&agents).map_err(|error| {
            ErrorData::internal_error(format!("agents can't be written: {error}"), None)
        })?;
        check_size(&uri, text.len(), "instances list")?;
        ResourceContents::text(text, uri).with_mime_type("application/json")
    } else if let Some(key) = key_of(&uri) {
        let value = get_state(ctx, &key).await;
        let (value, _) = value.map_err(|error| protocol_error(&error, &uri))?;
        check_size(&uri, value.bytes.len(), "state get")?;
        let contents = match std::str::from_utf8(&value.bytes) {
            Ok(text) => ResourceContents::text(text, uri),
            Err(_) => ResourceContents::blob(STANDARD.encode(&value.bytes), uri),
        };
        contents.with_mime_type(value.content_type)
    } else {
        return Err(unknown(&uri));
    };
    Ok(ReadResourceResult::new(vec![contents]).into())
}

fn check_size(uri: &str, bytes: usize, command: &str) -> Result<(), ErrorData> {
    if bytes <= RESOURCE_BYTES_MAX {
        return Ok(());
    }
    let message = format!(
        "{uri} has {bytes} bytes, more than {RESOURCE_BYTES_MAX}; read it with coro-cli {command}"
    );
    Err(ErrorData::invalid_params(message, None))
}

/// The key that a URI names, decoded; `None` where it names none.
pub(super) fn key_of(uri: &str) -> Option<String> {
    let encoded = uri.strip_prefix(STATE).filter(|key| !key.is_empty())?;
    let key = percent_encoding::percent_decode_str(encoded).decode_utf8();
    Some(key.ok()?.into_owned())
}

fn unknown(uri: &str) -> ErrorData {
    let message = format!("there is no resource {uri}; there are {AGENTS} and {STATE}KEY");
    ErrorData::resource_not_found(message, Some(serde_json::json!({ "uri": uri })))
}

/// An error of reading, in the protocol's terms.
fn protocol_error(error: &Error, uri: &str) -> ErrorData {
    error.log();
    let message = error.in_words();
    match error.reason {
        Reason::NotFound => {
            ErrorData::resource_not_found(message, Some(serde_json::json!({ "uri": uri })))
        }
        Reason::Forbidden | Reason::Invalid => ErrorData::invalid_params(message, None),
        _ => ErrorData::internal_error(message, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_as_it_is_or_encoded() {
        for (uri, key) in [
            ("coro://state/shop/plan", Some("shop/plan")),
            ("coro://state/a%20b", Some("a b")),
            ("coro://state/a+b", Some("a+b")),
            ("coro://state/a%20b&c=d", Some("a b&c=d")),
            ("coro://state/100%", Some("100%")),
            ("coro://state/%ff", None),
            ("coro://state/", None),
            ("coro://agents", None),
        ] {
            assert_eq!(key_of(uri).as_deref(), key, "{uri}");
        }
    }
}
