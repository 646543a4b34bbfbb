//! The nondeterministic automaton of a pattern: it reads a path byte by byte.

use super::bytes::ByteSet;

/// One place of the automaton; the next is the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Takes one byte of the set and goes on.
    One(ByteSet),
    /// Takes any number of bytes of the set, or goes on.
    Many(ByteSet),
    /// Goes on, or over the next two steps, which read folders.
    SkipFolders,
}

/// The most states: each byte of a pattern makes one step at most, folders
/// before and after it make six more.
const WORDS: usize = 5;

/// A set of states, bit by bit.
type States = [u64; WORDS];

/// Reads paths; made once for each pattern.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    pub(super) steps: Vec<Step>,
    /// The states in which a path may end.
    accepting: [usize; 2],
    start: States,
    words: usize,
    /// The longest text that every path has which is read to its end: most
    /// paths of a repository lack it, and are told apart by that alone.
    needed: String,
}

impl Automaton {
    /// Adds to a pattern's own steps what stands around it: the folders before a
    /// name that is not anchored, and what lies in a folder that matches.
    pub(super) fn new(own: Vec<Step>, anchored: bool, folders_only: bool) -> Self {
        let needed = longest_literal(&own);
        let slash = Step::One(ByteSet::one(b'/'));
        let any = Step::Many(ByteSet::ANY);
        let mut steps = Vec::new();
        if !anchored {
            steps.extend([Step::SkipFolders, any, slash]);
        }
        steps.extend(own);
        let itself = steps.len();
        steps.extend([slash, any]);
        let below = steps.len();
        let mut automaton = Automaton {
            accepting: [if folders_only { below } else { itself }, below],
            words: below / 64 + 1,
            steps,
            start: [0; WORDS],
            needed,
        };
        debug_assert!(automaton.words <= WORDS, "{} states", below + 1);
        let mut start = [0; WORDS];
        automaton.enter(&mut start, 0);
        automaton.start = start;
        automaton
    }

    pub(super) fn states(&self) -> usize {
        self.steps.len() + 1
    }

    pub(super) fn accepts(&self, state: usize) -> bool {
        self.accepting.contains(&state)
    }

    /// Whether the automaton reads this path to its end. Takes what it cost from
    /// `left`, in states that were visited.
    pub(super) fn matches(&self, path: &str, left: &mut u64) -> bool {
        // A search for a text reads many bytes in the time of a state.
        let mut cost = 1 + path.len() as u64 / 32;
        let is_read = self.reads(path, &mut cost);
        *left = left.saturating_sub(cost);
        is_read
    }

    fn reads(&self, path: &str, cost: &mut u64) -> bool {
        if !path.contains(&self.needed) {
            return false;
        }
        let mut states = self.start;
        for byte in path.as_bytes() {
            let mut next = [0; WORDS];
            let mut is_dead = true;
            for (word, bits) in states.iter().enumerate().take(self.words) {
                let mut bits = *bits;
                while bits != 0 {
                    let state = word * 64 + bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    *cost += 1;
                    match self.next(state) {
                        Some((set, to)) if set.contains(*byte) => {
                            self.enter(&mut next, to);
                            is_dead = false;
                        }
                        _ => {}
                    }
                }
            }
            if is_dead {
                return false;
            }
            states = next;
        }
        let ends = |state: &usize| states[state / 64] >> (state % 64) & 1 == 1;
        self.accepting.iter().any(ends)
    }

    /// Calls `visit` with every state that is reached from one without a byte,
    /// itself included.
    pub(super) fn closure(&self, state: usize, visit: &mut impl FnMut(usize)) {
        visit(state);
        match self.steps.get(state) {
            Some(Step::Many(_)) => self.closure(state + 1, visit),
            Some(Step::SkipFolders) => {
                self.closure(state + 1, visit);
                self.closure(state + 3, visit);
            }
            Some(Step::One(_)) | None => {}
        }
    }

    /// The bytes that a state takes, and where they lead.
    pub(super) fn next(&self, state: usize) -> Option<(ByteSet, usize)> {
        match *self.steps.get(state)? {
            Step::One(set) => Some((set, state + 1)),
            Step::Many(set) => Some((set, state)),
            Step::SkipFolders => None,
        }
    }

    fn enter(&self, states: &mut States, state: usize) {
        let is_new = states[state / 64] >> (state % 64) & 1 == 0;
        if !is_new {
            return;
        }
        states[state / 64] |= 1 << (state % 64);
        match self.steps.get(state) {
            Some(Step::Many(_)) => self.enter(states, state + 1),
            Some(Step::SkipFolders) => {
                self.enter(states, state + 1);
                self.enter(states, state + 3);
            }
            Some(Step::One(_)) | None => {}
        }
    }
}

/// The longest run of steps that take one certain byte each. Folders that may
/// be skipped are no part of it.
fn longest_literal(steps: &[Step]) -> String {
    let (mut longest, mut run): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < steps.len() {
        let certain = match &steps[at] {
            Step::One(set) => set.only(),
            Step::Many(_) => None,
            Step::SkipFolders => {
                at += 2;
                None
            }
        };
        match certain {
            Some(byte) => run.push(byte),
            None => run.clear(),
        }
        if run.len() > longest.len() {
            longest.clone_from(&run);
        }
        at += 1;
    }
    // What is no text is needed by no path that is text.
    String::from_utf8(longest).unwrap_or_default()
}
