//! Compare-and-write of several keys at once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::StateItem;

/// Writes that happen together, or not at all where a comparison fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TxnRequest {
    /// What must hold before; at most 128, none means that nothing is asked.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 128))]
    pub compare: Vec<TxnCompare>,
    /// What is written, in order; 1 to 128, each key once.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 128))]
    pub writes: Vec<TxnWrite>,
}

/// A key and the version that it must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TxnCompare {
    #[cfg_attr(feature = "openapi", schema(example = "shop/plan", min_length = 1))]
    pub key: String,
    /// The present version; 0 means that the key does not exist.
    #[cfg_attr(feature = "openapi", schema(example = 0, minimum = 0))]
    pub version: i64,
}

/// One write of a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum TxnWrite {
    /// Writes a value: `value` is any JSON, or `base64` any bytes.
    Put {
        #[cfg_attr(feature = "openapi", schema(min_length = 1))]
        key: String,
        /// The value as JSON, stored without white space. A number beyond 64 bits
        /// becomes the nearest double; send such as `base64`.
        #[serde(
            default,
            deserialize_with = "present",
            skip_serializing_if = "Option::is_none"
        )]
        value: Option<Value>,
        /// The value as bytes, in standard base64.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base64: Option<String>,
        /// Default: `application/json` for `value`, `application/octet-stream`
        /// for `base64`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
        /// Seconds after which the key deletes itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1))]
        ttl: Option<i64>,
    },
    /// Deletes a key that exists.
    Delete {
        #[cfg_attr(feature = "openapi", schema(min_length = 1))]
        key: String,
    },
}

/// The answer to a transaction that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TxnResponse {
    /// The revision of the last of the writes.
    pub revision: i64,
    /// One answer for each write, in order.
    pub results: Vec<TxnResult>,
}

/// The answer to one write of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum TxnResult {
    Put(StateItem),
    Delete { key: String, revision: i64 },
}

/// `null` is a value; only an absent field is none.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}
