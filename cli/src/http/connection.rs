//! A socket that gives up in time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::{Address, Hangup, Patience};

/// A connection that gives up when its patience ends.
pub(super) struct Connection {
    stream: Stream,
    limit: Limit,
}

pub(super) enum Stream {
    #[cfg(unix)]
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// A `Patience` that has begun.
struct Limit {
    deadline: Option<Instant>,
    silence: Option<Duration>,
}

impl Connection {
    pub(super) fn open(place: &Address, patience: Patience) -> io::Result<Connection> {
        let limit = Limit {
            deadline: patience.whole.map(|duration| Instant::now() + duration),
            silence: patience.silence,
        };
        let stream = match place {
            #[cfg(unix)]
            Address::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
            #[cfg(not(unix))]
            Address::Unix(_) => return Err(io::ErrorKind::NotFound.into()),
            Address::Web { host, port, .. } => {
                Stream::Tcp(connect_loopback(host, *port, limit.next_pause()?)?)
            }
        };
        Ok(Connection { stream, limit })
    }

    /// Lets another thread end the connection.
    pub(super) fn end_by(&self, hangup: &Hangup) -> io::Result<()> {
        hangup.watch(self.stream.try_clone()?)
    }
}

impl Stream {
    /// Another handle on the same socket.
    fn try_clone(&self) -> io::Result<Stream> {
        match self {
            #[cfg(unix)]
            Stream::Unix(stream) => stream.try_clone().map(Stream::Unix),
            Stream::Tcp(stream) => stream.try_clone().map(Stream::Tcp),
        }
    }

    /// Ends what is read and written through any handle.
    pub(super) fn shut_down(&self) {
        // One that is closed already is as good.
        let _ = match self {
            #[cfg(unix)]
            Stream::Unix(stream) => stream.shutdown(Shutdown::Both),
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Limit {
    /// How long the next operation may block; `None` means without end.
    fn next_pause(&self) -> io::Result<Option<Duration>> {
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let pause = left.into_iter().chain(self.silence).min();
        // The system takes a time-out of zero for none at all.
        if pause.is_some_and(|pause| pause.is_zero()) {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            Ok(pause)
        }
    }
}

/// `localhost` is not looked up: that reads several files and takes as long as
/// the rest of the call. Both of its addresses are tried.
fn connect_loopback(host: &str, port: u16, pause: Option<Duration>) -> io::Result<TcpStream> {
    let hosts: &[&str] = if host == "localhost" {
        &["127.0.0.1", "::1"]
    } else {
        &[host]
    };
    let mut result = Err(io::ErrorKind::NotFound.into());
    for host in hosts {
        let ip = host.parse().map_err(|_| io::ErrorKind::NotFound)?;
        let address = SocketAddr::new(ip, port);
        result = match pause {
            Some(pause) => TcpStream::connect_timeout(&address, pause),
            None => TcpStream::connect(address),
        };
        if result.is_ok() {
            break;
        }
    }
    let stream = result?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let pause = self.limit.next_pause()?;
        match &mut self.stream {
            #[cfg(unix)]
            Stream::Unix(stream) => {
                stream.set_read_timeout(pause)?;
                stream.read(buffer)
            }
            Stream::Tcp(stream) => {
                stream.set_read_timeout(pause)?;
                stream.read(buffer)
            }
        }
    }
}

impl Write for Connection {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let pause = self.limit.next_pause()?;
        match &mut self.stream {
            #[cfg(unix)]
            Stream::Unix(stream) => {
                stream.set_write_timeout(pause)?;
                stream.write(buffer)
            }
            Stream::Tcp(stream) => {
                stream.set_write_timeout(pause)?;
                stream.write(buffer)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
