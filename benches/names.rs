//! `cargo bench --bench names`: how many DNS queries a second our name server and NSD answer over UDP, and what
//! each answer costs.
//!
//! ```text
//! cargo bench --bench names -- [--rounds N] [--seconds N]
//! ```
//! Each server runs on one core, and the generator on another one; it has 64 queries under way. Rounds alternate
//! between the servers, and the medians are printed. Both serve the same zone. Loopback only.

// A program that prints, not a library.
#![allow(clippy::print_stdout, clippy::unwrap_used, unreachable_pub, missing_docs)]

#[allow(dead_code)]
#[path = "starve/machine.rs"]
mod machine;

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use threadbare::proto::dns::{Class, Edns, Message, Name, Question, Type};

/// How many queries are under way at a time.
const WINDOW: usize = 64;

const ZONE: &str = "\
$ORIGIN example.org.
$TTL 3600
@ SOA ns1 hostmaster 1 7200 3600 1209600 300
@ NS ns1
@ NS ns2
@ MX 10 mail
ns1 A 192.0.2.53
ns2 A 192.0.2.54
mail A 192.0.2.25
www A 192.0.2.80
alias CNAME www
*.wild A 192.0.2.90
";

/// What is asked in turns: records, an alias, a wildcard, a name that does not exist, one without such records.
const QUESTIONS: [(&str, Type); 8] = [
    ("www.example.org", Type::A),
    ("www.example.org", Type::AAAA),
    ("mail.example.org", Type::A),
    ("example.org", Type::MX),
    ("alias.example.org", Type::A),
    ("a.wild.example.org", Type::A),
    ("nope.example.org", Type::A),
    ("ns1.example.org", Type::A),
];

/// A server under test. Dropped, it is stopped.
struct Subject {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    /// Thousands of answers a second, and microseconds of processor time for each.
    samples: Vec<(f64, f64)>,
}

impl Drop for Subject {
    fn drop(&mut self) {
        for pid in machine::family(self.child.id()) {
            let _ = Command::new("kill").arg(pid.to_string()).stderr(Stdio::null()).status();
        }
        let _ = self.child.wait();
    }
}

fn main() -> ExitCode {
    let (mut rounds, mut seconds) = (5, 1.0);
    let args: Vec<String> = std::env::args().skip(1).filter(|flag| flag != "--bench").collect();
    for pair in args.chunks(2) {
        match pair {
            [flag, value] if flag == "--rounds" => rounds = value.parse().unwrap(),
            [flag, value] if flag == "--seconds" => seconds = value.parse().unwrap(),
            _ => {
                eprintln!("names: {pair:?}; right: --rounds N · --seconds N");
                return ExitCode::from(2);
            }
        }
    }
    if !["taskset", "nsd"].into_iter().all(machine::has) {
        println!("names: not measured; it needs taskset and nsd (make packages)");
        return ExitCode::SUCCESS;
    }
    let folder = std::env::temp_dir().join(format!("threadbare-names-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("zone"), ZONE).unwrap();
    let own = std::process::id().to_string();
    let _ = Command::new("taskset").args(["-cp", "1", &own]).stdout(Stdio::null()).status();
    let mut subjects = [ours(&folder), nsd(&folder)];
    for _ in 0..rounds {
        for subject in &mut subjects {
            let sample = subject.measure(Duration::from_secs_f64(seconds));
            subject.samples.push(sample);
        }
    }
    println!(
        "DNS over UDP, {WINDOW} queries under way, server on one core; medians of {rounds} rounds:"
    );
    let rates = subjects.each_ref().map(|subject| {
        let median = |mut figures: Vec<f64>| {
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        let rate = median(subject.samples.iter().map(|sample| sample.0).collect());
        let cost = median(subject.samples.iter().map(|sample| sample.1).collect());
        println!(
            "{:>10}: {rate:6.1} thousand answers/s, {cost:5.2} us of CPU for each",
            subject.name
        );
        rate
    });
    println!("target: 0.5 x NSD's rate; reached: {:.2}", rates[0] / rates[1]);
    drop(subjects);
    let _ = fs::remove_dir_all(folder);
    ExitCode::SUCCESS
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn ours(folder: &Path) -> Subject {
    let address = free_address();
    let mut command = Command::new("taskset");
    command.args(["-c", "0", env!("CARGO_BIN_EXE_server"), "--bind", "127.0.0.1:0"]);
    command.arg("--zone").arg(folder.join("zone")).arg("--data").arg(folder.join("data"));
    command.args(["--dns", &address.to_string()]).arg(folder);
    Subject::start("threadbare", command, address)
}

fn nsd(folder: &Path) -> Subject {
    let address = free_address();
    let mut config = format!(
        "server:\n  server-count: 1\n  rrl-ratelimit: 0\n  ip-address: 127.0.0.1@{}\n  username: \"\"\n",
        address.port()
    );
    for file in ["zonelistfile", "logfile", "pidfile", "xfrdfile", "cookie-secret-file"] {
        config += &format!("  {file}: {:?}\n", folder.join(file).display().to_string());
    }
    config += &format!("  xfrdir: {0:?}\n  zonesdir: {0:?}\n", folder.display().to_string());
    config += "remote-control:\n  control-enable: no\nzone:\n  name: example.org\n";
    config += &format!("  zonefile: {:?}\n", folder.join("zone").display().to_string());
    fs::write(folder.join("nsd.conf"), config).unwrap();
    let mut command = Command::new("taskset");
    command.arg("-c").arg("0").arg(machine::find("nsd").unwrap());
    command.arg("-d").arg("-c").arg(folder.join("nsd.conf"));
    Subject::start("NSD", command, address)
}

impl Subject {
    /// Starts a server, and waits until it answers.
    fn start(name: &'static str, mut command: Command, address: SocketAddr) -> Subject {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut subject = Subject { name, child, address, samples: Vec::new() };
        let begun = Instant::now();
        while subject.measure(Duration::from_millis(20)).0 == 0.0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{name} does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        subject
    }

    /// Keeps so many queries under way for this time.
    fn measure(&mut self, time: Duration) -> (f64, f64) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let queries = QUESTIONS.map(|(name, record_type)| {
            let name = Name::parse(name).unwrap();
            let questions = vec![Question { name, record_type, class: Class::IN }];
            Message { questions, edns: Some(Edns::new(1232)), ..Message::default() }.encode(512)
        });
        let mut queries = queries.iter().cycle();
        let mut send = || drop(socket.send(queries.next().unwrap()));
        let (mut buffer, mut answered) = ([0; 2048], 0_u32);
        let (cpu, begun) = (machine::cpu(self.child.id()), Instant::now());
        (0..WINDOW).for_each(|_| send());
        while begun.elapsed() < time {
            match socket.recv(&mut buffer) {
                Ok(_) => {
                    answered += 1;
                    send();
                }
                // They are lost.
                Err(_) => (0..WINDOW).for_each(|_| send()),
            }
        }
        let (cpu, time) = (machine::cpu(self.child.id()).saturating_sub(cpu), begun.elapsed());
        let count = f64::from(answered);
        (count / time.as_secs_f64() / 1e3, cpu.as_secs_f64() * 1e6 / count)
    }
}
