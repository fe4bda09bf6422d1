//! The server behind proxies: which client a request is of, and what nobody can forge.

mod announced;
mod forwarded;
mod programs;

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};

use crate::support::{Answer, Server, Wire};

/// Connects from this address of the loopback network.
fn connect_from(source: [u8; 4], to: SocketAddr) -> Wire {
    let socket =
        socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    let at = |address: Ipv4Addr, port| {
        let [a, b, c, d] = address.octets();
        SockaddrIn::new(a, b, c, d, port)
    };
    bind(socket.as_raw_fd(), &at(source.into(), 0)).unwrap();
    let SocketAddr::V4(to) = to else { panic!("{to}") };
    connect(socket.as_raw_fd(), &at(*to.ip(), to.port())).unwrap();
    Wire::over(TcpStream::from(socket))
}

/// What the access log calls the client of the request for this target, once it has the line.
fn logged(server: &Server, target: &str) -> String {
    let is_it = |line: &&str| line.contains(&format!(" {target} HTTP/"));
    let text = server.stderr_until(|text| {
        text.ends_with('\n')
            && text.lines().any(|line| !line.starts_with("server: ") && is_it(&line))
    });
    let line = text.lines().filter(|line| !line.starts_with("server: ")).find(is_it).unwrap();
    line.split(' ').next().unwrap().to_owned()
}

/// A GET with these field lines.
fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

/// Whether an answer is one for a client on this machine: it tells the times.
fn is_told(answer: &Answer) -> bool {
    answer.field("Server-Timing").is_some()
}
