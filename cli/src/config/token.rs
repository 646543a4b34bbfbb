//! Tokens, which never appear in a message.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::error::{Result, file_failed, usage};

/// The secret of a token. It has no `Display`, and its `Debug` hides it; only
/// a file of settings is written with it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Token(String);

impl Token {
    /// Takes a token that is one visible word: anything else would break the
    /// header in which it is sent. White space around it is dropped, as files
    /// end with a newline.
    pub(crate) fn parse(text: &str) -> std::result::Result<Token, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has more than one word, or a character outside ASCII");
        }
        Ok(Token(text.to_owned()))
    }

    #[cfg(test)]
    pub(crate) fn new(text: &str) -> Token {
        Token(text.to_owned())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Token, D::Error> {
        let text = String::deserialize(from)?;
        Token::parse(&text).map_err(|fault| de::Error::custom(format!("the token {fault}")))
    }
}

/// Reads a file that holds nothing but a token.
pub(crate) fn read_token_file(path: &Path) -> Result<Token> {
    let text = fs::read_to_string(path)
        .map_err(|error| file_failed(format!("read {}", path.display()), &error))?;
    Token::parse(&text).map_err(|fault| {
        usage(format!("the token in {} {fault}", path.display()))
            .hint("the file holds a token and nothing else")
    })
}
