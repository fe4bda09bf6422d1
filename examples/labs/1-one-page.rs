//! Exercise 1: a web server for one request after the other (Kurose and Ross, chapter 2).
//!
//! Write `serve`; `make lab-1` says what is missing next:
//! 1. Each request is answered with a status line, as `HTTP/1.1 200 OK`, and an empty line. A line ends with `\r\n`.
//! 2. The answer to `GET /hello.html` has the bytes of this file below the root, and `Content-Length`.
//! 3. A file that is not there is answered 404.
//! 4. `Content-Type` says what the file is; its name tells.
//! 5. A head may come in pieces: read until the empty line. What follows a `?` is no part of the name; `%20` is a space.
//! 6. No path leads out of the root, as `/../secret` tries to.
//! 7. A client that leaves, or sends noise, does not end the server.
//!
//! By hand: `target/lab/lab-1 8080 www`, and in another terminal `client -v :8080/index.html`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::env;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let mut args = env::args().skip(1);
    let port = args.next().unwrap_or("8080".to_owned());
    let root = PathBuf::from(args.next().unwrap_or("www".to_owned()));
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("listening on http://{}/", listener.local_addr()?);
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(stream, &root)) {
            eprintln!("{error}"); // this client is gone; the next one comes
        }
    }
    Ok(())
}

// Your part begins here.

/// Receives one request, sends the answer, and closes the connection.
fn serve(mut stream: TcpStream, root: &Path) -> io::Result<()> {
    let mut piece = [0; 4096];
    let count = stream.read(&mut piece)?;
    println!("{count} bytes came; not written yet: an answer with a file below {}", root.display());
    Ok(())
}
