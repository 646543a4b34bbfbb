//! Where a server is: `unix:/path`, `http://host:port/base` or `https://…`.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// A parsed URL of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Unix(PathBuf),
    Web {
        tls: bool,
        /// Without the brackets that a URL puts around an IPv6 address.
        host: String,
        port: u16,
        /// What a proxy puts in front of `/api`: empty, or from a slash to
        /// before the last one.
        base: String,
    },
}

impl Address {
    /// Whether plain HTTP to it stays on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Address::Unix(_) => true,
            Address::Web { tls: true, .. } => false,
            Address::Web { host, .. } => {
                host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
        }
    }

    /// Whether others may read on the way what is sent to it.
    pub(crate) fn is_in_the_clear(&self) -> bool {
        !self.is_local() && !matches!(self, Address::Web { tls: true, .. })
    }

    /// What `Host` says, and the URL between the scheme and the path.
    pub(super) fn authority(&self) -> String {
        let Address::Web {
            tls, host, port, ..
        } = self
        else {
            return "localhost".to_owned();
        };
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        let usual_port = if *tls { 443 } else { 80 };
        if *port == usual_port {
            host
        } else {
            format!("{host}:{port}")
        }
    }

    pub(super) fn base(&self) -> &str {
        match self {
            Address::Unix(_) => "",
            Address::Web { base, .. } => base,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Web { tls, base, .. } => {
                let scheme = if *tls { "https" } else { "http" };
                write!(f, "{scheme}://{}{base}", self.authority())
            }
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(url: &str) -> Result<Address, String> {
        if let Some(path) = url.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path.starts_with('/') {
                true => Ok(Address::Unix(path.into())),
                false => Err(format!(
                    "{url:?} is no absolute path of a socket, as unix:/path is"
                )),
            };
        }
        let (tls, rest) = match url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => {
                return Err(format!(
                    "{url:?} begins with none of http://, https:// and unix:/"
                ));
            }
        };
        let (authority, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_authority(authority, if tls { 443 } else { 80 })
            .ok_or_else(|| format!("{url:?} has no host and port such as 127.0.0.1:9800"))?;
        let base = base.trim_end_matches('/');
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '@' | '\\');
        if !host.chars().chain(base.chars()).all(is_plain) {
            return Err(format!(
                "{url:?} has more than a scheme, a host, a port and a path"
            ));
        }
        Ok(Address::Web {
            tls,
            host: host.to_owned(),
            port,
            base: base.to_owned(),
        })
    }
}

fn split_authority(authority: &str, usual_port: u16) -> Option<(&str, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (
                host,
                port.strip_prefix(':').or(port.is_empty().then_some(""))?,
            )
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    if host.is_empty() {
        return None;
    }
    if port.is_empty() {
        return Some((host, usual_port));
    }
    let digits = port.bytes().all(|b| b.is_ascii_digit()).then_some(port)?;
    Some((host, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_as_they_are_written() {
        let table = [
            ("unix:/run/coro.sock", "unix:/run/coro.sock", true),
            ("unix:///run/coro.sock", "unix:/run/coro.sock", true),
            ("http://127.0.0.1:9800", "http://127.0.0.1:9800", true),
            ("http://localhost:9800/", "http://localhost:9800", true),
            ("http://[::1]:9800", "http://[::1]:9800", true),
            ("http://[::1]", "http://[::1]", true),
            ("http://coro:80/team/", "http://coro/team", false),
            (
                "https://coro.example:8443/team",
                "https://coro.example:8443/team",
                false,
            ),
            ("https://localhost", "https://localhost", false),
        ];
        for (url, shown, is_local) in table {
            let address: Address = url.parse().expect(url);
            assert_eq!(
                (address.to_string().as_str(), address.is_local()),
                (shown, is_local),
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let cases = [
            "",
            "127.0.0.1:9800",
            "ftp://x",
            "http://",
            "http://:80",
            "http://x:y",
            "http://x:99999",
            "http://x:+1",
            "http://a:b@c",
            "http://user@host:1",
            "http://x?y",
            "http://x/y#z",
            "http://x y",
            "http://x\r\nA: b",
            "unix:",
            "unix:relative",
            "http://[::1",
            "http://[::1]9800",
            "HTTP://x",
        ];
        for url in cases {
            assert!(url.parse::<Address>().is_err(), "{url:?}");
        }
    }
}
