//! What reads of lists answer with, whatever is listed.

/// Rows of a list, in its order.
pub struct Listed<T> {
    pub items: Vec<T>,
    /// The tenant's revision that they were read at: who goes on from it
    /// misses nothing.
    pub revision: i64,
    /// Where to go on, where there may be others: the cursor of the next page.
    pub next: Option<String>,
}
