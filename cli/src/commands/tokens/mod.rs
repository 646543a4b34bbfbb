//! Who may call, and what they may do.

pub(crate) mod create;
mod list;
mod revoke;

use crate::commands::{Node, leaf};

pub(crate) static COMMANDS: &[Node] = &[
    leaf::<create::Create>("create"),
    leaf::<list::List>("list"),
    leaf::<revoke::Revoke>("revoke"),
];
