//! Whether two patterns have a path in common, without looking at any file.
//!
//! The automata of both patterns read the same path together with a third one
//! that knows which paths exist at all. States of the three are visited breadth
//! first, so the first end that is found is a shortest path (Hopcroft and
//! Ullman, product construction). Bytes that no step tells apart are one class,
//! shown by the byte that reads best.

use super::automaton::{Automaton, Step};
use super::bytes::ByteSet;

/// The most triples of states that are visited for two patterns. Beyond it they
/// count as overlapping: a lease refused too often is safer than two writers.
const VISITS_MAX: usize = 40_000;

/// What two patterns have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// No path matches both.
    Disjoint,
    /// A path matches both. The witness is a shortest one; it is missing where
    /// the bound was reached first, or where it is no UTF-8.
    Overlaps { witness: Option<String> },
}

impl Overlap {
    pub fn is_disjoint(&self) -> bool {
        *self == Overlap::Disjoint
    }
}

/// How a path may go on: what stands in the segment so far.
const SEGMENT_START: usize = 0;
const DOT: usize = 1;
const TWO_DOTS: usize = 2;
const NAME: usize = 3;
const PATH_STATES: usize = 4;

/// No empty segment, no slash at an end, no segment `.` or `..`.
fn path_after(state: usize, byte: u8) -> Option<usize> {
    match (state, byte) {
        (NAME, b'/') => Some(SEGMENT_START),
        (_, b'/') => None,
        (SEGMENT_START, b'.') => Some(DOT),
        (DOT, b'.') => Some(TWO_DOTS),
        _ => Some(NAME),
    }
}

/// A state that was reached, and how.
struct Visit {
    a: u16,
    b: u16,
    path: u8,
    byte: u8,
    /// The place of the visit before; its own for the first.
    from: u32,
}

/// Decides, and takes what it cost from `left`, which bounds it as well.
pub(super) fn overlap(a: &Automaton, b: &Automaton, left: &mut usize) -> Overlap {
    if starts_differ(a, b) {
        return Overlap::Disjoint;
    }
    if *left == 0 {
        return Overlap::Overlaps { witness: None };
    }
    let mut product = Product::new(a, b);
    let found = product.search(VISITS_MAX.min(*left));
    // Sorting the bytes into classes takes its time, too.
    let classes = a.states() + b.states();
    *left = left.saturating_sub(product.visits.len() + classes);
    found
}

/// Most patterns of one repository differ in their first folders.
fn starts_differ(a: &Automaton, b: &Automaton) -> bool {
    for steps in a.steps.iter().zip(&b.steps) {
        let (Step::One(a), Step::One(b)) = steps else {
            return false;
        };
        if a.and(b).is_empty() {
            return true;
        }
    }
    false
}

struct Product<'a> {
    a: &'a Automaton,
    b: &'a Automaton,
    /// One byte of each class.
    shown: ByteSet,
    seen: Vec<u64>,
    visits: Vec<Visit>,
}

impl<'a> Product<'a> {
    fn new(a: &'a Automaton, b: &'a Automaton) -> Self {
        let triples = a.states() * b.states() * PATH_STATES;
        Product {
            a,
            b,
            shown: one_of_each_class(a, b),
            seen: vec![0; triples / 64 + 1],
            visits: Vec::new(),
        }
    }

    fn search(&mut self, visits_max: usize) -> Overlap {
        self.reach(0, 0, SEGMENT_START, 0, 0);
        let mut at = 0;
        while at < self.visits.len() {
            if self.visits.len() > visits_max {
                return Overlap::Overlaps { witness: None };
            }
            let visit = &self.visits[at];
            let (a, b) = (usize::from(visit.a), usize::from(visit.b));
            let path = usize::from(visit.path);
            let (from_a, from_b) = (reachable(self.a, a), reachable(self.b, b));
            let ends = |automaton: &Automaton, states: &[usize]| {
                states.iter().any(|state| automaton.accepts(*state))
            };
            if path == NAME && ends(self.a, &from_a) && ends(self.b, &from_b) {
                return Overlap::Overlaps {
                    witness: self.witness(at),
                };
            }
            self.step(at, path, &from_a, &from_b);
            at += 1;
        }
        Overlap::Disjoint
    }

    /// Reaches all states that follow a visit. The bytes come first, so that of
    /// two shortest paths the one that reads better is found.
    fn step(&mut self, at: usize, path: usize, from_a: &[usize], from_b: &[usize]) {
        let mut moves = Vec::new();
        for a in from_a {
            for b in from_b {
                let Some((set_a, to_a)) = self.a.next(*a) else {
                    continue;
                };
                let Some((set_b, to_b)) = self.b.next(*b) else {
                    continue;
                };
                let both = set_a.and(&set_b).and(&self.shown);
                if !both.is_empty() {
                    moves.push((both, to_a, to_b));
                }
            }
        }
        let all = moves
            .iter()
            .fold(ByteSet::EMPTY, |all, (both, _, _)| all.or(both));
        for byte in all.iter() {
            let Some(path) = path_after(path, byte) else {
                continue;
            };
            for (both, a, b) in &moves {
                if both.contains(byte) {
                    self.reach(*a, *b, path, byte, at);
                }
            }
        }
    }

    fn reach(&mut self, a: usize, b: usize, path: usize, byte: u8, from: usize) {
        let triple = (a * self.b.states() + b) * PATH_STATES + path;
        if self.seen[triple / 64] >> (triple % 64) & 1 == 1 {
            return;
        }
        self.seen[triple / 64] |= 1 << (triple % 64);
        self.visits.push(Visit {
            a: a as u16,
            b: b as u16,
            path: path as u8,
            byte,
            from: from as u32,
        });
    }

    fn witness(&self, mut at: usize) -> Option<String> {
        let mut path = Vec::new();
        while at != 0 {
            path.push(self.visits[at].byte);
            at = self.visits[at].from as usize;
        }
        path.reverse();
        String::from_utf8(path).ok()
    }
}

fn reachable(automaton: &Automaton, state: usize) -> Vec<usize> {
    let mut states = Vec::new();
    automaton.closure(state, &mut |state| states.push(state));
    states
}

/// Splits all bytes by every set that a step names, and shows one of each part.
fn one_of_each_class(a: &Automaton, b: &Automaton) -> ByteSet {
    let mut sets: Vec<ByteSet> = [b'/', b'.'].map(ByteSet::one).into();
    for step in a.steps.iter().chain(&b.steps) {
        if let Step::One(set) | Step::Many(set) = step {
            sets.push(*set);
        }
    }
    sets.sort_unstable();
    sets.dedup();
    let mut classes = vec![ByteSet::ANY];
    for set in sets {
        for at in 0..classes.len() {
            let (inside, outside) = (classes[at].and(&set), classes[at].and_not(&set));
            if !inside.is_empty() && !outside.is_empty() {
                classes[at] = inside;
                classes.push(outside);
            }
        }
    }
    let shown = classes.iter().filter_map(ByteSet::first);
    shown.fold(ByteSet::EMPTY, ByteSet::with)
}
