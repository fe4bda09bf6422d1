//! Clients that each need a second descriptor of a server with few: uploads that stop half-way, and slow
//! readers of a large file. Meanwhile a page is requested.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::probe::{Answer, answer, connect, get, request, status};
use super::rows::{Setting, Shown};
use super::subject::{MEDIUM, Subject};

/// Descriptors of the server, and clients.
const DESCRIPTORS: usize = 1024;
const CLIENTS: usize = 900;

/// The pause between two requests for the page, and the time in which it must arrive.
const EVERY: Duration = Duration::from_millis(50);
const PROMISED: Duration = Duration::from_secs(1);

/// How long the clients stay, and how long the server may take to recover.
const STAY: Duration = Duration::from_secs(10);
const RECOVERY: Duration = Duration::from_secs(2);

const PAGE: &str = "/-/health";

/// What the clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Upload,
    Read,
}

/// The time of a page, and the status of its response.
type Asked = (Duration, Option<u16>);

/// One client.
struct Client {
    stream: TcpStream,
    /// The number of bytes of its request that are sent.
    said: usize,
    status: Option<u16>,
    open: bool,
}

pub fn uploads(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    held(subject, setting, Wish::Upload)
}

pub fn readers(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    held(subject, setting, Wish::Read)
}

fn held(subject: Subject, setting: &Setting, wish: Wish) -> io::Result<Shown> {
    let deadline = Duration::from_secs(60); // no deadline of the server passes meanwhile
    let server = subject.start(&setting.server, &setting.folder, deadline, Some(DESCRIPTORS))?;
    let address = server.address;
    let leave = AtomicBool::new(false);
    let (mut shown, clients) = thread::scope(|scope| {
        let [kept, new] = [true, false].map(|keeps| {
            scope.spawn({
                let leave = &leave;
                move || ask(address, keeps, leave)
            })
        });
        thread::sleep(10 * EVERY);
        let clients = crowd(address, wish, CLIENTS.min(setting.descriptors));
        leave.store(true, Ordering::Relaxed);
        let mut shown = Shown::default();
        for (how, asking) in [("kept", kept), ("new", new)] {
            judge(&mut shown, how, &asking.join().unwrap_or_default());
        }
        (shown, clients)
    });
    let clients = clients?;
    let with = |wanted| clients.iter().filter(|client| client.status == wanted).count();
    let refused = with(Some(503));
    let served = clients.len() - refused;
    let is_held =
        |client: &&Client| client.open && client.status == (wish == Wish::Read).then_some(200);
    let whole = clients.iter().filter(is_held).count();
    shown.notes.push(format!("{served} held, {refused} × 503"));
    shown.promise(whole == served && served > 0, format!("{} were told neither", served - whole));
    shown.hostile = Some((clients.len(), refused));
    drop(clients);
    let begun = Instant::now();
    let recovered = loop {
        let all = is_as_before(address, wish);
        if all || begun.elapsed() > RECOVERY {
            break all;
        }
        thread::sleep(EVERY);
    };
    shown.notes.push(format!("recovered after {} ms", begun.elapsed().as_millis()));
    shown.promise(recovered, "the server does not recover");
    Ok(shown)
}

/// Checks that each page arrived in time.
fn judge(shown: &mut Shown, how: &str, asked: &[Asked]) {
    let bad = |&&(took, status): &&Asked| status != Some(200) || took > PROMISED;
    let bad = asked.iter().filter(bad).count();
    let worst = asked.iter().map(|&(took, _)| took).max().unwrap_or_default();
    shown.notes.push(format!("{how}: {} asked, the slowest {} ms", asked.len(), worst.as_millis()));
    shown.promise(
        bad == 0 && asked.len() > 20,
        format!("{bad} of {} {how} ones not 200 in 1 s", asked.len()),
    );
}

/// Requests the page again and again. Returns the times, and the status of each response.
fn ask(address: SocketAddr, keeps: bool, leave: &AtomicBool) -> Vec<Asked> {
    let (mut kept, mut asked) = (None, Vec::new());
    while !leave.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let outcome = kept.take().map_or_else(|| connect(address), Ok).and_then(|mut stream| {
            let answer = get(&mut stream, PAGE)?;
            kept = Some(stream).filter(|_| keeps && answer.stays);
            Ok(answer)
        });
        let took = begun.elapsed();
        asked.push((took, outcome.ok().map(|Answer { status, .. }| status)));
        thread::sleep(EVERY.saturating_sub(took));
    }
    asked
}

/// Starts all clients at once and lets them stay. An upload stops half-way; a reader reads 1 KB a second. A
/// refused client reads its response at the end, and then closes.
fn crowd(address: SocketAddr, wish: Wish, count: usize) -> io::Result<Vec<Client>> {
    let words = match wish {
        Wish::Upload => {
            let head =
                format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {MEDIUM}\r\n\r\n");
            [head.as_bytes(), &vec![b'x'; MEDIUM / 2]].concat()
        }
        Wish::Read => request("/medium").into_bytes(),
    };
    let mut clients = Vec::new();
    for _ in 0..count {
        let stream = connect(address)?;
        stream.set_nonblocking(true)?;
        clients.push(Client { stream, said: 0, status: None, open: true });
    }
    let begun = Instant::now();
    let mut read = Instant::now();
    while begun.elapsed() < STAY {
        for client in &mut clients {
            client.say(&words);
        }
        if wish == Wish::Read && read.elapsed() > Duration::from_secs(1) {
            read = Instant::now();
            clients.iter_mut().for_each(|client| client.hear(1024));
        }
        thread::sleep(Duration::from_millis(10));
    }
    clients.iter_mut().for_each(|client| client.hear(1024));
    Ok(clients)
}

impl Client {
    fn say(&mut self, words: &[u8]) {
        if let Some(left) = words.get(self.said..).filter(|left| !left.is_empty()) {
            match (&self.stream).write(left) {
                Ok(count) => self.said += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.said = words.len(), // it was refused, and reads the response below
            }
        }
    }

    fn hear(&mut self, most: usize) {
        let mut got = vec![0; most];
        match (&self.stream).read(&mut got) {
            Ok(count @ 1..) => self.status = self.status.or_else(|| status(&got[..count])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => self.open = false,
        }
    }
}

/// Returns true if an upload succeeds, and a large file and the page arrive whole.
fn is_as_before(address: SocketAddr, wish: Wish) -> bool {
    let exchange = |words: &[u8]| -> io::Result<Answer> {
        let mut stream = connect(address)?;
        stream.write_all(words)?;
        answer(&mut stream)
    };
    let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {MEDIUM}\r\n\r\n");
    let upload = [head.as_bytes(), &vec![b'x'; MEDIUM]].concat();
    let all = match wish {
        Wish::Upload => [upload, request("/medium").into_bytes()],
        Wish::Read => [request("/medium").into_bytes(), upload],
    };
    let page = request(PAGE).into_bytes();
    all.iter().chain([&page]).all(|words| exchange(words).is_ok_and(|answer| answer.status == 200))
}
