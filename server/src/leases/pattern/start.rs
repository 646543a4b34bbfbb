//! What the texts of patterns tell before anybody reads them.

/// The text that every path begins with which the pattern matches; empty where
/// the text alone does not tell. Most patterns of one repository differ in it,
/// and need not be read to be told apart.
pub(super) fn literal_start(text: &str) -> &str {
    let body = text.strip_suffix('/').unwrap_or(text);
    // Without a slash inside it is a name in any folder.
    if !body.contains('/') {
        return "";
    }
    let body = body.strip_prefix('/').unwrap_or(body);
    let end = body.find(['*', '?', '[', '\\']).unwrap_or(body.len());
    &body[..end]
}

/// Whether two starts tell that no path begins with both.
pub(super) fn differ(a: &str, b: &str) -> bool {
    !a.starts_with(b) && !b.starts_with(a)
}
