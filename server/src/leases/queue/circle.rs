//! Agents that would wait for each other.
//!
//! Where an agent waits for a lease of another, which waits for one of a third,
//! and so on until one waits for a lease of the first, nobody gets on before
//! somebody gives up. A circle is closed by who begins to wait, since a grant
//! makes nobody wait: so that one is refused, and told what it would wait for.
//! A claim's leases count like others. A circle over several projects is not
//! seen.

use super::{Obstacle, Queue};
use crate::error::{Error, Result, conflict};
use crate::ids::AgentId;
use crate::leases::{LeaseRow, Thing};

/// The most leases between the first and the caller's own that are named.
const BETWEEN_NAMED_MAX: usize = 4;

/// A lease that the caller would wait for, itself or over others.
struct Reached<'a> {
    lease: &'a LeaseRow,
    /// Which of those that were reached before waits for it; `None` where the
    /// caller would.
    from: Option<usize>,
}

impl Queue {
    /// Refuses an agent to wait for a thing where somebody whom it would wait
    /// for waits for a lease of its own.
    pub(in crate::leases) fn check_circle(&self, thing: &Thing, agent: &AgentId) -> Result<()> {
        match self.circle(thing, agent) {
            Some(circle) => Err(told(thing, &circle)),
            None => Ok(()),
        }
    }

    /// What the agent would wait for, what that one's agent waits for, and so
    /// on; the last is a lease of the agent itself. The shortest such circle.
    fn circle(&self, thing: &Thing, agent: &AgentId) -> Option<Vec<&LeaseRow>> {
        self.ask_anew();
        let mut reached: Vec<Reached<'_>> = Vec::new();
        for obstacle in self.obstacles(thing, agent, None) {
            reach(&mut reached, obstacle, None);
        }
        let mut at = 0;
        while let Some(waits) = reached.get(at).and_then(|one| one.lease.agent.as_ref()) {
            for obstacle in self.in_way_of(waits) {
                // What was not compared to the end counts as overlapping; a
                // refusal takes more than that.
                if self.visits_left.get() == 0 {
                    return None;
                }
                if obstacle.lease.agent.as_ref() == Some(agent) {
                    return Some(path(&reached, at, obstacle.lease));
                }
                reach(&mut reached, obstacle, Some(at));
            }
            at += 1;
        }
        None
    }

    /// What is in the way of all that an agent waits for.
    fn in_way_of(&self, agent: &AgentId) -> impl Iterator<Item = Obstacle<'_>> {
        let rows = self.rows.iter().enumerate();
        let waiting = rows.filter(move |(_, row)| {
            row.agent.as_ref() == Some(agent) && !row.is_held() && row.lives(self.now)
        });
        let things = waiting.filter_map(|(at, row)| Some((self.thing(at)?, row.number)));
        things.flat_map(move |(thing, place)| self.obstacles(thing, agent, Some(place)))
    }
}

/// Each agent is looked at once.
fn reach<'a>(reached: &mut Vec<Reached<'a>>, obstacle: Obstacle<'a>, from: Option<usize>) {
    let lease = obstacle.lease;
    if reached.iter().all(|one| one.lease.agent != lease.agent) {
        reached.push(Reached { lease, from });
    }
}

fn path<'a>(reached: &[Reached<'a>], last: usize, own: &'a LeaseRow) -> Vec<&'a LeaseRow> {
    let mut path = vec![own];
    let mut next = Some(last);
    while let Some(at) = next {
        path.push(reached[at].lease);
        next = reached[at].from;
    }
    path.reverse();
    path
}

fn told(thing: &Thing, circle: &[&LeaseRow]) -> Error {
    let [first, between @ .., own] = circle else {
        return conflict("agents would wait for each other");
    };
    let has = match first.is_held() {
        true => "holds",
        false => "stands in line before you with",
    };
    let (holder, number) = (&first.holder, first.number);
    let mut message = format!(
        "you would wait for {:?} in a circle: {holder:?} {has} {number}, {:?}, and waits for ",
        thing.text(),
        first.pattern
    );
    for lease in between.iter().take(BETWEEN_NAMED_MAX) {
        message += &format!("{} of {:?}, which waits for ", lease.number, lease.holder);
    }
    if between.len() > BETWEEN_NAMED_MAX {
        message += &format!("{} more, ", between.len() - BETWEEN_NAMED_MAX);
        message += "the last of which waits for ";
    }
    message += &format!("your {}, {:?}", own.number, own.pattern);
    conflict(message).hint(format!(
        "release {} and take it again later, or ask {holder:?} to release {number}",
        own.number
    ))
}
