//! Servers elsewhere: TLS, name resolution and proxies, which `ureq` does.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ureq::Agent;
use ureq::http;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

use super::{Address, Headers, Patience, Reply, Request, Transport, TransportError, USER_AGENT};
use crate::config::Token;

/// How long name resolution, TCP and TLS may take together.
const CONNECT_DURATION_MAX: Duration = Duration::from_secs(10);

pub(crate) struct Remote {
    address: Address,
    token: Option<Token>,
    /// A file of certificates that takes the place of the usual authorities.
    certificates: Option<PathBuf>,
}

impl Remote {
    pub(crate) fn new(
        address: Address,
        token: Option<Token>,
        certificates: Option<PathBuf>,
    ) -> Remote {
        Remote {
            address,
            token,
            certificates,
        }
    }

    /// Redirects are not followed: they would carry the token along.
    fn agent(&self, patience: Patience) -> Result<Agent, TransportError> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .timeout_connect(Some(CONNECT_DURATION_MAX))
            .timeout_global(patience.whole)
            .timeout_per_read(patience.silence);
        if let Some(path) = &self.certificates {
            let tls = TlsConfig::builder()
                .root_certs(read_certificates(path)?)
                .build();
            config = config.tls_config(tls);
        }
        Ok(config.build().new_agent())
    }

    fn translate(&self, request: &Request) -> Result<http::Request<Vec<u8>>, TransportError> {
        let place = &self.address;
        let mut built = http::Request::builder()
            .method(request.method.word())
            .uri(format!("{place}{}", request.path_and_query));
        if let Some(token) = &self.token {
            built = built.header("Authorization", format!("Bearer {}", token.reveal()));
        }
        for (name, value) in &request.headers {
            built = built.header(*name, value);
        }
        let built = built.body(request.body.clone());
        built.map_err(|error| TransportError::Unreachable(format!("can't ask {place}: {error}")))
    }

    fn failure(&self, error: ureq::Error) -> TransportError {
        let place = &self.address;
        match error {
            ureq::Error::Timeout(_) => TransportError::TimedOut,
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                TransportError::Forbidden(place.to_string())
            }
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                TransportError::Unreachable(format!("no server at {place}"))
            }
            ureq::Error::Io(error) if is_loss(error.kind()) => TransportError::while_reading(error),
            ureq::Error::Protocol(error) => {
                TransportError::Broken(format!("the connection broke: {error}"))
            }
            ureq::Error::Rustls(error) => untrusted(place, &error.to_string()),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                untrusted(place, &error.to_string())
            }
            error => TransportError::Unreachable(format!("can't reach {place}: {error}")),
        }
    }
}

impl Transport for Remote {
    fn open(&mut self, request: &Request) -> Result<Reply, TransportError> {
        let agent = self.agent(request.patience)?;
        let (parts, body) = self.translate(request)?.into_parts();
        // An empty body of a GET must not be announced as a body.
        let response = if request.method.takes_body() || !body.is_empty() {
            agent.run(http::Request::from_parts(parts, body))
        } else {
            agent.run(http::Request::from_parts(parts, ()))
        };
        let (parts, body) = response.map_err(|error| self.failure(error))?.into_parts();
        let mut headers = Headers::default();
        for (name, value) in &parts.headers {
            headers.push(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
        }
        Ok(Reply {
            status: parts.status.as_u16(),
            headers,
            body: Box::new(body.into_reader()),
        })
    }
}

/// What `rustls` does not like. It calls the answer of a server that speaks
/// plain HTTP a corrupt message.
fn untrusted(place: &Address, reason: &str) -> TransportError {
    TransportError::Untrusted(match reason.contains("corrupt message") {
        true => format!("{place} does not speak TLS"),
        false => format!("can't trust {place}: {reason}"),
    })
}

/// Whether a connection that stood was lost. Anything else is a name that can't
/// be resolved, a network that is down, or a certificate that is not trusted.
fn is_loss(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::TimedOut
            | io::ErrorKind::WouldBlock
    )
}

fn read_certificates(path: &PathBuf) -> Result<RootCerts, TransportError> {
    let unusable = |reason: String| {
        TransportError::Untrusted(format!(
            "SSL_CERT_FILE {} is unusable: {reason}",
            path.display()
        ))
    };
    let pem = fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|error| unusable(error.to_string()))?
        {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(unusable("it holds no certificate".to_owned()));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}
