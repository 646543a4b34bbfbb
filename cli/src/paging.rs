//! What a list leaves out is said, and how to get it.

use crate::http::{Response, percent_decode};
use crate::session::Session;

/// Says how to go on where the answer has a next page: with the option that
/// is named as the parameter of the `Link`.
pub(crate) fn tell_what_follows(session: &mut Session<'_>, response: &Response, parameter: &str) {
    if let Some(value) = next_page(response, parameter) {
        session.talk(&format!("there is more; go on with --{parameter} {value}"));
    }
}

/// The value of `parameter` in the link to the next page (RFC 8288).
fn next_page(response: &Response, parameter: &str) -> Option<String> {
    let is_next = |link: &&str| link.contains("rel=\"next\"") || link.contains("rel=next");
    let link = response.headers.all("link").find(is_next)?;
    let (_, rest) = link.split_once('<')?;
    let (target, _) = rest.split_once('>')?;
    let (_, query) = target.split_once('?')?;
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix(parameter)?.strip_prefix('='))?;
    percent_decode(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    #[test]
    fn the_next_page_is_found_in_the_link() {
        let table = [
            (
                "</api/state?limit=2&cursor=a%2Fb>; rel=\"next\"",
                Some("a/b"),
            ),
            ("</api/state?cursor=x>; rel=\"prev\"", None),
            ("</api/state?limit=2>; rel=\"next\"", None),
            ("</api/state?mycursor=x>; rel=\"next\"", None),
            ("nonsense rel=\"next\"", None),
        ];
        for (link, expected) in table {
            let mut headers = Headers::default();
            headers.push("Link", link);
            let response = Response {
                status: 200,
                headers,
                body: Vec::new(),
            };
            assert_eq!(
                next_page(&response, "cursor").as_deref(),
                expected,
                "{link}"
            );
        }
    }
}
