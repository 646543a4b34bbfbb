//! Humans: who decides what is protected.

mod list;
mod set;

use crate::commands::{Node, leaf};

pub(crate) static COMMANDS: &[Node] = &[leaf::<list::List>("list"), leaf::<set::Set>("set")];
