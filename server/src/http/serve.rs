//! Accepting connections: TCP, TLS over TCP, and a Unix socket.
//!
//! Slow or silent clients are bounded by time-outs for the request's head and
//! for writes that make no progress (bodies have theirs in `extract`), and in
//! number by [`super::connections`]. On shutdown every listener closes,
//! requests that run are finished, and what is left after a while is dropped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Extensions, HeaderMap};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::connections::{Connections, Place, Seldom};
use super::stall::Unstalled;
use crate::error::invalid;

/// How long a client may take for the head of a request, and how long it may
/// keep a connection without sending one: longer than clients do.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests may run on after the server was told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after `accept` failed, such as for lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub enum Peer {
    Tcp(SocketAddr),
    /// A process of this machine, by its user.
    Socket(u32),
}

impl Peer {
    /// A text by which failed sign-ins are counted: the address, behind a
    /// proxy the one that the proxy saw.
    pub fn of(headers: &HeaderMap, extensions: &Extensions, behind_proxy: bool) -> String {
        if behind_proxy {
            let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
            let last = forwarded
                .and_then(|v| v.to_str().ok())
                .and_then(|v| v.rsplit(',').next());
            if let Some(address) = last {
                return address.trim().to_owned();
            }
        }
        match extensions.get::<Peer>() {
            Some(Peer::Tcp(address)) => address.ip().to_string(),
            Some(Peer::Socket(uid)) => format!("uid {uid}"),
            None => "unknown".to_owned(),
        }
    }
}

/// Serves until `stop`, then finishes what runs.
#[derive(Clone)]
pub struct Listeners {
    router: Router,
    stop: CancellationToken,
    connections: TaskTracker,
    places: Arc<Connections>,
}

impl Listeners {
    pub fn new(router: Router, stop: CancellationToken, places: Arc<Connections>) -> Self {
        Listeners {
            router,
            stop,
            connections: TaskTracker::new(),
            places,
        }
    }

    /// The same, for listeners that serve something else.
    pub fn serving(&self, router: Router) -> Self {
        Listeners {
            router,
            ..self.clone()
        }
    }

    /// Accepts TCP connections in the background, with TLS where it is given.
    pub fn tcp(&self, listener: TcpListener, tls: Option<Arc<rustls::ServerConfig>>) {
        let acceptor = tls.map(TlsAcceptor::from);
        let this = self.clone();
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = this.stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let (stream, address) = match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        pause_after(&error).await;
                        continue;
                    }
                };
                // Without it small answers wait for the client's delayed
                // acknowledgement, 40 ms.
                let _ = stream.set_nodelay(true);
                let Some(place) = this.place().await else {
                    return;
                };
                let peer = Peer::Tcp(address);
                let one = this.clone();
                match acceptor.clone() {
                    None => {
                        this.connections.spawn(one.connection(stream, peer, place));
                    }
                    Some(acceptor) => {
                        this.connections
                            .spawn(one.tls(stream, peer, place, acceptor));
                    }
                }
            }
        });
    }

    async fn tls(self, stream: TcpStream, peer: Peer, place: Arc<Place>, acceptor: TlsAcceptor) {
        let beginning = tokio::time::timeout(HANDSHAKE_TIMEOUT, begin(stream, acceptor));
        let begun = tokio::select! {
            begun = beginning => begun,
            () = place.ended() => return,
        };
        match begun {
            Ok(Ok(Begun::Tls(stream))) => self.connection(stream, peer, place).await,
            Ok(Ok(Begun::Plain(stream))) => {
                self.serving(tls_only())
                    .connection(stream, peer, place)
                    .await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
    }

    /// Accepts connections of a Unix socket in the background. The peer's
    /// user must be ours or root; its token is asked for besides.
    #[cfg(unix)]
    pub fn unix(&self, listener: tokio::net::UnixListener) {
        let own = crate::platform::user_id();
        let this = self.clone();
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = this.stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let stream = match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        pause_after(&error).await;
                        continue;
                    }
                };
                match stream.peer_cred() {
                    Ok(peer) if peer.uid() == own || peer.uid() == 0 => {
                        let Some(place) = this.place().await else {
                            return;
                        };
                        let peer = Peer::Socket(peer.uid());
                        let serving = this.clone().connection(stream, peer, place);
                        this.connections.spawn(serving);
                    }
                    Ok(peer) => {
                        tracing::warn!(uid = peer.uid(), "another user's socket connection")
                    }
                    Err(error) => tracing::warn!(%error, "a socket peer without credentials"),
                }
            }
        });
    }

    /// The place of a connection that was accepted; `None` where the server
    /// stops before there is one.
    async fn place(&self) -> Option<Arc<Place>> {
        tokio::select! {
            () = self.stop.cancelled() => None,
            place = self.places.take() => Some(Arc::new(place)),
        }
    }

    /// Waits for the requests that still run, for a while.
    pub async fn drain(&self) {
        self.connections.close();
        if tokio::time::timeout(DRAIN_TIMEOUT, self.connections.wait())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not end in time and were dropped");
        }
    }

    async fn connection<S>(self, stream: S, peer: Peer, place: Arc<Place>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = self.router;
        let of_requests = place.clone();
        let service = hyper::service::service_fn(move |mut req: hyper::Request<Incoming>| {
            of_requests.heard();
            req.extensions_mut().insert(peer.clone());
            // A WebSocket goes on when its connection has ended here.
            req.extensions_mut().insert(of_requests.clone());
            router.clone().oneshot(req.map(axum::body::Body::new))
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT);
        let serving = http
            .serve_connection(TokioIo::new(Unstalled::new(stream)), service)
            .with_upgrades();
        let mut serving = std::pin::pin!(serving);
        let ended = tokio::select! {
            ended = serving.as_mut() => ended,
            () = place.ended() => return,
            () = self.stop.cancelled() => {
                // The request that runs is answered, and no other is taken.
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended with an error");
        }
    }
}

async fn pause_after(error: &std::io::Error) {
    static LOGGED: Seldom = Seldom::unsaid();
    if LOGGED.is_due() {
        tracing::warn!(%error, "connections could not be accepted");
    }
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

/// How a client has begun where TLS is spoken.
enum Begun {
    Tls(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

async fn begin(stream: TcpStream, acceptor: TlsAcceptor) -> std::io::Result<Begun> {
    let mut first = [0];
    let read = stream.peek(&mut first).await?;
    // A method of HTTP begins with a letter, a handshake with 22.
    if read == 1 && first[0].is_ascii_alphabetic() {
        return Ok(Begun::Plain(stream));
    }
    let stream = acceptor.accept(stream).await?;
    Ok(Begun::Tls(Box::new(stream)))
}

/// What everyone is told who comes without TLS: a connection that only ends
/// leaves them guessing.
fn tls_only() -> Router {
    let refuse = || async {
        invalid("this port speaks TLS").hint("begin the server's address with https://")
    };
    Router::new().fallback(refuse)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::Body;
    use axum::routing::get;
    use bytes::Bytes;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep};

    use super::super::stall::WRITE_TIMEOUT;
    use super::*;

    const CHUNK_BYTES: usize = 1024;

    /// Asks for an answer without end; gives the client's side and how many
    /// chunks were made for it. Time is tokio's, which moves when all wait.
    async fn endless() -> (DuplexStream, JoinHandle<()>, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = made.clone();
        let answer = move || {
            let counter = counter.clone();
            let chunks = std::iter::repeat_with(move || {
                counter.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(Bytes::from_static(&[b'x'; CHUNK_BYTES]))
            });
            async move { Body::from_stream(futures_util::stream::iter(chunks)) }
        };
        let router = Router::new().route("/", get(answer));
        let listeners = Listeners::new(router, CancellationToken::new(), Connections::new(None));
        let place = listeners.place().await.expect("it does not stop");
        let (mut client, server) = tokio::io::duplex(CHUNK_BYTES);
        let serving = tokio::spawn(listeners.connection(server, Peer::Socket(0), place));
        let sent = client.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        sent.await.expect("the server reads");
        (client, serving, made)
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up_and_holds_little() {
        let (_client, serving, made) = endless().await;
        let start = Instant::now();
        serving.await.expect("it does not panic");
        assert_eq!(start.elapsed().as_secs(), WRITE_TIMEOUT.as_secs());
        let held = made.load(Ordering::Relaxed) * CHUNK_BYTES;
        assert!(held < 1024 * 1024, "{held} bytes");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_slowly_is_waited_for() {
        let (mut client, serving, _) = endless().await;
        for _ in 0..20 {
            sleep(WRITE_TIMEOUT - Duration::from_secs(1)).await;
            let mut some = [0; 100];
            client.read_exact(&mut some).await.expect("it is served");
        }
        assert!(!serving.is_finished());
    }
}
