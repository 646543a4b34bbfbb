//! What is asked of the server.

use std::fmt;
use std::time::Duration;

use super::Patience;
use super::percent;

/// How long an ordinary call may take, where nothing else is said.
const CALL_DURATION_MAX: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// Whether a request without a body says so with a length of zero.
    pub(super) fn takes_body(self) -> bool {
        matches!(self, Method::Post | Method::Put | Method::Patch)
    }
}

/// A request without what the connection adds: host and token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// Percent-encoded, from the first slash to the end of the query.
    pub path_and_query: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub patience: Patience,
}

impl Request {
    pub fn new(method: Method, path: &str) -> Request {
        Request {
            method,
            path_and_query: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            patience: Patience::whole(CALL_DURATION_MAX),
        }
    }

    pub fn get(path: &str) -> Request {
        Request::new(Method::Get, path)
    }

    /// Appends a slash and a key, whose own slashes stay slashes. Must come
    /// before the first `query`.
    #[must_use]
    pub fn key(mut self, key: &str) -> Request {
        self.path_and_query.push('/');
        percent::encode_path(key, &mut self.path_and_query);
        self
    }

    /// Appends a slash and a name, which stays one segment. Must come before
    /// the first `query`.
    #[must_use]
    pub fn name(mut self, name: &str) -> Request {
        self.path_and_query.push('/');
        percent::encode(name, &mut self.path_and_query);
        self
    }

    /// Adds a parameter of the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Request {
        self = self.flag(name);
        self.path_and_query.push('=');
        percent::encode(&value.to_string(), &mut self.path_and_query);
        self
    }

    /// Adds a parameter of the query where there is a value for it.
    #[must_use]
    pub fn query_if(self, name: &str, value: Option<impl fmt::Display>) -> Request {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a parameter of the query that has no value.
    #[must_use]
    pub fn flag(mut self, name: &str) -> Request {
        let separator = if self.path_and_query.contains('?') {
            '&'
        } else {
            '?'
        };
        self.path_and_query.push(separator);
        self.path_and_query.push_str(name);
        self
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn body(self, content_type: &str, body: Vec<u8>) -> Request {
        let mut request = self.header("Content-Type", content_type);
        request.body = body;
        request
    }

    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Request {
        self.patience = patience;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_names_and_queries_are_encoded() {
        let request = Request::get("/api/state")
            .key("shop/a b?")
            .query("prefix", "x&y=")
            .flag("meta");
        assert_eq!(
            request.path_and_query,
            "/api/state/shop/a%20b%3F?prefix=x%26y%3D&meta"
        );
        let request = Request::get("/api/consumers")
            .name("a/b")
            .query_if("limit", None::<u32>);
        assert_eq!(request.path_and_query, "/api/consumers/a%2Fb");
    }
}
