//! A TCP proxy that makes a network slower: each direction takes half of the
//! added round trip. Threads and not tasks, whose timers count milliseconds.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How much later than asked a thread wakes up, about.
const OVERSLEEP: Duration = Duration::from_micros(60);

/// Listens on loopback and forwards to `target`, until this process ends.
pub(crate) fn proxy(target: SocketAddr, round_trip: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if let Ok(server) = TcpStream::connect(target) {
                let _ = join(&client, &server, round_trip / 2);
            }
        }
    });
    Ok(address)
}

fn join(client: &TcpStream, server: &TcpStream, delay: Duration) -> std::io::Result<()> {
    for (from, to) in [(client, server), (server, client)] {
        from.set_nodelay(true)?;
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        let (sender, receiver) = channel();
        thread::spawn(move || read(from, &sender));
        thread::spawn(move || write_late(to, &receiver, delay));
    }
    Ok(())
}

fn read(mut from: TcpStream, sender: &Sender<(Instant, Vec<u8>)>) {
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if sender
            .send((Instant::now(), buffer[..length].to_vec()))
            .is_err()
        {
            return;
        }
    }
}

fn write_late(mut to: TcpStream, receiver: &Receiver<(Instant, Vec<u8>)>, delay: Duration) {
    for (arrived, bytes) in receiver {
        let due = arrived + delay;
        let early = due.saturating_duration_since(Instant::now());
        thread::sleep(early.saturating_sub(OVERSLEEP));
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
