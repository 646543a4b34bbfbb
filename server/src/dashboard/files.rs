//! The page's files: those of the folder `dashboard/`, embedded when the
//! program is built for release, read from that folder while developing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

use crate::ids::Hash;

/// The page itself: every address of it is answered with this file.
const PAGE: &str = "index.html";

/// What is served, by the end of its name; nothing else of the folder is.
const TYPES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
    ("webmanifest", "application/manifest+json"),
    ("txt", "text/plain; charset=utf-8"),
];

/// Files below this are sent as they are, in bytes.
const COMPRESS_ABOVE: usize = 1024;

#[derive(RustEmbed)]
#[folder = "../dashboard"]
#[exclude = "types/*"]
#[exclude = "*.md"]
struct Folder;

/// A file as it is answered.
pub struct File {
    pub content_type: &'static str,
    /// A weak tag: it is the same for both encodings.
    pub etag: String,
    pub bytes: Bytes,
    /// Compressed, where that pays.
    pub gzip: Option<Bytes>,
}

/// The file that a path of the page is answered with. Whatever has no dot in
/// its last segment is an address inside of the page.
pub fn file_of(path: &str) -> Option<Arc<File>> {
    let name = path.trim_start_matches('/');
    let last = name.rsplit('/').next().unwrap_or_default();
    find(if last.contains('.') { name } else { PAGE })
}

fn find(name: &str) -> Option<Arc<File>> {
    /// All files, compressed once.
    static EMBEDDED: LazyLock<HashMap<Cow<'static, str>, Arc<File>>> = LazyLock::new(|| {
        let load_named = |name: Cow<'static, str>| Some((name.clone(), Arc::new(load(&name)?)));
        Folder::iter().filter_map(load_named).collect()
    });
    if cfg!(debug_assertions) {
        // As it is in the folder now, so that an edit is seen at once.
        return load(name).map(Arc::new);
    }
    EMBEDDED.get(name).cloned()
}

fn load(name: &str) -> Option<File> {
    let (_, extension) = name.rsplit_once('.')?;
    let (_, content_type) = TYPES.iter().find(|(ending, _)| *ending == extension)?;
    let bytes = match Folder::get(name)?.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Some(File {
        content_type,
        etag: format!("W/\"{}\"", &Hash::of(&bytes).hex()[..16]),
        gzip: compressed(&bytes),
        bytes,
    })
}

/// The content in gzip, where that is smaller.
fn compressed(bytes: &Bytes) -> Option<Bytes> {
    if bytes.len() < COMPRESS_ABOVE {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    let gzip = encoder.finish().ok()?;
    (gzip.len() < bytes.len()).then(|| Bytes::from(gzip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_page_is_the_page() {
        let page = file_of("/").expect("the page");
        for path in ["/agents", "/agents/frontend", "/state/shop/plan/", ""] {
            assert_eq!(file_of(path).expect(path).etag, page.etag, "{path}");
        }
        assert_eq!(file_of("/index.html").expect("the file").etag, page.etag);
    }

    #[test]
    fn nothing_else_of_the_folder_is_a_file() {
        for path in [
            "/nothing.js",
            "/types/api.d.ts",
            "/README.md",
            "/../server/Cargo.toml",
            "/../README.md",
            "/..",
            "/%2e%2e/x.js",
        ] {
            assert!(file_of(path).is_none(), "{path}");
        }
    }
}
