//! Which server is called, and as whom.

mod get;
mod set;
mod show;
mod trust;

use clap::ValueEnum;

use crate::commands::{Node, leaf};

pub(crate) static COMMANDS: &[Node] = &[
    leaf::<show::Show>("show"),
    leaf::<get::Get>("get"),
    leaf::<set::Set>("set"),
    leaf::<trust::Trust>("trust"),
];

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Koor calls it `server`.
    #[value(alias = "server")]
    Url,
    Token,
}

impl Name {
    fn word(self) -> &'static str {
        match self {
            Name::Url => "url",
            Name::Token => "token",
        }
    }
}
