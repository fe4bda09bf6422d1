//! The floor: one thread that waits, receives and sends a fixed answer; no HTTP. What is above it is
//! what a server does.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nServer: floor\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\r\nok\n";

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::MAXALLOWABLE)?;
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
    let mut streams: HashMap<u64, TcpStream> = HashMap::new();
    let mut events = vec![EpollEvent::empty(); 256];
    let mut room = [0; 16 << 10];
    loop {
        let count = match epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        };
        for event in &events[..count] {
            if event.data() == 0 {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    let key = stream.as_raw_fd() as u64;
                    epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, key))?;
                    streams.insert(key, stream);
                }
            } else if let Some(stream) = streams.get_mut(&event.data()) {
                // As many answers as there are ends of heads, in one write.
                let answers = match stream.read(&mut room) {
                    Ok(0) | Err(_) => None,
                    Ok(count) => {
                        let heads =
                            room[..count].windows(4).filter(|end| end == b"\r\n\r\n").count();
                        match heads {
                            1 => stream.write_all(ANSWER).ok(),
                            heads => stream.write_all(&ANSWER.repeat(heads)).ok(),
                        }
                    }
                };
                if answers.is_none() {
                    streams.remove(&event.data());
                }
            }
        }
    }
}
