//! A server on a thread of its own: started, used, and stopped by the program, as in a test.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{GRACE, IntoRoutes, Report, Server};
use crate::net::stop_signal::StopSignal;

/// How long open requests may take when a [`Running`] is dropped: 1 s.
const GRACE_ON_DROP: Duration = Duration::from_secs(1);

/// A server that runs on a thread of its own; [`Server::start`] returns it.
///
/// When it is dropped, the server stops: requests in progress have one second to finish.
///
/// ```
/// use std::io::{Read, Write};
/// use threadbare::server::{Router, Server};
///
/// let routes = Router::new().get("/", |_| "hello\n").build()?;
/// let running = Server::bind("127.0.0.1:0", routes)?.start()?;
/// assert!(running.url().starts_with("http://127.0.0.1:"));
///
/// let mut client = std::net::TcpStream::connect(running.addresses()[0])?;
/// client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
/// let mut text = String::new();
/// client.read_to_string(&mut text)?;
/// assert!(text.ends_with("hello\n"));
///
/// let report = running.stop()?;
/// assert_eq!(report.cut, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A program that runs until Ctrl-C, with the crate `ctrlc`:
///
/// ```no_run
/// # use std::time::Duration;
/// # use threadbare::server::{Router, Server};
/// # let routes = Router::new().build()?;
/// let running = Server::bind("127.0.0.1:8080", routes)?.start()?;
/// let stop = running.stop_signal();
/// ctrlc::set_handler(move || stop.request(Duration::from_secs(10)))?;
/// running.wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Running {
    addresses: Vec<SocketAddr>,
    stop: StopSignal,
    thread: Option<JoinHandle<io::Result<Report>>>,
}

impl Server {
    /// Serves on a thread of its own, and returns when the server is ready to serve. [`Server::run`] serves on
    /// the calling thread.
    ///
    /// # Errors
    /// When threads cannot be started.
    pub fn start(self) -> io::Result<Running> {
        let (addresses, stop) = (self.addresses(), self.stop_signal());
        let (ready, started) = mpsc::sync_channel(1);
        let tell = move || {
            let _ = ready.send(()); // the receiver waits below
        };
        let run = move || self.run_with(tell);
        let thread = thread::Builder::new().name("accept".to_owned()).spawn(run)?;
        let running = Running { addresses, stop, thread: Some(thread) };
        match started.recv() {
            Ok(()) => Ok(running),
            Err(mpsc::RecvError) => Err(match running.wait() {
                Err(error) => error,
                Ok(_) => io::Error::other("the server has ended before it was ready"),
            }),
        }
    }

    /// Starts a server for tests, on a free port of 127.0.0.1, with the default configuration.
    ///
    /// ```
    /// use threadbare::server::{Router, Server};
    ///
    /// let server = Server::start_local(Router::new().get("/", |_| "hello\n").build()?)?;
    /// println!("{}", server.url());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When it cannot listen, or threads cannot be started.
    pub fn start_local(routes: impl IntoRoutes) -> io::Result<Running> {
        Server::bind("127.0.0.1:0", routes).map_err(io::Error::other)?.start()
    }
}

impl Running {
    /// Returns the URL of the server without a slash at its end: `http://127.0.0.1:8080`. For a server that
    /// listens on all addresses it has that of this machine's loopback interface.
    pub fn url(&self) -> String {
        let Some(&address) = self.addresses.first() else { return String::new() };
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, address.port()))
    }

    /// Returns the addresses that it listens on, with real ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns the signal that stops the server, for another thread or the handler of Ctrl-C.
    pub fn stop_signal(&self) -> StopSignal {
        self.stop.clone()
    }

    /// Stops the server, and waits for its end. Requests in progress have ten seconds to finish.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub fn stop(self) -> io::Result<Report> {
        self.stop_within(GRACE)
    }

    /// Stops the server, and waits for its end. Requests in progress have the time `grace` to finish.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub fn stop_within(self, grace: Duration) -> io::Result<Report> {
        self.stop.request(grace);
        self.wait()
    }

    /// Waits until the server is stopped, by its [signal](Running::stop_signal) or because a listener breaks.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub fn wait(mut self) -> io::Result<Report> {
        match self.thread.take() {
            Some(thread) => thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the accept thread panicked"))),
            None => Err(io::Error::other("the server has ended already")),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop.request(GRACE_ON_DROP);
            let _ = thread.join(); // a panic has been reported on its thread
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Router, Routes};
    use std::net::TcpStream;

    fn routes() -> Routes {
        Router::new().get("/", |_| "hello\n").build().unwrap()
    }

    #[test]
    fn it_serves_until_it_is_dropped() {
        let running = Server::start_local(routes()).unwrap();
        let address = running.addresses()[0];
        assert_eq!(running.url(), format!("http://{address}"));
        TcpStream::connect(address).unwrap();
        drop(running);
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn it_waits_for_its_signal() {
        let running = Server::bind("0.0.0.0:0", routes()).unwrap().start().unwrap();
        assert!(running.url().starts_with("http://127.0.0.1:"), "{}", running.url());
        let stop = running.stop_signal();
        thread::spawn(move || stop.request(Duration::from_secs(1)));
        assert_eq!(running.wait().unwrap().cut, 0);
    }
}
