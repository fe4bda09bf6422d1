//! A scripted name server for tests: over UDP and TCP on one port, it answers with any octets, and keeps the
//! questions that it received.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use threadbare::proto::dns::{Class, Data, Flags, Message, Name, Record, ResponseCode, Type};

use crate::support::PATIENCE;

/// Runs its script for each query, until the tests end.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    questions: Arc<Mutex<Vec<String>>>,
}

/// What a script gets: a query, and the way back.
#[derive(Debug)]
pub struct Asked {
    /// The query.
    pub query: Message,
    /// Its octets.
    pub octets: Vec<u8>,
    /// Its number, from 0, over both transports.
    pub number: usize,
    back: Back,
}

#[derive(Debug)]
enum Back {
    Udp(UdpSocket, SocketAddr),
    Tcp(TcpStream),
}

impl NameServer {
    /// Starts a server. An error ends the script for this query: the client has gone.
    pub fn new(
        script: impl Fn(&mut Asked) -> io::Result<()> + Send + Sync + 'static,
    ) -> NameServer {
        // The same port for both; another test may have it for one of them.
        let any = ([127, 0, 0, 1], 0).into();
        (0..100).find_map(|_| bind(any)).map(|sockets| NameServer::on(sockets, script)).unwrap()
    }

    /// Starts a server at this address; `None` if that is not permitted.
    pub fn at(
        address: SocketAddr,
        script: impl Fn(&mut Asked) -> io::Result<()> + Send + Sync + 'static,
    ) -> Option<NameServer> {
        bind(address).map(|sockets| NameServer::on(sockets, script))
    }

    fn on(
        (udp, tcp): (UdpSocket, TcpListener),
        script: impl Fn(&mut Asked) -> io::Result<()> + Send + Sync + 'static,
    ) -> NameServer {
        let address = udp.local_addr().expect("it is bound");
        let questions = Arc::new(Mutex::new(Vec::new()));
        let (script, kept) = (Arc::new(script), Arc::clone(&questions));
        let serve = move |octets: Vec<u8>, back: Back| {
            let query = Message::decode(&octets).expect("our own query");
            let over = if matches!(back, Back::Tcp(_)) { " TCP" } else { "" };
            let edns = if query.edns.is_none() { " plain" } else { "" };
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let question = &query.questions[0];
            kept.push(format!("{} {}{over}{edns}", question.name, question.record_type));
            let number = kept.len() - 1;
            drop(kept);
            let _ = script(&mut Asked { query, octets, number, back });
        };
        let serve = Arc::new(serve);
        let server = Arc::clone(&serve);
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((length, peer)) = udp.recv_from(&mut buffer) {
                let (octets, back) = (buffer[..length].to_vec(), udp.try_clone().expect("a copy"));
                let server = Arc::clone(&server);
                thread::spawn(move || server(octets, Back::Udp(back, peer)));
            }
        });
        thread::spawn(move || {
            for mut stream in tcp.incoming().map_while(Result::ok) {
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                let server = Arc::clone(&serve);
                thread::spawn(move || {
                    let mut length = [0; 2];
                    stream.read_exact(&mut length)?;
                    let mut octets = vec![0; u16::from_be_bytes(length).into()];
                    stream.read_exact(&mut octets)?;
                    server(octets, Back::Tcp(stream));
                    io::Result::Ok(())
                });
            }
        });
        NameServer { address, questions }
    }

    /// Starts a server that gives each question the answer of [`usual`].
    pub fn usual() -> NameServer {
        NameServer::new(|asked| asked.say(&usual(&asked.query)))
    }

    /// Returns address and port, for `--dns`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Returns what it was asked so far, sorted: name and type, and `TCP` and `plain` (without EDNS).
    pub fn questions(&self) -> Vec<String> {
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        questions.sort();
        questions
    }
}

fn bind(address: SocketAddr) -> Option<(UdpSocket, TcpListener)> {
    let udp = UdpSocket::bind(address).ok()?;
    let tcp = TcpListener::bind(udp.local_addr().ok()?).ok()?;
    Some((udp, tcp))
}

impl Asked {
    /// Returns true if the query came over TCP.
    pub fn is_tcp(&self) -> bool {
        matches!(self.back, Back::Tcp(_))
    }

    /// Returns the type that is asked for.
    pub fn record_type(&self) -> Type {
        self.query.questions[0].record_type
    }

    /// Sends a message, however long it is.
    pub fn say(&mut self, message: &Message) -> io::Result<()> {
        self.say_octets(&message.encode(65_535))
    }

    /// Sends these octets: as a datagram, or with their length before them.
    pub fn say_octets(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.back {
            Back::Udp(socket, peer) => socket.send_to(octets, *peer).map(drop),
            Back::Tcp(stream) => {
                let length = u16::try_from(octets.len()).expect("a message").to_be_bytes();
                stream.write_all(&[&length, octets].concat())
            }
        }
    }

    /// Sends these octets over TCP, without a length.
    pub fn say_raw(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.back {
            Back::Udp(..) => panic!("over UDP"),
            Back::Tcp(stream) => stream.write_all(octets),
        }
    }

    /// Sends a message from another port.
    pub fn say_from_elsewhere(&mut self, message: &Message) -> io::Result<()> {
        match &self.back {
            Back::Udp(_, peer) => {
                let other = UdpSocket::bind(("127.0.0.1", 0))?;
                other.send_to(&message.encode(65_535), *peer).map(drop)
            }
            Back::Tcp(_) => panic!("over TCP"),
        }
    }

    /// Closes the connection with a reset.
    pub fn reset(&mut self) -> io::Result<()> {
        if let Back::Tcp(stream) = &self.back {
            let not_at_all = nix::libc::linger { l_onoff: 1, l_linger: 0 };
            setsockopt(stream, sockopt::Linger, &not_at_all)?;
        }
        Ok(())
    }

    /// Waits longer than the client.
    pub fn hang(&self) -> io::Result<()> {
        thread::sleep(Duration::from_secs(20));
        Ok(())
    }
}

pub fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// Returns the data of a record of this type, as in a line of a master file.
pub fn data(record_type: &str, words: &str) -> Data {
    let record_type = Type::parse(record_type).expect("a type");
    Data::parse(record_type, &mut words.split(' '), &Name::root()).expect("data")
}

pub fn record(owner: &str, data: Data) -> Record {
    Record { name: name(owner), class: Class::IN, ttl: 300, data }
}

/// Returns 127.0.0.1 as the address of this name.
pub fn loopback(owner: &str) -> Record {
    record(owner, data("A", "127.0.0.1"))
}

pub fn alias(owner: &str, target: &str) -> Record {
    record(owner, data("CNAME", target))
}

/// Returns the answer to a query, with these records.
pub fn answer(query: &Message, answers: Vec<Record>) -> Message {
    Message {
        flags: Flags::RESPONSE.with(Flags::RECURSION_DESIRED).with(Flags::RECURSION_AVAILABLE),
        answers,
        ..query.clone()
    }
}

/// Returns the answer with this code, and no records.
pub fn coded(query: &Message, code: ResponseCode) -> Message {
    let message = answer(query, Vec::new());
    Message { flags: message.flags.with_code(code), ..message }
}

/// Returns 127.0.0.1 for each A question, no record for others, and NXDOMAIN for names in `invalid`.
pub fn usual(query: &Message) -> Message {
    let question = &query.questions[0];
    if question.name.is_within(&name("invalid")) {
        return coded(query, ResponseCode::NO_SUCH_NAME);
    }
    let is_v4 = question.record_type == Type::A;
    answer(query, is_v4.then(|| loopback(&question.name.to_string())).into_iter().collect())
}
