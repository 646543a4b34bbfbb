//! A checker of compare-and-write histories of one key.
//!
//! A history is linearizable where its operations can be put in an order that
//! keeps "ended before the other began" and in which each got the answer that
//! a key used by one caller at a time would have given (Herlihy and Wing,
//! 1990). The search is that of Wing and Gong (1993) with the memory of Lowe
//! (2017): a set of operations that were put in order, with the state that
//! they led to, is looked at once.

use std::collections::HashSet;

/// What a caller did and what it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A read; version 0 where there was no value.
    Read { version: i64, value: u64 },
    /// A write that expected a version; `version` is what it was told.
    Wrote {
        expected: i64,
        value: u64,
        version: i64,
    },
    /// A write that was refused since the version was another one.
    Refused { expected: i64 },
    /// A write whose answer was lost: it happened once, later, or never.
    Unknown { expected: i64, value: u64 },
}

/// An action between two moments of one clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub began: u64,
    /// `u64::MAX` where no answer came.
    pub ended: u64,
    pub action: Action,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    version: i64,
    value: u64,
}

const NOTHING: State = State {
    version: 0,
    value: 0,
};

impl Action {
    /// The state after the action, if the action can happen in this one.
    fn apply(&self, state: State) -> Option<State> {
        match *self {
            Action::Read { version, value } => (State { version, value } == state).then_some(state),
            Action::Wrote {
                expected,
                value,
                version,
            } => {
                let fits = expected == state.version && version == state.version + 1;
                fits.then_some(State { version, value })
            }
            Action::Refused { expected } => (expected != state.version).then_some(state),
            Action::Unknown { expected, value } => (expected == state.version).then_some(State {
                version: state.version + 1,
                value,
            }),
        }
    }
}

/// Whether the operations on one key, which held nothing before, are
/// linearizable. Takes at most 128 of them.
pub fn is_linearizable(operations: &[Operation]) -> bool {
    assert!(
        operations.len() <= 128,
        "the set of those in order is 128 bits"
    );
    let mut seen = HashSet::new();
    let mut waiting = vec![(0u128, NOTHING)];
    while let Some((done, state)) = waiting.pop() {
        if !seen.insert((done, state)) {
            continue;
        }
        let open = || {
            operations
                .iter()
                .enumerate()
                .filter(|(at, _)| done & (1 << at) == 0)
        };
        let must = |operation: &Operation| !matches!(operation.action, Action::Unknown { .. });
        if !open().any(|(_, operation)| must(operation)) {
            return true;
        }
        // Only what began before all others had ended can be the next.
        let first_end = open()
            .map(|(_, operation)| operation.ended)
            .min()
            .unwrap_or(u64::MAX);
        for (at, operation) in open().filter(|(_, operation)| operation.began <= first_end) {
            if let Some(next) = operation.action.apply(state) {
                waiting.push((done | (1 << at), next));
            }
        }
    }
    false
}
